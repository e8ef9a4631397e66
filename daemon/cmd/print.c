// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/print.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "ui/term.h"

int print_table(const struct command *c, const struct table_kind *kind, const json_t *list,
		bool no_headers)
{
	struct table t;
	struct grid g;
	struct buf b;
	unsigned width = term_columns();
	int code = EXIT_FAILED;

	table_init(&t, kind);
	buf_init(&b, 0);
	if (table_fill(&t, list) || grid_init(&g, t.n + 1, width ? width : table_width(&t)))
		goto out;
	table_draw(&t, &g, 0, t.n, false);
	grid_text(&g, g.rows, &b);
	grid_done(&g);
	if (!b.failed && b.data) {
		fputs(no_headers ? strchr(b.data, '\n') + 1 : b.data, stdout);
		code = EXIT_GOOD;
	}
out:
	if (code)
		fprintf(stderr, "deferd %s: out of memory\n", c->name);
	buf_done(&b);
	table_done(&t);
	return code;
}
