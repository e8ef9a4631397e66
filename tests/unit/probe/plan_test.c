// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "deferd/control.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "probe/inspect.h"

static const struct plan_c_profile c_default = PLAN_C_PROFILE_DEFAULT;

static const struct probe_point *point_of(const struct plan *plan, const char *function)
{
	for (unsigned i = 0; i < plan->n; i++)
		if (!strcmp(plan->points[i].function, function))
			return &plan->points[i];
	return NULL;
}

static const struct plan_absent *absent_of(const struct plan *plan, const char *function)
{
	for (unsigned i = 0; i < plan->nabsent; i++)
		if (!strcmp(plan->absent[i].function, function))
			return &plan->absent[i];
	return NULL;
}

static void plans_go(void **state)
{
	static const struct {
		const char *function;
		unsigned role, sets;
		uint32_t offset;
		unsigned index; /* in fake_go_funcs */
	} want[] = {
		{ "runtime.deferproc", DFD_ROLE_PUSH_HEAP, PLAN_SET_LEAN | PLAN_SET_FULL, 0xf, 0 },
		{ "runtime.gopanic", DFD_ROLE_PANIC, PLAN_SET_LEAN | PLAN_SET_FULL, 0xf, 3 },
		{ "runtime.recovery", DFD_ROLE_RECOVER, PLAN_SET_LEAN | PLAN_SET_FULL, 6, 4 },
		{ "runtime.fatalpanic", DFD_ROLE_FATAL, PLAN_SET_LEAN | PLAN_SET_FULL, 0, 7 },
		{ "runtime.deferprocStack", DFD_ROLE_PUSH_STACK, PLAN_SET_FULL, 0, 1 },
		{ "runtime.deferreturn", DFD_ROLE_RUN, PLAN_SET_FULL, 6, 2 },
	};
	struct image_report r;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), NULL, 0, &r, NULL), 0);
	assert_int_equal(r.kind, IMAGE_GO);
	assert_string_equal(r.go.text, "go1.26.3");
	assert_string_equal(r.build_id, FAKE_BUILD_ID);
	assert_int_equal(r.plan.n, ARRAY_SIZE(want));
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		const struct probe_point *p = point_of(&r.plan, want[i].function);
		uint64_t func = FAKE_GO_TEXT + FAKE_FUNC_LEN * want[i].index;

		assert_non_null(p);
		assert_int_equal(p->role, want[i].role);
		assert_int_equal(p->sets, want[i].sets);
		assert_int_equal(p->offset, want[i].offset);
		assert_int_equal(p->func_va, func);
		assert_int_equal(p->va, func + want[i].offset);
		assert_int_equal(p->file_off, p->va - FAKE_TEXT_VA + FAKE_TEXT_OFF);
		assert_int_equal(p->nbytes, 16);
		assert_memory_equal(p->bytes, f.b + p->file_off, p->nbytes);
		assert_true(p->emulated);
		assert_string_equal(p->insn, "push %rbp");
	}
	assert_int_equal(r.plan.nabsent, 6);
	assert_false(absent_of(&r.plan, "runtime.gorecover")->normal);
	assert_false(absent_of(&r.plan, "runtime.throw")->normal);
	assert_false(absent_of(&r.plan, "runtime.fatal")->normal);
	assert_false(absent_of(&r.plan, "runtime.startpanic_m")->normal);
	assert_true(absent_of(&r.plan, "runtime.deferprocat")->normal);
	assert_true(absent_of(&r.plan, "runtime.Goexit")->normal);
}

static void missing_and_unreadable(void **state)
{
	struct image_report r;
	struct fake f;

	/* gopanic is in every Go program; recovery's bytes are no instruction */
	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	memcpy(f.b + bytes_find(bytes_of(f.b, sizeof(f.b)), 0, "runtime.gopanic", 16),
	       "runtime.g0panic", 16);
	f.b[FAKE_TEXT_OFF + 64 + 4 * FAKE_FUNC_LEN] = 0x06;
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), NULL, 0, &r, NULL), 0);
	assert_int_equal(r.plan.n, 4);
	assert_false(absent_of(&r.plan, "runtime.gopanic")->normal);
	assert_false(absent_of(&r.plan, "runtime.recovery")->normal);
	assert_non_null(strstr(absent_of(&r.plan, "runtime.recovery")->why, "instruction"));
}

