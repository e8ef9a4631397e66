#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A recording played back gives the alerts of the live run, at the same times.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped

printf 'targets: { include: ["%s*"] }\nprobes: { budget_percent: 0 }\n' "$my" >"$tmp/deferd.yml"
start_beside panics "$fixtures/swallow.stripped"
start_beside pile "$fixtures/pile.stripped"
pile=$program
"$DEFERD" record -c "$tmp/deferd.yml" -o "$tmp/rec.gz" >"$tmp/live" 2>"$tmp/deferd.log" 7>&- &
recorder=$!
live_pids+=("$recorder")
links() { find "/proc/$recorder/fd" -lname 'anon_inode:bpf*link*' | wc -l; }
observes() { [ "$(links)" -ge 5 ]; } # exec, exit, fork, and one of each program
wait_until 20 observes
echo >"$tmp/panics.gate"
echo >"$tmp/pile.gate"
wait_until 60 has_truth pile
wait_until 30 grep -q 'firing.*DeferPileUp' "$tmp/live"
ok $? "while it is recorded, the alert is printed"
kill "$recorder"
wait "$recorder"
ok $? "SIGTERM ends the recording well"
"$DEFERD" replay -c "$tmp/deferd.yml" "$tmp/rec.gz" >"$tmp/played" 2>"$tmp/played.err"
ok $? "it is played"
is "$(sed '$d' "$tmp/played")" "$(cat "$tmp/live")" "with the same alerts, at the same times, about the same lines"
"$DEFERD" replay --json -c "$tmp/deferd.yml" "$tmp/rec.gz" | jq -es 'map(.alert) | index("DeferPileUp") != null' >/dev/null
ok $? "as JSON, too"

# Other rules

printf 'default_rules: false\nrules:\n  - { alert: Deep, expr: "defer_depth_max > 50", severity: page }\n' >"$tmp/other.yml"
"$DEFERD" replay -c "$tmp/other.yml" "$tmp/rec.gz" | grep -q 'firing .* page .* Deep '
ok $? "other rules raise other alerts"
"$DEFERD" replay -c "$tmp/other.yml" "$tmp/rec.gz" | grep -c DeferPileUp | grep -qx 0
ok $? "and only those"

# Bad input

head -c 2000 "$tmp/rec.gz" >"$tmp/cut.gz"
"$DEFERD" replay "$tmp/cut.gz" >"$tmp/out" 2>"$tmp/err"
is "$?" 1 "a recording that was cut is refused"
grep -q "cut.gz:[0-9]*: the file ends in the middle" "$tmp/err"
ok $? "with its line"
"$DEFERD" replay "$tmp/deferd.yml" >"$tmp/out" 2>"$tmp/err"
is "$?" 1 "and so is another file"
"$DEFERD" record -o /nonexistent/x.gz >"$tmp/out" 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "1 deferd record: /nonexistent/x.gz: No such file or directory" "a file that cannot be made is named"
"$DEFERD" record -o "$tmp/none.gz" 4194304 >"$tmp/out" 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "1 deferd record: no process or service '4194304' is known here" "a process that is not there is an error"
done_testing
