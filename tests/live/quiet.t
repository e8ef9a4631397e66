#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# False alarms: Debian's prometheus, etcd and caddy and npm's esbuild, under load that changes all the time for QUIET_SECONDS (heavy,
# light, none, errors, clients that break off, many connections at once), and with all the rules that come along. Beside them
# programs that look like a fault: event streams, clients that come and stay, pools that fill, tickers, panics by design. Nobody is
# woken, nor told anything else.
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_root
seconds=${QUIET_SECONDS:-20}
mkfifo "$tmp/stdin" # nothing ever comes, nor does it end
mkdir "$tmp/www" "$tmp/src"
head -c 4000 /dev/zero | tr '\0' x >"$tmp/www/small.txt"
head -c 3000000 /dev/zero | tr '\0' x >"$tmp/www/large.txt"
echo 'import { b } from "./b.js"; console.log(b)' >"$tmp/src/a.js"
echo 'export const b = 1' >"$tmp/src/b.js"

declare -A pid_of base_of
start() { # NAME READY-PATH COMMAND...: base_of[NAME] is where it serves
	"${@:3}" <>"$tmp/stdin" >"$tmp/$1.log" 2>&1 &
	pid_of[$1]=$!
	live_pids+=($!)
	wait_until 20 curl -sf -m 2 -o /dev/null "${base_of[$1]}$2"
	ok $? "$1 serves"
}
address() { base_of[$1]=http://127.0.0.1:$(free_port); }
echo 'rules: [{ alert: Seen, severity: info, expr: open_fds >= 1 }]' >"$tmp/quiet.yml" # to know that one would be seen
start_daemon --config.file="$tmp/quiet.yml"
alerts_of() { # SERVICE: the rules that spoke of it, at any time
	sed -n "s/.* msg=\"alert [a-z]*\" alert=\([^ ]*\) .* service=$my$1 .*/\1/p" "$tmp/deferd.log" | sort -u | paste -sd' '
}

if fetch_debian prometheus usr/bin/prometheus; then
	address prometheus
	cat >"$tmp/prometheus.yml" <<-Y
	global: { scrape_interval: 1s, evaluation_interval: 2s }
	scrape_configs:
	  - { job_name: self, static_configs: [{ targets: ['${base_of[prometheus]#http://}', '${url#http://}', '127.0.0.1:1'] }] }
	Y
	start prometheus /-/ready "$fetched" --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address="${base_of[prometheus]#http://}" --web.enable-lifecycle
else
	skip prometheus "$why"
fi
if fetch_debian etcd-server usr/bin/etcd; then
	address etcd
	start etcd /health "$fetched" --data-dir="$tmp/etcd" --listen-client-urls="${base_of[etcd]}" \
		--listen-peer-urls=http://127.0.0.1:0 --advertise-client-urls="${base_of[etcd]}"
else
	skip etcd "$why"
fi
if fetch_debian caddy usr/bin/caddy; then
	address caddy
	printf '{ "admin": { "disabled": true }, "apps": { "http": { "servers": { "files": { "listen": ["%s"],
		"automatic_https": { "disable": true }, "routes": [{ "handle": [{ "handler": "encode", "encodings": { "gzip": {} } },
		{ "handler": "file_server", "root": "%s" }] }] } } } } }' "${base_of[caddy]#http://}" "$tmp/www" >"$tmp/caddy.json"
	start caddy /small.txt env XDG_DATA_HOME="$tmp" XDG_CONFIG_HOME="$tmp" "$fetched" run --config "$tmp/caddy.json"
else
	skip caddy "$why"
fi
if fetch_npm @esbuild/linux-x64 0.28.2 bin/esbuild; then
	address esbuild
	start esbuild /small.txt "$fetched" --bundle "$tmp/src/a.js" --outdir="$tmp/www/out" --watch \
		--serve="${base_of[esbuild]#http://}" --servedir="$tmp/www"
else
	skip esbuild "$why"