static void plans_c(void **state)
{
	static const struct {
		const char *function;
		unsigned role, rule;
		uint32_t offset;
		unsigned sp_words;
	} want[] = {
		{ "defer_push", DFD_ROLE_C_PUSH, ARCH_RULE_C_PUSH, 4, 0 },
		{ "defer_run", DFD_ROLE_C_RUN, ARCH_RULE_C_QUIET, 6, 1 },
		{ "defer_panic", DFD_ROLE_C_PANIC, ARCH_RULE_C_ENTRY, 0, 0 },
	};
	struct image_report r;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), &c_default, 1, &r, NULL), 0);
	assert_int_equal(r.kind, IMAGE_C);
	assert_int_equal(r.plan.n, ARRAY_SIZE(want));
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		const struct probe_point *p = point_of(&r.plan, want[i].function);

		assert_non_null(p);
		assert_int_equal(p->role, want[i].role);
		assert_int_equal(p->rule, want[i].rule);
		assert_int_equal(p->offset, want[i].offset);
		assert_int_equal(p->sp_words, want[i].sp_words);
		assert_int_equal(p->sets, PLAN_SET_LEAN | PLAN_SET_FULL);
	}
	assert_int_equal(r.plan.nabsent, 1);
	assert_true(absent_of(&r.plan, "defer_recover")->normal);
}

static void c_profiles(void **state)
{
	static const struct plan_c_profile others[] = {
		{ "other", "other_push", NULL, NULL, NULL },
		{ "half", NULL, "defer_run", NULL, "nowhere" },
	};
	struct image_report r;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), NULL, 0, &r, NULL), -ENOENT);
	assert_int_equal(r.kind, IMAGE_NONE);
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), others, 1, &r, NULL), -ENOENT);
	assert_int_equal(r.plan.nabsent, 0);
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), others, 2, &r, NULL), 0);
	assert_int_equal(r.kind, IMAGE_C);
	assert_int_equal(r.profile, 1);
	assert_int_equal(r.plan.n, 1);
	assert_int_equal(r.plan.nabsent, 1);
}

static void other_machine(void **state)
{
	struct image_report r;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	f.b[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), NULL, 0, &r, NULL), -ENOTSUP);
	assert_int_equal(r.kind, IMAGE_GO);
	assert_string_equal(r.go.text, "go1.26.3");
	assert_int_equal(r.plan.n, 0);
}

static int find_any(const void *ctx, const char *function, uint64_t *ret_va, uint64_t *ret_size)
{
	*ret_va = *(const uint64_t *)ctx;
	*ret_size = 0;
	return 0;
}

struct named_places {
	const char *function;
	unsigned index; /* in fake_go_funcs */
};

static int find_named(const void *ctx, const char *function, uint64_t *ret_va, uint64_t *ret_size)
{
	for (const struct named_places *p = ctx; p->function; p++) {
		if (strcmp(p->function, function))
			continue;
		*ret_va = FAKE_GO_TEXT + FAKE_FUNC_LEN * p->index;
		*ret_size = FAKE_FUNC_LEN;
		return 0;
	}
	return -ENOENT;
}

