# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Sourced by live tests of requests, behind live.sh and fetch.sh: what the daemon tells of those of $program, and what that
# measures itself.

need_timing() { # root, a Go, a kernel on which requests are timed; sets gos
	need_gos
	"$DEFERD" doctor --no-targets --json >"$tmp/doctor"
	[ "$(jq -r '.features[] | select(.feature == "uprobe_multi") | .have' "$tmp/doctor")" = true ] ||
		skip_all "no uprobe_multi here: requests are not timed"
}
requests() { target "requests.$1"; }
timed() { [ "$(requests timed)" = 1 ]; }
within() { # A B PERCENT
	awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = a - b; exit !(b > 0 && (d < 0 ? -d : d) <= b * p / 100) }'
}
percentiles_agree() { # NAME WHAT PERCENT: a point for each
	local q ours theirs
	for q in p50 p95 p99; do
		ours=$(requests ${q}_seconds) theirs=$(truth "$1" ${q}_seconds)
		within "$ours" "$theirs" "$3"
		ok $? "$2: $q is $ours s, $theirs s by its own account"
	done
}
each_grpc() { # FUNCTION: with the version of a Go and a name, for the oldest and newest server of gRPC, $fetched, beside a daemon
	local release version go
	for release in '' newer; do
		read -r version go < <(if [ -n "$release" ]; then grep -E '^go1\.(2[4-9]|[3-9])' <<<"$gos"; else cat <<<"$gos"; fi | tail -1)
		[ -n "$go" ] || { skip "gRPC $release" "needs Go 1.24"; continue; }
		build_grpcserves "$go" $release || { skip "gRPC $release" "$why"; continue; }
		start_daemon
		"$1" "$version" "gRPC ${release:-of 2023}"
		stop_daemon
	done
}
