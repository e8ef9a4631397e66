#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.1
# What doctor calls attached is what the kernel has: while doctor holds its probes, the breakpoints in the memory of a program
# are those at the points that it names, and no others.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
command -v perl >/dev/null || skip_all "no perl"

start_program serves "$fixtures/serves.stripped"
file=$(readlink "/proc/$program/exe")

# Doctor's output goes to a pipe of one page: it stops in the middle of writing, with all its probes attached, until the
# breakpoints are read.
doctor() { # SET: $tmp/breakpoints has file offsets, $tmp/doctor.json what it says
	printf 'targets: { include: ["%s*"] }\nprobes: { set: %s }\n' "$my" "$1" >"$tmp/doctor.yml"
	perl - "$program" "$file" "$tmp" "$DEFERD" doctor --json --config.file="$tmp/doctor.yml" <<'PERL' 2>"$tmp/deferd.log"
use strict;
my ($pid, $file, $tmp, @command) = @ARGV;
pipe(my $in, my $out) or die "pipe: $!";
fcntl($in, 1031, 4096) or die "F_SETPIPE_SZ: $!";
my $doctor = fork() // die "fork: $!";
if (!$doctor) { close $in; open(STDOUT, ">&", $out); close $out; exec @command; die "exec: $!" }
close $out;
# All that fits is in the pipe: the rest waits for a reader.
for (1 .. 12000) {
	my $size = pack("i", 0);
	ioctl($in, 0x541b, $size); # FIONREAD
	last if unpack("i", $size) >= 4096 || ! -e "/proc/$doctor/exe";
	select(undef, undef, undef, 0.05);
}
open(my $maps, "<", "/proc/$pid/maps") or die "maps: $!";
my ($begin, $end, $offset);
while (<$maps>) { ($begin, $end, $offset) = (hex $1, hex $2, hex $3) if /^(\w+)-(\w+) ..x. (\w+) \S+ \d+ +\Q$file\E$/ }
my ($memory, $text);
open(my $mem, "<:raw", "/proc/$pid/mem") or die "mem: $!";
sysseek($mem, $begin, 0);
sysread($mem, $memory, $end - $begin) == $end - $begin or die "reading memory";
open(my $exe, "<:raw", $file) or die "$file: $!";
sysseek($exe, $offset, 0);
sysread($exe, $text, $end - $begin);
open(my $found, ">", "$tmp/breakpoints");
my $differ = substr($memory, 0, length $text) ^ $text;
print $found $offset + $-[0], "\n" while $differ =~ /[^\0]/g;
close $found;
open(my $json, ">", "$tmp/doctor.json");
print $json $_ while <$in>;
close $json;
waitpid($doctor, 0);
exit($? >> 8);
PERL
}
points() { # FILTER: file offsets of points
	jq -r --arg pid "$program" ".targets[] | select(.pid == (\$pid | tonumber)).points[] | select($1) | .file_offset + .offset" "$tmp/doctor.json"
}
present() { grep -qx "$1" "$tmp/breakpoints"; }

# On a busy machine doctor may end before it has looked at all: it says so.
complete() { doctor "$1" && [ "$(jq .complete "$tmp/doctor.json")" = true ]; }
sets='off lean full'
[ -z "${DEFERD_VM-}" ] || sets=lean # emulated: what differs there are perf events
for set in $sets; do
	wait_until 60 complete "$set"
	ok $? "$set: doctor ends well, and has looked at all processes"
	wrong=
	for at in $(points '.attached and (.why | startswith("at its") | not)'); do
		present "$at" || wrong+=" $at is not there"
	done
	for at in $(points '.attached | not'); do
		present "$at" && wrong+=" $at is there"
	done
	is "$wrong" "" "$set: each point is where doctor has it, and only there"
	calls=$(jq --arg pid "$program" '[.targets[] | select(.pid == ($pid | tonumber)).points[] | select(.attached).why |
		capture("^at its (?<n>[0-9]+) calls").n | tonumber] | add // 0' "$tmp/doctor.json")
	n=$(points '.attached and (.why | startswith("at its") | not)' | wc -l)
	is "$(wc -l <"$tmp/breakpoints")" $((n + calls)) "$set: nothing else is probed ($n points, $calls calls)"
done
[ "$(points true | wc -l)" -ge 8 ]
ok $? "the plan has $(points true | wc -l) points"
text_equals_file "$program"
ok $? "nothing is left of them when doctor has ended"
kill "$program"
done_testing
