#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.1
# A process gets the number of one that has just ended: nothing of the old one is told of the new one, whether the daemon
# looked on or was stopped meanwhile.
# alone: process numbers must not be given to somebody else
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
last=/proc/sys/kernel/ns_last_pid
{ echo "$(<$last)" >$last; } 2>/dev/null || skip_all "the next process's number cannot be chosen here ($last)"
fixtures_go=$fixtures
build_fixtures c - || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"

end() { # PID
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}
# Like start_beside, as the process of this number; somebody else may be faster a few times.
start_as() { # PID NAME COMMAND...
	local try
	make_gate "$2"
	for try in {1..100}; do
		echo $(($1 - 1)) >$last
		start_at_gate "${@:2}"
		[ $program != "$1" ] || return 0
		end $program
		unset 'live_pids[-1]'
	done
	return 1
}
is_new() { [ "$(target "service == \"$1\" and .state == \"observed\" and .defers_registered == 0 and (.fd_leak.verdict // \"too_young\") == \"too_young\"")" = true ]; }
works() { # LABEL NAME FIELD=TRUTH: lets it work, and compares what is told of it with its own account
	echo >"$tmp/$2.gate"
	wait_until 60 has_truth "$2"
	agree "$@"
}

start_daemon
start_beside pile "$fixtures_go/pile.stripped" -defers 5000 -deep 200
first=$program
wait_until 30 attached "$first"
ok $? "the first is observed"
heap=defers_registered_by_lowering.heap=registered_heap
works "the first" pile $heap

follow() { # WHEN NAME SERVICE FIELD=TRUTH COMMAND...: "watched", or "unseen" by a daemon that is stopped meanwhile
	[ "$1" = watched ] || kill -STOP "$daemon"
	end "$first"
	start_as "$first" "$2" "${@:5}"
	ok $? "$1: $2 is process $first now"
	[ "$1" = watched ] || kill -CONT "$daemon"
	wait_until 30 is_new "$my$3"
	ok $? "$1: $2 begins with nothing"
	works "$1: $2" "$2" "$4"
	is "$(curl -sf "$url/api/v1/snapshot" | jq --argjson p "$first" '[.targets[] | select(.pid == $p)] | length')" 1 "$1: $2 is there once"
}
whens=(watched unseen)
[ -z "${DEFERD_VM-}" ] || whens=(unseen) # emulated: the harder one
for when in "${whens[@]}"; do
	follow $when same pile.stripped $heap "$fixtures_go/pile.stripped" -defers 300 -deep 50
	follow $when cpile cpile defers_registered=registered "$fixtures/cpile"
	follow $when pile pile.stripped $heap "$fixtures_go/pile.stripped" -defers 700 -deep 60
done
kill -STOP "$daemon"
end "$first"
start_as "$first" sleep sleep 1000
kill -CONT "$daemon"
gone() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/api/v1/targets/$first")" = 404 ]; }
wait_until 10 gone
ok $? "one that is nothing to observe is not taken for the one before"
stop_daemon
ok $? "the daemon ends well"

# The command that follows one process says that it is gone.
"$DEFERD" fds --csv --interval 1 --duration 60 "$first" >"$tmp/csv" 2>"$tmp/err" &
follower=$!
live_pids+=("$follower")
wait_until 10 grep -q , "$tmp/csv"
kill -STOP "$follower"
end "$first"
start_as "$first" sleep sleep 1000
ok $? "process $first is another one"
kill -CONT "$follower"
wait "$follower"
is "$? $(cat "$tmp/err")" "1 deferd fds: the process is gone" "deferd fds --csv: it does not go on with another"
done_testing