static void plans_servers(void **state)
{
	static const char http[] = "net/http.serverHandler.ServeHTTP",
			  http_end[] = "net/http.(*response).finishRequest",
			  http2[] = "golang.org/x/net/http2.(*serverConn).runHandler",
			  http2_end[] = "golang.org/x/net/http2.(*responseWriter).handlerDone",
			  grpc[] = "google.golang.org/grpc.(*Server).handleStream",
			  grpc_end[] = "google.golang.org/grpc/internal/transport.(*http2Server)."
				       "writeStatus",
			  grpc_old_end[] = "google.golang.org/grpc/internal/transport."
					   "(*http2Server).WriteStatus";
	static const struct {
		const char *name;
		struct named_places there[5];
		unsigned n, nabsent;
		const char *functions[4];
		unsigned roles[4];
	} cases[] = {
		{ "no server", { { "main.main", 0 } }, 0, 0 },
		{ "HTTP/1",
		  { { http, 0 }, { http_end, 2 } },
		  2,
		  0,
		  { http, http_end },
		  { DFD_ROLE_HTTP_BEGIN, DFD_ROLE_HTTP_END } },
		{ "HTTP/2 and gRPC",
		  { { http2, 0 }, { http2_end, 2 }, { grpc, 3 }, { grpc_end, 4 } },
		  4,
		  0,
		  { http2, http2_end, grpc, grpc_end },
		  { DFD_ROLE_HTTP2_BEGIN, DFD_ROLE_HTTP2_END, DFD_ROLE_GRPC_BEGIN,
		    DFD_ROLE_GRPC_END } },
		{ "gRPC before 1.69",
		  { { grpc, 3 }, { grpc_old_end, 4 } },
		  2,
		  0,
		  { grpc, grpc_old_end },
		  { DFD_ROLE_GRPC_BEGIN, DFD_ROLE_GRPC_END } },
		/* Of two ends the one that both kinds of callers reach. */
		{ "both ends",
		  { { grpc, 3 }, { grpc_end, 4 }, { grpc_old_end, 2 } },
		  2,
		  0,
		  { grpc, grpc_end },
		  { DFD_ROLE_GRPC_BEGIN, DFD_ROLE_GRPC_END } },
		{ "no end", { { http, 0 } }, 0, 1 },
		{ "no beginning", { { http_end, 0 } }, 0, 0 },
		{ "bytes that cannot be read", { { http, 0 }, { http_end, 1000 } }, 0, 1 },
	};
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan_source source = { find_named, cases[i].there, &img, ARCH_ABI_GO };
		struct plan plan = { 0 };

		print_message("# %s\n", cases[i].name);
		assert_int_equal(plan_add_servers(&plan, &source), cases[i].n);
		assert_int_equal(plan.n, cases[i].n);
		assert_int_equal(plan.nabsent, cases[i].nabsent);
		if (plan.nabsent)
			assert_false(plan.absent[0].normal);
		for (unsigned k = 0; k < plan.n; k++) {
			assert_string_equal(plan.points[k].function, cases[i].functions[k]);
			assert_int_equal(plan.points[k].role, cases[i].roles[k]);
			assert_int_equal(plan.points[k].sets, PLAN_SET_REQUESTS);
			assert_true(plan.points[k].emulated);
		}
	}
}

static void servers_without_room(void **state)
{
	static const struct named_places there[] = {
		{ "net/http.serverHandler.ServeHTTP", 0 },
		{ "net/http.(*response).finishRequest", 2 },
		{},
	};
	struct plan plan = { .n = PLAN_POINTS_MAX - 1 };
	struct plan_source source = { find_named, there, NULL, ARCH_ABI_GO };
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	source.img = &img;
	assert_int_equal(plan_add_servers(&plan, &source), 0);
	assert_int_equal(plan.n, PLAN_POINTS_MAX - 1);
	assert_int_equal(plan.nabsent, 1);
	/* A point of the kind that has to be single-stepped leaves nothing behind. */
	plan = (struct plan){};
	memset(f.b + FAKE_TEXT_OFF + 64 + 2 * FAKE_FUNC_LEN, 0xf8, FAKE_FUNC_LEN); /* clc */
	assert_int_equal(plan_add_servers(&plan, &source), 0);
	assert_int_equal(plan.n, 0);
	assert_int_equal(plan.nabsent, 1);
}

static void bounds(void **state)
{
	struct plan_want wants[PLAN_POINTS_MAX + 1];
	uint64_t va = FAKE_TEXT_VA;
	struct plan_source source = { find_any, &va, NULL, ARCH_ABI_C };
	struct plan plan = { 0 };
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	source.img = &img;
	for (unsigned i = 0; i < ARRAY_SIZE(wants); i++)
		wants[i] = (struct plan_want){ DFD_ROLE_C_PUSH, PLAN_SET_LEAN, 6, false, "f" };
	assert_int_equal(plan_add(&plan, wants, ARRAY_SIZE(wants), &source, NULL), -ENOSPC);
	assert_int_equal(plan.n, PLAN_POINTS_MAX);
	/* addresses outside: listed, never read */
	memset(&plan, 0, sizeof(plan));
	va = UINT64_MAX - 2;
	assert_int_equal(plan_add(&plan, wants, ARRAY_SIZE(wants), &source, NULL), 0);
	assert_int_equal(plan.nabsent, PLAN_ABSENT_MAX);
	assert_false(plan.absent[0].normal);
}

