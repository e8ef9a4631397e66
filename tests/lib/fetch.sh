# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Sourced after live.sh: real programs nobody here wrote, unpacked below the build folder, never installed (a package's
# scripts would start services). Each function sets `fetched` to a path, where the file is called $my and its name, or
# fails with $why. One test fetches at a time.
why=
fetched=

one_at_a_time() { # COMMAND...
	mkdir -p "$BUILD"
	{ flock 9 && "$@"; } 9>"$BUILD/fetch.lock" || return
	[ -n "$my" ] || return 0
	local own=${fetched%/*}/$my${fetched##*/}
	[ "$own" -ef "$fetched" ] || ln -f "$fetched" "$own"
	fetched=$own
}

fetch_debian() { one_at_a_time get_debian "$@"; } # PACKAGE PATH: a file of the package, of this Debian release
fetch_npm() { one_at_a_time get_npm "$@"; }       # PACKAGE VERSION PATH: a file of npm's package, which is not installed
build_grpcserves() { one_at_a_time get_grpcserves "$@"; } # GO [newer]: a gRPC server, by the oldest or newest module

get_debian() {
	local dir=$BUILD/pkg/$1
	fetched=$dir/$2
	[ -x "$fetched" ] && return 0
	command -v apt-get >/dev/null || { why="no apt-get to fetch Debian's $1 with"; return 1; }
	mkdir -p "$dir"
	(cd "$dir" && apt-get -o APT::Sandbox::User=root download "$1") >"$tmp/fetch.log" 2>&1 ||
		{ why="apt-get download $1: $(tail -1 "$tmp/fetch.log")"; return 1; }
	dpkg -x "$dir/$1"_*.deb "$dir" && rm -f "$dir/$1"_*.deb
	[ -x "$fetched" ] || { why="$1 has no $2"; return 1; }
}

get_npm() {
	local dir
	dir=${1#@}
	dir=$BUILD/pkg/${dir//\//-}-$2
	fetched=$dir/package/$3
	[ -x "$fetched" ] && return 0
	command -v npm >/dev/null || { why="npm is not installed"; return 1; }
	mkdir -p "$dir"
	(cd "$dir" && npm pack --loglevel=error "$1@$2" && tar -xzf ./*.tgz && rm -f ./*.tgz) >"$tmp/fetch.log" 2>&1 ||
		{ why="npm pack $1@$2: $(grep -m1 -i '^npm err' "$tmp/fetch.log")"; return 1; }
	[ -x "$fetched" ] || { why="$1@$2 has no $3"; return 1; }
}

free_port() {
	local port
	while port=$((20000 + RANDOM % 10000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo $port
}

get_grpcserves() { # its oldest and its newest way to end a call need different modules
	local mod=${2:-go}.mod
	fetched=$BUILD/fixtures/grpcserves.$("$1" env GOVERSION).${2:-go}
	[ -x "$fetched" ] && [ -z "$(find tests/fixtures/grpcserves tests/fixtures/served -newer "$fetched" -type f | head -1)" ] && return 0
	mkdir -p "$BUILD/fixtures"
	(cd tests/fixtures/grpcserves && GOCACHE=$BUILD/gocache GOMODCACHE=$BUILD/gomod GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0 \
		"$1" build -modfile="$mod" -trimpath -ldflags='-s -w' -o "$fetched" .) >"$tmp/build.log" 2>&1 ||
		{ why="building with gRPC: $(tail -1 "$tmp/build.log")"; return 1; }
}
