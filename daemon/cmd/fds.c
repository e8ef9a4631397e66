// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who has how many descriptors of what, now; whether one process gets more of them, and what a daemon says of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "cmd/cmd.h"
#include "cmd/source.h"
#include "model/fdtally.h"
#include "probe/fditer.h"
#include "proc/procfs.h"
#include "stat/trend.h"
#include "ui/value.h"

#define SHOWN_KINDS 4u /* of a process in the table */

static struct source_opts source = { .command = "fds", .daemon_first = true };
static bool as_json, as_csv, no_headers;
static uint32_t interval_s = 1, duration_s = 30;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &source.config_path, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "control.socket", 0, OPTION_STRING, &source.socket, .arg = "PATH",
	  .help = "socket of the daemon, which has the leak verdict; default: as configured" },
	{ "csv", 0, OPTION_FLAG, &as_csv,
	  .help = "sample one process: 'epoch,count' lines, and the slope at the end" },
	{ "duration", 'd', OPTION_U32, &duration_s, .min = 1, .max = 86400, .arg = "SECONDS",
	  .help = "how long to sample; default: 30" },
	{ "interval", 'i', OPTION_U32, &interval_s, .min = 1, .max = 3600, .arg = "SECONDS",
	  .help = "time between two samples; default: 1" },
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "one JSON array of processes" },
	{ "no-headers", 0, OPTION_FLAG, &no_headers, .help = "rows only" },
	{},
};

static int fail(const char *text)
{
	fprintf(stderr, "deferd fds: %s\n", text);
	return EXIT_FAILED;
}

/* The pass */

struct pass {
	int procfd;
	struct fdtally *tally;
	bool failed;
};

static void take(void *arg, const struct fd_entry *fd)
{
	struct pass *p = arg;

	p->failed |= fdtally_add(p->tally, fd) != 0;
}

static int take_missing(void *arg, pid_t pid)
{
	struct pass *p = arg;

	if (!fdtally_process(p->tally, pid))
		(void)fd_for_each(p->procfd, pid, take, p); /* gone meanwhile */
	return 0;
}

/*
 * Who is not counted yet: all, when there was no pass; else those that a security module keeps from BPF, as
 * far as it lets us see them.
 */
static void read_proc(struct pass *p, pid_t pid)
{
	if (pid)
		(void)take_missing(p, pid);
	else
		(void)proc_for_each_pid(p->procfd, take_missing, p);
}

static int read_all(struct pass *p, pid_t pid)
{
	struct reason reason = {};
	struct fditer *it = NULL;
	int err = fditer_open(&it, &reason);

	if (!err)
		err = fditer_read(it, take, p, &reason);
	fditer_close(it);
	if (err) {
		fprintf(stderr,
			"deferd fds: the kernel cannot list descriptors (%s): reading /proc, which "
			"shows no address family, port or state\n",
			reason.text);
		fdtally_free(p->tally);
		p->tally = fdtally_new(pid);
		if (!p->tally)
			return -ENOMEM;
	}
	read_proc(p, pid);
	return p->failed ? -ENOMEM : 0;
}

/* One document, which is printed as it is or as text */

static json_t *kinds_of(const struct fd_process *f)
{
	json_t *o = json_object();

	for (int k = 0; k < FD_KIND_MAX; k++) {
		if (f->by_kind[k])
			(void)json_object_set_new(o, fd_kind_names[k], json_integer(f->by_kind[k]));
	}
	return o;
}

static json_t *limit_json(bool known, uint64_t limit)
{
	return known && limit != UINT64_MAX ? json_integer((json_int_t)limit) : json_null();
}

static json_t *process_of(const struct pass *p, const struct fd_process *f)
{
	struct proc_image image = {};
	uint64_t limit = 0, hard = 0;
	bool known = !proc_fd_limit(f->pid, &limit, &hard);

	if (proc_stat_exe(p->procfd, f->pid, &image) || !image.name[0])
		snprintf(image.name, sizeof(image.name), "-");
	return json_pack("{s:i, s:s, s:I, s:o, s:o, s:o}", "pid", (int)f->pid, "name", image.name,
			 "open_fds", (json_int_t)f->open, "max_fds", limit_json(known, limit),
			 "hard_max_fds", limit_json(known, hard), "kinds", kinds_of(f));
}

static json_t *connections_of(struct pass *p)
{
	const struct fd_connections *c;
	json_t *list = json_array();
	unsigned n;

	if (fdtally_connections(p->tally, &c, &n))
		return list;
	for (unsigned i = 0; i < n; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:i, s:s, s:I}", "family", fd_kind_names[c[i].family],
				  "direction", c[i].incoming ? "in" : "out", "port", (int)c[i].port,
				  "state", fd_state_name(c[i].state), "count", (json_int_t)c[i].n));
	return list;
}

