// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Globals of the runtime, found in its code, against `go tool nm`; and code that is damaged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "gofixture.h"
#include "golang/allgs.h"
#include "golang/operand.h"
#include "golang/semtable.h"
#include "golang/waitreason.h"

static void operands(void **state)
{
	static const uint8_t code[] = {
		0x48, 0x8b, 0x0d, 0x10, 0,    0,    0,    /* mov 0x10(%rip),%rcx */
		0x4c, 0x8d, 0x05, 0xf9, 0xff, 0xff, 0xff, /* lea -7(%rip),%r8 */
		0x48, 0x8b, 0x4c, 0x24, 0x08,             /* mov 8(%rsp),%rcx */
		0x4c, 0x8b, 0x3d, 0,    0,    0,    0,    /* mov 0(%rip),%r15 */
		0x48, 0x8d, 0x05, 0,    0,    0,          /* cut off */
	};
	struct bytes b = { code, sizeof(code) };
	uint64_t at[2];

	assert_int_equal(arch_find_operands(b, 0x1000, ARCH_OPERAND_LOAD, at, 2), 2);
	assert_int_equal(at[0], 0x1017);
	assert_int_equal(at[1], 0x101a);
	assert_int_equal(arch_find_operands(b, 0x1000, ARCH_OPERAND_ADDRESS, at, 2), 1);
	assert_int_equal(at[0], 0x1007);
	at[1] = 77;
	assert_int_equal(arch_find_operands(b, 0x1000, ARCH_OPERAND_LOAD, at, 1),
			 2); /* one has no room */
	assert_int_equal(at[1], 77);
	b.len = 6;
	assert_int_equal(arch_find_operands(b, 0, ARCH_OPERAND_LOAD, at, 2), 0);
}

static unsigned long long symbol(const struct gofixture *go, const char *path, const char *name)
{
	unsigned long long va = 0;
	char cmd[2 * PATH_MAX];
	FILE *p;

	snprintf(cmd, sizeof(cmd), "GOTOOLCHAIN=local %s tool nm %s | grep -w '%s$'", go->go, path,
		 name);
	p = popen(cmd, "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%llx", &va), 1);
	pclose(p);
	return va;
}

static void real_programs(void **state)
{
	static const char *const variants[][2] = { { "exe", "" },
						   { "pie", "-buildmode=pie" },
						   { "noopt", "-gcflags='all=-N -l'" } };
	static struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos);

	if (!n) {
		print_message("# no Go at hand: real programs are not looked at\n");
		skip();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(variants) * n; i++) {
		const struct gofixture *go = &gos[i % n];
		struct waitreason_table reasons;
		char path[PATH_MAX];
		uint64_t semtable;
		struct gofile file;
		struct elfimg img;
		struct allgs allgs;
		struct gobin g;

		if (!gofixture_wanted(gos, n, i % n, variants[i / n][0]))
			continue;
		assert_true(gofixture_build(go, variants[i / n][0], variants[i / n][1], path));
		assert_true(gofile_open(path, &file));
		assert_int_equal(elfimg_init(&img, file.p, file.len, NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		assert_int_equal(allgs_find(&g, &allgs), 0);
		assert_int_equal(allgs.len, symbol(go, path, "runtime.allglen"));
		assert_int_equal(allgs.list, symbol(go, path, "runtime.allgptr"));
		assert_int_equal(allgs.slice, symbol(go, path, "runtime.allgs"));
		assert_int_equal(waitreason_find(&g, &reasons), 0);
		assert_int_equal(reasons.va, symbol(go, path, "runtime.waitReasonStrings"));
		assert_in_range(reasons.n, 27, WAITREASON_MAX);
		assert_int_equal(semtable_find(&g, &semtable), 0);
		assert_int_equal(semtable, symbol(go, path, "runtime.semtable"));
		gofile_close(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands),
		cmocka_unit_test(real_programs),
	};

	return cmocka_run_group_tests_name("golang/operand", tests, NULL, NULL);
}
