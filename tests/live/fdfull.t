#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Who has no descriptor left is told of at once and as long as it is so, with the line that opened them; who comes near, or gets more
# in time, is not. A census each second; all else is as the defaults are.
. "$(dirname "$0")/../lib/live.sh"
need_go
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"

begin() { # NAME OPTIONS...: a copy of the fixture with a limit of 300, as a service of that name
	cp "$fixtures/fdfull" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "${@:2}"
	wait_until 10 grep -q start "$tmp/$1.out" # until then Go raises its soft limit
	prlimit --pid "$program" --nofile=300:1000
}
goes_on() { echo >"$tmp/$1.gate"; }
has_open() { [ "$(ls "/proc/$1/fd" | wc -l)" -ge "$2" ]; }
silent() { ! firing "$my$1" "$2"; }

# One that has sat at nine tenths before anybody looked.
begin pool -pause 2ms -most 262 && pool=$program
goes_on pool
wait_until 20 has_open "$pool" 262
start_daemon -c "$tmp/fast.yml"
begin fills && fills=$program
begin raised -pause 20ms -most 400 && raised=$program
begin waves -pause 5ms -wave && waves=$program
for p in "$pool" "$fills" "$raised" "$waves"; do wait_until 20 attached "$p"; done
for name in fills raised waves; do goes_on $name; done

# Inotify instances, of a user that has no others: the limit that comes first is his.
as_user=''
if as_nobody; then
	cp "$fixtures/fdfull" "$tmp/${my}watches"
	start_beside watches setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/${my}watches" -watchers -pause 400ms && watches=$program
	wait_until 20 attached "$watches"
	goes_on watches
	as_user=yes
fi

wait_until 30 firing "${my}fills" DescriptorsGrowing
ok $? "growth towards the limit is told: $(ls "/proc/$fills/fd" | wc -l) of 300 are open"
wait_until 30 has_open "$fills" 300
full_ms=$(now_ms)
wait_until 5 firing "${my}fills" DescriptorsExhausted
ok $? "none is left: an alert after $(($(now_ms) - full_ms)) ms"
is "$(target '| "\(.fds_left) \(.fd_exhaustion_seconds) \(.max_fds) \(.hard_max_fds)"' "$fills")" "0 0 300 1000" "nothing is left, and no time"
says() { # SERVICE RULE: its summary
	curl -sf "$url/api/v1/alerts" | jq -r --arg s "$my$1" --arg r "$2" \
		'.data.alerts[] | select(.labels.service == $s and .labels.alertname == $r).annotations.summary'
}
says_who() { says fills DescriptorsExhausted | grep -q 'calls fail in main.(\*hoarder)'; }
wait_until 20 says_who
ok $? "its text has the line: $(says fills DescriptorsExhausted)"
looks_bad() { [[ $(target fd_leak.verdict "$fills") =~ ^(leaking|exhausted)$ ]]; }
check "the verdict is not that all is well: $(target fd_leak.verdict "$fills")" looks_bad
"$DEFERD" fds --control.socket="$tmp/deferd.sock" "$fills" >"$tmp/fds"
grep -q 'the limit is reached: no descriptor is left' "$tmp/fds"
ok $? "deferd fds says it" || cat "$tmp/fds" >&2

wait_until 20 firing "${my}raised" DescriptorsExhausted
ok $? "another one"
prlimit --pid "$raised" --nofile=1000:1000
wait_until 40 silent raised DescriptorsExhausted
ok $? "is over when the limit is raised"
wait_until 20 firing "${my}waves" DescriptorsExhausted
ok $? "who is full for a moment is told of"
goes_on waves
wait_until 40 silent waves DescriptorsExhausted
ok $? "and that is over when it is"

instances=$(cat /proc/sys/fs/inotify/max_user_instances)
limits_watches() { [ "$(target '| "\(.fd_limit.name) \(.fd_limit.max)"' "$watches")" = "fs.inotify.max_user_instances $instances" ]; }
if [ -z "$as_user" ]; then
	skip "inotify instances" "$why"
elif [ "$instances" -gt 512 ]; then
	skip "inotify instances" "$instances a user"
else
	wait_until 60 limits_watches
	ok $? "the limit of who leaks inotify instances: $(target fd_limit "$watches" | tr -d ' \n')"
	wait_until 120 firing "${my}watches" DescriptorsExhausted
	ok $? "none is left: $(says watches DescriptorsExhausted)"
	says watches DescriptorsExhausted | grep -q "^${my}watches .*no inotify instance is left (fs.inotify.max_user_instances"
	ok $? "the text has the limit"
fi

# Watches of inotify, which Linux refuses as if a disk were full. Who writes to a full disk has lost no descriptor.
mkdir "$tmp/disk"
if ! unshare -Ur sh -c 'echo 50 >/proc/sys/user/max_inotify_watches' 2>"$tmp/err"; then
	skip "inotify watches" "no user namespace: $(cat "$tmp/err")"
else
	for name in nowatch nodisk; do cp "$fixtures/fdfull" "$tmp/$my$name"; done
	start_beside nowatch unshare -Ur sh -c 'echo 50 >/proc/sys/user/max_inotify_watches && exec "$@"' - \
		"$tmp/${my}nowatch" -watches -pause 20ms && nowatch=$program
	TMPDIR=$tmp/disk start_beside nodisk unshare -m sh -c 'mount -t tmpfs -o nr_inodes=50 tmpfs "$TMPDIR" && exec "$@"' - \
		"$tmp/${my}nodisk" -watches -pause 2ms && nodisk=$program
	for p in "$nowatch" "$nodisk"; do wait_until 20 attached "$p"; done
	for name in nowatch nodisk; do goes_on $name; done
	wait_until 20 firing "${my}nowatch" DescriptorsExhausted
	ok $? "no watch is left: $(says nowatch DescriptorsExhausted)"
	says nowatch DescriptorsExhausted | grep -q "^${my}nowatch .*no inotify watch is left (fs.inotify.max_user_watches).*calls fail in main.(\*hoarder).watch"
	ok $? "the text has the limit and the line"
	goes_on nowatch
	wait_until 40 silent nowatch DescriptorsExhausted
	ok $? "it is over when nobody asks for more"
	goes_on nodisk
	nodisk_full() { [ "$(truth nodisk refused)" -gt 100 ]; }
	wait_until 20 nodisk_full
	ok $? "a disk was full: $(truth nodisk refused) times"
	is "$(sed -n "s/.*alert firing. alert=\([^ ]*\) .*service=${my}nodisk .*/\1/p" "$tmp/deferd.log")" "" "and that is no want of watches"
fi

# It has been full for a minute: what tells of the growth that led there stays, too.
later_ms=$((full_ms + 65000))
[ "$(now_ms)" -ge $later_ms ] || sleep "$(((later_ms - $(now_ms)) / 1000 + 1))"
for rule in DescriptorsExhausted DescriptorsGrowing; do
	check "after more than a minute: $rule" firing "${my}fills" $rule
done
goes_on fills
for rule in DescriptorsExhausted DescriptorsGrowing; do
	wait_until 90 silent fills $rule
	ok $? "when all are closed it is over: $rule"
done
! grep -q "alert firing.*service=${my}pool " "$tmp/deferd.log"
ok $? "nothing was said of who sits at nine tenths"
done_testing
