#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How long requests take and how many defers they register, as the servers measure it themselves around their handlers: HTTP/1,
# HTTP/2 and gRPC, with every Go. Each request is counted, also one whose handler panics or takes the connection over; and where
# all would cost too much, a part of the time is enough.
# alone: latencies are compared with those that the programs measure
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_root
gos=$(list_gos)
[ -n "$gos" ] || skip_all "no Go here to build the program with"
"$DEFERD" doctor --no-targets --json >"$tmp/doctor"
multi=$(jq -r '.features[] | select(.feature == "uprobe_multi") | .have' "$tmp/doctor")
[ "$multi" = true ] || skip_all "no uprobe_multi here: requests are not timed"

load=(-n 1600 -clients 16)
requests() { target "requests.$1"; }
timed() { [ "$(requests timed)" = 1 ]; }
handled() { echo $(($(truth "$1" requests) + $(truth "$1" panicked) + $(truth "$1" taken_over))); }
all_ended() { [ "$(requests ended)" = "$(handled "$1")" ]; }
within() { # A B PERCENT
	awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = a - b; exit !(b > 0 && (d < 0 ? -d : d) <= b * p / 100) }'
}
serve() { # NAME WHAT COMMAND...: and compare
	local name=$1 what=$2 q ours theirs
	start_program "$name" "${@:3}"
	wait_until 10 timed || { ok 1 "$what: its requests are timed"; return; }
	go_on
	wait_until 60 has_truth "$name"
	wait_until 5 all_ended "$name"
	is "$(requests ended)" "$(handled "$name")" "$what: all requests"
	for q in p50 p95 p99; do
		ours=$(requests ${q}_seconds) theirs=$(truth "$name" ${q}_seconds)
		within "$ours" "$theirs" 3
		ok $? "$what: $q is $ours s, $theirs s by its own account"
	done
	is "$(metric "deferd_request_defers_sum{service=\"$(target service)\"}")" "$(truth "$name" defers)" "$what: all defers of all requests"
	is "$(curl -sf "$url/metrics" | grep -c "^deferd_request_duration_seconds_bucket{service=\"$(target service)\"")" 15 "$what: as a histogram"
}
end() {
	go_on
	exec 7>&-
	wait "$program"
}

while read -r version go; do
	build_fixtures "$version" "$go" default stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	serve serves "$version, HTTP/1" "$fixtures/serves.stripped" "${load[@]}" -panics 5 -takeovers 7
	is "$(requests panicked) $(requests hijacked) $(requests unfinished)" "$(truth serves panicked) $(truth serves taken_over) 0" \
		"$version: handlers that panicked, took the connection over, did not end"
	end
	is_sample "$version" "$go" || { stop_daemon; continue; }
	# Another file is another service.
	serve serves "$version, HTTP/2" "$fixtures/serves" "${load[@]}" -http2
	is "$(requests unfinished)" 0 "$version, HTTP/2: each has ended"
	end
	stop_daemon
done <<<"$gos"
skip_absent_gos

for release in '' newer; do
	read -r version go < <(if [ -n "$release" ]; then grep -E '^go1\.(2[4-9]|[3-9])' <<<"$gos"; else cat <<<"$gos"; fi | tail -1)
	[ -n "$go" ] || { skip "gRPC $release" "needs Go 1.24"; continue; }
	build_grpcserves "$go" $release || { skip "gRPC $release" "$why"; continue; }
	start_daemon
	serve grpcserves "$version, gRPC ${release:-of 2023}" "$fetched" "${load[@]}"
	is "$(requests unfinished)" 0 "gRPC ${release:-of 2023}: each call has ended"
	end
	stop_daemon
done

# Under a budget that is too small for all of them.
printf 'requests: { baselines: [{ service: "%sserves*", p95: 10ms }] }\n' "$my" >"$tmp/config.yml"
BUDGET=0.02 start_daemon --config.file="$tmp/config.yml"
start_program serves "$fixtures/serves.stripped" -n 16000 -clients 16
wait_until 10 timed
go_on
part() { [ "$(requests 'timed > 0 and .requests.timed < 1')" = true ]; }
wait_until 20 part
ok $? "a small budget: for a part of the time"
wait_until 60 has_truth serves
theirs=$(truth serves p95_seconds)
[ "$(requests ended)" -lt 16000 ] && [ "$(requests ended)" -ge 20 ]
ok $? "a part of the requests: $(requests ended) of 16000"
enough() { [ "$(requests recent)" -ge 20 ]; }
enough && within "$(requests p95_seconds)" "$theirs" 30
ok $? "their p95 is that of all: $(requests p95_seconds) s, $theirs s by its own account"
rise=$(awk -v p="$(requests p95_seconds)" 'BEGIN { print p - 0.01 }')
within "$(requests p95_rise_seconds)" "$rise" 5
ok $? "the rise counts from the configured baseline"
printf 'requests: { timed: false }\n' >"$tmp/config.yml"
kill -HUP "$daemon"
off() { [ "$(requests timed)" = 0 ]; }
wait_until 5 off
ok $? "not any more, by configuration"
"$DEFERD" probes --control.socket="$tmp/deferd.sock" "$program" off >/dev/null
wait_until 5 text_equals_file "$program"
ok $? "without any probe the program's text is the file's"
done_testing
