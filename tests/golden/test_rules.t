#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# deferd test-rules: what it says of rules that do what is expected, and of those that do not; and the default rules.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
n=0
same() { # NAME STATUS WANTED_STATUS GOT WANTED
	n=$((n + 1))
	if [ "$2" = "$3" ] && [ "$4" = "$5" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		diff <(echo "$2 $4") <(echo "$3 $5") | sed 's/^/# /'
	fi
}
dir=tests/golden/rules
out=$("$DEFERD" test-rules $dir/good.yml)
same "as expected" $? 0 "$out" "$dir/good.yml: 2 rules, 1 tests, 0 failed"
out=$("$DEFERD" test-rules $dir/bad.yml)
same "not as expected" $? 1 "$out" "$dir/bad.yml:9: expectations that are wrong, at 10s: expected alert ManyFiles of shop does not fire (0 alerts fire)
$dir/bad.yml:10: expectations that are wrong, at 20s: unexpected alert ManyFiles of shop fires: open_fds is 400, threshold 300
$dir/bad.yml: 2 rules, 1 tests, 1 failed"
out=$("$DEFERD" test-rules $dir/default.yml)
same "the default rules" $? 0 "$out" "$dir/default.yml: 16 rules, 2 tests, 0 failed"
out=$("$DEFERD" test-rules /nowhere.yml 2>&1)
same "no file" $? 2 "$out" "/nowhere.yml: No such file or directory"
echo "1..$n"
