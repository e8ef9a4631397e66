// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/signals.h"

static void ends(void **state)
{
	static const struct {
		unsigned signo, status;
		bool oom;
		const char *want;
		bool death;
	} cases[] = {
		{ 0, 0, false, "", false },
		{ 0, 3, false, "exit status 3", false },
		{ 0, 143, false, "", false }, /* of a shell: SIGTERM */
		{ 0, 130, false, "", false },
		{ 0, 137, false, "exit status 137", false },
		{ SIGTERM, 0, false, "", false },
		{ SIGINT, 0, false, "", false },
		{ SIGHUP, 0, false, "", false },
		{ SIGKILL, 0, false, "SIGKILL: killed by another process", false },
		{ SIGKILL, 0, true,
		  "SIGKILL: killed by the kernel: the host or the cgroup was out of memory", true },
		{ SIGPIPE, 0, false, "SIGPIPE: write to broken pipe", true },
		{ SIGSEGV, 0, false, "SIGSEGV: segmentation violation", true },
		{ ~0u, 0, false, "", false },
	};
	char how[100];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ended = signals_end(cases[i].signo, cases[i].status, cases[i].oom, how,
					 sizeof(how));

		assert_string_equal(how, cases[i].want);
		assert_int_equal(ended, cases[i].want[0] != 0);
		assert_int_equal(signals_is_death(cases[i].signo, cases[i].oom), cases[i].death);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
