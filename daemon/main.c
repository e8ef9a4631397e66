// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "probe/worker.h"

static const struct command *const commands[] = {
	&cmd_run,    &cmd_top,          &cmd_ps,         &cmd_panics,  &cmd_goroutines, &cmd_locks,
	&cmd_fds,    &cmd_report,       &cmd_probes,     &cmd_trace,   &cmd_record,     &cmd_replay,
	&cmd_doctor, &cmd_check_config, &cmd_test_rules, &cmd_version,
};

static void usage(FILE *out)
{
	fprintf(out, "deferd: what unmodified Go and C services do with their defers, panics and "
		     "descriptors\n\n"
		     "Usage: deferd COMMAND [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\ndeferd COMMAND --help shows its options.\n");
}

/*
 * Left to itself, glibc takes large blocks from the heap once it has seen one freed, and the kernel's BTF, which is read several
 * times at the start, leaves 10 MB there for good.
 */
static void keep_large_blocks_apart(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int main(int argc, char **argv)
{
	keep_large_blocks_apart();
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], WORKER_ARG))
		return worker_main();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_GOOD;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[1], commands[i]->name))
			return cmd_main(commands[i], argc - 1, argv + 1);
	}
	fprintf(stderr, "deferd: '%s' is not a command; see deferd --help\n", argv[1]);
	return EXIT_USAGE;
}
