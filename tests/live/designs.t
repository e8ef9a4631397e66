#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Panics by design are neither a storm nor swallowed, nor is what another goroutine raises again; the same kinds of code
# that keep quiet about a fault are.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped

panics() { curl -sf -m 5 "$url/api/v1/panics?pid=$1&limit=64"; }
# PID FUNCTION: what is told of the sites with this first line, at one place or more
sites() {
	panics "$1" | jq -r --arg f "$2" '[.sites[] | select(.site.function | test($f)) |
		"\(.by_design) \(.swallowed.verdict) again \(.raised_again > 0)"] | unique | join(", ")'
}
sites_are() { [ "$(sites "$@" | head -1)" = "${*:3}" ]; }
site() { # PID FUNCTION WANTED NAME
	wait_until 10 sites_are "$1" "$2" "$3"
	is "$(sites "$1" "$2")" "$3" "$4"
}

for kind in meant real; do
	cp "$fixtures/designs.stripped" "$tmp/$my$kind"
	start_beside "$kind" "$tmp/$my$kind" $kind
	declare "$kind=$program"
done
start_daemon
for kind in meant real; do
	wait_until 20 attached "${!kind}"
	echo >"$tmp/$kind.gate"
done

wait_until 60 firing "${my}real" PanicStorm
ok $? "a storm"
site $real '^main.quiet$' 'null suspected again false' "silence"
site $real '^main.faults$' 'null suspected again false' "silence about a fault"
site $real 'calc.*expect$' 'null suspected again false' "silence of a goroutine that nobody asks"
wait_until 10 metric_is "deferd_panic_sites_swallowed{service=\"${my}real\"}" 3
is "$(metric "deferd_panic_sites_swallowed{service=\"${my}real\"}")" 3 "sites that swallow"

site $meant '^main.expect$' 'control_flow no again false' "a parser in the program's own package"
site $meant '^text/template' 'control_flow no again false' "text/template"
site $meant 'calc.*expect$' 'control_flow no again false' "a parser in a package of the program"
site $meant '^main.serve.func1$' 'abort_handler no again false' "http.ErrAbortHandler"
site $meant '^main.importRow$' 'null no again false, null no again true' "a worker, and whoever waits for it"
site $meant '^main.fails$' 'null no again false, null no again true' "a handler, and net/http's TimeoutHandler"
is "$(metric "deferd_panic_sites_swallowed{service=\"${my}meant\"}")" 0 "nothing is swallowed"
again=$(panics $meant | jq -c '. as $all | [.panics[] | select(.raises and .site.function == "main.fails") |
	. as $p | $all.panics[] | select(.id == $p.raises) | .raised_again_by == $p.id] | unique')
is "$again" '[true]' "who raises again names the first, and the other way round"
meant_sites() { panics $meant | jq -r '[.sites[] | select(.by_design | not) | .site.function] | unique | join(" ")'; }
is "$(meant_sites)" 'main.fails main.importRow' "all others are by design"
storm_of() { curl -sf "$url/api/v1/alerts" | jq -r --arg s "$1" '.data.alerts[] | select(.labels.service == $s and .labels.alertname == "PanicStorm") | .annotations.site // .site.function // ""'; }
note "storm of meant: $(storm_of "${my}meant")"
for kind in meant real; do
	echo >"$tmp/$kind.gate"
	program=${!kind}
	wait "$program"
	ok $? "$kind: the program ends well"
done
stop_daemon
done_testing
