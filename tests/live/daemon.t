#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The daemon's life: what it says when it cannot start, its pages, reload, the service manager, and its end.
. "$(dirname "$0")/../lib/live.sh"
need_root

# STATUS PATTERN NAME COMMAND...: fails at once with this status and a message that matches
refuses() {
	local status=$1 pattern=$2 name=$3
	shift 3
	timeout 20 "$@" >"$tmp/refuse.out" 2>&1
	is $? "$status" "$name: exit status"
	grep -qE "$pattern" "$tmp/refuse.out"
	ok $? "$name: says so"
	[ "$(wc -l <"$tmp/refuse.out")" -le 2 ] || sed 's/^/#   /' "$tmp/refuse.out" | head -5
}

# Cannot start

printf 'web:\n  listen_adress: x\n' >"$tmp/bad.yml"
refuses 2 'bad.yml:2:3: unknown key .listen_adress. in web; valid keys: listen_address' "wrong key" \
	"$DEFERD" run -c "$tmp/bad.yml"
printf 'limits: { targets: 0 }\n' >"$tmp/bad.yml"
refuses 2 'bad.yml:1:20: limits.targets: 0 is out of range' "out of range" "$DEFERD" run -c "$tmp/bad.yml"
printf 'web: [\n' >"$tmp/bad.yml"
refuses 2 'bad.yml:2:1: not valid YAML' "YAML error" "$DEFERD" run -c "$tmp/bad.yml"
refuses 2 'nowhere.yml: No such file' "missing file" "$DEFERD" run -c "$tmp/nowhere.yml"
refuses 2 "unknown option.*--nonsense.*--help" "unknown option" "$DEFERD" run --nonsense
if as_nobody; then
	refuses 4 'privilege.*missing.*CAP_BPF.*remedy' "no privilege" "${nobody[@]}" run
else
	skip "no privilege" "$why"
fi
if unshare --mount true 2>/dev/null; then
	refuses 3 'btf.*remedy.*CONFIG_DEBUG_INFO_BTF' "kernel without BTF" \
		unshare --mount sh -c "mount -t tmpfs none /sys/kernel/btf && exec $DEFERD run"
	refuses 3 'pid_namespace.*remedy' "pid namespace" \
		unshare --mount --pid --fork --mount-proc "$DEFERD" run --web.listen-address=127.0.0.1:0
else
	skip "kernel without BTF, pid namespace" "no private mounts to be had here (a chroot?)"
fi

start_daemon
refuses 1 "${url#http://} is in use.*--web.listen-address" "port in use" \
	"$DEFERD" run --web.listen-address="${url#http://}" --control.socket=

# Pages

is "$(curl -s "$url/-/healthy")" healthy "/-/healthy answers healthy"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url/nowhere")" 404 "an unknown page is 404"
is "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "$url/metrics")" 405 "another method is 405"
is "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$url/-/reload")" 403 "reload over TCP is off by default"
is "$(curl -s --compressed -D "$tmp/head" "$url/metrics" | grep -c '^deferd_build_info{')" 1 "/metrics answers compressed"
grep -qi '^content-encoding: gzip' "$tmp/head"
ok $? "gzip is announced"
curl -s -H 'Accept: application/openmetrics-text; version=1.0.0' "$url/metrics" >"$tmp/om"
is "$(tail -1 "$tmp/om")" "# EOF" "OpenMetrics ends as it should"
is "$(curl -sf "$url/api/v1/alerts" | jq -r .status)" success "/api/v1/alerts answers"
is "$(curl -sf --unix-socket "$tmp/deferd.sock" http://x/-/healthy)" healthy "the control socket answers"
is "$(stat -c %a "$tmp/deferd.sock")" 660 "the control socket has mode 660"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url/api/v1/targets/1x")" 404 "a pid is a number"

# Reload over the socket and by signal

