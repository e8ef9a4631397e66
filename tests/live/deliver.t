#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Alerts get to a real Alertmanager and to webhooks: once for one cause however many processes have it, again after an outage and never
# twice, ended when they are over. What receivers do wrong is counted and told, and keeps nobody else from hearing.
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_go
fetch_debian prometheus-alertmanager usr/bin/prometheus-alertmanager || skip_all "$why"
alertmanager=$fetched
command -v perl >/dev/null || skip_all "no perl for a webhook"

cat >"$tmp/am.yml" <<'END'
route: { receiver: nobody, group_by: [alertname, service], group_wait: 1s, group_interval: 1s }
receivers: [{ name: nobody }]
END
am_port=$(free_port)
am=http://127.0.0.1:$am_port
# Debian's has its templates in /usr/share, where the package is not installed: in a namespace of its own they are there.
start_alertmanager() {
	unshare -m sh -c 'mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && cp -r "$0" /usr/share/prometheus/ && exec "$@"' \
		"${alertmanager%/bin/*}/share/prometheus/alertmanager" \
		"$alertmanager" --config.file="$tmp/am.yml" --storage.path="$tmp/am" --web.listen-address="127.0.0.1:$am_port" \
		--cluster.listen-address= >>"$tmp/am.log" 2>&1 7>&- &
	manager=$!
	live_pids+=("$manager")
	wait_until 20 curl -sf -o /dev/null "$am/-/ready"
}
stop_alertmanager() {
	kill "$manager"
	wait "$manager" 2>/dev/null
}
perl tests/lib/sink.pl "$tmp/sink.out" >"$tmp/sink.port" &
live_pids+=($!)
wait_until 5 test -s "$tmp/sink.port"
sink=http://127.0.0.1:$(cat "$tmp/sink.port")
start_alertmanager || skip_all "Alertmanager does not start: $(tail -1 "$tmp/am.log")"

cat >"$tmp/config.yml" <<END
default_rules: false
rules:
  - alert: ManyFiles
    expr: open_fds > 300
    severity: critical
    labels: { team: shop }
    annotations: { runbook: "https://wiki/{{ .service }}" }
receivers:
  resend: 2s
  labels: { host: here }
  alertmanagers: [{ url: "$am/" }]
  webhooks:
    - { url: "$sink/ok" }
    - { url: "$sink/bad" }
    - { url: "$sink/moved" }
    - { url: "$sink/busy" }
    - { url: "$sink/hang", timeout: 1s }
    - { url: "$sink/huge" }
    - { url: "http://127.0.0.1:1/" }
END
start_daemon --config.file="$tmp/config.yml"

alerts() { curl -sf "$am/api/v2/alerts" | jq -r "$1"; }
there() { [ "$(alerts 'length')" = "$1" ]; }
processes() { alerts '.[0].annotations.processes' | grep -q "^$1: "; }
notified() { metric "deferd_notifications_total{receiver=\"$1\",result=\"$2\"}"; }
notified_at_least() { [ "$(notified "$1" "$2")" -ge "$3" ]; }

start_beside first "$fixtures/fdchurn" --leak 400
first=$program
start_beside second "$fixtures/fdchurn" --leak 400
second=$program
wait_until 10 attached "$first"
wait_until 10 attached "$second"
echo >"$tmp/first.gate"
wait_until 20 there 1
ok $? "an alert is there"
is "$(alerts '.[0].labels | [.alertname, .service, .severity, .team, .host] | join(" ")')" "ManyFiles fdchurn critical shop here" "its labels"
is "$(alerts '.[0].annotations.runbook')" "https://wiki/fdchurn" "its annotations"
echo >"$tmp/second.gate"
wait_until 20 processes 2
ok $? "of two processes it is one"
is "$(alerts length)" 1 "and stays one"
kill "$first"
wait_until 20 processes 1
ok $? "one of them has ended: it goes on"
is "$(alerts length)" 1 "as the same"

# An outage, through which it goes on, and another one begins.
stop_alertmanager
failing() { [ "$(notified "$am" failed)" -ge 1 ]; }
wait_until 20 failing
ok $? "an outage is counted"
grep -q 'level=warn msg="alerts do not get through: '"$am" "$tmp/deferd.log"
ok $? "and told"
rm -rf "$tmp/am" # it has forgotten all
start_alertmanager
wait_until 90 there 1
ok $? "after the outage it is there again"
is "$(alerts '.[0].labels.service')" fdchurn "the same"
wait_until 5 grep -q 'level=info msg="alerts get through again: '"$am" "$tmp/deferd.log"
ok $? "that it is over is told"
sent=$(notified "$am" sent)
wait_until 20 notified_at_least "$am" sent $((sent + 3))
is "$(alerts length)" 1 "and it is there once, told again and again"
kill "$second"
wait_until 20 there 0
ok $? "it is over"

# Webhooks: each change once.
of_sink() { grep -c "^$1 " "$tmp/sink.out"; }
ended() { grep "^/ok " "$tmp/sink.out" | tail -1 | sed 's/^[^ ]* //' | jq -e '.alerts[0] | .endsAt < (now | todate)' >/dev/null; }
wait_until 10 ended
ok $? "the webhook hears that it is over"
is "$(of_sink /ok)" 2 "and of each change once" # of what the second process does nobody hears: it is the same alert
wait_until 10 notified_at_least "$sink/bad" refused 2
is "$(notified "$sink/bad" refused) $(notified "$sink/bad" failed)" "2 0" "what is refused is not sent again"
wait_until 10 notified_at_least "$sink/moved" refused 2
is "$(notified "$sink/moved" refused) $(of_sink /moved)" "2 2" "redirects are not followed"
wait_until 20 notified_at_least "$sink/busy" sent 1
is "$(notified "$sink/busy" failed)" 2 "a busy one is tried again"
wait_until 20 notified_at_least "$sink/hang" failed 2
ok $? "one that hangs is given up, and tried again"
wait_until 10 notified_at_least "$sink/huge" sent 2
is "$(notified "$sink/huge" sent)" 2 "a huge answer is an answer"
wait_until 20 notified_at_least http://127.0.0.1:1/ failed 2
ok $? "nobody there: tried again"
alive() { [ "$(metric deferd_rules_last_evaluation_timestamp_seconds | cut -d. -f1)" -ge $(($(date +%s) - 2)) ]; }
alive
ok $? "when rules were evaluated last is told"

# Another receiver by a reload; the old ones are gone.
sed -i '/webhooks:/,$d' "$tmp/config.yml"
kill -HUP "$daemon"
gone() { [ -z "$(notified "$sink/ok" sent)" ] && [ -n "$(notified "$am" sent)" ]; }
wait_until 10 gone
ok $? "a reload changes receivers"
stop_daemon
ok $? "the daemon ends well"
done_testing
