// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/session.h"

static bool example;
static const char *against;

static const struct cmd_option options[] = {
	{ "example", 0, OPTION_FLAG, &example,
	  .help = "print a file with every key, its default and its meaning" },
	{ "against", 0, OPTION_STRING, &against, .arg = "FILE",
	  .help = "the configuration in force: also print the changed keys that need a restart" },
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

/* As a reload from the one in force would. */
static int print_restart_keys(const char *old_path, struct config *fresh)
{
	struct config *old;
	struct buf keys;
	int code = session_load_config(old_path, &old);

	if (code)
		return code;
	buf_init(&keys, 0);
	config_keep_restart_keys(old, fresh, &keys);
	printf("needs a restart to take effect: %s\n", keys.len ? keys.data : "nothing");
	buf_done(&keys);
	config_free(old);
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
	printf("%s: no faults, %u rules:\n", path, c->rules.n);
	for (unsigned i = 0; i < c->rules.n; i++)
		printf("  %-24s %s\n", c->rules.rules[i].name,
		       rule_severity_names[c->rules.rules[i].severity]);
	if (against)
		code = print_restart_keys(against, c);
	config_free(c);
	return code;
}

const struct command cmd_check_config = {
	.name = "check-config",
	.summary = "check a configuration and its rule files",
	.usage = "[--example] [--against=FILE] [FILE]",
	.details = "Prints every fault as file:line:col with the remedy and exits 2. FILE is "
		   "/etc/deferd/deferd.yml by default.\n",
	.options = options,
	.args_max = 1,
	.run = run,
};
