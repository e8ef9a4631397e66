#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.1
# Swallowed panics: which recoveries are silent is told right, with what was seen; and the host is left alone again.
. "$(dirname "$0")/../lib/live.sh"
need_root
[ -d /sys/kernel/tracing/events/syscalls/sys_enter_write ] || skip_all "no syscall tracepoints here"

sites() { "$DEFERD" panics --control.socket="$tmp/deferd.sock" --json "$1" | jq -c '.sites[]'; } # PID
# PID FUNCTION: the verdict on panics raised in it, and what those wrote that were watched
judged() {
	sites "$1" | jq -rs --arg f "$2" '.[] | select(.site.function == $f) | .swallowed |
		"\(.verdict) silent \(.silent == .watched) again \(.panicked_again == .watched) on \(.went_on == .watched)" +
		([.watched as $n | .wrote | to_entries[] | select(.value == $n) | " " + .key] | add // "")'
}
judged_are() { [ "$(sites "$1" | jq -s '[.[] | select(.swallowed.watched >= 5)] | length')" = "$2" ]; } # PID N

# A service each, so that they do not wait for each other.
declare -A pids=()
start() { # VERSION BINARY
	cp "$2" "$tmp/$my$1"
	start_beside "swallow.$1" "$tmp/$my$1"
	pids[$1]=$program
}
build_fixtures c - default
ok $? "fixtures in C"
start c "$fixtures/cswallow"
if [ -z "${DEFERD_VM-}" ]; then # emulated: C is enough
	while read -r version go; do
		build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
		start "$version" "$fixtures/swallow.stripped"
	done < <(list_gos)
	skip_absent_gos
fi
start_daemon
for version in "${!pids[@]}"; do wait_until 30 attached "${pids[$version]}"; done
for version in "${!pids[@]}"; do echo >"$tmp/swallow.$version.gate"; done

for version in "${!pids[@]}"; do
	pid=${pids[$version]}
	[ "$version" = c ] && n=2 || n=8
	wait_until 100 judged_are "$pid" $n
	ok $? "$version: all are judged"
	[ "$version" = c ] && continue
	is "$(judged "$pid" main.quiet)" "suspected silent true again false on true" "$version: silence"
	is "$(judged "$pid" main.ends.func1)" "suspected silent true again false on false" "$version: silence of a goroutine that ends"
	is "$(judged "$pid" main.answers)" "suspected silent true again false on true network" "$version: an answer to the peer is no log"
	is "$(judged "$pid" main.toStderr)" "no silent false again false on true stderr" "$version: logged"
	is "$(judged "$pid" main.toFile.func1)" "no silent false again false on true file" "$version: logged after the recovery"
	is "$(judged "$pid" main.toSocket)" "no silent false again false on true unix_socket" "$version: logged by a Unix socket"
	is "$(judged "$pid" main.again.func2)" "no silent false again true on true" "$version: raised again"
	swallowed="deferd_panic_sites_swallowed{service=\"$my$version\"}"
	wait_until 10 metric_is "$swallowed" 4
	is "$(metric "$swallowed")" 4 "$version: sites in the metric"
done
is "$(judged "${pids[c]}" quiet)" "suspected silent true again false on true" "C: silence"
is "$(judged "${pids[c]}" logs)" "no silent false again false on true stderr" "C: logged"
wait_until 3 metric_is deferd_write_hooks_attached 0
gone=$?
ok $gone "the hooks are gone when all is judged"
# It may be a program of somebody else.
[ $gone = 0 ] || note "not judged: $("$DEFERD" panics --control.socket="$tmp/deferd.sock" --json |
	jq -c '.sites[] | select(.swallowed.watched < 5) | [.service, .site.function, .outcomes]')"
stop_daemon
ok $? "the daemon ends well"

# Turned off while they are attached.
echo 'probes: { watch_writes: true }' >"$tmp/deferd.yml"
start_daemon -c "$tmp/deferd.yml" --log.level=debug
# By the log: where all is judged within a second, nobody may look at the metric meanwhile.
wait_until 30 grep -q 'watching writes after panics' "$tmp/deferd.log"
ok $? "the hooks are attached for a site that nobody knows"
echo 'probes: { watch_writes: false }' >"$tmp/deferd.yml"
kill -HUP "$daemon"
wait_until 3 metric_is deferd_write_hooks_attached 0
ok $? "write hooks are gone when they are turned off"
stop_daemon
ok $? "the daemon ends well, again"
if [ -z "${DEFERD_VM-}" ]; then # emulated: this is no kernel's business
	start_daemon -c "$tmp/deferd.yml"
	recovered() { sites "${pids[c]}" | jq -s 'map(.outcomes.recovered) | length > 0 and all(. >= 5)' | grep -q true; }
	wait_until 30 recovered
	is "$(metric deferd_write_hooks_attached)" 0 "write hooks are not attached while they are turned off"
	is "$(judged "${pids[c]}" quiet | cut -d' ' -f1)" unsure "without write hooks the verdict is unsure"
	stop_daemon
fi
for version in "${!pids[@]}"; do
	echo >"$tmp/swallow.$version.gate"
	wait "${pids[$version]}"
	ok $? "$version: the program ends well"
done
done_testing
