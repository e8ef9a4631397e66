#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The example configuration is what the program itself prints, and it is good.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
echo 1..2
"$DEFERD" check-config --example | diff - deploy/examples/deferd.yml >/dev/null
[ "${PIPESTATUS[0]}${PIPESTATUS[1]}" = 00 ] || printf 'not '
echo "ok 1 - deploy/examples/deferd.yml is what check-config --example prints"
"$DEFERD" check-config deploy/examples/deferd.yml >/dev/null || printf 'not '
echo "ok 2 - and check-config is content with it"