stop_daemon
is $? 0 "SIGTERM ends it well"
printf 'rules: [{ alert: Many, metric: open_fds, threshold: 1 }]\n' >"$tmp/d.yml"
start_daemon -c "$tmp/d.yml"
metric_is 'deferd_alerts_firing{rule="Many",severity="warning"}' 0
ok $? "a rule of one's own"
printf 'rules: [{ alert: Fewer, metric: open_fds, op: "<", threshold: 1, severity: page }]\n' >"$tmp/d.yml"
kill -HUP "$daemon"
wait_until 5 metric_is 'deferd_alerts_firing{rule="Fewer",severity="page"}' 0
ok $? "SIGHUP brings a new one"
is "$(metric 'deferd_alerts_firing{rule="Many",severity="warning"}')" "" "SIGHUP takes the old rule away"
printf 'rules: [{ alert: Broken, metric: nonsense, threshold: 1 }]\n' >"$tmp/d.yml"
is "$(curl -s -o /dev/null -w '%{http_code}' -X POST --unix-socket "$tmp/deferd.sock" http://x/-/reload)" 500 "a broken file is refused"
metric_is deferd_config_last_reload_successful 0
ok $? "a metric shows the refused reload"
is "$(metric 'deferd_alerts_firing{rule="Fewer",severity="page"}')" 0 "the old configuration stays in force"
grep -q "d.yml:1:34: metric: 'nonsense' is not one of: defer_depth_max" "$tmp/deferd.log"
ok $? "the log names file, line, column and what is valid"
began=$(now_ms)
stop_daemon
took=$(($(now_ms) - began))
[ $took -lt 2000 ]
ok $? "SIGTERM ends it within 2 s ($took ms)"

# The service manager

NOTIFY_SOCKET=$tmp/notify.sock WATCHDOG_USEC=1000000 start_daemon 2>/dev/null # nobody listens: not a reason to stop
ok $? "a notify socket that nobody listens on does not matter"
stop_daemon
if command -v perl >/dev/null; then
	perl -MSocket -e '
		socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, sockaddr_un($ARGV[0])); $| = 1;
		while (defined recv($s, my $m, 4096, 0)) { $m =~ tr/\n/ /; print "$m\n" }' "$tmp/notify.sock" >"$tmp/notify.out" &
	listener=$!
	live_pids+=($listener)
	wait_until 5 test -S "$tmp/notify.sock"
	export NOTIFY_SOCKET=$tmp/notify.sock WATCHDOG_USEC=1000000
	printf '{}\n' >"$tmp/d.yml"
	start_daemon -c "$tmp/d.yml"
	wait_until 5 grep -q READY=1 "$tmp/notify.out"
	ok $? "READY=1"
	wait_until 5 grep -q WATCHDOG=1 "$tmp/notify.out"
	ok $? "WATCHDOG=1 while the loop turns"
	kill -HUP "$daemon"
	wait_until 5 grep -q 'RELOADING=1 MONOTONIC_USEC=' "$tmp/notify.out"
	ok $? "RELOADING=1"
	stop_daemon
	wait_until 5 grep -q STOPPING=1 "$tmp/notify.out"
	ok $? "STOPPING=1"
	unset NOTIFY_SOCKET WATCHDOG_USEC
else
	skip "sd_notify" "no perl to listen with"
fi

# TLS and basic auth

if command -v openssl >/dev/null && command -v perl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
	hash=$(perl -e 'print crypt("secret", "\$2y\$05\$abcdefghijklmnopqrstuu")')
	printf 'tls_server_config: { cert_file: cert.pem, key_file: key.pem }\nbasic_auth_users: { alice: "%s" }\n' "$hash" >"$tmp/web.yml"
	rm -f "$tmp/deferd.log" # of the daemon before
	"$DEFERD" run --targets.include="$my*" --web.listen-address=127.0.0.1:0 --control.socket= --web.config.file="$tmp/web.yml" >"$tmp/deferd.log" 2>&1 &
	daemon=$!
	live_pids+=($daemon)
	wait_until 20 grep -q 'http://' "$tmp/deferd.log"
	url=$(sed -n 's#.*http://\([0-9.:]*\)/.*#https://\1#p' "$tmp/deferd.log" | head -1)
	code() { curl -s --cacert "$tmp/cert.pem" -o /dev/null -w '%{http_code}' "$@" "$url/metrics"; }
	is "$(code)" 401 "TLS: without a user: 401"
	# One curl for both, on one connection: a quarter of a second later the next user is checked again.
	ask=(-s --cacert "$tmp/cert.pem" -o "$tmp/page" -w '%{http_code} ' "$url/metrics")
	is "$(curl -u alice:wrong "${ask[@]}" --next -u alice:secret "${ask[@]}")" "401 429 " \
		"TLS: a wrong password is refused, and right after it every other: 401, 429"
	comes_in() { [ "$(code -u alice:secret)" = 200 ]; }
	wait_until 3 comes_in
	ok $? "TLS: with the right one: 200"
	is "$(code -u alice:secret)" 200 "TLS: and again"
	stop_daemon
	ok $? "TLS: ends well"
else
	skip "TLS" "no openssl or perl"
fi
done_testing
