#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Descriptors read from /proc, as on kernels that give no pass over all of them: leaks are found all the same, but ports are not
# known; and of processes in namespaces of their own, which nobody outside sees by the numbers that they have inside.
. "$(dirname "$0")/../lib/live.sh"
need_go
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\ndescriptors: { source: proc }\n' >"$tmp/proc.yml"
start_daemon -c "$tmp/proc.yml"

observe() { # NAME PATH COMMAND...: sets program to the process of PATH, which the command becomes or starts
	start_beside "$1" "${@:3}"
	observed() { program=$(pgrep -n -f "^$1 -rounds") && attached "$program"; }
	wait_until 20 observed "$2"
	ok $? "$1 is observed"
}
verdict_is() { [ "$(target fd_leak.verdict "$1")" = "$2" ]; }
counted() { [ "$(target open_fds "$1")" = "$(ls "/proc/$1/fd" | wc -l)" ]; }
for name in leaking connecting steady; do cp "$fixtures/fdleak" "$tmp/$my$name"; done
mkdir "$tmp/apart"
observe leaking "$tmp/${my}leaking" "$tmp/${my}leaking" -rounds 1000000 -pause 200ms && leaking=$program
observe connecting "$tmp/${my}connecting" "$tmp/${my}connecting" -rounds 1000000 -pause 500ms -conns && connecting=$program
observe steady "$tmp/${my}steady" "$tmp/${my}steady" -rounds 1000000 -pool 40 && steady=$program
# Its file is on a file system that nobody else has mounted.
apart=(unshare --pid --fork --kill-child --mount --mount-proc)
if "${apart[@]}" true 2>"$tmp/unshare"; then
	observe inside "$tmp/apart/${my}inside" "${apart[@]}" sh -c 'mount -t tmpfs none "${2%/*}" && cp "$1" "$2" &&
		"$2" -rounds 1000000 -pause 200ms; exit' - "$fixtures/fdleak" "$tmp/apart/${my}inside" && inside=$program
else
	skip "a process in namespaces of its own" "$(cat "$tmp/unshare")"
fi
for name in leaking connecting steady ${inside:+inside}; do echo >"$tmp/$name.gate"; done
if [ -n "${inside-}" ]; then
	[ "$(awk '/^NSpid/ { print $3 }' "/proc/$inside/status")" -lt 10 ] && [ ! -e "$tmp/apart/${my}inside" ]
	ok $? "a process has another number and file system in its namespaces"
fi
one=${inside:-$leaking} # of which all is known

for name in leaking connecting ${inside:+inside}; do
	wait_until 60 verdict_is "${!name}" leaking
	ok $? "$name: leaks"
done
is "$(target 'fd_groups | map(select(.leak.verdict == "leaking") | .kind) | join(" ")' "$one")" device "the kind of the leaking descriptors"
is "$(target 'fd_groups | map(select(.leak.verdict == "leaking") | "\(.kind) \(.port)") | join(" ")' "$connecting")" "socket null" \
	"connections, of which /proc knows neither family nor port"
sited() { target 'fd_sites | map(select(.kept > 0) | .site.function) | join(" ")' "$1" | grep -q main.leaks5; }
wait_until 60 sited "$one"
ok $? "the line that leaks is named"
kill -STOP "$one"
wait_until 10 counted "$one"
ok $? "and the number is right: $(target open_fds "$one")"
kill -CONT "$one"
# The pool was made while it was followed: it has grown, and then it is steady.
wait_until 60 verdict_is "$steady" steady
ok $? "who has a pool does not" || target fd_leak "$steady" >&2
! grep -q "alert firing.*service=${my}steady" "$tmp/deferd.log"
ok $? "there was never an alert about the pool"

# By a reload the kernel tells, and nothing is judged anew.
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\n' >"$tmp/proc.yml"
kill -HUP "$daemon"
ports_known() { [ "$(target 'fd_groups | map(select(.port)) | length' "$connecting")" -gt 0 ]; }
wait_until 20 ports_known
ok $? "a reload turns to the kernel's iterator, which has ports"
wait_until 10 verdict_is "$leaking" leaking
ok $? "a leak is still one after the reload"

# Who is there no more, and who never was a program.
stuck() { exec sh -c 'sleep 0 & exec sleep 100'; }
stuck &
parent=$!
live_pids+=("$parent")
zombie_of() { awk -v p="$parent" '{ sub(/.*\) /, ""); if ($1 == "Z" && $2 == p) print FILENAME }' /proc/[0-9]*/stat 2>/dev/null | cut -d/ -f3; }
has_zombie() { [ -n "$(zombie_of)" ]; }
wait_until 5 has_zombie
for pid in $(zombie_of) 2; do
	"$DEFERD" fds "$pid" >/dev/null 2>"$tmp/err"
	is "$? $(cat "$tmp/err")" "1 deferd fds: no process or service '$pid' is known here" "$(awk '/^Name/ { print $2 }' "/proc/$pid/status"): no program"
done
"$DEFERD" fds --json | jq -e --argjson z "$(zombie_of)" 'all(.[]; .pid != $z or .open_fds == 0)' >"$tmp/jq"
ok $? "among all it has nothing"
grep -E 'level=(warn|error)' "$tmp/deferd.log" | grep -v -e 'alert firing' -e 'the event loop was blocked' >"$tmp/complaints"
is "$(cat "$tmp/complaints")" "" "no warnings in the log but of alerts and of a busy machine"
stop_daemon
ok $? "the daemon ends well"
done_testing
