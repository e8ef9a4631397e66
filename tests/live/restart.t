#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# deferd is restarted, by SIGKILL and by SIGTERM, in the middle of an incident that is one only beside what is usual: the page goes on,
# with its start, is told to nobody again, and ends with what it is about. Panics by site and in all are counted on. What cannot be
# read or written is ignored and said.
# early: it learns for half a minute what is usual
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/requests.sh
need_timing
command -v perl >/dev/null || skip_all "no perl for a webhook"
read -r version go < <(head -1 <<<"$gos")
build_fixtures "$version" "$go" stripped || skip_all "fixtures: $(tail -1 "$tmp/build.log")"

start_sink
state=$tmp/keeps/state
cat >"$tmp/config.yml" <<END
state: { directory: "$tmp/keeps" }
probes: { threshold: 10, watch_writes: false }
default_rules: false
rules:
  - alert: Slow
    expr: defer_depth_max >= 10 and request_p95_rise_seconds > 50ms and slow_requests_deep_ratio >= 0.25
    for: 2s
    keep_firing_for: 20s
    severity: page
    annotations: { runbook: "https://wiki/{{ .service }}" }
receivers:
  alertmanagers: [{ url: "$sink/am" }]
  webhooks: [{ url: "$sink/ok" }]
END
told() { # MEMBER of what the webhook was told of, one a line
	sed -n 's#^/ok ##p' "$tmp/sink.out" | jq -r ".alerts[] | $1"
}
told_times() { [ "$(told .labels.alertname | wc -l)" = "$1" ]; }
alert() { # FIELD of the one alert
	curl -sf -m 5 "$url/api/v1/alerts" | jq -r ".data.alerts[] | select(.labels.alertname == \"Slow\" and .state == \"firing\") | $1"
}
began() { date +%s -d "$(alert .activeAt)"; }
pages() { [ "$(alert .state)" = firing ]; }
known() { [ "$(alert .known)" = true ]; }
usual() { requests p95_baseline_seconds; }
learned() { [ "$(requests 'p95_baseline_seconds != null')" = true ]; }
is_usual() { awk -v p="$(usual)" 'BEGIN { exit !(p > 0 && p < 0.06) }'; }
has_kept() { tail -n +2 "$state" | jq -e '.kept.alerts[] | select(.rule == "Slow") | .heard'; }
quiet_told() { # recoveries of the quiet site that were told
	curl -sf -m 5 "$url/api/v1/panics?pid=$swallow" |
		jq '[.sites[] | select(.site.function == "main.quiet" and .outcomes.recovered == .told) | .told] | add // 0'
}
total() { curl -sf -m 5 "$url/api/v1/panics?pid=$swallow" | jq '.totals[0].started // 0'; }
metric_total() { metric "deferd_panics_total{service=\"${my}swallow.stripped\",outcome=\"recovered\"}"; }
more_than() { [ "$($1)" -gt "$2" ]; } # COMMAND NUMBER

start_daemon --config.file="$tmp/config.yml"
start_beside swallow "$fixtures/swallow.stripped"
swallow=$program
wait_until 20 attached "$swallow"
echo >"$tmp/swallow.gate"
start_beside serves "$fixtures/serves.stripped" -n 100000000 -clients 8 -later 20
serves=$program
wait_until 20 timed
echo >"$tmp/serves.gate"
wait_until 60 learned
is_usual
ok $? "what is usual is learned: $(usual) s"
kill -USR2 "$serves"
wait_until 60 pages
ok $? "requests become slow: a page"
wait_until 20 told_times 1
ok $? "the webhook is told"
wait_until 20 has_kept
ok $? "it is kept at once, and that it was told"
is "$(stat -c %a "$state")" 600 "for nobody else to read"
wait_until 20 more_than quiet_told 2
since=$(began) quiet=$(quiet_told) all=$(total)
kept_panics() { grep -o '"panics":[0-9]*' "$state" | sort -t: -k2 -n | tail -1 | cut -d: -f2; }

