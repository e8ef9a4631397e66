#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# corpus.t: the fuzz drivers without a fuzzer, as TAP. Each driver reads every file of its corpus, corpus/NAME/; those
# built on driver.h also run a fixed number of mutations from a fixed seed, so a failure here is the same everywhere:
#   NAME_fuzz --mutate FUZZ_ROUNDS FUZZ_SEED corpus/NAME/*
# They may be set in the environment to look further, as make check-all does. The defaults take some seconds.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
drivers=$build/tests/fuzz
rounds=${FUZZ_ROUNDS:-100000}
seed=${FUZZ_SEED:-10035}
limit=60 # seconds of processor time, far more than needed: a driver that loops fails instead of stopping the run

n=0
limited() { # COMMAND...
	(ulimit -t $limit && exec timeout $((limit * 10)) "$@") 2>&1
}
result() { # status, name, output
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2 (status $1)"
		[ -n "$3" ] && sed 's/^/# /' <<<"$3"
	fi
}

for src in "$here"/*_fuzz.c; do
	name=$(basename "$src" _fuzz.c)
	driver=$drivers/${name}_fuzz
	if [ ! -x "$driver" ]; then
		n=$((n + 1))
		echo "ok $n - $name # SKIP $driver is not built"
		continue
	fi
	files=()
	for f in "$here/corpus/$name"/*; do
		[ -f "$f" ] && files+=("$f")
	done
	if [ ${#files[@]} -gt 0 ]; then
		out=$(limited "$driver" "${files[@]}")
		result $? "$name: ${#files[@]} files" "$out"
	fi
	if grep -q '"driver.h"' "$src"; then
		out=$(limited "$driver" --mutate "$rounds" "$seed" "${files[@]}")
		result $? "$name: mutations of seed $seed" "$out"
	fi
done
echo "1..$n"
