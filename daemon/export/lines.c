// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

json_t *view_line(const struct code_line *c)
{
	json_t *o = json_object();

	set_str(o, "function", c ? c->function : "?");
	set_str(o, "file", c ? c->file : "");
	set_int(o, "line", c ? c->line : 0);
	return o;
}

json_t *view_site(struct model *m, uint32_t image_id, uint64_t pc)
{
	const struct name *n = model_site_name(m, image_id, pc);

	return view_line(n ? &n->at : NULL);
}

bool view_named(struct model *m, uint32_t image_id, const uint64_t *pcs, unsigned n)
{
	bool named = true;

	for (unsigned i = 0; i < n; i++)
		named &= !pcs[i] || model_site_name(m, image_id, pcs[i]);
	return named;
}

/*
 * Go's own tracebacks and profiles leave out what the compiler wrote (wrappers of methods, of ABIs and of
 * deferred calls), unless it called the function that raises a panic: then it is where that began
 * (runtime/traceback.go, elideWrapperCalling). What is inlined into it is what it called. Its line stays
 * where it is the only one of a stack.
 */
static bool is_left_out(const struct name *n, const struct name *inner, bool alone)
{
	static const char *const raise[] = { "runtime.gopanic", "runtime.sigpanic",
					     "runtime.panicwrap" };

	if (!n->wrapper || n->n_outer)
		return n->wrapper;
	for (unsigned i = 0; inner && i < ARRAY_SIZE(raise); i++) {
		if (!strcmp(name_outermost(inner)->function, raise[i]))
			return false;
	}
	return !alone;
}

static void add_frame(json_t *list, const struct name *n, bool without_last)
{
	const struct code_line *last = name_outermost(n);

	for (unsigned k = 0; k <= n->n_outer; k++) {
		const struct code_line *c = name_code_line(n, k);

		if (c != last || !without_last)
			json_array_append_new(list, view_line(c));
	}
}

json_t *view_stack(struct model *m, uint32_t image_id, const uint64_t *stack, unsigned n)
{
	const struct name *inner = NULL;
	json_t *list = json_array();

	for (unsigned i = 0; i < n && json_array_size(list) < VIEW_STACK_MAX; i++) {
		const struct name *name = model_site_name(m, image_id, stack[i]);

		if (name)
			add_frame(list, name, is_left_out(name, inner, n == 1));
		else
			json_array_append_new(list, view_line(NULL));
		inner = name;
	}
	return list;
}

json_t *view_address(uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	return json_string(text);
}

void view_time(json_t *o, const char *key, int64_t unix_ms)
{
	time_t s = unix_ms / 1000;
	char buf[40];
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, sizeof(buf) - n, ".%03dZ", (int)(unix_ms % 1000));
	set_str(o, key, buf);
}
