# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What deferd tells of the panics of tests/fixtures/scenarios (input: /api/v1/panics of one process), against the program's
# own account ($told): a line for each difference, nothing when both are the same.
#
#	jq -r --argjson told "$(program's line)" -f scenarios.jq

def differs($what; $got; $want):
	if $got == $want then empty else "\($what): \($got | tojson), not \($want | tojson)" end;

# A panic as both sides can tell it. A computed message is for nobody but the program, unless it dies of it.
def as_told($panics):
	{ outcome, type, message: (if .computed and .outcome != "fatal" then "" else .message end),
	  site: [.site, .site_file, .site_line],
	  recovered_in: (.recovered_in // null),
	  recover: [.recover_site // null, .recover_line // null],
	  replaced_by: (if .overridden_by == null then null else .overridden_by + 1 end) };
def as_seen($ids):
	{ outcome, type, message,
	  site: [.site.function, (.site.file | sub(".*/"; "")), .site.line],
	  recovered_in: .recovered_in.function,
	  recover: [.recover_site.function, .recover_site.line],
	  replaced_by: (if .replaced_by == null then null else ((.replaced_by as $r | $ids | index($r)) // -2) + 1 end) };

def panics($scenario; $seen):
	($seen | map(.id)) as $ids |
	differs("panics"; $seen | length; $scenario.panics | length),
	(range([($seen | length), ($scenario.panics | length)] | min) as $i | $scenario.panics[$i] as $want |
		($want | as_told($scenario.panics)) as $want_told | ($seen[$i] | as_seen($ids)) as $got |
		($want_told | keys[]) as $key | differs("panic \($i) \($key)"; $got[$key]; $want_told[$key]));

def misplaced($scenario; $seen):
	differs("misplaced recover()"; [$seen[] | select(.site.function == $scenario.misplaced_site) | .count] | add // 0;
		$scenario.misplaced),
	differs("its line"; [$seen[] | select(.site.function == $scenario.misplaced_site) | .site.line][0];
		$scenario.misplaced_line // null);

def death($scenario; $seen):
	$scenario.death as $death |
	if $death == null or $death.kind == "panic" then differs("deaths"; $seen | length; 0)
	else
		differs("deaths"; $seen | map(.kind); [$death.kind]),
		($seen[0] | differs("outcome"; .outcome; "fatal"),
			if (.message // "" | startswith($death.message) | not)
			then "message: \(.message), not \($death.message)" else empty end)
	end;

# Where the program cannot name the goroutine, the process has one scenario and all is of it.
def of($scenario): if $scenario.goid == 0 or $scenario.death != null then . else map(select(.goroutine == $scenario.goid)) end;

. as $seen | ($told.scenarios[] | . as $scenario |
	($seen.panics | map(select(.kind == "panic")) | sort_by(.id) | of($scenario)) as $panics |
	(panics($scenario; $panics), misplaced($scenario; $seen.misplaced),
		death($scenario; $seen.panics | map(select(.kind != "panic")) | of($scenario)),
		if $scenario.goid != 0 and any($panics[]; .goroutine != $scenario.goid) then "another goroutine" else empty end
	) | "\($scenario.name): \(.)"),
differs("panics of nobody"; [$seen.panics[] | select(.kind == "panic")] | length;
	[$told.scenarios[].panics[]] | length),
differs("misplaced recover() of nobody"; [$seen.misplaced[].count] | add // 0; [$told.scenarios[].misplaced] | add)