/*
 * The offsets that were worked out by hand from disassembly, per release: rules must arrive at the
 * same. CHECK is the stack check's branch, whose taken hits are dropped.
 */
enum { NOT_THERE = 0xffff };

struct real_point {
	const char *function;
	struct {
		uint32_t offset; /* NOT_THERE: this release has no such function */
		unsigned rule, sp_words;
	} by_column[4]; /* 1.19 and 1.20; 1.21; 1.22 to 1.26; 1.27 */
};

#define CHECK(at)                      \
	{                              \
		at, ARCH_RULE_GO_CHECK \
	}
#define PUSH(at)                      \
	{                             \
		at, ARCH_RULE_GO_PUSH \
	}
#define ENTRY_PUSH                         \
	{                                  \
		0, ARCH_RULE_GO_ENTRY_PUSH \
	}
#define QUIET(at, sp)                      \
	{                                  \
		at, ARCH_RULE_GO_QUIET, sp \
	}
#define NONE              \
	{                 \
		NOT_THERE \
	}

/* clang-format off */
static const struct real_point real_points[] = {
	{ "runtime.deferproc",      { CHECK(0x4),     PUSH(0xa),  PUSH(0xa),  PUSH(0xa) } },
	{ "runtime.deferprocStack", { QUIET(0x1c, 3), ENTRY_PUSH, ENTRY_PUSH, ENTRY_PUSH } },
	{ "runtime.deferprocat",    { NONE,           NONE,       PUSH(0xa),  PUSH(0xa) } },
	{ "runtime.deferreturn",    { CHECK(0x4),     PUSH(0xa),  PUSH(0xb),  PUSH(0x6) } },
	{ "runtime.gopanic",        { CHECK(0x9),     PUSH(0xf),  PUSH(0xf),  PUSH(0xf) } },
	{ "runtime.recovery",       { CHECK(0x4),     PUSH(0xa),  PUSH(0xa),  PUSH(0xa) } },
	{ "runtime.fatalpanic",     { QUIET(0, 0),    ENTRY_PUSH, ENTRY_PUSH, ENTRY_PUSH } },
	{ "runtime.Goexit",         { CHECK(0x4),     PUSH(0xa),  PUSH(0xb),  PUSH(0x6) } },
};
/* clang-format on */

/* -1: a release that nobody has looked at. */
static int column_of(unsigned minor)
{
	if (minor < 19 || minor > 27)
		return -1;
	return minor <= 20 ? 0 : minor == 21 ? 1 : minor <= 26 ? 2 : 3;
}

static void check_real(const char *path, unsigned minor)
{
	unsigned column = (unsigned)column_of(minor);
	struct image_report r;
	struct gofile file;

	assert_true(gofile_open(path, &file));
	assert_int_equal(inspect_bytes(file.p, file.len, NULL, 0, &r, NULL), 0);
	assert_int_equal(r.kind, IMAGE_GO);
	for (unsigned i = 0; i < ARRAY_SIZE(real_points); i++) {
		const struct real_point *want = &real_points[i];
		const struct probe_point *p = point_of(&r.plan, want->function);

		/* The fixture's loop over a function needs 1.23. */
		if (want->by_column[column].offset == NOT_THERE ||
		    (minor == 22 && !strcmp(want->function, "runtime.deferprocat"))) {
			assert_null(p);
			assert_true(absent_of(&r.plan, want->function)->normal);
			continue;
		}
		if (!p)
			fail_msg("%s: no point for %s", path, want->function);
		if (p->offset != want->by_column[column].offset ||
		    p->rule != want->by_column[column].rule ||
		    p->sp_words != want->by_column[column].sp_words)
			fail_msg("%s: %s+%#x, %s, %u words", path, p->function, p->offset,
				 arch_rule_text(p->rule), p->sp_words);
		assert_int_equal(p->skip_taken, p->rule == ARCH_RULE_GO_CHECK);
		assert_int_equal(p->emulated,
				 !(column == 0 && !strcmp(p->function, "runtime.fatalpanic")));
		assert_memory_equal(p->bytes, (const uint8_t *)file.p + p->file_off, p->nbytes);
	}
	gofile_close(&file);
}

