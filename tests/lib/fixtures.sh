#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# fixtures.sh: builds the programs that live tests observe, in the ways that the guests run, in C and by the first Go of the PATH, where they
# are missing or older than their sources. Each test does so for itself; a virtual machine would take its time.
. "$(dirname "$0")/live.sh"
ways=(default stripped pie)
build_fixtures c - "${ways[@]}" && read -r version go < <(list_gos) && build_fixtures "$version" "$go" "${ways[@]}" ||
	{ cat "$tmp/build.log"; exit 1; } 2>/dev/null
