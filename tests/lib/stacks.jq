# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The same (stacks.awk) of what `deferd goroutines --json` says.
.groups[] | select((.state == "waiting" or .state == "leaked" or .state == "syscall") and (.system | not)) | . as $g |
	([.stack[].function | select(startswith("runtime.") | not)][:44] | join(";")) as $stack |
	.goroutines[] | "\(.id)|\($g.reason // $g.state)|\($g.created_by.function // "")|\(.parent // 0)|\($stack)"