static void real_programs(void **state)
{
	static const char *const variants[][2] = { { "exe", "" },
						   { "stripped", "-ldflags='-s -w'" },
						   { "pie", "-buildmode=pie" } };
	struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos), checked = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned v = 0; v < ARRAY_SIZE(variants) && column_of(gos[i].minor) >= 0;
		     v++) {
			char path[PATH_MAX];

			if (!gofixture_wanted(gos, n, i, variants[v][0]))
				continue;
			assert_true(gofixture_build(&gos[i], variants[v][0], variants[v][1], path));
			check_real(path, gos[i].minor);
			checked++;
		}
	if (checked)
		return;
	print_message("# no Go 1.19 to 1.27 at hand: offsets in real programs are not compared\n");
	skip();
}

static void reports_are_checked(void **state)
{
	struct image_report good, r;
	struct image_place place = { 0 };
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(inspect_bytes(f.b, sizeof(f.b), NULL, 0, &good, NULL), 0);
	assert_int_equal(image_report_check(&good), 0);
#define BROKEN(change)                                             \
	do {                                                       \
		r = good;                                          \
		change;                                            \
		assert_int_equal(image_report_check(&r), -EPROTO); \
	} while (0)
	BROKEN(r.version++);
	BROKEN(r.kind = IMAGE_KIND_MAX);
	BROKEN(r.error = 1);
	BROKEN(r.error = INT32_MIN);
	BROKEN(r.plan.n = PLAN_POINTS_MAX + 1);
	BROKEN(r.plan.nabsent = PLAN_ABSENT_MAX + 1);
	BROKEN(memset(&r.pie, 2, 1));
	BROKEN(memset(r.build_id, 'a', sizeof(r.build_id)));
	BROKEN(memset(r.go.text, 'a', sizeof(r.go.text)));
	BROKEN(memset(r.reason, 'a', sizeof(r.reason)));
	BROKEN(r.go.minor = 3);
	BROKEN(r.plan.points[0].role = DFD_ROLE_MAX);
	BROKEN(r.plan.points[0].sets = 0);
	BROKEN(r.plan.points[0].sets = 0x80);
	BROKEN(r.plan.points[0].va++);
	BROKEN(r.plan.points[0].nbytes = 17);
	BROKEN(r.plan.points[0].insn_len = 0);
	BROKEN(memset(&r.plan.points[0].emulated, 7, 1));
	BROKEN(memset(r.plan.points[1].function, 'a', PLAN_FUNCTION_MAX));
	BROKEN(memset(r.plan.absent[0].why, 'a', PLAN_WHY_MAX));
#undef BROKEN
	/* Nobody else's offsets: the layout comes from our own table. */
	r = good;
	r.layout.g.goid = 60000;
	assert_int_equal(image_report_check(&r), 0);
	assert_int_equal(r.layout.g.goid, 152);
	assert_int_equal(image_places_check(&place, 1, 1), 0);
	place.ask = 1;
	assert_int_equal(image_places_check(&place, 1, 1), -EPROTO);
	place.ask = 0;
	assert_int_equal(image_places_check(&place, INSPECT_PLACES_MAX + 1, 1), -EPROTO);
	memset(place.file, 'a', sizeof(place.file));
	assert_int_equal(image_places_check(&place, 1, 1), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_go),      cmocka_unit_test(missing_and_unreadable),
		cmocka_unit_test(plans_c),       cmocka_unit_test(c_profiles),
		cmocka_unit_test(other_machine), cmocka_unit_test(bounds),
		cmocka_unit_test(plans_servers), cmocka_unit_test(servers_without_room),
		cmocka_unit_test(real_programs), cmocka_unit_test(reports_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