/* What the daemon makes of it, if there is one and it observes the process; else nothing. */
static void add_verdict(json_t *o, struct source *s, pid_t pid)
{
	static const char *const taken[] = { "fd_leak",
					     "fd_limit",
					     "fd_groups",
					     "fd_sites",
					     "pool",
					     "fd_exhaustion_seconds",
					     "fd_exhaustion_high_seconds" };
	struct reason reason = {};
	json_t *target = NULL;

	if (s)
		(void)source_target(s, (uint32_t)pid, &target, &reason);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		(void)json_object_set(o, taken[i],
				      json_object_get(target, taken[i]) ?: json_null());
	json_decref(target);
}

static json_t *document(struct pass *p, struct source *s, pid_t pid)
{
	json_t *list = json_array(), *o;

	if (!pid) {
		for (const struct fd_process *f = fdtally_processes(p->tally); f; f = f->hh.next)
			(void)json_array_append_new(list, process_of(p, f));
		return list;
	}
	o = process_of(p, fdtally_process(p->tally, pid) ?: &(struct fd_process){ .pid = pid });
	(void)json_object_set_new(o, "connections", connections_of(p));
	add_verdict(o, s, pid);
	(void)json_array_append_new(list, o);
	return list;
}

struct share {
	const char *kind;
	long long n;
};

