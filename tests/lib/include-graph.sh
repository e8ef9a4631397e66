#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# include-graph.sh [--check]: who includes whom below daemon/, by folder, with the band of each. --check prints only the
# includes that climb, and fails when there are any.
set -euo pipefail
cd "$(dirname "$0")/../.."

# From means to compose; daemon/README.md says what each band is.
bands="base:0 http:0 stat:0 proc:1 arch:1 elf:1 golang:1 event:2 census:3 probe:3 model:4 alert:5 export:6 ui:6 config:7 engine:8 cmd:9"
grep -HoE '^#include "[a-z_]+/' daemon/*/*.[ch] | sed -E 's#daemon/([a-z_]+)/[^:]*:\#include "([a-z_]+)/#\1 \2#' | sort | uniq -c |
	awk -v bands="$bands" -v check="${1-}" '
	BEGIN { n = split(bands, list, " "); for (i = 1; i <= n; i++) { split(list[i], pair, ":"); band[pair[1]] = pair[2] } }
	$2 == $3 { next }
	!($2 in band) || !($3 in band) { print "no band: " $2 " or " $3; bad = 1; next }
	{ climbs = band[$3] > band[$2]; bad = bad || climbs }
	check == "" || climbs { printf "%-8s %s %-8s %3d include(s)%s\n", $2, "->", $3, $1, climbs ? "  CLIMBS" : "" }
	END { exit check != "" && bad }'
