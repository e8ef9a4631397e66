#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# libfuzzer.t: the eaters of Go programs under clang's libFuzzer, for FUZZ_SECONDS each (default 60; 0: not at all), two at a
# time. Seeds are the driver's own and a real program's, whole, cut off and with bits flipped (NAME_fuzz --seeds), and
# corpus/NAME/. Two runs each:
#   with the address and undefined-behaviour sanitizers: no crash, no read past the end, no input that takes 10 s. Their
#   shadow memory and quarantine alone are more than 64 MiB, hence the higher limit;
#   without, for a quarter of the time: within 64 MiB, libFuzzer and what it keeps of its inputs included (hence the shorter
#   inputs: it keeps hundreds).
# What was found is in BUILD/fuzz/NAME/corpus, crashes in BUILD/fuzz/NAME.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
build=${BUILD:-$PWD/build}
clang=${CLANG:-clang}
seconds=${FUZZ_SECONDS:-60}
dir=$build/fuzz
rss_mb=64 rss_asan_mb=1024
max_len=2097152 max_len_plain=32768

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$seconds" -gt 0 ] || skip_all "FUZZ_SECONDS is $seconds"
command -v "$clang" >/dev/null || skip_all "no $clang"
mkdir -p "$dir"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n) { return 0; }' >"$dir/probe.c"
"$clang" -fsanitize=fuzzer,address -o "$dir/probe" "$dir/probe.c" 2>"$dir/probe.log" ||
	skip_all "$clang has no libFuzzer (Debian's libclang-rt-14-dev): $(tail -1 "$dir/probe.log")"

sources="daemon/golang/*.c daemon/elf/elfimg.c daemon/arch/*.c daemon/base/reason.c daemon/base/utf8.c"
compile() { # NAME SANITIZERS OUT
	# shellcheck disable=SC2086
	"$clang" -std=gnu11 -D_GNU_SOURCE -DFUZZ_LIBFUZZER -O1 -g -fno-omit-frame-pointer -Wno-unused-function \
		-fsanitize="fuzzer,$2" -fno-sanitize-recover=all -Idaemon -Iinclude -Itests/lib -Itests/fuzz \
		-o "$3" "tests/fuzz/$1_fuzz.c" $sources -lZydis -lm
}

# A stripped Go program, and its function table alone.
program=$dir/hello
go_program() {
	command -v go >/dev/null || return 1
	mkdir -p "$program.d" && printf 'package main\n\nfunc main() { println("hello") }\n' >"$program.d/main.go"
	(cd "$program.d" && GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0 GOCACHE=$build/gocache go build -ldflags='-s -w' -o ../hello .) &&
		objcopy -O binary --only-section=.gopclntab "$program" "$program.pclntab"
}

seed() { # NAME: into $dir/NAME/seeds
	local real=()
	case $1 in
	pclntab) [ -e "$program.pclntab" ] && real=("$program.pclntab") ;;
	*) [ -e "$program" ] && real=("$program") ;;
	esac
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1/seeds" "$dir/$1/corpus"
	cp "$here/corpus/$1"/* "$dir/$1/seeds/" 2>/dev/null
	"$build/tests/fuzz/$1_fuzz" --seeds "$dir/$1/seeds" ${real[@]+"${real[@]}"}
}

fuzz() { # NAME: everything said goes to $dir/NAME/log; its status is that of the runs
	local out=$dir/$1 common=(-timeout=10 -print_final_stats=1)
	compile "$1" address,undefined "$out/fuzz" && compile "$1" undefined "$out/plain" || return 1
	"$out/fuzz" "${common[@]}" -artifact_prefix="$out/" -max_total_time="$seconds" -rss_limit_mb=$rss_asan_mb \
		-max_len=$max_len "$out/corpus" "$out/seeds" || return 1
	"$out/plain" "${common[@]}" -artifact_prefix="$out/plain-" -max_total_time=$((seconds / 4 + 1)) -rss_limit_mb=$rss_mb \
		-max_len=$max_len_plain "$out/seeds"
}

stat_of() { # NAME STAT: of both runs
	sed -n "s/^stat::$2: *//p" "$dir/$1/log" | paste -sd/
}

names=(buildinfo pclntab gotype)
go_program >"$dir/hello.log" 2>&1 || echo "# no Go: no real program among the seeds"
declare -A pid
running=()
for name in "${names[@]}"; do
	seed "$name" || continue
	while [ ${#running[@]} -ge 2 ]; do
		wait "${running[0]}" 2>/dev/null
		running=("${running[@]:1}")
	done
	fuzz "$name" >"$dir/$name/log" 2>&1 &
	pid[$name]=$!
	running+=($!)
done
n=0
for name in "${names[@]}"; do
	n=$((n + 1))
	if [ -n "${pid[$name]-}" ] && wait "${pid[$name]}"; then
		echo "ok $n - $name: $(stat_of "$name" number_of_executed_units) runs, peak $(stat_of "$name" peak_rss_mb) MiB"
	else
		echo "not ok $n - $name"
		tail -30 "$dir/$name/log" | sed 's/^/# /'
	fi
done
echo "1..$n"
