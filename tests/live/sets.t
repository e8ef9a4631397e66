#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Probe sets: by service in the configuration, by a command while the program runs, in bursts; and that a change loses no hit
# that both sets have, nor counts one twice.
. "$(dirname "$0")/../lib/live.sh"
need_gos
"$DEFERD" doctor --no-targets --json >"$tmp/doctor"
multi=$(jq -r '.features[] | select(.feature == "uprobe_multi") | .have' "$tmp/doctor")
[ "$multi" = true ] || skip_all "no uprobe_multi here: the lean set is all there is"

probes() { "$DEFERD" probes --control.socket="$tmp/deferd.sock" "$@"; }
set_is() { [ "$(target 'probes + " " + .probes_by')" = "$1" ]; }
full_is() { target_is probes_full_now "$1"; }
start_pile() { # ARGS...
	start_program pile "$fixtures/pile.stripped" "$@"
	wait_until 10 attached "$program"
}
end_pile() {
	go_on
	exec 7>&-
	wait "$program"
}
registered() { target "defers_registered_by_lowering.$1"; }
counted() { # LOWERING FIELD: the daemon's count is the program's own
	wait_until 5 target_is "defers_registered_by_lowering.$1" "$(truth pile "$2")"
	is "$(registered "$1")" "$(truth pile "$2")" "$version: all $1 defers, $3"
}

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	start_pile
	is "$(probes "$program" | sed -n 1p)" "${my}pile.stripped, pid $program: lean, by configuration" "$version: the probe set of a process"
	probes "$program" full >"$tmp/answer"
	is "$(sed -n 1p "$tmp/answer")" "${my}pile.stripped, pid $program: full, by command; the full set is attached" "$version: another probe set by command"
	is "$(probes --json "$program" | jq -c '[.probes, .probes_by, .probes_full_now, .budget_level]')" '["full","command",true,0]' \
		"$version: the probe set as JSON"
	go_on
	wait_until 60 has_truth pile
	counted heap registered_heap "after the change"
	counted stack registered_stack "after the change"
	end_pile

	start_pile
	go_on
	turns=0
	until has_truth pile; do
		probes "$program" full >/dev/null && probes "$program" lean >/dev/null && turns=$((turns + 1))
	done
	note "$turns changes each way"
	[ $turns -ge 2 ]
	ok $? "$version: changes while it works"
	counted heap registered_heap "through all changes"
	end_pile

	start_pile
	probes "$program" off >/dev/null
	wait_until 5 text_equals_file "$program"
	ok $? "$version: off: its text is the file's"
	go_on
	wait_until 60 has_truth pile
	is "$(target probe_hits)" 0 "$version: off: no hit"
	probes "$program" default >/dev/null
	set_is "lean configuration"
	ok $? "$version: default: as configured"
	probes "$program" fuller >"$tmp/answer" 2>&1
	is "$? $(cat "$tmp/answer")" "1 deferd probes: 'fuller' is not a probe set: off, lean, full, burst or default" "$version: no such set"
	probes 1 full >"$tmp/answer" 2>&1
	is "$? $(grep -c 'no observed process' "$tmp/answer")" "1 1" "$version: no such process"
	is "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$url/api/v1/probes?pid=$program&set=full")" 403 \
		"$version: not over TCP, unless that is allowed"
	end_pile
	stop_daemon

	printf 'probes:\n  services:\n    - { service: "%spile*", set: burst, budget_percent: 2 }\n' "$my" >"$tmp/sets.yml"
	start_daemon --config.file="$tmp/sets.yml"
	start_pile
	set_is "burst configuration"
	ok $? "$version: the configuration's set for a service"
	is "$(target budget_percent)" 2 "$version: a service has a budget of its own"
	# By the metric: it is a second of a minute, which who looks now and then may miss.
	full() { metric "deferd_probe_full_seconds_total{service=\"${my}pile.stripped\"}"; }
	burst() { awk -v s="$(full)" 'BEGIN { exit !(s > 0) }'; }
	wait_until 15 burst
	ok $? "$version: a burst begins"
	wait_until 5 full_is false
	ok $? "$version: a burst ends"
	full=$(full)
	awk -v s="$full" 'BEGIN { exit !(s > 0.5 && s < 3) }'
	ok $? "$version: a burst takes a second: $full"
	printf 'probes:\n  services:\n    - { service: "%spile*", set: full }\n' "$my" >"$tmp/sets.yml"
	kill -HUP "$daemon"
	wait_until 5 set_is "full configuration"
	ok $? "$version: a reload changes the probe set"
	is "$(target budget_percent)" 0 "$version: the budget is that of all again"
	go_on
	wait_until 60 has_truth pile
	counted stack registered_stack "after the reload"
	end_pile
	stop_daemon
	exits=$?
	is $exits 0 "$version: the daemon ends well"
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
