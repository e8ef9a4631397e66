// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/lines.h"

#define IMAGE 7

DEFINE_CLEANUP(struct model *, model_free)

/* "f,g": f inlined into g; a '*' at its end: the compiler wrote it. */
static void name(struct model *m, uint64_t pc, const char *functions)
{
	struct name_ask ask = { pc, NAME_OF_SITE };
	struct code_line lines[4] = {};
	struct name_answer answer = { .frames = lines };

	while (*functions) {
		size_t n = strcspn(functions, ",*");

		snprintf(lines[answer.n++].function, sizeof(lines[0].function), "%.*s", (int)n,
			 functions);
		functions += n;
		answer.wrapper = *functions == '*';
		functions += *functions != 0;
	}
	model_answer(m, IMAGE, &ask, &answer);
}

static void check(struct model *m, const char *const *frames, const char *want)
{
	uint64_t stack[8];
	char text[256] = "";
	unsigned n = 0;
	json_t *list, *line;
	size_t i;

	for (; frames[n]; n++) {
		stack[n] = 0x1000 * (n + 1);
		(void)model_site_name(m, IMAGE, stack[n]);
		name(m, stack[n], frames[n]);
	}
	list = view_stack(m, IMAGE, stack, n);
	json_array_foreach (list, i, line) {
		strcat(text, i ? " " : "");
		strcat(text, json_string_value(json_object_get(line, "function")));
	}
	assert_string_equal(text, want);
	json_decref(list);
}

static void stacks(void **state)
{
	static const struct {
		const char *frames[6], *want;
	} cases[] = {
		{ { "a", "b", "c" }, "a b c" },
		{ { "a", "b,c", "d" }, "a b c d" },
		/* Its own line goes; what is inlined into it stays. */
		{ { "a", "w*", "c" }, "a c" },
		{ { "a", "b,w*", "c" }, "a b c" },
		{ { "w*", "b" }, "b" },
		{ { "a", "w*" }, "a" },
		{ { "w*" }, "w" },
		{ { "b,w*" }, "b" },
		/* Where a panic began. */
		{ { "runtime.gopanic", "w*", "c" }, "runtime.gopanic w c" },
		{ { "runtime.gopanic", "runtime.panicmem,runtime.sigpanic", "w*", "v*", "c" },
		  "runtime.gopanic runtime.panicmem runtime.sigpanic w c" },
		/* It began in what is inlined into it. */
		{ { "runtime.gopanic", "b,w*", "c" }, "runtime.gopanic b c" },
	};
	struct model_opts opts = MODEL_OPTS_DEFAULT;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(model_freep) struct model *m = model_new(&opts);

		check(m, cases[i].frames, cases[i].want);
	}
}

/* A frame without a name keeps its place. */
static void unnamed(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_cleanup_(model_freep) struct model *m = model_new(&opts);
	uint64_t stack[] = { 0x1000, 0x2000 };
	json_t *list;

	(void)model_site_name(m, IMAGE, stack[1]);
	name(m, stack[1], "b");
	list = view_stack(m, IMAGE, stack, 2);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "function")),
			    "?");
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks),
		cmocka_unit_test(unnamed),
	};

	return cmocka_run_group_tests_name("export/views", tests, NULL, NULL);
}
