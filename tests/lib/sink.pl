#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# sink.pl FILE: a receiver of notifications, on a free port of 127.0.0.1 that it prints. What comes is a line "PATH BODY" in FILE. By path:
#   /ok 200   /bad 400   /moved 302   /busy 503 twice, then 200   /hang nothing, ever   /huge... 200 with 10 MB
# and 200 for any other, GET as well as POST.
use strict;
use warnings;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16) or die "listen: $!";
open(my $out, '>>', $ARGV[0]) or die "$ARGV[0]: $!";
$out->autoflush(1);
$| = 1;
print $server->sockport(), "\n";
$SIG{PIPE} = 'IGNORE';
my ($busy, @hanging) = (0);
while (my $c = $server->accept()) {
	my ($path, $length) = ('', 0);
	while (my $line = <$c>) {
		$path = $1 if $line =~ m{^(?:POST|GET) (\S+)};
		$length = $1 if $line =~ /^Content-Length: (\d+)/i;
		last if $line =~ /^\r?\n$/;
	}
	my $body = '';
	read($c, $body, $length) if $length;
	print $out "$path $body\n";
	if ($path eq '/hang') {
		push @hanging, $c;
		next;
	}
	my $status = $path eq '/bad' ? '400 Bad Request' : $path eq '/moved' ? "302 Found\r\nLocation: /ok"
		: $path eq '/busy' && $busy++ < 2 ? '503 Service Unavailable' : '200 OK';
	my $answer = $path =~ m{^/huge} ? 'x' x 10_000_000 : "as $path\n";
	print $c "HTTP/1.1 $status\r\nContent-Length: ", length($answer), "\r\nConnection: close\r\n\r\n$answer";
	close $c;
}
