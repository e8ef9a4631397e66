# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What Go's runtime says of its goroutines (runtime/pprof, debug=2), a line for each that waits or is in a syscall:
#	GOID|REASON|CREATOR|PARENT|FUNCTION;FUNCTION;...
# without the runtime's own functions; of the others 44 at most, the innermost ones: that many are within what the runtime and a
# census show of a long stack. PARENT is 0 before Go 1.21, which did not say.
function put() { if (waits) print id "|" reason "|" creator "|" parent "|" stack }
/^goroutine / {
	id = $2
	reason = $0
	sub(/^[^[]*\[/, "", reason)
	sub(/[],].*/, "", reason)
	waits = reason !~ /^(running|runnable)$/
	creator = stack = ""
	parent = functions = 0
	next
}
/^$/ { put(); waits = 0; next }
/^\t/ { next }
/^created by / {
	creator = $3
	if ($4 == "in") parent = $6
	next
}
{
	sub(/\([^()]*\)$/, "")
	if ($0 !~ /^(runtime\..*|panic)$/ && ++functions <= 44) stack = stack (stack == "" ? "" : ";") $0
}
END { put() }
