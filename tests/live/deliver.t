#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Alerts get to a real Alertmanager and to webhooks: once for one cause however many processes have it, again after an outage and never
# twice, ended when they are over. Who silenced one there is known here. What receivers do wrong is counted and told, and keeps nobody
# else from hearing; whom nobody vouches for hears nothing.
# early: an outage of a minute
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
outage=${OUTAGE_SECONDS:-60}
am_port=$(free_port)
am=http://127.0.0.1:$am_port
# Debian's has its templates in /usr/share, where the package is not installed: in a namespace of its own they are there.
start_alertmanager() { # OPTIONS...
	unshare -m sh -c 'mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && cp -r "$0" /usr/share/prometheus/ && exec "$@"' \
		"${alertmanager%/bin/*}/share/prometheus/alertmanager" \
		"$alertmanager" --config.file="$tmp/am.yml" --storage.path="$tmp/am" --web.listen-address="127.0.0.1:$am_port" \
		--cluster.listen-address= "$@" >>"$tmp/am.log" 2>&1 7>&- &
	manager=$!
	live_pids+=("$manager")
	wait_until 20 curl -skf -o /dev/null "$am/-/ready"
}
stop_alertmanager() {
	kill "$manager"
	wait "$manager" 2>/dev/null
}
start_sink
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
  alertmanagers:
    - { url: "$am/" }
    - { url: "$sink/no-alertmanager" }
    - { url: "$sink/huge-manager" }
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
ok $? "an alert arrives at the Alertmanager"
is "$(alerts '.[0].labels | [.alertname, .service, .severity, .team, .host, .instance] | join(" ")')" "ManyFiles ${my}fdchurn critical shop here $(uname -n)" "labels of the alert"
is "$(alerts '.[0].generatorURL')" "http://$(uname -n):0/api/v1/alerts" "a link to this host"
is "$(alerts '.[0].annotations.runbook')" "https://wiki/${my}fdchurn" "annotations of the alert"
echo >"$tmp/second.gate"
wait_until 20 processes 2
ok $? "two processes of a service share an alert"
is "$(alerts length)" 1 "the shared alert stays one"

# A silence, of which the daemon hears with its next message.
silenced() { curl -sf "$url/api/v1/alerts" | jq -r '[.data.alerts[].silence | select(.)] | length'; }
silenced_is() { [ "$(silenced)" = "$1" ]; }
silence=$(jq -n --arg services "${my}fdc.*" '{ matchers: [{ name: "service", value: $services, isRegex: true }], startsAt: (now | todate), endsAt: (now + 600 | todate),
	createdBy: "maria", comment: "is known" }' | curl -sf -H 'Content-Type: application/json' -d @- "$am/api/v2/silences" | jq -r .silenceID)
wait_until 20 silenced_is 2
ok $? "a silence is seen, for both processes"
is "$(curl -sf "$url/api/v1/alerts" | jq -r '.data.alerts[0].silence | "\(.created_by): \(.comment), \(.id)"')" "maria: is known, $silence" "the silence has its author, comment and id"
is "$(metric deferd_alerts_silenced)" 2 "silenced alerts are counted"
"$DEFERD" report --control.socket="$tmp/deferd.sock" --no-headers "${my}fdchurn" >"$tmp/report"
grep -q 'ManyFiles (silenced)' "$tmp/report"
ok $? "deferd report says so: $(cat "$tmp/report")"
curl -sf -X DELETE "$am/api/v2/silence/$silence"
wait_until 20 silenced_is 0
ok $? "a deleted silence is gone"
grep -q 'level=warn msg="silences are not known: '"$sink"'/no-alertmanager/.*not a list of alerts' "$tmp/deferd.log"
ok $? "an Alertmanager that has no silences to show is logged"
grep -q 'level=warn msg="silences are not known: '"$sink"'/huge-manager/.*more than 1048576 bytes' "$tmp/deferd.log"
ok $? "an Alertmanager with too long an answer is logged"

kill "$first"
wait_until 20 processes 1
ok $? "the shared alert goes on when one process ends"
is "$(alerts length)" 1 "it is the same alert as before"

# An outage, through which it goes on, and another one begins, and a third begins and ends.
stop_alertmanager
failing() { [ "$(notified "$am" failed)" -ge 1 ]; }
wait_until 20 failing
ok $? "an outage is counted"
grep -q 'level=warn msg="alert delivery failed: '"$am" "$tmp/deferd.log"
ok $? "the outage is logged"
cp "$fixtures/fdchurn" "$tmp/${my}fdother"
cp "$fixtures/fdchurn" "$tmp/${my}fdpassing"
start_beside other "$tmp/${my}fdother" --leak 400
other=$program
start_beside passing "$tmp/${my}fdpassing" --leak 400
passing=$program
for name in other passing; do echo >"$tmp/$name.gate"; done
passing_heard() { grep '^/ok ' "$tmp/sink.out" | grep -q fdpassing; }
wait_until 20 passing_heard
ok $? "another alert begins during the outage"
kill "$passing"
wait_until 20 firing "${my}fdother" ManyFiles
sleep "$outage" # the condition is that nothing gets through for so long
rm -rf "$tmp/am" # it has forgotten all
start_alertmanager
wait_until 90 there 2
ok $? "after $outage s all that still fire are there"
is "$(alerts '[.[].labels.service] | sort | join(" ")')" "${my}fdchurn ${my}fdother" "each once, and what has ended is not"
wait_until 5 grep -q 'level=info msg="alert delivery works again: '"$am" "$tmp/deferd.log"
ok $? "the end of the outage is logged"
sent=$(notified "$am" sent)
wait_until 20 notified_at_least "$am" sent $((sent + 3))
is "$(alerts length)" 2 "repeated messages make no second alert"
kill "$second" "$other"
wait_until 20 there 0
ok $? "alerts of ended processes are resolved"

