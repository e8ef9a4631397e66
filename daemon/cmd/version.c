// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>

#include <bpf/libbpf.h>
#include <jansson.h>
#include <microhttpd.h>

#include "base/version.h"
#include "cmd/cmd.h"

static bool as_json;

static const struct cmd_option options[] = {
	{ "json", 'j', OPTION_FLAG, &as_json, .help = "print JSON" },
	{},
};

static int run(int argc, char **argv)
{
	if (as_json) {
		printf("{\"version\":\"%s\",\"revision\":\"%s\",\"libbpf\":\"%u.%u\","
		       "\"libmicrohttpd\":\"%s\"}\n",
		       deferd_version, deferd_revision, libbpf_major_version(),
		       libbpf_minor_version(), MHD_get_version());
		return EXIT_GOOD;
	}
	printf("deferd %s (revision %s)\nlibbpf %u.%u, libmicrohttpd %s, jansson %s\n",
	       deferd_version, deferd_revision, libbpf_major_version(), libbpf_minor_version(),
	       MHD_get_version(), jansson_version_str());
	return EXIT_GOOD;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "version of deferd and of its libraries",
	.usage = "[--json]",
	.options = options,
	.run = run,
};
