# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Sourced after live.sh: real programs nobody here wrote, unpacked below the build folder, never installed (a package's
# scripts would start services). Each function sets a path, or fails with $why.
why=

fetch_prometheus() { # sets prometheus, promtool: Debian's, stripped, Go 1.19
	local dir=$BUILD/pkg/prometheus
	prometheus=$dir/usr/bin/prometheus promtool=$dir/usr/bin/promtool
	[ -x "$prometheus" ] && return 0
	command -v apt-get >/dev/null || { why="no apt-get to fetch Debian's prometheus with"; return 1; }
	mkdir -p "$dir"
	(cd "$dir" && apt-get -o APT::Sandbox::User=root download prometheus) >"$tmp/fetch.log" 2>&1 ||
		{ why="apt-get download prometheus: $(tail -1 "$tmp/fetch.log")"; return 1; }
	dpkg -x "$dir"/prometheus_*.deb "$dir" && rm -f "$dir"/prometheus_*.deb
	[ -x "$prometheus" ]
}

fetch_esbuild() { # sets esbuild: npm's 0.28.2, stripped, Go 1.26, without .go.buildinfo
	local dir=$BUILD/pkg/esbuild
	esbuild=$dir/package/bin/esbuild
	[ -x "$esbuild" ] && return 0
	command -v npm >/dev/null || { why="npm is not installed"; return 1; }
	mkdir -p "$dir"
	(cd "$dir" && npm pack --silent @esbuild/linux-x64@0.28.2 && tar -xzf esbuild-linux-x64-*.tgz) >"$tmp/fetch.log" 2>&1 ||
		{ why="npm pack @esbuild/linux-x64: $(tail -1 "$tmp/fetch.log")"; return 1; }
	[ -x "$esbuild" ]
}
