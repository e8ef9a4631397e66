/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fdzoo: a process with a known number of descriptors of each kind.
 *
 *	fdzoo [LEAK_MS]
 *
 * Prints what it has as one line of JSON, beside its standard input, output and error, and waits for a line; with LEAK_MS it then
 * opens /dev/null each so many milliseconds and never closes it. Two threads share the descriptors. Ends with its
 * standard input.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CONNECTIONS 5

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void many(int n, int (*make)(void), const char *what)
{
	for (int i = 0; i < n; i++)
		must(make() >= 0, what);
}

static int make_file(void)
{
	return open("/proc/self/exe", O_RDONLY);
}
static int make_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY);
}
static int make_pipe(void)
{
	int p[2];

	return pipe(p);
}
static int make_pair(void)
{
	int p[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, p);
}
static int make_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}
static int make_eventfd(void)
{
	return eventfd(0, 0);
}
static int make_epoll(void)
{
	return epoll_create1(0);
}
static int make_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}
static int make_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(-1, &set, 0);
}
static int make_inotify(void)
{
	return inotify_init1(0);
}
static int make_memfd(void)
{
	return memfd_create("zoo", 0);
}
static int make_device(void)
{
	return open("/dev/null", O_RDWR);
}
static int make_pidfd(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}
static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* To itself: each is an outgoing and an incoming one. The last incoming one is closed by its peer only. */
static int connect_to_self(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = -1;

	must(server >= 0 && !bind(server, (struct sockaddr *)&at, len) && !listen(server, 16) &&
		     !getsockname(server, (struct sockaddr *)&at, &len),
	     "listening");
	for (int i = 0; i < CONNECTIONS; i++) {
		client = socket(AF_INET, SOCK_STREAM, 0);
		must(client >= 0 && !connect(client, (struct sockaddr *)&at, len) &&
			     accept(server, NULL, NULL) >= 0,
		     "connecting");
	}
	close(client);
	return ntohs(at.sin_port);
}

static void leak(int every_ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	while (poll(&in, 1, every_ms) == 0)
		must(make_device() >= 0, "/dev/null");
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[16];
	int port;

	must(!close_range(3, ~0u, 0), "close_range"); /* what it was started with */
	must(!pthread_create(&thread, NULL, idle, NULL) &&
		     !pthread_create(&thread, NULL, idle, NULL),
	     "threads");
	many(7, make_file, "file");
	many(3, make_directory, "directory");
	many(4, make_pipe, "pipe");
	many(2, make_pair, "socketpair");
	many(2, make_netlink, "netlink");
	many(6, make_eventfd, "eventfd");
	many(3, make_epoll, "epoll");
	many(2, make_timerfd, "timerfd");
	many(1, make_signalfd, "signalfd");
	many(2, make_inotify, "inotify");
	many(3, make_memfd, "memfd");
	many(5, make_device, "device");
	many(1, make_pidfd, "pidfd");
	many(2, make_map, "BPF map");
	must(socket(AF_INET6, SOCK_DGRAM, 0) >= 0, "inet6");
	port = connect_to_self();
	printf("{\"port\":%d,\"kinds\":{\"file\":7,\"directory\":3,\"pipe\":8,\"unix\":4,"
	       "\"netlink\":2,"
	       "\"eventfd\":6,\"epoll\":3,\"timerfd\":2,\"signalfd\":1,\"inotify\":2,\"memfd\":3,"
	       "\"device\":5,\"pidfd\":1,\"bpf\":2,\"inet6\":1,\"inet\":%d}}\n",
	       port, 2 * CONNECTIONS);
	must(!fflush(stdout) && fgets(line, sizeof(line), stdin), "a line");
	if (argc > 1)
		leak(atoi(argv[1]));
	return 0;
}
