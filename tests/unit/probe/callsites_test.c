// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <deferd/control.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "probe/callsites.h"

#define HEAP  0 /* indexes of deferproc, deferprocStack, deferreturn */
#define STACK 1
#define RUN   2

static struct fake fake;
static struct elfimg img;
static struct gobin go;
static struct callsite_list found;

static uint8_t *code_of(unsigned func)
{
	return fake.b + FAKE_TEXT_OFF + FAKE_FUNC_LEN * (func + 1);
}

static void fresh(void)
{
	fake_make(&fake, &(struct fake_opts){ .minor = 26 });
	for (unsigned i = FAKE_GO_RUN; i <= FAKE_GO_WRAP; i++)
		memset(code_of(i), 0x90, FAKE_FUNC_LEN);
}

/* A call of one function, `at` bytes into another. */
static void put_call(unsigned in, unsigned at, unsigned callee)
{
	int32_t distance = ((int)callee - (int)in) * (int)FAKE_FUNC_LEN - (int)at - ARCH_CALL_LEN;

	arch_call_bytes(distance, code_of(in) + at);
}

static void find(void)
{
	assert_int_equal(elfimg_init(&img, fake.b, sizeof(fake.b), NULL), 0);
	assert_int_equal(gobin_init(&go, &img, NULL), 0);
	callsites_find(&go, &found);
	assert_true(callsites_check(&found));
}

static void finds_calls(void **state)
{
	struct probe_point p;

	fresh();
	put_call(FAKE_GO_RUN, 20, STACK);
	put_call(FAKE_GO_RUN, 40, RUN);
	put_call(FAKE_GO_WRAP, 20, HEAP);
	put_call(FAKE_GO_OUTER, 30, RUN); /* of a function that does not push */
	find();
	assert_true(found.complete);
	assert_int_equal(found.n, 3);
	assert_int_equal(found.list[2].role, DFD_ROLE_PUSH_HEAP);
	assert_int_equal(found.list[0].role, DFD_ROLE_PUSH_STACK);
	assert_int_equal(found.list[1].role, DFD_ROLE_RUN);
	assert_int_equal(found.list[0].va, FAKE_GO_TEXT + FAKE_GO_RUN * FAKE_FUNC_LEN + 20);
	assert_int_equal(found.list[0].func, FAKE_GO_RUN * FAKE_FUNC_LEN);
	assert_int_equal(found.list[1].func, found.list[0].func);
	assert_ptr_equal(callsite_of_return(found.list, 2, found.list[1].va + ARCH_CALL_LEN),
			 &found.list[1]);
	assert_null(callsite_of_return(found.list, 2, found.list[1].va));
	assert_null(callsite_of_return(NULL, 0, 5));
	callsite_point(&found.list[0], &p);
	assert_true(p.call && p.emulated && !p.skip_taken);
	assert_int_equal(p.role, DFD_ROLE_PUSH_STACK);
	assert_int_equal(p.sets, PLAN_SET_FULL);
	assert_int_equal(p.va, found.list[0].va);
	assert_memory_equal(p.bytes, code_of(FAKE_GO_RUN) + 20, ARCH_CALL_LEN);
	assert_memory_equal(p.bytes, fake.b + p.file_off, p.insn_len);
}

/* An immediate that has the bytes of a call: nobody knows what is missing then. */
static void no_instruction(void **state)
{
	fresh();
	put_call(FAKE_GO_RUN, 20, STACK);
	put_call(FAKE_GO_RUN, 32, STACK);
	memcpy(code_of(FAKE_GO_RUN) + 30, "\x48\xb8", 2); /* mov $..., %rax */
	find();
	assert_false(found.complete);
	assert_int_equal(found.n, 0);
}

/* Functions that are there, and nobody calls them, as far as can be seen. */
static void no_calls(void **state)
{
	fresh();
	put_call(FAKE_GO_RUN, 20, STACK);
	put_call(FAKE_GO_RUN, 40, HEAP);
	find();
	assert_false(found.complete);
	put_call(FAKE_GO_RUN, 50, RUN);
	find();
	assert_true(found.complete);
	put_call(FAKE_GO_RUN, 20, HEAP);
	find();
	assert_false(found.complete);
	assert_int_equal(found.n, 0);
}

static void checks_what_comes_from_elsewhere(void **state)
{
	static const struct {
		uint32_t n;
		bool complete;
		struct callsite last;
		bool good;
	} cases[] = {
		{ 2, true, { .va = 9, .role = DFD_ROLE_RUN }, true },
		{ 1, true, {}, true }, /* the last is not in it */
		{ 0, false, {}, true },
		{ 2, false, { .va = 9, .role = DFD_ROLE_RUN }, false },
		{ 2, true, { .va = 8, .role = DFD_ROLE_RUN }, false },
		{ 2, true, { .va = 9, .role = DFD_ROLE_PANIC }, false },
		{ 2, true, { .va = 9, .role = DFD_ROLE_NONE }, false },
		{ CALLSITES_MAX + 1, true, { .va = 9, .role = DFD_ROLE_RUN }, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		found = (struct callsite_list){ .n = cases[i].n, .complete = cases[i].complete };
		found.list[0] = (struct callsite){ .va = 8, .role = DFD_ROLE_PUSH_HEAP };
		found.list[1] = cases[i].last;
		assert_int_equal(callsites_check(&found), cases[i].good);
	}
}

static unsigned count(uint8_t role, const char *function)
{
	struct gobin_func f;
	unsigned n = 0;

	assert_int_equal(gobin_function(&go, function, &f), 0);
	for (uint32_t i = 0; i < found.n; i++)
		n += found.list[i].role == role && found.list[i].func == f.va - go.text;
	return n;
}

static void real_programs(void **state)
{
	static const char *const variants[][2] = { { "stripped", "-ldflags='-s -w'" },
						   { "noopt", "-gcflags='all=-N -l'" } };
	struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos);

	if (!n) {
		print_message("no Go here: nothing to look at\n");
		skip();
	}
	for (unsigned i = 0; i < n * ARRAY_SIZE(variants); i++) {
		const char *const *variant = variants[i % ARRAY_SIZE(variants)];
		struct gofile bytes;
		char path[PATH_MAX];

		if (!gofixture_wanted(gos, n, i / ARRAY_SIZE(variants), variant[0]))
			continue;
		assert_true(gofixture_build(&gos[i / ARRAY_SIZE(variants)], variant[0], variant[1],
					    path));
		assert_true(gofile_open(path, &bytes));
		assert_int_equal(elfimg_init(&img, bytes.p, bytes.len, NULL), 0);
		assert_int_equal(gobin_init(&go, &img, NULL), 0);
		callsites_find(&go, &found);
		assert_true(found.complete && callsites_check(&found));
		/* One in the loop; the other is a record too, since the function has a loop. */
		assert_int_equal(count(DFD_ROLE_PUSH_HEAP, "main.(*server).loop"), 1);
		assert_int_equal(count(DFD_ROLE_PUSH_STACK, "main.(*server).loop"), 1);
		assert_true(count(DFD_ROLE_RUN, "main.(*server).loop") >= 1);
		assert_int_equal(count(DFD_ROLE_RUN, "main.main"), 0);
		gofile_close(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_calls),   cmocka_unit_test(no_instruction),
		cmocka_unit_test(no_calls),      cmocka_unit_test(checks_what_comes_from_elsewhere),
		cmocka_unit_test(real_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
