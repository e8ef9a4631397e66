#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Real programs that nobody tuned for us, all stripped: Debian's and npm's, of Go 1.19 to 1.27, with and without cgo, PIE
# and not, one without build information. They are found, attached, and go on serving; nothing is alerted; and when the
# daemon is killed their text is again what the file says. Then each is under load for REAL_SECONDS with every probe that
# there is.
# Before that, of those that have a profile of their own, all goroutines read from outside are what it says.
# early: fourteen programs, each for some seconds
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_root
seconds=${REAL_SECONDS:-5}

serving() { curl -sf -o /dev/null "$@"; }
ports_of() { # PID: the TCP ports it listens on, from /proc
	local inodes
	inodes=$(readlink "/proc/$1"/fd/* 2>/dev/null | sed -n 's/socket:\[\(.*\)\]/\1/p' | tr '\n' ' ')
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v inodes=" $inodes" '$4 == "0A" && index(inodes, " " $10 " ") {
		sub(/.*:/, "", $2); print "0x" $2 }' | xargs -r printf '%d\n' | sort -u
}
base= # http://HOST:PORT of $program, once it serves the path
finds_base() { # PATH
	local port
	for port in $(ports_of "$program"); do
		serving -m 2 "http://127.0.0.1:$port$1" && base=http://127.0.0.1:$port && return
	done
	return 1
}
mkfifo "$tmp/stdin" # nothing ever comes, nor does it end
start() { # NAME COMMAND...: sets program
	"${@:2}" <>"$tmp/stdin" >"$tmp/$1.log" 2>&1 &
	program=$!
	live_pids+=("$program")
}

alerts_of() { curl -sf "$url/api/v1/alerts" | jq --arg pid "$1" '[.data.alerts[] | select(.labels.pid == $pid)] | length'; }

# Attached, served, and left alone by the lean set

observe() { # NAME GO-RELEASE PATH-TO-GET
	wait_until 5 attached "$program"
	ok $? "$1: found and attached"
	is "$(target version)" "$2" "$1: the Go release is known"
	text_equals_file "$program"
	[ $? = 1 ]
	ok $? "$1: breakpoints stand in its text"
	for _ in $(seq 200); do serving "$base$3" || break; done
	ok $? "$1: serves 200 requests"
	is "$(alerts_of "$program")" 0 "$1: no false alert"
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	wait_until 5 text_equals_file "$program"
	ok $? "$1: after kill -9 of the daemon its text is the file's"
	serving "$base$3"
	ok $? "$1: goes on serving"
	kill "$program"
}

mkdir "$tmp/www" && echo 'console.log(1)' >"$tmp/www/a.js"
if fetch_debian prometheus usr/bin/prometheus; then
	start_daemon
	cat >"$tmp/prometheus.yml" <<-Y
	global: { scrape_interval: 1s }
	scrape_configs: [{ job_name: deferd, static_configs: [{ targets: ['${url#http://}'] }] }]
	Y
	start prometheus "$fetched" --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address=127.0.0.1:0
	wait_until 20 finds_base /-/ready
	ok $? "prometheus starts"
	curl -sf "$url/metrics" >"$tmp/metrics"
	"${fetched%/*}/promtool" check metrics <"$tmp/metrics" >"$tmp/promtool.out" 2>&1
	ok $? "promtool check metrics is content"
	is "$(cat "$tmp/promtool.out")" "" "promtool check metrics is silent"
	scraped() { curl -sf "$base/api/v1/query?query=deferd_build_info" | jq -e '.data.result | length == 1'; }
	wait_until 10 scraped
	ok $? "prometheus scrapes deferd, as OpenMetrics"
	observe prometheus go1.19.8 /metrics
else
	skip prometheus "$why"
fi
if fetch_npm @esbuild/linux-x64 0.28.2 bin/esbuild; then
	start_daemon
	start esbuild "$fetched" --serve=127.0.0.1:0 --servedir="$tmp/www"
	wait_until 10 finds_base /a.js
	ok $? "esbuild starts"
	observe esbuild go1.26.5 /a.js
else
	skip esbuild "$why"
fi

# Under load, with the full set

# Both tell how many answers came.
load_http() { # CURL-ARGUMENTS...: from four connections
	timeout "$seconds" curl -s -Z --parallel-max 4 -o /dev/null -w '%{stderr}%{http_code}\n' "$@" 2>&1 | grep -c '^2..$'
}
lsp() { printf 'Content-Length: %d\r\n\r\n%s' ${#1} "$1" >&7; }
load_lsp() { # NAME LANGUAGE FILE TEXT: a server of the language server protocol, on stdin and stdout
	local n=1 uri=file://$3 text=$4 end=$((SECONDS + seconds))
	printf '%b' "$text" >"$3"
	answers() { grep -ao '"id":[0-9]' "$tmp/$1.out" | wc -l; }
	answered() { [ "$(grep -ao "\"id\":$n[,}]" "$tmp/$1.out" | wc -l)" -ge 1 ]; }
	lsp '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}'
	lsp '{"jsonrpc":"2.0","method":"initialized","params":{}}'
	if [ "$1" = tsgo ]; then # it asks for leave to watch its configuration
		wait_until 5 grep -aq '"id":"ts1"' "$tmp/$1.out"
		lsp '{"jsonrpc":"2.0","id":"ts1","result":null}'
	fi
	lsp "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{\"uri\":\"$uri\",
		\"languageId\":\"$2\",\"version\":1,\"text\":\"$text\"}}}"
	while [ $SECONDS -lt $end ]; do
		n=$((n + 1))
		lsp "{\"jsonrpc\":\"2.0\",\"id\":$n,\"method\":\"textDocument/documentSymbol\",
			\"params\":{\"textDocument\":{\"uri\":\"$uri\"}}}"
		[ $((n % 50)) != 0 ] || wait_until 5 answered "$1"
	done
	wait_until 5 answered "$1"
	answers "$1"
}

# Its own profile, between two censuses, and the first census between two profiles: who lived all the while is in the middle
# one, and if it stood still, with the same wait reason, creator and stack. Only who runs in the middle one, or is about to,
# stands nowhere: the connection that asks for a profile wakes who accepts it. Each writes FILE, a line for each that waits;
# FILE.all, the numbers of all; FILE.moves, of those that stand nowhere.
profile_to() { # FILE URL
	curl -sf -m 10 "$2" >"$1.raw"
	awk -f tests/lib/stacks.awk "$1.raw" | sort >"$1"
	sed -nE 's/^goroutine ([0-9]+) \[.*/\1/p' "$1.raw" | sort >"$1.all"
	sed -nE 's/^goroutine ([0-9]+) \[(running|runnable).*/\1/p' "$1.raw" >"$1.moves"
}
census_to() { # FILE
	"$DEFERD" goroutines --alone --json "$program" >"$1.raw" 2>"$tmp/census.err"
	jq -r -f tests/lib/stacks.jq "$1.raw" | sort >"$1"
	jq '.groups[] | select(.system | not) | .goroutines[].id' "$1.raw" | sort >"$1.all"
	jq '.groups[] | select(.state | IN("running", "runnable", "preempted")) | .goroutines[].id' "$1.raw" >"$1.moves"
}
missed() { # BEFORE AFTER BETWEEN
	comm -12 "$1.all" "$2.all" | comm -23 - "$3.all" | sed 's/$/ is not there/' | head -3
	comm -12 "$1" "$2" | comm -23 - "$3" |
		awk -F'|' 'FILENAME != "-" { moves[$1]; next } !($1 in moves)' "$3.moves" - | head -3
}
census_agrees() { # NAME URL-OF-THE-PROFILE
	local n url="$2?debug=2"
	cd "$top" || return
	profile_to "$tmp/profile.1" "$url"
	census_to "$tmp/census.1"
	profile_to "$tmp/profile.2" "$url"
	census_to "$tmp/census.2"
	n=$(comm -12 "$tmp/profile.1" "$tmp/profile.2" | wc -l)
	[ "$n" -ge 3 ]
	ok $? "$1: $n goroutines stand still for its own profile"
	is "$(missed "$tmp/profile.1" "$tmp/profile.2" "$tmp/census.1")" "" "$1: and are in the census"
	n=$(comm -12 "$tmp/census.1" "$tmp/census.2" | wc -l)
	[ "$n" -ge 3 ]
	ok $? "$1: $n stand still for the census"
	is "$(missed "$tmp/census.1" "$tmp/census.2" "$tmp/profile.2")" "" "$1: and are in the profile"
	cd "$tmp" || return
}

ended() { ! kill -0 "$program"; }
loaded() { # NAME GO-RELEASE LOAD...: $program, which serves
	local answers panics
	wait_until 10 attached "$program"
	is "$(target 'state + " " + .version + " " + .reason')" "observed $2 " "$1: observed"
	answers=$("${@:3}")
	[ "${answers:-0}" -ge 20 ]
	ok $? "$1: serves $answers requests in $seconds s, $(target probe_hits) probe hits, $(target defers_registered) defers"
	is "$(alerts_of "$program")" 0 "$1: no false alert"
	panics=$(curl -sf "$url/api/v1/panics?pid=$program" | jq -c '[.panics[] | select(.outcome == "fatal" or .outcome == "unknown") |
		"\(.kind) \(.outcome) \(.message)"]')
	is "$panics" '[]' "$1: no panic that was none"
	kill -0 "$program" 2>/dev/null
	ok $? "$1: lives"
	kill "$program"
	exec 7>&-
	patience=1 wait_until 10 ended || kill -KILL "$program"
	wait "$program" 2>/dev/null
}
profile= # of the next one: URL, or path beside what it serves; "": it has none
http() { # NAME GO-RELEASE PATH-THAT-IS-SERVED CURL-ARGUMENTS...: with paths instead of URLs
	local arguments=("${@:4}")
	wait_until 30 finds_base "$3" || { ok 1 "$1: serves"; sed 's/^/#   /' "$tmp/$1.log" | tail -3; return; }
	[ -z "$profile" ] || census_agrees "$1" "${profile/#\//$base/}"
	profile=
	loaded "$1" "$2" load_http "${arguments[@]/#\//$base/}"
}

has_mount_namespace() { # for a program that reads outside of its folder
	why="no mount namespace of its own: $(unshare -m true 2>&1)" && unshare -m true 2>/dev/null
}

start_daemon --probes=full
cd "$tmp" || exit
if fetch_debian prometheus usr/bin/prometheus; then
	printf 'scrape_configs: [{ job_name: self, scrape_interval: 1s, static_configs: [{ targets: ["%s"] }] }]\n' "${url#http://}" >p.yml
	start prometheus "$fetched" --config.file=p.yml --storage.tsdb.path=tsdb2 --web.listen-address=127.0.0.1:0
	profile=/debug/pprof/goroutine
	http prometheus go1.19.8 /-/ready '/api/v1/query?query=sum(rate(deferd_events_total%5b1m%5d))&n=[1-1000000]'
else
	skip "prometheus under load" "$why"
fi
if fetch_debian prometheus-node-exporter usr/bin/prometheus-node-exporter; then
	start node-exporter "$fetched" --web.listen-address=127.0.0.1:0
	http node-exporter go1.19.8 / '/metrics?n=[1-1000000]'
else
	skip "node-exporter under load" "$why"
fi
# It reads templates from where the package would have put them.
if has_mount_namespace && fetch_debian prometheus-alertmanager usr/bin/prometheus-alertmanager; then
	printf 'route: { receiver: none }\nreceivers: [{ name: none }]\n' >am.yml
	start alertmanager unshare -m sh -c 'mount -t overlay -o lowerdir="$0/usr/share":/usr/share overlay /usr/share && exec "$@"' \
		"$BUILD/pkg/prometheus-alertmanager" "$fetched" --config.file=am.yml --storage.path=am \
		--web.listen-address=127.0.0.1:0 --cluster.listen-address=
	profile=/debug/pprof/goroutine
	http alertmanager go1.19.8 /-/ready '/api/v2/alerts?n=[1-1000000]' \
		-H 'Content-Type: application/json' -d '[{"labels":{"alertname":"a"}}]'
else
	skip "alertmanager under load" "$why"
fi
if fetch_debian etcd-server usr/bin/etcd; then
	client=http://127.0.0.1:$(free_port) # its gateway dials the port that it was told
	start etcd "$fetched" --data-dir=etcd --listen-client-urls="$client" --listen-peer-urls=http://127.0.0.1:0 \
		--advertise-client-urls="$client" --enable-pprof
	profile=/debug/pprof/goroutine
	http etcd go1.19.8 /health '/v3/kv/put?n=[1-1000000]' -d '{"key":"Zm9v","value":"YmFy"}'
else
	skip "etcd under load" "$why"
fi
if fetch_debian nats-server usr/sbin/nats-server; then
	port=$(free_port)
	start nats "$fetched" -a 127.0.0.1 -p -1 -m -1 --profile "$port"
	profile=http://127.0.0.1:$port/debug/pprof/goroutine
	http nats go1.19.8 /varz '/connz?n=[1-1000000]'
else
	skip "nats-server under load" "$why"
fi
if fetch_debian caddy usr/bin/caddy; then
	port=$(free_port)
	printf '{ "admin": { "listen": "127.0.0.1:%d" }, "apps": { "http": { "servers": { "files": { "listen": ["127.0.0.1:0"],
		"automatic_https": { "disable": true }, "routes": [{ "handle": [{ "handler": "file_server", "root": "www" }] }] } } } } }' \
		"$port" >caddy.json
	XDG_DATA_HOME=$tmp XDG_CONFIG_HOME=$tmp start caddy "$fetched" run --config caddy.json
	profile=http://127.0.0.1:$port/debug/pprof/goroutine
	http caddy go1.19.8 /a.js '/a.js?n=[1-1000000]'
