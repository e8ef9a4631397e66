#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How long requests take and how many defers they register, as the servers measure it themselves around their handlers: HTTP/1,
# HTTP/2 and gRPC, with every Go. Each request is counted, also one whose handler panics or takes the connection over; and where
# all would cost too much, a part of the time is enough.
# alone: latencies are compared with those that the programs measure
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
. tests/lib/requests.sh
need_timing

load=(-n 1600 -clients 16)
handled() { echo $(($(truth "$1" requests) + $(truth "$1" panicked) + $(truth "$1" taken_over))); }
all_ended() { [ "$(requests ended)" = "$(handled "$1")" ]; }
serve() { # NAME WHAT COMMAND...: and compare
	local name=$1 what=$2
	start_program "$name" "${@:3}"
	wait_until 10 timed || { ok 1 "$what: its requests are timed"; return; }
	go_on
	wait_until 60 has_truth "$name"
	wait_until 5 all_ended "$name"
	is "$(requests ended)" "$(handled "$name")" "$what: all requests"
	percentiles_agree "$name" "$what" 3
	is "$(metric "deferd_request_defers_sum{service=\"$(target service)\"}")" "$(truth "$name" defers)" "$what: all defers of all requests"
	is "$(curl -sf "$url/metrics" | grep -c "^deferd_request_duration_seconds_bucket{service=\"$(target service)\"")" 15 "$what: as a histogram"
}
end() {
	go_on
	exec 7>&-
	wait "$program"
}

# On goroutines that are started for a request, by the handler's own and by one that does its work; and on one that goes on when
# it has ended, which is of no request.
works_apart() {
	local old=
	[[ $version =~ ^go1\.(19|20)\. ]] && old=old
	cp "$fixtures/serves.stripped" "$tmp/${my}apart"
	cp "$fixtures/serves.stripped" "$tmp/${my}within"
	cp "$fixtures/serves.stripped" "$tmp/${my}after"
	if [ -n "$old" ]; then
		start_program serves "$tmp/${my}within" "${load[@]}" -timeout
		unknown "$version: what others did is not known"
		return
	fi
	serve serves "$version, half on a goroutine of its own" "$tmp/${my}apart" "${load[@]}" -apart
	end
	serve serves "$version, TimeoutHandler" "$tmp/${my}within" "${load[@]}" -apart -timeout
	is "$(requests defers_of)" request "$version: defers are those of the request"
	end
	serve serves "$version, goroutines that go on" "$tmp/${my}after" "${load[@]}" -after -http2
	end
}
unknown() { # WHAT
	wait_until 10 timed || { ok 1 "$1: its requests are timed"; return; }
	go_on
	wait_until 60 has_truth serves
	wait_until 5 all_ended serves
	is "$(requests defers_of) $(requests defers_mean) $(requests defers_p95)" "handler null null" "$1"
	end
}

while read -r version go; do
	build_fixtures "$version" "$go" default stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	serve serves "$version, HTTP/1" "$fixtures/serves.stripped" "${load[@]}" -panics 5 -takeovers 7
	is "$(requests panicked) $(requests hijacked) $(requests unfinished)" "$(truth serves panicked) $(truth serves taken_over) 0" \
		"$version: handlers that panicked, took the connection over, did not end"
	end
	is_sample "$version" "$go" || { stop_daemon; continue; }
	works_apart
	# Another file is another service.
	serve serves "$version, HTTP/2" "$fixtures/serves" "${load[@]}" -http2
	is "$(requests unfinished)" 0 "$version, HTTP/2: each has ended"
	end
	stop_daemon
done <<<"$gos"
skip_absent_gos

grpc() { # VERSION NAME
	serve grpcserves "$1, $2" "$fetched" "${load[@]}"
	is "$(requests unfinished)" 0 "$2: each call has ended"
	end
}
each_grpc grpc

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
