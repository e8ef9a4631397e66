# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Sourced by live tests: TAP, a daemon of one's own, waiting for conditions. A test file begins with
#
#	. "$(dirname "$0")/../lib/live.sh"
#
# and calls ok, is, skip_all, ... ; done_testing ends it. Everything that was started is ended by its pid at exit.
#
# Tests run beside each other, and each of their daemons could observe the programs of all. So a test runs copies of the
# fixtures whose names begin with $my, and its daemon observes these only; with `my=` it observes the whole host. A test
# with a line "# alone: REASON" in its head runs while no other does.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
top=$PWD
BUILD=${BUILD:-$top/build}
DEFERD=${DEFERD:-$BUILD/deferd}
tmp=$(mktemp -d /tmp/deferd-live.XXXXXX)
my=$(basename "$0" .t)-
tap_n=0
tap_failed=0
live_pids=()
unset STATE_DIRECTORY # a daemon begins with nothing, unless it is told where something is

cleanup() {
	local pid
	for pid in "${live_pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	for pid in "${live_pids[@]}"; do wait "$pid" 2>/dev/null; done
	exec 7>&- 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

# TAP

ok() { # STATUS NAME: STATUS is that of a command, 0 is good
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
	else
		echo "not ok $tap_n - $2"
		tap_failed=$((tap_failed + 1))
		[ -s "$tmp/deferd.log" ] && tail -5 "$tmp/deferd.log" | sed 's/^/#   /'
	fi
}
check() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >/dev/null 2>&1
	ok $? "$name"
}
is() { # GOT WANTED NAME
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		echo "#   got:    $1"
		echo "#   wanted: $2"
	fi
}
skip() { # NAME REASON
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
note() { echo "# $*"; }
done_testing() {
	echo "1..$tap_n"
	[ $tap_failed = 0 ]
	exit
}

need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	[ -x "$DEFERD" ] || skip_all "$DEFERD is not built"
	[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
}

# Waiting

# To ask takes 50 ms of a processor, of which eight tests beside each other have little: the longer one waits, the less often.
pauses=(0.05 0.05 0.05 0.1 0.1 0.1 0.2 0.2 0.2 0.3 0.3 0.4 0.4 0.5 0.5 0.6 0.7 0.8 0.9 1)
[ -z "${DEFERD_VM-}" ] || pauses=(0.3) # emulated: who asks takes the time of who is asked
patience=5 # a machine may be busy: what is waited for takes so many times as long as on one that is not
[ -z "${DEFERD_VM-}" ] || patience=15
wait_until() { # SECONDS COMMAND...: 0 as soon as the command succeeds
	local seconds=$(($1 * patience)) tries=0
	local end=$((SECONDS + seconds))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { note "$seconds s were not enough for: $*"; return 1; }
		sleep "${pauses[tries]}"
		tries=$((tries + 1 < ${#pauses[@]} ? tries + 1 : tries))
	done
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# The daemon

# Descriptor 7 is closed for it: a program's gate must not be held open by somebody else.
# Programs that do nothing but what is counted are past any budget of probes: only tests of the budget have one.
start_daemon() { # OPTIONS...: sets daemon, url; returns when it answers
	[ -z "$my" ] || set -- --targets.include="$my*" "$@"
	rm -f "$tmp/deferd.log" # of the daemon before: the new one opens it only after the fork
	"$DEFERD" run --web.listen-address=127.0.0.1:0 --control.socket="$tmp/deferd.sock" \
		--probes.budget="${BUDGET:-0}" "$@" >"$tmp/deferd.log" 2>&1 7>&- &
	daemon=$!
	live_pids+=("$daemon")
	started() { grep -sq 'http://' "$tmp/deferd.log" || ! kill -0 "$daemon"; }
	wait_until "${START_SECONDS:-20}" started
	grep -sq 'http://' "$tmp/deferd.log" || { note "the daemon does not start: $(tail -1 "$tmp/deferd.log")"; return 1; }
	url=$(sed -n 's#.*\(http://[0-9.:]*\)/.*#\1#p' "$tmp/deferd.log" | head -1)
	answers() { curl -sSf -m 5 -o /dev/null "$url/-/healthy" 2>"$tmp/curl.err"; }
	wait_until 20 answers || { note "the daemon does not answer: $(cat "$tmp/curl.err")"; return 1; }
}
# A copy of deferd that who is nobody may start, without any capability: the command in `nobody`. False: nobody can start
# programs here, `why`.
as_nobody() {
	chmod 755 "$tmp" # they may not look into root's folders
	cp "$DEFERD" "$tmp/deferd"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$tmp/deferd")
	why=$("${nobody[@]}" version 2>&1) && return
	why="nobody cannot even start programs here: $(head -1 <<<"$why")"
	return 1
}
stop_daemon() { # by SIGTERM; its exit status
	kill "$daemon"
	wait "$daemon"
}
metric() { # 'name{label="value"}': its value, nothing when it is not there
	curl -sf "$url/metrics" | awk -v want="$1" '{ v = $NF; sub(/ [^ ]*$/, "") } $0 == want { print v }'
}
metric_is() { [ "$(metric "$1")" = "$2" ]; }
# Of one process, by its pid: another program of the same name may run on the host.
target() { # FIELD [PID]: a field of /api/v1/targets/PID, of $program by default
	curl -sf -m 5 "$url/api/v1/targets/${2-$program}" | jq -r ".$1"
}
target_is() { [ "$(target "$1" "${3-$program}")" = "$2" ]; } # FIELD VALUE [PID]
# jq -e is content with empty input, so compare what it prints.
attached() { # PID
	[[ $(curl -sf "$url/api/v1/targets/$1") =~ '"state":'\ ?'"observed"' ]]
}
firing() { # SERVICE RULE
	[ "$(curl -sf "$url/api/v1/alerts" |
		jq --arg s "$1" --arg r "$2" 'any(.data.alerts[]; .state == "firing" and .labels.service == $s and .labels.alertname == $r)')" = true ]
}

start_sink() { # a receiver of notifications, which writes them to $tmp/sink.out; sets sink: see sink.pl
	perl tests/lib/sink.pl "$tmp/sink.out" >"$tmp/sink.port" &
	live_pids+=($!)
	wait_until 5 test -s "$tmp/sink.port"
	sink=http://127.0.0.1:$(cat "$tmp/sink.port")
}

# Observed programs

# The executable mapping of the program, in memory and in the file.
text_equals_file() { # PID
	local range offset start end
	read -r range offset < <(awk -v exe="$(readlink "/proc/$1/exe")" '$2 ~ /x/ && $6 == exe { print $1, $3; exit }' "/proc/$1/maps")
	start=$((16#${range%-*})) end=$((16#${range#*-}))
	cmp -s -n $((end - start)) <(dd if="/proc/$1/mem" bs=4096 skip=$((start / 4096)) count=$(((end - start) / 4096)) 2>/dev/null) \
		<(dd if="/proc/$1/exe" bs=4096 skip=$((16#$offset / 4096)) count=$(((end - start) / 4096)) 2>/dev/null)
}

own() { # FILE: sets `owned` to what this test runs in its place: a copy with a name of its own of a fixture
	owned=$1
	[ -n "$my" ] && [[ $1 = "$BUILD"/fixtures/* ]] || return 0
	owned=${1#"$BUILD"/fixtures/}
	owned=$tmp/${owned%/*}/$my${1##*/}
	[ -e "$owned" ] || { mkdir -p "${owned%/*}" && cp "$1" "$owned"; }
}
start_program() { # NAME COMMAND...: output in $tmp/NAME.out, a line on fd 7 lets a gated one go on; sets program
	local name=$1
	own "$2"
	shift 2
	rm -f "$tmp/gate"
	mkfifo "$tmp/gate"
	"$owned" "$@" <"$tmp/gate" >"$tmp/$name.out" 2>"$tmp/$name.err" &
	program=$!
	live_pids+=("$program")
	exec 7>"$tmp/gate"
	await_exec "$program"
}
# Until its exec a child is a copy of this shell, and its output is that of the run before.
await_exec() { # PID
	while cmp -s "/proc/$$/cmdline" "/proc/$1/cmdline"; do sleep 0.01; done
}
go_on() { echo >&7; }
start_beside() { # NAME COMMAND...: the same with a gate of its own, which lines written to $tmp/NAME.gate open
	make_gate "$1"
	start_at_gate "$@"
}
make_gate() { # NAME
	rm -f "$tmp/$1.gate"
	mkfifo "$tmp/$1.gate"
}
start_at_gate() { # NAME COMMAND...: starts no other process
	own "$2"
	"$owned" "${@:3}" <>"$tmp/$1.gate" >"$tmp/$1.out" 2>"$tmp/$1.err" &
	program=$!
	live_pids+=("$program")
	await_exec "$program"
}
account='$out | split("\n") | map(select(startswith("{"))) | last | fromjson'
truth() { # NAME FIELD: of the program's own account
	jq -rn --rawfile out "$tmp/$1.out" "$account | .$2"
}
declare -A said=()
learn() { # NAME: all that it says, into the array `said`
	local field value
	said=()
	while read -r field value; do said[$field]=$value; done < <(truth "$1" ' | to_entries[] | "\(.key) \(.value)"')
}
has_truth() { grep -q '^{' "$tmp/$1.out"; }
# NAME FIELD=TRUTH...: "FIELD TOLD TRUE" lines of what is told of $program, and what it says itself.
compare() {
	local pair fields=''
	for pair in "${@:2}"; do fields+="\"${pair%%=*} \" + (\$told.${pair%%=*} | tostring) + \" \" + (\$true.${pair#*=} | tostring),"; done
	curl -sf -m 5 "$url/api/v1/targets/$program" |
		jq -r --rawfile out "$tmp/$1.out" ". as \$told | ($account) as \$true | ${fields%,}"
}
agrees() { # NAME FIELD=TRUTH...
	local field told true
	compare "$@" >"$tmp/compared" || return
	while read -r field told true; do [ "$told" = "$true" ] || return; done <"$tmp/compared"
}
# A point for each, when they have become the same or ten seconds are over.
agree() { # LABEL NAME FIELD=TRUTH...
	local field told true
	wait_until 10 agrees "${@:2}"
	[ "$(wc -l <"$tmp/compared")" = $(($# - 2)) ] || ok 1 "$1: nothing is told of process $program"
	while read -r field told true; do is "$told" "$true" "$1: $field"; done <"$tmp/compared"
}

# The Gos that are here, one a release, as "VERSION COMMAND" lines: the PATH's, Debian's, and those in $DEFERD_GO (a list of
# commands).
list_gos() {
	local go version release seen=" "
	for go in go /usr/lib/go-*/bin/go /usr/local/go/bin/go ${DEFERD_GO-}; do
		go=$(command -v "$go") || continue
		version=$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) || continue
		release=$(cut -d. -f1,2 <<<"$version")
		case $seen in *" $release "*) continue ;; esac
		seen="$seen$release "
		echo "$version $go"
	done
}
releases='1.19 1.21 1.22 1.23 1.24 1.25 1.26 1.27'
skip_absent_gos() { # skips the supported releases that list_gos does not find, by name
	local release reason gos
	gos=$(list_gos)
	for release in $releases; do
		grep -q "^go$release[. ]" <<<"$gos" && continue
		reason=$(sed -n "s/^$release //p" "$BUILD/go-toolchains/missing" 2>/dev/null)
		skip "go$release" "${reason:-not here; tests/lib/gos.sh fetches releases for DEFERD_GO}"
	done
}
# Other ways of building than the default one are tried by a sample: with the oldest and the newest of $gos, or with
# DEFERD_MATRIX=all each. Each way costs a Go a standard library of its own.
is_sample() { # VERSION GO
	[ "${DEFERD_MATRIX-}" = all ] || [ "$1 $2" = "$(sort -V <<<"$gos" | head -1)" ] || [ "$1 $2" = "$(sort -V <<<"$gos" | tail -1)" ]
}
need_gos() { # root and a Go; sets gos
	need_root
	gos=$(list_gos)
	[ -n "$gos" ] || skip_all "no Go here to build the program with"
}
need_go() { # [VARIANT...]: root, and the fixtures by the first Go that is here; sets version, go, fixtures
	need_root
	read -r version go < <(list_gos)
	[ -n "${version-}" ] || skip_all "no Go here to build the program with"
	build_fixtures "$version" "$go" "$@" || skip_all "fixtures: $(tail -1 "$tmp/build.log")"
}
build_fixtures() { # VERSION GO [VARIANT...]: into $fixtures, unless they are newer than their sources
	fixtures=$BUILD/fixtures/$1
	mkdir -p "$fixtures"
	{ flock 9 && build_missing "${@:2}"; } 9>"$fixtures/lock" # another test may be building them
}
build_missing() { # GO [VARIANT...]
	local variant stamp build=()
	for variant in "${@:2}" $([ $# -gt 1 ] || echo default stripped); do
		stamp=$fixtures/built.$variant
		[ -e "$stamp" ] && [ -z "$(find tests/fixtures include/deferd/defer.h -newer "$stamp" -type f | head -1)" ] ||
			build+=("$variant")
	done
	[ ${#build[@]} = 0 ] || GOCACHE=$BUILD/gocache tests/fixtures/build.sh "$fixtures" "$1" "${build[@]}" \
		>"$tmp/build.log" 2>&1 || return
	for variant in "${build[@]}"; do touch "$fixtures/built.$variant"; done
}
