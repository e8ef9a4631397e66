// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 24
#define LETTERLESS  0x100 /* getopt's value of options without a letter: this plus the index */

static const char end_of_help[] =
	"Exit status: 0 success, 1 failed, 2 wrong usage or configuration, 3 the "
	"kernel lacks a required feature, 4 privilege is missing.\n";

void cmd_print_help(const struct command *c)
{
	printf("deferd %s: %s\n\nUsage: deferd %s %s\n", c->name, c->summary, c->name, c->usage);
	if (c->details)
		printf("\n%s", c->details);
	printf("\nOptions:\n");
	for (const struct cmd_option *o = c->options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
			 o->arg ? "=" : "", o->arg ? o->arg : "");
		printf("  %-34s %s\n", left, o->help);
	}
	printf("  %-34s %s\n\n%s", "-h, --help", "this text", end_of_help);
}

static int mistake(const struct command *c, const char *text, const char *what)
{
	fprintf(stderr, "deferd %s: %s%s%s; see deferd %s --help\n", c->name, text,
		what ? ": " : "", what ? what : "", c->name);
	return EXIT_USAGE;
}

static int assign(const struct command *c, const struct cmd_option *o, const char *text)
{
	unsigned long v;
	char *end;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->value = true;
		return 0;
	case OPTION_STRING:
		*(const char **)o->value = text;
		return 0;
	case OPTION_U32:
		errno = 0;
		v = strtoul(text, &end, 10);
		if (errno || !*text || *end || *text == '-' || v < o->min || v > o->max) {
			fprintf(stderr, "deferd %s: --%s: '%s' is not a number from %u to %u\n",
				c->name, o->name, text, o->min, o->max);
			return EXIT_USAGE;
		}
		*(uint32_t *)o->value = v;
		return 0;
	}
	return EXIT_USAGE;
}

/* Fill getopt's tables from ours; returns the number of options. */
static unsigned make_tables(const struct command *c, struct option *longs, char *shorts)
{
	unsigned n = 0;

	*shorts++ = '+'; /* stop at the first argument */
	*shorts++ = ':'; /* tell a missing argument from an unknown option */
	for (const struct cmd_option *o = c->options; o && o->name && n < OPTIONS_MAX; o++, n++) {
		longs[n] =
			(struct option){ o->name,
					 o->type == OPTION_FLAG ? no_argument : required_argument,
					 NULL, o->letter ? o->letter : (int)(LETTERLESS + n) };
		if (!o->letter)
			continue;
		*shorts++ = o->letter;
		if (o->type != OPTION_FLAG)
			*shorts++ = ':';
	}
	*shorts++ = 'h';
	*shorts = 0;
	longs[n] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[n + 1] = (struct option){};
	return n;
}

static const struct cmd_option *find_option(const struct command *c, int value)
{
	unsigned i = 0;

	for (const struct cmd_option *o = c->options; o && o->name; o++, i++) {
		if (o->letter == value || (int)(LETTERLESS + i) == value)
			return o;
	}
	return NULL;
}

int cmd_main(const struct command *c, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 4];
	int value;

	make_tables(c, longs, shorts);
	optind = 1;
	opterr = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct cmd_option *o;
		int err;

		if (value == 'h') {
			cmd_print_help(c);
			return EXIT_GOOD;
		}
		if (value == ':')
			return mistake(c, "missing value", argv[optind - 1]);
		o = value == '?' ? NULL : find_option(c, value);
		if (!o)
			return mistake(c, "unknown option", argv[optind - 1]);
		err = assign(c, o, optarg);
		if (err)
			return err;
	}
	argc -= optind;
	argv += optind;
	if ((unsigned)argc < c->args_min)
		return mistake(c, "an argument is missing", c->usage);
	if ((unsigned)argc > c->args_max)
		return mistake(c, "unexpected argument", argv[c->args_max]);
	return c->run(argc, argv);
}

/* Of a pipe. */
static bool reader_is_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents & POLLERR;
}

int cmd_flush(const struct command *c)
{
	bool good;

	errno = 0;
	good = !fflush(stdout) && !ferror(stdout);
	if (good || reader_is_gone())
		return EXIT_GOOD;
	fprintf(stderr, "deferd %s: standard output: %s\n", c->name,
		errno ? strerror(errno) : "it could not be written");
	return EXIT_FAILED;
}

int cmd_unknown(const struct command *c, const char *what)
{
	fprintf(stderr, "deferd %s: no process or service '%s' is known here\n", c->name, what);
	return EXIT_FAILED;
}

int cmd_unknown_pid(const struct command *c, pid_t pid)
{
	char what[16];

	snprintf(what, sizeof(what), "%d", (int)pid);
	return cmd_unknown(c, what);
}

int cmd_parse_pid(const struct command *c, const char *text, pid_t *ret_pid)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (*end || pid <= 0 || pid > INT32_MAX) {
		fprintf(stderr, "deferd %s: '%s' is not a process number\n", c->name, text);
		return EXIT_USAGE;
	}
	*ret_pid = (pid_t)pid;
	return EXIT_GOOD;
}
