#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Real programs that nobody tuned for us: Debian's prometheus and npm's esbuild, both stripped. They are found, attached
# and go on serving; nothing is alerted; and when the daemon is killed their text is again what the file says.
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_root

serving() { curl -sf -o /dev/null "$1"; }
port_of() { # PID: the TCP port it listens on, from /proc
	local inode
	for inode in $(readlink "/proc/$1"/fd/* 2>/dev/null | sed -n 's/socket:\[\(.*\)\]/\1/p'); do
		awk -v i="$inode" '$10 == i && $4 == "0A" { sub(/.*:/, "", $2); print $2 }' "/proc/$1/net/tcp" "/proc/$1/net/tcp6"
	done | head -1 | sed 's/^/0x/' | xargs -r printf '%d\n'
}

# The executable mapping of the program, in memory and in the file.
text_equals_file() { # PID
	local range offset start end
	read -r range offset < <(awk -v exe="$(readlink "/proc/$1/exe")" '$2 ~ /x/ && $6 == exe { print $1, $3; exit }' "/proc/$1/maps")
	start=$((16#${range%-*})) end=$((16#${range#*-}))
	cmp -s -n $((end - start)) <(dd if="/proc/$1/mem" bs=4096 skip=$((start / 4096)) count=$(((end - start) / 4096)) 2>/dev/null) \
		<(dd if="/proc/$1/exe" bs=4096 skip=$((16#$offset / 4096)) count=$(((end - start) / 4096)) 2>/dev/null)
}

observe() { # NAME VERSION PATH-TO-GET
	local name=$1 state="$tmp/state.json" port
	wait_until 5 attached "$program"
	ok $? "$name: found and attached"
	curl -sf "$url/api/v1/targets/$program" >"$state"
	is "$(jq -r .version "$state")" "$2" "$name: the Go release is known"
	port=$(port_of "$program")
	text_equals_file "$program"
	[ $? = 1 ]
	ok $? "$name: breakpoints stand in its text"
	for _ in $(seq 200); do serving "http://127.0.0.1:$port$3" || break; done
	ok $? "$name: serves 200 requests"
	is "$(curl -sf "$url/api/v1/alerts" | jq --arg pid "$program" '[.data.alerts[] | select(.labels.pid == $pid)] | length')" 0 "$name: no false alert"
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	wait_until 5 text_equals_file "$program"
	ok $? "$name: after kill -9 of the daemon its text is the file's"
	serving "http://127.0.0.1:$port$3"
	ok $? "$name: goes on serving"
}

if fetch_prometheus; then
	start_daemon
	cat >"$tmp/prometheus.yml" <<-Y
	global: { scrape_interval: 1s }
	scrape_configs: [{ job_name: deferd, static_configs: [{ targets: ['${url#http://}'] }] }]
	Y
	"$prometheus" --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" --web.listen-address=127.0.0.1:0 \
		>"$tmp/prometheus.log" 2>&1 &
	program=$!
	live_pids+=($program)
	wait_until 20 grep -q 'Server is ready' "$tmp/prometheus.log"
	ok $? "prometheus starts"
	curl -sf "$url/metrics" >"$tmp/metrics"
	"$promtool" check metrics <"$tmp/metrics" >"$tmp/promtool.out" 2>&1
	ok $? "promtool check metrics is content"
	is "$(cat "$tmp/promtool.out")" "" "promtool check metrics is silent"
	port=$(port_of $program)
	scraped() { curl -sf "http://127.0.0.1:$port/api/v1/query?query=deferd_build_info" | jq -e '.data.result | length == 1'; }
	wait_until 10 scraped
	ok $? "prometheus scrapes deferd, as OpenMetrics"
	observe prometheus go1.19.8 /metrics
else
	skip prometheus "$why"
fi

if fetch_esbuild; then
	mkdir "$tmp/www" && echo 'console.log(1)' >"$tmp/www/a.js"
	start_daemon
	"$esbuild" --serve=127.0.0.1:0 --servedir="$tmp/www" </dev/zero >"$tmp/esbuild.log" 2>&1 &
	program=$!
	live_pids+=($program)
	wait_until 10 grep -q 'http://' "$tmp/esbuild.log"
	ok $? "esbuild starts"
	observe esbuild go1.26.5 /a.js
else
	skip esbuild "$why"
fi
done_testing
