#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The tables of deferd.yml(5) are what the program says: its keys, and the numbers that rules can compare. With REFRESH=1 they
# are brought up to date.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
page=deploy/man/deferd.yml.5

# Each is a list of ".It" lines, with a line of text behind each.
keys() {
	"$DEFERD" check-config --example | awk '
	function item(key, value, text) {
		gsub(/"/, "\\(dq", value)
		print ".It Li " key (value != "" ? " No = Li " value : "")
		print text
	}
	/^# rules of your own/ { exit }
	/^[a-z_]+:$/ { section = substr($1, 1, length($1) - 1) ; next }
	/^  # keys of a receiver:/ { next }
	/^  #   / {
		key = $2
		sub(/^  #   [a-z_]+ */, "")
		item("receivers.alertmanagers[]." key, "", $0)
		next
	}
	/^  # / { doc = substr($0, 5); next }
	/^  #[a-z_]+: / {
		key = $1
		gsub(/[#:]/, "", key)
		sub(/^[^:]*: /, "")
		item(section "." key, $0, doc)
		next
	}
	/^#c_runtimes:/ { runtimes = 1; next }
	/^#  [- ] [a-z]+: / && runtimes {
		key = $2 == "-" ? $3 : $2
		sub(":", "", key)
		sub(/^[^:]*: [^#]*# /, "")
		item("c_runtimes[]." key, "", $0)
		next
	}
	/^# / { doc = substr($0, 3); next }
	/^#[a-z_]+: / {
		key = substr($1, 2, length($1) - 2)
		sub(/^[^:]*: /, "")
		item(key, $0, key == "default_rules" ? "whether the rules below are in force" : doc)
	}'
}

numbers() {
	"$DEFERD" check-config --example |
		sed -n '/^# rules of your own/,/^#rules:/s/^#   \([a-z0-9_]*\) *\(.*\) (\(.*\))$/.It Li \1 Pq \3\n\2/p'
}

documented() { # TABLE
	sed -n "/^\.\\\\\" $1: begin/,/^\.\\\\\" $1: end/{/^\.\\\\\"/d;/^\.[BE]l/d;p}" "$page"
}

refresh() { # TABLE
	{
		sed "/^\.\\\\\" $1: begin/q" "$page"
		echo '.Bl -tag -width Ds'
		"$1"
		echo '.El'
		sed -n "/^\.\\\\\" $1: end/,\$p" "$page"
	} >"$page.new" && mv "$page.new" "$page"
}

n=0
compare() { # TABLE ROWS: it has at least so many
	local difference
	[ -z "${REFRESH-}" ] || refresh "$1"
	n=$((n + 1))
	difference=$(diff <("$1") <(documented "$1")) && [ "$("$1" | grep -c '^\.It')" -ge "$2" ] || printf 'not '
	echo "ok $n - deferd.yml(5) has the $1 of the program"
	[ -z "$difference" ] || echo "$difference" | sed 's/^/# /'
}

compare keys 40
compare numbers 24
echo "1..$n"