again() { # HOW, PANICS that it knows
	start_daemon --config.file="$tmp/config.yml"
	pages
	ok $? "$1: the page is there as soon as deferd answers"
	grep -q 'msg="kept by an earlier deferd [0-9]* s ago: 2 services, 2 processes, 1 alerts"' "$tmp/deferd.log"
	ok $? "$1: it says what it found"
	[ "$(metric_total)" -ge "$2" ]
	ok $? "$1: the counter of panics goes on from $2"
	wait_until 20 attached "$serves"
	wait_until 20 attached "$swallow"
	wait_until 60 known
	ok $? "$1: what it is about is known again"
	[ $(($(began) - since)) -le 1 ] && [ $((since - $(began))) -le 1 ]
	ok $? "$1: with the start that it had"
	is_usual
	ok $? "$1: the usual p95 is what it was: $(usual) s"
	is "$(alert .site.function)" deferd.example/fixtures/served.held "$1: its line is found again"
	is "$(alert .annotations.runbook)" "https://wiki/${my}serves.stripped" "$1: it has its annotations"
	[ "$(total)" -ge "$2" ]
	ok $? "$1: so does the total of the process"
	wait_until 30 more_than quiet_told "$quiet"
	ok $? "$1: panics of a site are counted on: from $quiet to $(quiet_told)"
	quiet=$(quiet_told)
	told_times 1
	ok $? "$1: nobody is told of it again, or that it has ended"
	! grep -q 'alert=Slow' "$tmp/deferd.log"
	ok $? "$1: nor the log"
}
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
again "after SIGKILL" "$(kept_panics)"
all=$(total)
stop_daemon
is $? 0 "SIGTERM ends it well"
again "after SIGTERM" "$all"

# An Alertmanager hears of it all the time, always with the same start.
starts() { sed -n 's#^/am/api/v2/alerts ##p' "$tmp/sink.out" | jq -r '.[] | select(.labels.alertname == "Slow") | .startsAt' | cut -c1-19 | sort -u; }
while read -r t; do date +%s -d "${t}Z"; done < <(starts) >"$tmp/starts"
[ -s "$tmp/starts" ] && awk -v since="$since" '{ d = $1 - since; if (d < -2 || d > 2) bad = 1 } END { exit bad }' "$tmp/starts"
ok $? "Alertmanagers are told of one start: $(tr '\n' ' ' <"$tmp/starts")"

# The process ends while nobody looks.
stop_daemon
kill -KILL "$serves"
wait "$serves" 2>/dev/null
start_daemon --config.file="$tmp/config.yml"
wait_until 60 told_times 2
ok $? "gone meanwhile: the webhook is told that it is over"
grep -q 'msg="alert resolved".*alert=Slow.*why="process gone while deferd was down"' "$tmp/deferd.log"
ok $? "gone meanwhile: and the log why"
! pages
ok $? "gone meanwhile: it does not fire"
stop_daemon

# What cannot be used
echo x >>"$state"
start_daemon --config.file="$tmp/config.yml"
grep -q "level=warn msg=\"$state is ignored, deferd starts without what it knew: it is damaged: length or checksum do not match\"" "$tmp/deferd.log"
ok $? "damaged: it says so and starts"
written() { [ "$(metric 'deferd_state_writes_total{result="done"}')" -ge 1 ]; }
wait_until 20 written
ok $? "damaged: it is written anew"
check "doctor: the folder can be written" \
	jq -e .state.writable <("$DEFERD" doctor --no-targets --json --config.file="$tmp/config.yml")
"$DEFERD" run --web.listen-address=127.0.0.1:0 --control.socket= --state.directory="$tmp/keeps" --targets.include=none \
	>"$tmp/second.log" 2>&1 7>&- &
second=$!
live_pids+=("$second")
wait_until 20 grep -q 'another deferd uses it; a restart of deferd will forget' "$tmp/second.log"
ok $? "two daemons: the second keeps nothing and says so"
kill "$second"
stop_daemon
start_daemon --state.directory=/proc/deferd
failed() { metric_is 'deferd_state_writes_total{result="failed"}' 1; }
wait_until 10 failed
ok $? "no folder: it is counted"
grep -q 'level=warn msg="state.directory /proc/deferd: creating it: .*; a restart of deferd will forget' "$tmp/deferd.log"
ok $? "no folder: and said"
printf 'state: { directory: /proc/deferd }\n' >"$tmp/none.yml"
check "no folder: doctor says so" grep -E '^no   state' <("$DEFERD" doctor --no-targets --config.file="$tmp/none.yml")
stop_daemon
done_testing
