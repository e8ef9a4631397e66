// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/session.h"

static bool example;

static const struct cmd_option options[] = {
	{ "example", 0, OPTION_FLAG, &example,
	  .help = "print a file with every key, its default and its meaning" },
	{},
};

static int print_example(void)
{
	struct buf b;

	buf_init(&b, 0);
	config_print_example(&b);
	if (b.failed)
		return EXIT_FAILED;
	fwrite(b.data, 1, b.len, stdout);
	buf_done(&b);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/etc/deferd/deferd.yml";
	struct config *c;
	int code;

	if (example)
		return print_example();
	code = session_load_config(path, &c);
	if (code)
		return code;
	printf("%s: good, %u rules:\n", path, c->rules.n);
	for (unsigned i = 0; i < c->rules.n; i++)
		printf("  %-24s %s\n", c->rules.rules[i].name,
		       rule_severity_names[c->rules.rules[i].severity]);
	config_free(c);
	return EXIT_GOOD;
}

const struct command cmd_check_config = {
	.name = "check-config",
	.summary = "check a configuration and its rule files",
	.usage = "[--example] [FILE]",
	.details = "Prints every fault as file:line:col with the remedy, and exits 2. FILE is "
		   "/etc/deferd/deferd.yml by default.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