static int most_first(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

/* "412 inet, 20 file, ...": the most frequent kinds. */
static void print_kinds(const json_t *kinds, unsigned most)
{
	struct share s[FD_KIND_MAX] = {};
	const char *name;
	json_t *count;
	unsigned n = 0;

	json_object_foreach ((json_t *)kinds, name, count)
		s[n++] = (struct share){ name, json_integer_value(count) };
	qsort(s, n, sizeof(*s), most_first);
	for (unsigned i = 0; i < n && i < most; i++)
		printf("%s%lld %s", i ? ", " : "", s[i].n, s[i].kind);
	puts(n > most ? ", ..." : "");
}

static void print_table(const json_t *list)
{
	const json_t *o;
	size_t i;

	if (!no_headers)
		puts("     PID NAME                   OPEN    LIMIT  USED  KINDS");
	json_array_foreach (list, i, o) {
		double open = (double)value_integer(o, "open_fds"), limit;

		printf("%8lld %-20.20s %6.0f ", value_integer(o, "pid"), value_string(o, "name"),
		       open);
		if (value_number(o, "max_fds", &limit) && limit > 0)
			printf("%8.0f %4.0f%%  ", limit, 100 * open / limit);
		else
			printf("%8s %5s  ", "-", "-");
		print_kinds(json_object_get(o, "kinds"), SHOWN_KINDS);
	}
}

static void print_process(const json_t *o)
{
	double limit = 0, hard;
	const json_t *c;
	size_t i;

	printf("process %lld, %s: %lld descriptors", value_integer(o, "pid"),
	       value_string(o, "name"), value_integer(o, "open_fds"));
	if (value_number(o, "max_fds", &limit) && limit > 0)
		printf(" of %.0f", limit);
	if (value_number(o, "hard_max_fds", &hard) && hard > limit)
		printf(" (soft limit; it may raise it to %.0f)", hard);
	printf("\n    ");
	print_kinds(json_object_get(o, "kinds"), FD_KIND_MAX);
	json_array_foreach (json_object_get(o, "connections"), i, c) {
		bool in = !strcmp(value_string(c, "direction"), "in");
		long long port = value_integer(c, "port");

		if (port)
			printf("%8lld %s %s port %lld, %s\n", value_integer(c, "count"),
			       value_string(c, "family"), in ? "at its" : "to", port,
			       value_string(c, "state"));
		else
			printf("%8lld %s not connected, %s\n", value_integer(c, "count"),
			       value_string(c, "family"), value_string(c, "state"));
	}
}

static void print_group(const json_t *g)
{
	const json_t *leak = json_object_get(g, "leak");
	double low = 0, high = 0, seconds = 0;
	char over[VALUE_MAX], what[VALUE_MAX];

	if (strcmp(value_string(leak, "verdict"), "leaking"))
		return;
	(void)value_number(leak, "low_per_hour", &low);
	(void)value_number(leak, "high_per_hour", &high);
	(void)value_number(leak, "seconds", &seconds);
	value_duration(over, sizeof(over), seconds);
	value_descriptors(what, sizeof(what), g);
	printf("        %s: %.0f to %.0f more an hour, seen over %s; %lld are open\n", what, low,
	       high, over, value_integer(g, "open"));
}

static void print_site(const json_t *s)
{
	const json_t *site = json_object_get(s, "site");
	double share = 0, median = 0;
	char age[VALUE_MAX], what[VALUE_MAX];

	if (!value_integer(s, "kept"))
		return;
	(void)value_number(s, "share", &share);
	(void)value_number(s, "median_seconds", &median);
	value_duration(age, sizeof(age), median);
	value_descriptors(what, sizeof(what), s);
	printf("        %5.1f%%  %lld kept (%s), half of them for %s: %s at %s:%lld\n", 100 * share,
	       value_integer(s, "kept"), what, age,
	       json_is_object(site) ? value_string(site, "function") : "?",
	       value_string(site, "file"), value_integer(site, "line"));
}

static bool same_group(const json_t *a, const json_t *b)
{
	return !strcmp(value_string(a, "kind"), value_string(b, "kind")) &&
	       !strcmp(value_string(a, "direction"), value_string(b, "direction")) &&
	       value_integer(a, "port") == value_integer(b, "port");
}

/* What leaks, and who opened it was not seen. */
static void print_unsited(const json_t *o)
{
	const json_t *g, *s;
	char what[VALUE_MAX];
	size_t i, k;

	json_array_foreach (json_object_get(o, "fd_groups"), i, g) {
		long long n = value_integer(g, "open");

		json_array_foreach (json_object_get(o, "fd_sites"), k, s)
			n -= same_group(g, s) ? value_integer(s, "open") : 0;
		if (n <= 0 ||
		    strcmp(value_string(json_object_get(g, "leak"), "verdict"), "leaking"))
			continue;
		value_descriptors(what, sizeof(what), g);
		printf("        %lld more (%s): opened before the hooks were attached, or in a way "
		       "that they do not see (passed over a socket, io_uring, clone)\n",
		       n, what);
	}
}

/* Which is no leak. */
static void print_pool(const json_t *pool)
{
	const json_t *site = json_object_get(pool, "site");
	double per_hour = 0;

	if (!json_is_object(pool))
		return;
	(void)value_number(pool, "per_hour", &per_hour);
	printf("        the pool is too small: %lld goroutines wait for one of %lld %s, %.0f more "
	       "an "
	       "hour, most at %s at %s:%lld\n",
	       value_integer(pool, "waiting"), value_integer(pool, "open"),
	       value_string(pool, "what"), per_hour,
	       json_is_object(site) ? value_string(site, "function") : "?",
	       value_string(site, "file"), value_integer(site, "line"));
}

/* " (fs.file-max: 12 of 100 are used)"; "" for that of the process, which stands above. */
static void name_limit(const json_t *l, char *buf, size_t size)
{
	buf[0] = '\0';
	if (json_is_object(l) && strcmp(value_string(l, "name"), "RLIMIT_NOFILE") != 0)
		snprintf(buf, size, " (%s: %lld of %lld are used)", value_string(l, "name"),
			 value_integer(l, "used"), value_integer(l, "max"));
}

static void print_verdict(const json_t *o)
{
	const json_t *leak = json_object_get(o, "fd_leak"), *g;
	char low_text[VALUE_MAX], high_text[VALUE_MAX], limit[2 * VALUE_MAX];
	double low, high;
	size_t i;

	if (!json_is_object(leak))
		return;
	printf("    verdict of the daemon: %s\n", value_string(leak, "verdict"));
	json_array_foreach (json_object_get(o, "fd_groups"), i, g)
		print_group(g);
	print_pool(json_object_get(o, "pool"));
	if (json_array_size(json_object_get(o, "fd_sites")))
		puts("    opened by, since the hooks were attached:");
	json_array_foreach (json_object_get(o, "fd_sites"), i, g)
		print_site(g);
	print_unsited(o);
	if (!value_number(o, "fd_exhaustion_seconds", &low))
		return;
	name_limit(json_object_get(o, "fd_limit"), limit, sizeof(limit));
	if (low <= 0) {
		printf("        the limit is reached: no descriptor is left%s\n", limit);
		return;
	}
	value_duration(low_text, sizeof(low_text), low);
	if (value_number(o, "fd_exhaustion_high_seconds", &high)) {
		value_duration(high_text, sizeof(high_text), high);
		printf("        the limit is reached in %s to %s%s\n", low_text, high_text, limit);
	} else {
		printf("        the limit is reached in %s at the earliest%s\n", low_text, limit);
	}
}

static int show_pass(int procfd, struct source *s, pid_t pid)
{
	struct pass p = { .procfd = procfd, .tally = fdtally_new(pid) };
	struct proc_image image;
	json_t *doc = NULL;
	int code = EXIT_GOOD;

	if (pid && proc_stat_exe(procfd, pid, &image)) {
		code = cmd_unknown_pid(&cmd_fds, pid);
	} else if (!p.tally || read_all(&p, pid) || !(doc = document(&p, s, pid))) {
		code = fail("out of memory");
	} else if (as_json) {
		(void)json_dumpf(doc, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (pid) {
		print_process(json_array_get(doc, 0));
		print_verdict(json_array_get(doc, 0));
	} else {
		print_table(doc);
	}
	json_decref(doc);
	fdtally_free(p.tally);
	return code;
}

/* Time */

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	interrupted = 1;
}

/* Every other one goes when there is no room: what is left is spread over the whole time. */
static void thin(struct trend_sample *s, unsigned *n)
{
	for (unsigned i = 0; i < *n / 2; i++)
		s[i] = s[2 * i];
	*n /= 2;
}

static void print_slope(const struct trend_sample *s, unsigned n)
{
	struct trend t;

	if (trend_fit(s, n, &t))
		printf("# slope: not known with fewer than %d samples\n", TREND_SAMPLES_MIN);
	else
		printf("# slope: %+.2f per minute (95 %% interval %+.2f to %+.2f), of %u "
		       "samples\n",
		       t.per_sec * 60, t.low_per_sec * 60, t.high_per_sec * 60, t.samples);
}

/*
 * Of the process that had this number at the beginning: somebody else may get it. Asked after the count, or it may happen
 * between the two.
 */
static int count_same(int procfd, pid_t pid, uint64_t start_ticks, uint64_t *ret_open)
{
	int err = proc_fd_count(procfd, pid, false, ret_open);

	return err ?: proc_is_same(procfd, pid, start_ticks) ? 0 : -ESRCH;
}

static int print_samples(int procfd, pid_t pid)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct trend_sample s[TREND_SAMPLES_MAX];
	uint64_t begin_ns = loop_now_ns(), every = 1, open, start_ticks = 0;
	unsigned n = 0;
	int err = proc_start_ticks(procfd, pid, &start_ticks);

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	for (uint64_t i = 0; !err && !interrupted && i * interval_s <= duration_s; i++) {
		uint64_t due_ns = begin_ns + i * interval_s * 1000000000ull;
		struct timespec due = { (time_t)(due_ns / 1000000000),
					(long)(due_ns % 1000000000) };

		while (!interrupted &&
		       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			;
		err = interrupted ? 0 : count_same(procfd, pid, start_ticks, &open);
		if (err || interrupted)
			break;
		printf("%lld,%llu\n", (long long)time(NULL), (unsigned long long)open);
		(void)fflush(stdout);
		if (n == TREND_SAMPLES_MAX) {
			thin(s, &n);
			every *= 2;
		}
		if (i % every == 0)
			s[n++] = (struct trend_sample){ loop_now_ns(), (double)open };
	}
	print_slope(s, n);
	if (!err)
		return EXIT_GOOD;
	return fail(err == -ESRCH || err == -ENOENT ? "the process is gone" : strerror(-err));
}

static int run(int argc, char **argv)
{
	_cleanup_close_ int procfd = proc_open("/proc");
	struct source *s = NULL;
	pid_t pid = 0;
	int code = argc ? cmd_parse_pid(&cmd_fds, argv[0], &pid) : EXIT_GOOD;

	if (code)
		return code;
	if (as_csv && !pid) {
		fprintf(stderr, "deferd fds: --csv samples one process: give its number\n");
		return EXIT_USAGE;
	}
	if (procfd < 0)
		return fail("/proc cannot be opened");
	if (as_csv) {
		code = print_samples(procfd, pid);
	} else {
		code = pid ? source_open(&source, &s) : EXIT_GOOD;
		/* It has said that the daemon may not be asked; what needs no daemon is shown. */
		if (!code || code == EXIT_PRIVILEGE)
			code = show_pass(procfd, s, pid);
	}
	source_close(s);
	return cmd_flush(&cmd_fds) ?: code;
}

const struct command cmd_fds = {
	.name = "fds",
	.summary = "descriptors of each process by kind; whether those of one process grow",
	.usage = "[OPTIONS] [PID]",
	.details =
		"Counts the descriptors of all processes, or of one process with its connections "
		"by port "
		"and state, in one pass in the\n"
		"kernel and without a hook. Needs no daemon; when a daemon observes the process, "
		"it is asked whether they leak.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