else
	skip "caddy under load" "$why"
fi
# What it writes outside of its folders lands in a mount namespace of its own.
private='set -e
	for dir in etc opt; do
		mkdir -p "$0/$dir" "$0/$dir.work"
		mount -t overlay -o "lowerdir=/$dir,upperdir=$0/$dir,workdir=$0/$dir.work" overlay /$dir
	done
	mount -t tmpfs tmpfs /run
	exec "$@"'
if fetch_debian containerd usr/bin/containerd && fetch_debian runc usr/sbin/runc && fetch_debian docker.io usr/sbin/dockerd; then
	PATH=$BUILD/pkg/containerd/usr/bin:$BUILD/pkg/runc/usr/sbin:$PATH start dockerd unshare -m sh -c "$private" "$tmp/overlay" \
		"$fetched" --data-root="$tmp/dd" --exec-root="$tmp/de" --pidfile="$tmp/d.pid" -H "unix://$tmp/d.sock" --group=root \
		--iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none
	if patience=1 wait_until 20 serving --unix-socket d.sock http://docker/_ping; then
		loaded dockerd go1.19.8 load_http --unix-socket d.sock 'http://docker/info?n=[1-1000000]'
	else
		kill "$program" 2>/dev/null
		skip "dockerd under load" "it does not start here: $(tail -1 dockerd.log)"
	fi
