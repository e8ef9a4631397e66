#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What panic(nil) is, by the go line of the program's module and by GODEBUG.
. "$(dirname "$0")/../lib/live.sh"
need_root
go=$(list_gos | awk '{ split($1, v, "."); if (v[2] >= 21) print $2 }' | head -1)
[ -n "$go" ] || skip_all "no Go 1.21 or newer here"

cat >"$tmp/main.go" <<'END'
package main

import (
	"bufio"
	"fmt"
	"os"
)

func quiet() {
	defer func() { fmt.Printf("{\"type\":\"%T\"}\n", recover()) }()
	panic(nil)
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	lines.ReadString('\n')
	quiet()
	lines.ReadString('\n')
}
END
build() { # RELEASE: by a module of this go line
	mkdir -p "$tmp/$1"
	cp "$tmp/main.go" "$tmp/$1"
	printf 'module nilpanic\n\ngo %s\n' "$1" >"$tmp/$1/go.mod"
	(cd "$tmp/$1" && GOCACHE=$BUILD/gocache GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod "$go" build -o "$tmp/$my$1" .)
}
told() { # of the panic, and of its site
	curl -sf -m 5 "$url/api/v1/panics?pid=$program" | jq -r '[.panics[0], .sites[0]] | map(.type) | unique | join(", ")'
}
told_is() { [ "$(told)" = "$1" ]; }
check() { # RELEASE GODEBUG WANTED
	GODEBUG=$2 start_program "nil$1" "$tmp/$my$1"
	wait_until 20 attached "$program"
	go_on
	wait_until 10 has_truth "nil$1"
	is "$(truth "nil$1" type | sed 's/<nil>/nil/')" "$3" "go $1, GODEBUG '$2': the program has it so"
	wait_until 10 told_is "$3"
	is "$(told)" "$3" "go $1, GODEBUG '$2': and so it is told"
	go_on
	exec 7>&-
	wait "$program"
}

build 1.20 && build 1.21
ok $? "the programs are built"
start_daemon
check 1.20 '' nil
check 1.21 '' '*runtime.PanicNilError'
check 1.20 panicnil=0 '*runtime.PanicNilError'
check 1.21 http2client=0,panicnil=1 nil
stop_daemon
done_testing