# Webhooks: each change once.
of_sink() { grep -c "^$1 " "$tmp/sink.out"; }
changes() { sed -n "s#^$1 ##p" "$tmp/sink.out" | jq -r '.alerts[].labels.service' | sort | uniq -c | xargs; }
each="2 ${my}fdchurn 2 ${my}fdother 2 ${my}fdpassing" # that it fires, and that it is over; of what the second process does nobody hears: it is the same alert
heard_all() { [ "$(changes "$1")" = "$each" ]; }
wait_until 10 heard_all /ok
is "$(changes /ok)" "$each" "a webhook hears of each change once"
sed -n 's#^/ok ##p' "$tmp/sink.out" | tail -1 | jq -e '.alerts[0] | .endsAt < (now | todate)' >"$tmp/ended"
ok $? "last that it is over"
wait_until 10 heard_all /bad
is "$(changes /bad)" "$each" "a refused message is not sent again"
all_refused() { [ "$(notified "$sink/bad" refused)" = "$(of_sink /bad)" ]; }
wait_until 5 all_refused
is "$(notified "$sink/bad" refused) $(notified "$sink/bad" failed)" "$(of_sink /bad) 0" "a refused message is counted as refused"
wait_until 10 heard_all /moved
is "$(changes /moved)" "$each" "redirects are not followed"
is "$(notified "$sink/moved" sent)" 0 "a redirect is not taken for an answer"
wait_until 20 notified_at_least "$sink/busy" sent 1
is "$(notified "$sink/busy" failed)" 2 "a busy one is tried again"
wait_until 20 notified_at_least "$sink/hang" failed 2
ok $? "a receiver that hangs is given up, and tried again"
wait_until 10 heard_all /huge
is "$(changes /huge)" "$each" "a huge answer is an answer"
wait_until 20 notified_at_least http://127.0.0.1:1/ failed 2
ok $? "nobody there: tried again"
alive() { [ "$(metric deferd_rules_last_evaluation_timestamp_seconds | cut -d. -f1)" -ge $(($(date +%s) - 2)) ]; }
alive
ok $? "the time of the last evaluation is exported"

# Another receiver by a reload; the old ones are gone.
sed -i '/webhooks:/,$d' "$tmp/config.yml"
kill -HUP "$daemon"
gone() { [ -z "$(notified "$sink/ok" sent)" ] && [ -n "$(notified "$am" sent)" ]; }
wait_until 10 gone
ok $? "a reload changes receivers"
stop_daemon
ok $? "the daemon ends well"

# TLS: nobody is sent anything whose certificate nobody trusts, or is of another one.
stop_alertmanager
certificate() { # NAME SUBJECT-ALTERNATIVE
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.crt" -days 1 -subj "/CN=$1" -addext "subjectAltName=$2" \
		>"$tmp/openssl.log" 2>&1
}
serve_tls() { # NAME
	printf 'tls_server_config: { cert_file: "%s", key_file: "%s" }\n' "$tmp/$1.crt" "$tmp/$1.key" >"$tmp/web.yml"
	start_alertmanager --web.config.file="$tmp/web.yml"
}
am=https://127.0.0.1:$am_port
receiver() { # YAML
	sed -i '/^receivers:/,$d' "$tmp/config.yml"
	printf 'receivers: { resend: 2s, alertmanagers: [{ url: "%s", timeout: 2s%s }] }\n' "$am" "$1" >>"$tmp/config.yml"
}
secure_there() { [ "$(curl -skf "$am/api/v2/alerts" | jq length)" = "$1" ]; }
complaints=0
complains() { # once more, with a receiver that is new
	local n
	n=$(grep -c 'level=warn msg="alert delivery failed' "$tmp/deferd.log")
	[ "$n" -gt $complaints ] && complaints=$n
}
certificate good IP:127.0.0.1
certificate other DNS:elsewhere.example
serve_tls good
ok $? "an Alertmanager speaks TLS"
receiver ""
start_daemon --config.file="$tmp/config.yml"
start_beside third "$fixtures/fdchurn" --leak 400
wait_until 10 attached "$program"
echo >"$tmp/third.gate"
complains_of_certificate() { grep 'level=warn msg="alert delivery failed' "$tmp/deferd.log" | grep -qi certificate; }
wait_until 20 complains_of_certificate
ok $? "no authority vouches for it: not sent, and the log says why: $(sed -n 's/.*delivery failed: \(.*\)/\1/p' "$tmp/deferd.log" | tail -1)"
complains # what was logged so far is known
receiver ", ca_file: \"$tmp/other.crt\""
kill -HUP "$daemon"
wait_until 20 complains
ok $? "a certificate of another authority: not sent"
secure_there 0
ok $? "no alert came past a wrong certificate"
receiver ", ca_file: \"$tmp/good.crt\""
kill -HUP "$daemon"
wait_until 20 secure_there 1
ok $? "a certificate of its own authority: the alert is there"
stop_alertmanager
serve_tls other
receiver ", ca_file: \"$tmp/other.crt\""
kill -HUP "$daemon"
wait_until 20 complains
ok $? "the certificate of another host: not sent"
receiver ", ca_file: \"$tmp/nowhere.crt\""
kill -HUP "$daemon"
wait_until 20 complains
ok $? "an authority that cannot be read: not sent"
stop_daemon
ok $? "the daemon ends well"
done_testing
