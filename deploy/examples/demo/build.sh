#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# build.sh OUTDIR: the demo's programs, as a shop would ship them: the Go services without symbols or
# debug information. Go comes from $GO, the PATH or /usr/lib/go-*; nothing is downloaded.
set -euo pipefail
[ $# = 1 ] || { echo "usage: build.sh OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"

find_go() {
	local go
	for go in ${GO:+"$GO"} go $(printf '%s\n' /usr/lib/go-*/bin/go /usr/local/go/bin/go | sort -rV); do
		if command -v "$go" >/dev/null; then
			command -v "$go"
			return
		fi
	done
	echo "build.sh: no Go found: install golang-go, or set GO=/path/to/go" >&2
	return 1
}

go=$(find_go)
export GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0
[ -n "${GOCACHE-}${XDG_CACHE_HOME-}${HOME-}" ] || export GOCACHE=$out/.gocache
for program in orders inventory coupons shopper; do
	"$go" build -trimpath -buildvcs=false -ldflags='-s -w' -o "$out/$program" "./$program"
done

# Frame pointers let deferd name the callers; the probed functions must keep their names. The header
# is deferd's own when this is a checkout, else the installed one.
${CC:-cc} -std=gnu11 -g -O2 -fno-omit-frame-pointer -Wall -Wextra -I../../../include -o "$out/worker" worker.c \
	-lpthread
echo "built with $("$go" version | cut -d' ' -f3): $out/{orders,inventory,coupons,shopper,worker}"
