/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A command is a file, a manual page and a row in the table of main.c. Its options are data bound
 * to variables; help, usage errors and the manual's option list come from that table.
 */
#ifndef DEFERD_CMD_CMD_H
#define DEFERD_CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit codes, the same for every command. */
enum {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,     /* bad option, argument or configuration */
	EXIT_KERNEL = 3,    /* this kernel cannot */
	EXIT_PRIVILEGE = 4, /* we may not */
};

enum option_type { OPTION_FLAG, OPTION_STRING, OPTION_U32 };

struct cmd_option {
	const char *name; /* long, without "--" */
	char letter;      /* 0: none */
	enum option_type type;
	void *value; /* bool, const char * or uint32_t */
	uint32_t min, max;
	const char *arg; /* name of the argument in help */
	const char *help;
};

struct command {
	const char *name;
	const char *summary;              /* one line */
	const char *usage;                /* after the name, e.g. "[OPTIONS] PID" */
	const char *details;              /* paragraphs for --help; may be NULL */
	const struct cmd_option *options; /* ends with name NULL */
	unsigned args_min, args_max;
	int (*run)(int argc, char **argv); /* what is left after options */
};

extern const struct command cmd_run, cmd_top, cmd_ps, cmd_panics, cmd_goroutines, cmd_locks,
	cmd_fds, cmd_report, cmd_test_rules, cmd_probes, cmd_trace, cmd_doctor, cmd_check_config,
	cmd_record, cmd_replay, cmd_version;

/*
 * Parse, then run. --help prints to stdout and returns EXIT_GOOD; a mistake prints one line and the
 * remedy to stderr and returns EXIT_USAGE.
 */
int cmd_main(const struct command *c, int argc, char **argv);
void cmd_print_help(const struct command *c);
/*
 * Standard output, at the end of a command: EXIT_GOOD, or a message and EXIT_FAILED. A reader that has
 * seen enough (`| head`) is none.
 */
int cmd_flush(const struct command *c);
/* Says that there is no such process or service. EXIT_FAILED. */
int cmd_unknown(const struct command *c, const char *what);
int cmd_unknown_pid(const struct command *c, pid_t pid);
/* An argument that is a process number: EXIT_GOOD, or a message and EXIT_USAGE. */
int cmd_parse_pid(const struct command *c, const char *text, pid_t *ret_pid);

#endif