else
	skip "dockerd under load" "$why"
fi
while read -r esbuild release; do
	if fetch_npm @esbuild/linux-x64 "$esbuild" bin/esbuild; then
		start "esbuild-$esbuild" "$fetched" --serve=127.0.0.1:0 --servedir=www
		http "esbuild-$esbuild" "$release" /a.js '/a.js?n=[1-1000000]'
	else
		skip "esbuild $esbuild under load" "$why"
	fi
done <<-END
	0.17.0 go1.19.4
	0.18.20 go1.20.7
	0.19.5 go1.20.10
	0.21.5 go1.20.12
	0.25.0 go1.23.5
	0.28.2 go1.26.5
	END
if fetch_npm @typescript/native-preview-linux-x64 7.0.0-dev.20260707.2 lib/tsgo; then
	start_program tsgo "$fetched" --lsp --stdio
	loaded tsgo go1.26.4 load_lsp tsgo typescript "$tmp/a.ts" 'export class A { f(a: number) { return a + 1 } }\n'
else
	skip "tsgo under load" "$why"
fi
if fetch_npm @bufbuild/buf-linux-x64 1.75.0 bin/buf; then
	start_program buf "$fetched" lsp serve
	loaded buf go1.27.3 load_lsp buf proto "$tmp/a.proto" 'syntax = \"proto3\"; package a.v1; message M { string s = 1; }'
else
	skip "buf under load" "$why"
fi
is "$(metric 'deferd_attach_failures_total{reason="image_worker"}')" 0 "no image worker failed"
stop_daemon
ok $? "the daemon ends well"
done_testing
