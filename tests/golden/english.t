#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Plain English in what a user reads: strings of the program, manual pages, README, examples. A list of what made earlier
# texts hard to read; the right uses are excepted, by file.
cd "$(dirname "$0")/../.." || exit 1
words='\btold\b|\btells?\b|\bnobody\b|\bwhoever\b|\bso many\b|not any more|but for\b|\bof what\b|\bhears?\b|\b(is|are) no [a-z]+ (program|number|socket|set|leak|list)|take[sn]? .* for ended|as a leak does|\bkernel cannot[".:;]|so it is with|\bmade-up\b|makes no sense'
excepted='^daemon/(cmd|export|ui)/[a-z_]*\.c:[0-9]*:"(un)?told"$
^daemon/(cmd/panics|ui/panics_page|export/panics|ui/tables_panics)\.c:[0-9]*:"untold"$
^daemon/probe/worker_main\.c:.*become nobody
^daemon/alert/evidence\.c:.*of what is kept
^deploy/man/deferd-internals\.7:.*runs as user nobody
^deploy/systemd/deferd\.service:.*becomes nobody'
strings() { grep -noE '"([^"\\]|\\.)*"' $(git ls-files 'daemon/*.c' 'daemon/*.h') | grep -v '\.h"$'; }
texts() { grep -nE '.' README.md deploy/man/*.[1-8] deploy/examples/deferd.yml deploy/systemd/deferd.service deploy/prometheus/*.yml | grep -v ':\.\\"'; }
n=0
check() { # NAME, lines on stdin
	local met
	met=$(grep -E "$words" | grep -vEf <(echo "$excepted"))
	n=$((n + 1))
	[ -z "$met" ] || printf 'not '
	echo "ok $n - $1"
	[ -z "$met" ] || sed 's/^/# /' <<<"$met"
}
check "strings of the program are plain English" < <(strings)
check "manual pages, README and examples are plain English" < <(texts)
echo "1..$n"
