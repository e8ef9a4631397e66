#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A storm of reloads: RELOADS of them, every other one broken, while programs register defers. What was counted stays counted, nothing
# is lost meanwhile, alerts of rules that did not change go on as they were, and the last good configuration is the one in force.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
reloads=${RELOADS:-300}

mkdir "$tmp/rules.d"
printf 'rule_files: ["%s/rules.d/*.yml"]\n' "$tmp" >"$tmp/config.yml"
cat >"$tmp/rules.d/kept.yml" <<'END'
rules:
  - { alert: Kept, severity: info, expr: open_fds >= 1 }
  - { alert: Waiting, severity: info, expr: open_fds >= 1, for: 1h }
END
changed() { # NUMBER
	printf 'rules: [{ alert: Changed%d, severity: info, expr: open_fds > %d }]\n' "$1" "$1" >"$tmp/rules.d/changed.yml"
}
broken() { # NUMBER: each in another way
	local texts=('rules: [{ alert: X, expr: open_fds > }]' 'rules: [' 'rules: [{ alert: Kept, expr: open_fds > 1 }]' $'rules: \xff' 'rules: {}'
		'rules: [{ alert: X, expr: nonsense > 1 }]')
	printf '%s\n' "${texts[$1 % ${#texts[@]}]}" >"$tmp/rules.d/changed.yml"
}
reload() { curl -s -o /dev/null -w '%{http_code}\n' -X POST --unix-socket "$tmp/deferd.sock" http://deferd/-/reload; }
alert_of() { # RULE PID: "STATE SINCE"
	curl -sf "$url/api/v1/alerts" | jq -r --arg r "$1" --arg p "$2" '.data.alerts[] | select(.labels.alertname == $r and .labels.pid == $p) |
		.state + " " + .activeAt'
}
rule_changed() { curl -sf "$url/metrics" | sed -n 's/^deferd_alerts_firing{rule="\(Changed[0-9]*\)".*/\1/p'; }
rule_there() { [ "$(rule_changed)" = "$1" ]; }
ms_of() { date -d "${1#* }" +%s%3N; }
goes_on() { # RULE PID "STATE SINCE": as it was then; the clock that times are told by is read anew for each page
	local now
	now=$(alert_of "$1" "$2")
	[ "${now% *}" = "${3% *}" ] && [ $(($(ms_of "$now") - $(ms_of "$3"))) -gt -500 ] && [ $(($(ms_of "$now") - $(ms_of "$3"))) -lt 500 ]
}
both() { [ -n "$(alert_of Kept "$1")" ] && [ -n "$(alert_of Waiting "$1")" ]; }

changed 0
start_daemon --config.file="$tmp/config.yml"
for n in 1 2 3; do
	start_beside pile$n "$fixtures/pile.stripped"
	eval "pile$n=$program"
	wait_until 10 attached "$program"
done
wait_until 10 both "$pile1"
ok $? "two alerts fire and wait before the reloads"
kept=$(alert_of Kept "$pile1") waiting=$(alert_of Waiting "$pile1")

begin=$(now_ms)
good=0 refused=0
for n in $(seq "$reloads"); do
	if [ $((n % 2)) = 1 ]; then changed "$n"; else broken $((n / 2)); fi
	case $(reload) in
	200) good=$((good + 1)) ;;
	500) refused=$((refused + 1)) ;;
	esac
	case $n in # one after the other begins to work
	$((reloads / 10))) echo >"$tmp/pile1.gate" ;;
	$((reloads / 3))) echo >"$tmp/pile2.gate" ;;
	$((reloads / 2))) echo >"$tmp/pile3.gate" ;;
	esac
done
note "$reloads reloads in $(($(now_ms) - begin)) ms"
is "$good $refused" "$((reloads / 2)) $((reloads / 2))" "good ones are taken, broken ones refused"
is "$(metric 'deferd_config_reloads_total{result="done"}') $(metric 'deferd_config_reloads_total{result="refused"}')" "$good $refused" "reloads are counted by result"
is "$(metric deferd_config_last_reload_successful)" 0 "the last one was broken"
is "$(rule_changed)" "Changed$((reloads - 1))" "the last good one is in force"
goes_on Kept "$pile1" "$kept"
ok $? "an alert of an unchanged rule fires as before: $kept, $(alert_of Kept "$pile1")"
goes_on Waiting "$pile1" "$waiting"
ok $? "one that waits goes on waiting: $waiting, $(alert_of Waiting "$pile1")"
is "$(grep -c 'msg="alert firing" alert=Kept .* pid='"$pile1 " "$tmp/deferd.log")" 1 "the alert was logged once"
for n in 1 2 3; do
	program=pile$n
	wait_until 60 has_truth pile$n
	wait_until 5 target_is defers_registered_by_lowering.heap "$(truth pile$n registered_heap)" "${!program}"
	is "$(target defers_registered_by_lowering.heap "${!program}")" "$(truth pile$n registered_heap)" "program $n: all defers were counted"
done

# By signal, many at once, the last one good.
for n in $(seq 50); do
	broken "$n"
	kill -HUP "$daemon"
done
changed 7
kill -HUP "$daemon"
wait_until 10 rule_there Changed7
ok $? "reloads by signal"
is "$(metric deferd_config_last_reload_successful)" 1 "the last one is in force"
goes_on Kept "$pile1" "$kept"
ok $? "alerts did not begin anew"
for n in 1 2 3; do echo >"$tmp/pile$n.gate"; done
stop_daemon
ok $? "the daemon ends well"
done_testing