fi
[ ${#base_of[@]} -gt 0 ] || skip_all "none of the programs is here"

innocents=()
innocent() { # NAME FIXTURE OPTIONS...: a service of that name
	cp "$fixtures/$2" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "${@:3}"
	pid_of[$1]=$program
	echo >"$tmp/$1.gate"
	innocents+=("$1")
}
read -r version go < <(list_gos)
if [ -n "${version-}" ] && build_fixtures "$version" "$go" stripped; then
	innocent streams serves.stripped -n 100000000 -clients 4 -streams 20
	innocent http2 serves.stripped -n 100000000 -clients 4 -streams 20 -http2
	innocent apart serves.stripped -n 100000000 -clients 4 -apart -timeout
	innocent sockets fdleak.stripped -serve
	cp "$fixtures/fdleak.stripped" "$tmp/clients" # which come and stay, and are not observed
	start_beside clients "$tmp/clients" -dial "$tmp/sockets.out" -rounds 1000000 -pause 5s
	echo >"$tmp/clients.gate"
	innocent pool stays.stripped -kind pool -limit 200 -every 500ms
	innocent tickers stays.stripped -kind ticker -limit 60 -every 10ms
	innocent passing stays.stripped -kind passing -every 50ms
	innocent designed designs.stripped designed
else
	skip "programs that look like a fault" "no Go here to build them with"
fi
for name in "${!pid_of[@]}"; do
	wait_until 10 attached "${pid_of[$name]}"
	ok $? "$name is observed"
done

# Requests of a service, some of which it answers with an error.
requests_of() { # NAME
	local base=${base_of[$1]} now
	case $1 in
	prometheus)
		now=$(date +%s)
		printf '%s\n' "$base/metrics" "$base/api/v1/query?query=sum(rate(go_goroutines%5B1m%5D))" "$base/api/v1/query?query=)" \
			"$base/api/v1/query_range?query=%7Bjob%3D%22self%22%7D&start=$((now - 300))&end=$now&step=5" \
			"$base/api/v1/labels" "$base/nowhere" "$base/debug/pprof/heap"
		;;
	etcd) printf '%s\n' "$base/metrics" "$base/health" "$base/version" "$base/nowhere" ;;
	caddy) printf '%s\n' "$base/small.txt" "$base/small.txt" "$base/nowhere" "$base/large.txt" ;;
	esbuild) printf '%s\n' "$base/small.txt" "$base/out/a.js" "$base/nowhere" ;;
	esac
}
etcd_does() { # puts, ranges, transactions, leases, and watches that break off
	local base=${base_of[etcd]}/v3 key
	key=$(printf 'k%d' $((RANDOM % 50)) | base64)
	printf '%s\n' "kv/put {\"key\":\"$key\",\"value\":\"YmFy\"}" "kv/range {\"key\":\"aw==\",\"range_end\":\"bA==\"}" \
		'lease/grant {"TTL":5,"ID":0}' "kv/deleterange {\"key\":\"$key\"}" 'kv/put {' | while read -r path body; do
		curl -s -m 2 -o /dev/null -d "$body" "$base/$path"
	done
	curl -s -m 0.2 -o /dev/null -d '{"create_request":{"key":"aw==","range_end":"bA=="}}' "$base/watch"
}
many() { # NAME PARALLEL ROUNDS
	local round
	for round in $(seq "$3"); do requests_of "$1"; done | sed 's/.*/url = "&"\noutput = \/dev\/null/' |
		curl -s -Z -g --parallel-max "$2" -m 20 -K - >/dev/null 2>&1
}
breaks_off() { # NAME: clients that do not wait for the answer, or send half of a request
	local base=${base_of[$1]#http://}
	requests_of "$1" | while read -r path; do curl -s -g -m 0.005 -o /dev/null "$path"; done
	(printf 'GET / HTTP/1.1\r\nHost:' >&3; sleep 0.2) 3<>"/dev/tcp/${base%:*}/${base#*:}"
}
rounds=0
load() { # NAME: one phase, and on to the next
	case $(((rounds + ${#1}) % 6)) in
	0) many "$1" 4 20 ;;
	1) many "$1" 1 2 ;;
	2) sleep 1 ;;
	3) breaks_off "$1" ;;
	4) many "$1" 60 30 ;;
	5) many "$1" 2 10 ;;
	esac
}
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
	for name in "${!base_of[@]}"; do load "$name" & done
	[ -z "${base_of[etcd]-}" ] || etcd_does
	[ $((rounds % 10)) != 5 ] || echo "export const b = $rounds" >"$tmp/src/b.js"
	[ $((rounds % 40)) != 20 ] || curl -s -m 5 -X POST -o /dev/null "${base_of[prometheus]-}/-/reload"
	for job in $(jobs -rp); do
		[[ " ${live_pids[*]} " = *" $job "* ]] || wait "$job"
	done
	rounds=$((rounds + 1))
done
note "$rounds rounds in $seconds s"

for name in "${!base_of[@]}"; do
	curl -sf -m 5 -o /dev/null "${base_of[$name]}/metrics" || curl -sf -m 5 -o /dev/null "${base_of[$name]}/small.txt"
	ok $? "$name still serves"
	[ "$(target requests "${pid_of[$name]}")" != null ] && [ "$(target probe_hits "${pid_of[$name]}")" -gt 0 ]
	ok $? "$name: was looked at: $(target probe_hits "${pid_of[$name]}") hits"
	is "$(alerts_of "$name")" Seen "$name: no alert but that it is there"
done
for name in "${innocents[@]}"; do
	kill -0 "${pid_of[$name]}"
	ok $? "$name still runs"
	is "$(alerts_of "$name")" Seen "$name: no alert but that it is there"
done
stop_daemon
ok $? "the daemon ends well"
done_testing
