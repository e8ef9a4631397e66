#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How processes end without a panic: by SIGPIPE, for want of memory, by somebody's SIGKILL, with a status; with their age and
# their last panic. Only the first two are a death to be woken for.
. "$(dirname "$0")/../lib/live.sh"
need_root
gos=$(list_gos)
read -r version go <<<"$gos"
[ -n "${go-}" ] || skip_all "no Go here to build the program with"

mkdir "$tmp/ends"
cat >"$tmp/ends/main.go" <<'END'
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// deep has no end. Where its stack is full is chance: leaf needs far more of it.
//
//go:noinline
func deep(n int) int { return leaf(n) + deep(n+1) + 1 }

//go:noinline
func leaf(n int) int {
	var room [512]int
	room[n%len(room)] = n
	return room[(n+1)%len(room)]
}

type node struct{ name string }

// String prints itself, by way of fmt.
func (n *node) String() string { return fmt.Sprintf("node %s of %v", n.name, n) }

func finite(n int) int {
	if n == 0 {
		return 0
	}
	return finite(n-1) + 1
}

func quiet() {
	defer func() { _ = recover() }()
	panic(errors.New("no such user"))
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	lines.ReadString('\n')
	quiet()
	switch os.Args[1] {
	case "exit":
		os.Exit(3)
	case "well":
		os.Exit(0)
	case "asked":
		os.Exit(143)
	case "pipe":
		for {
			fmt.Println("all is well")
		}
	case "deep":
		debug.SetMaxStack(1 << 20)
		fmt.Fprintln(os.Stderr, deep(0))
	case "prints":
		debug.SetMaxStack(1 << 20)
		fmt.Fprintln(os.Stderr, &node{"a"})
	case "finite":
		fmt.Fprintln(os.Stderr, finite(1000))
		os.Exit(0)
	case "memory":
		var keep [][]byte
		for {
			b := make([]byte, 4<<20)
			for i := range b {
				b[i] = 1
			}
			keep = append(keep, b)
		}
	}
	time.Sleep(time.Hour)
}
END
printf 'module ends\n\ngo 1.19\n' >"$tmp/ends/go.mod"
build() { # GO FILE
	(cd "$tmp/ends" && GOCACHE=$BUILD/gocache GOTOOLCHAIN=local CGO_ENABLED=0 "$1" build -o "$2" .)
}
build "$go" ends || skip_all "the program is not built"

declare -A pids
deaths() { # NAME
	curl -sf -m 5 "$url/api/v1/panics?pid=${pids[$1]}" | jq -c '. as $all | [.panics[] | select(.kind != "panic") |
		.last_panic as $last | [.kind, .message, .age_seconds > 0, .id > 0,
			first($all.panics[] | select(.id == $last) | .message)]]'
}
deaths_are() { [ "$(deaths "$1")" = "$2" ]; }
start() { # NAME
	cp "$tmp/ends/ends" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "$1"
	pids[$1]=$program
	wait_until 20 attached "$program"
}
wants() { # NAME WANTED
	wait_until 10 deaths_are "$1" "$2"
	is "$(deaths "$1")" "$2" "$1"
}

start_daemon
for name in exit well asked killed term; do
	start $name
	echo >"$tmp/$name.gate"
done
panicked() { curl -sf -m 5 "$url/api/v1/panics?pid=${pids[$1]}" | jq -e '.totals[0].outcomes.recovered == 1'; }
for name in killed term; do
	wait_until 10 panicked $name
	signal=KILL
	[ $name = killed ] || signal=TERM
	kill -$signal "${pids[$name]}"
	wait "${pids[$name]}" 2>/dev/null
done
wants exit '[["exit","exit status 3",true,true,"no such user"]]'
wants killed '[["signal","SIGKILL: killed by another process",true,true,"no such user"]]'
for name in well asked term; do
	wants $name '[]'
done

# Their stacks are full: by whom, though it is found on another stack, and often in somebody whom they call.
place() { # NAME: kind, message, line, whether its goroutine is known
	curl -sf -m 5 "$url/api/v1/panics?pid=${pids[$1]}" | jq -c '.panics[] | select(.kind != "panic") |
		[.kind, .message, .site.function, .goroutine > 0, ([.stack[].function] | index("runtime.morestack") != null)]'
}
place_is() { [ "$(place "$1")" = "$2" ]; }
overflows() { # MODE FUNCTION
	local name=$1-$version
	cp "$tmp/ends/other" "$tmp/$my$name"
	start_beside "$name" "$tmp/$my$name" "$1"
	pids[$name]=$program
	wait_until 20 attached "$program"
	echo >"$tmp/$name.gate"
	wait_until 20 place_is "$name" "[\"throw\",\"stack overflow\",\"$2\",true,true]"
	is "$(place "$name")" "[\"throw\",\"stack overflow\",\"$2\",true,true]" "$1: $version"
	wait_until 10 firing "$my$name" ProcessDied
	ok $? "$1: $version: an alert"
}
while read -r version go; do
	is_sample "$version" "$go" || continue
	build "$go" other || { skip "$version" "the program is not built"; continue; }
	overflows deep main.deep
	overflows prints 'main.(*node).String'
done <<<"$gos"
start finite
echo >"$tmp/finite.gate"
wait "${pids[finite]}"
is $? 0 "finite: ends well"
wants finite '[]'

# Its reader goes away.
cp "$tmp/ends/ends" "$tmp/${my}pipe"
make_gate pipe
"$tmp/${my}pipe" pipe <>"$tmp/pipe.gate" 2>/dev/null > >(head -1 >/dev/null) &
pids[pipe]=$!
live_pids+=("${pids[pipe]}")
wait_until 20 attached "${pids[pipe]}"
echo >"$tmp/pipe.gate"
wants pipe '[["signal","SIGPIPE: write to broken pipe",true,true,"no such user"]]'
wait_until 10 firing "${my}pipe" ProcessDied
ok $? "pipe: an alert"
for name in exit killed; do
	! firing "$my$name" ProcessDied
	ok $? "$name: no alert"
done
grep -q 'msg="process ended".*cause="SIGPIPE: write to broken pipe".*age=.*last_panic="#' "$tmp/deferd.log"
ok $? "pipe: in the log"

# A folder with a limit, of whichever version there is; on anything else nothing eats memory.
limit_memory() {
	if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
		group=/sys/fs/cgroup/memory/$my$$
		mkdir "$group" && echo 48M >"$group/memory.limit_in_bytes" && [ "$(cat "$group/memory.limit_in_bytes")" = $((48 << 20)) ]
	elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		group=/sys/fs/cgroup/$my$$
		mkdir "$group" && echo 48M >"$group/memory.max" && echo 0 >"$group/memory.swap.max"
	else
		false
	fi 2>/dev/null
}
group=
if limit_memory; then
	start memory
	echo "${pids[memory]}" >"$group/cgroup.procs" && echo >"$tmp/memory.gate"
	wants memory '[["signal","SIGKILL: killed by the kernel: the host or the cgroup was out of memory",true,true,"no such user"]]'
	wait_until 10 firing "${my}memory" ProcessDied
	ok $? "memory: an alert"
	wait "${pids[memory]}" 2>/dev/null
else
	skip "memory" "no cgroup with a limit of memory here"
fi
[ -z "$group" ] || rmdir "$group" 2>/dev/null
stop_daemon
done_testing
