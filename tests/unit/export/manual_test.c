// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* deferd-metrics(7) lists the families that the code writes. REFRESH=1 writes its list anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/metrics.h"

#define PAGE     "deploy/man/deferd-metrics.7"
#define BEGIN    ".\\\" Generated from the code: tests/golden/refresh.sh\n"
#define END      ".\\\" End of what is generated\n"
#define PAGE_MAX 65536

DEFINE_CLEANUP(struct model *, model_free)
DEFINE_CLEANUP(struct alerts *, alerts_free)

static void write_items(struct buf *b)
{
	static const struct kernel_features features;
	static const struct rule_set rules;
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_cleanup_(model_freep) struct model *m = model_new(&opts);
	_cleanup_(alerts_freep) struct alerts *alerts = alerts_new();
	struct show_self self = {};
	struct show s = { .model = m,
			  .alerts = alerts,
			  .rules = &rules,
			  .features = &features,
			  .probe_set = "lean",
			  .self = &self };

	metrics_write_manual(&s, b);
}

static void page_is_current(void **state)
{
	char page[PAGE_MAX] = "", *begin, *end;
	FILE *f = fopen(PAGE, "r");
	struct buf b;

	buf_init(&b, 0);
	assert_non_null(f);
	assert_in_range(fread(page, 1, sizeof(page) - 1, f), 1, sizeof(page) - 2);
	begin = strstr(page, BEGIN);
	end = strstr(page, END);
	assert_true(begin && end);
	begin += strlen(BEGIN);
	write_items(&b);
	assert_non_null(strstr(b.data, ".It Li deferd_panics_total{service,outcome}\nCounter.\n"));
	assert_non_null(strstr(
		b.data, ".It Li deferd_request_duration_seconds{service}\nHistogram, seconds.\n"));
	if (getenv("REFRESH")) {
		f = freopen(PAGE, "w", f);
		assert_non_null(f);
		fprintf(f, "%.*s%s%s", (int)(begin - page), page, b.data, end);
	} else {
		*end = 0;
		if (strcmp(begin, b.data))
			fail_msg("%s differs from the code; tests/golden/refresh.sh rewrites it",
				 PAGE);
	}
	fclose(f);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(page_is_current) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
