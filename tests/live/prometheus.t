#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What deploy/ has for Prometheus and Grafana: promtool accepts and tests the rules, and whatever metric they and the dashboard ask for, a
# daemon has, with its labels.
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
need_go
fetch_debian prometheus usr/bin/promtool || skip_all "$why"
promtool=$fetched

"$promtool" check rules deploy/prometheus/deferd.rules.yml >"$tmp/check.out" 2>&1
ok $? "promtool checks the rules"
"$promtool" test rules deploy/prometheus/deferd.test.yml >"$tmp/test.out" 2>&1
ok $? "promtool tests the rules"
[ $tap_failed = 0 ] || sed 's/^/#   /' "$tmp/check.out" "$tmp/test.out"
cp deploy/prometheus/*.yml "$tmp/"
"$promtool" check config --syntax-only "$tmp/scrape.yml" >"$tmp/scrape.out" 2>&1
ok $? "promtool checks the scrape configuration"

start_daemon
start_program serves "$fixtures/serves" -n 200
wait_until 10 attached "$program"
go_on
wait_until 20 has_truth serves
served() { curl -sf "$url/metrics" | grep -q '^deferd_request_duration_seconds_count'; }
wait_until 10 served
curl -sf "$url/metrics" >"$tmp/metrics"
"$promtool" check metrics <"$tmp/metrics" >"$tmp/lint.out" 2>&1 || grep -v 'no help text\|should not be used\|non-histogram' "$tmp/lint.out" >"$tmp/lint.bad"
[ ! -s "$tmp/lint.bad" ]
ok $? "promtool finds nothing wrong with the metrics"
[ ! -s "$tmp/lint.bad" ] || sed 's/^/#   /' "$tmp/lint.bad"

# Families, as metadata has them, and the three series of a histogram.
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$tmp/metrics" | sed 's/$/\n&/' | grep . | sort -u >"$tmp/families"
asked() { # of a text with expressions
	grep -oE '\b(deferd|process)_[a-z0-9_]+' | grep -v '^deferd_[a-z]*$' | sort -u
}
missing() { # FILE
	local name
	for name in $(asked <"$1"); do
		grep -q "^$name\(_total\)\?\b" "$tmp/metrics" || grep -qx "$(sed 's/_\(bucket\|sum\|count\|total\)$//' <<<"$name")\(_total\)\?" "$tmp/families" || echo "$name"
	done
}
jq -r '.panels[].targets[].expr, (.templating.list[].query.query? // empty)' deploy/grafana/deferd.json >"$tmp/dashboard.exprs"
grep -o 'expr: .*' deploy/prometheus/deferd.rules.yml | sed 's/service:[a-z0-9_:]*//' >"$tmp/rules.exprs"
is "$(missing "$tmp/dashboard.exprs")" "" "every metric of the dashboard is there"
is "$(missing "$tmp/rules.exprs")" "" "every metric of the rules is there"
is "$(jq '[.panels[] | select((.targets | length) == 0 or .title == "" or .gridPos == null)] | length' deploy/grafana/deferd.json)" 0 \
	"each panel of the dashboard has a title, a place and a query"
is "$(jq '[.panels[].id] | length == (unique | length)' deploy/grafana/deferd.json)" true "panels are told apart"
# Each expression is PromQL, with the dashboard's variables filled in.
i=0
{
	echo "groups: [{ name: dashboard, rules: ["
	jq -r '.panels[].targets[].expr' deploy/grafana/deferd.json | sed 's/\$service/.*/g; s/\$instance/.*/g' |
		while read -r expr; do
			i=$((i + 1))
			echo "{ record: 'e$i', expr: '$expr' },"
		done
	echo "]}]"
} >"$tmp/dashboard.rules.yml"
"$promtool" check rules "$tmp/dashboard.rules.yml" >"$tmp/dashboard.out" 2>&1
ok $? "each query of the dashboard is PromQL"
grep -q ERROR "$tmp/dashboard.out" && sed 's/^/#   /' "$tmp/dashboard.out"

# What the manual lists is what a daemon has, with its labels: a family that no service has yet has no sample.
sed -n 's/^\.It Li //p' deploy/man/deferd-metrics.7 | sort >"$tmp/manual"
is "$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$tmp/metrics" | sort | diff <(sed 's/{.*//' "$tmp/manual" | sort) -)" "" \
	"the manual lists every family of metrics, and no other"
sed -nE 's/^([a-z_]+)(_bucket|_sum|_count)?(\{.*\})? .*/\1 \3/p' "$tmp/metrics" | sed -E 's/_(bucket|sum|count) / /; s/="([^"\\]|\\.)*"//g; s/,?le\}/}/; s/\{\}//; s/ //' |
	sort -u >"$tmp/labelled"
is "$(comm -23 "$tmp/labelled" "$tmp/manual")" "" "every sample has the labels that the manual lists"

# The Kubernetes form of rules.
check "the example DeferRule is valid" "$DEFERD" check-config <(printf 'rule_files: ["%s"]\n' "$PWD/deploy/kubernetes/deferrule-example.yaml")
done_testing
