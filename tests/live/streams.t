#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Event streams and gRPC streams beside short requests: they are told apart, and do not make the requests slow. And requests
# that are slow are blamed on defers only where they have registered these themselves.
# alone: latencies are compared with those that the programs measure
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
. tests/lib/requests.sh
need_timing

told() { [ "$(requests "$1")" = "$2" ]; } # FIELD VALUE
streams() { # NAME WHAT ENDED COMMAND...: twenty streams beside short requests; ENDED: of these have a latency
	local name=$1 what=$2 ended=$3 all
	start_program "$name" "${@:4}" -n 800 -clients 8 -streams 20
	wait_until 10 timed || { ok 1 "$what: its requests are timed"; return; }
	go_on
	wait_until 60 has_truth "$name"
	all=$(($(truth "$name" requests) + ended))
	wait_until 5 told ended $all
	is "$(requests ended)" $all "$what: all requests, $ended of the streams among them"
	wait_until 5 told streams_open 20
	is "$(requests streams_open)" 20 "$what: all streams are open"
	[ "$(requests 'stream_oldest_seconds > 0.5')" = true ]
	ok $? "$what: the oldest stream is $(requests stream_oldest_seconds) s old"
	percentiles_agree "$name" "$what" $((ended ? 8 : 3)) # its account is without streams
	go_on
	wait_until 10 told streams_open 0
	is "$(requests streams_open) $(requests streams) $(requests stream_oldest_seconds)" "0 20 null" "$what: all streams have ended"
	is "$(metric "deferd_request_outcomes_total{service=\"$(target service)\",outcome=\"streamed\"}")" 20 "$what: as a counter"
	exec 7>&-
	wait "$program"
}

while read -r version go; do
	is_sample "$version" "$go" || continue
	build_fixtures "$version" "$go" default stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	# Each has a latency: until its first event.
	streams serves "$version, HTTP/1" 20 "$fixtures/serves.stripped"
	streams serves "$version, HTTP/2" 20 "$fixtures/serves" -http2
	stop_daemon
done <<<"$gos"
grpc() { streams grpcserves "$1, $2" 0 "$fetched"; } # VERSION NAME
each_grpc grpc

# Requests of 30 to 300 ms where 10 ms are usual: with a pile of their own, and with one that main() holds beside them.
slow() { # WHAT THRESHOLD COMMAND...
	printf '%s\n' "requests: { baselines: [{ service: \"${my}*\", p95: 10ms }] }" "probes: { threshold: $2 }" >"$tmp/config.yml"
	start_daemon --config.file="$tmp/config.yml"
	start_program serves "${@:3}" -n 100000 -clients 8 -slow 10
	wait_until 10 timed
	go_on
	piled_up() { firing "$(target service)" DeferPileUp; }
	wait_until 20 piled_up
	ok $? "$1: there is a pile"
	rises() { [ "$(requests 'p95_rise_seconds > 0.1')" = true ]; }
	wait_until 20 rises
	ok $? "$1: the requests are slow"
}
end_slow() {
	stop_daemon
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null
}
blamed() { [ "$(curl -sf "$url/api/v1/alerts" | jq "[.data.alerts[] | select(.labels.alertname == \"DefersSlowRequests\")] | length")" != 0 ]; }
read -r version go < <(tail -1 <<<"$gos")
build_fixtures "$version" "$go" stripped
blames() { # WHAT COMMAND...
	slow "$1" 10 "${@:2}"
	wait_until 10 blamed
	ok $? "$1: they are blamed"
	curl -sf "$url/api/v1/alerts" | jq '.data.alerts[] | select(.labels.alertname == "DefersSlowRequests")' >"$tmp/alert"
	is "$(jq -r .site.function "$tmp/alert")" 'deferd.example/fixtures/served.held' "$1: the line is the one that registers them"
	grep -q '1[0-9] defers pending on goroutine .*; p95 is [0-9]* ms above its usual value; 100 % of the slowest requests piled up defers' "$tmp/alert"
	ok $? "$1: it says how slow: $(jq -r .annotations.summary "$tmp/alert")"
	end_slow
}
blames "its own defers" "$fixtures/serves.stripped"
if [[ $version =~ ^go1\.(19|20)\. ]]; then
	skip "TimeoutHandler's goroutine" "before Go 1.21 a goroutine does not know who started it"
else
	blames "TimeoutHandler's goroutine" "$fixtures/serves.stripped" -timeout
fi
slow "main's defers" 20 "$fixtures/serves.stripped" -pile 40
is "$(requests slow_deep_ratio)" 0 "main's defers: no slow request has such a pile"
blamed
[ $? = 1 ]
ok $? "main's defers: they are not blamed"
end_slow
done_testing
