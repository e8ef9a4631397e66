// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "alert/template.h"
#include "base/cleanup.h"

static const struct alert sample = {
	.key = { .rule = "DeferPileUp" },
	.severity = SEVERITY_PAGE,
	.service = "shop",
	.pid = 7,
	.metric = "defer_depth_max",
	.unit = "defers",
	.value = 47,
	.threshold = 35,
	.evidence = { EVIDENCE_DEPTH, .depth = { .id = 18,
						 .depth = 47,
						 .site = { "main.reserve", "main.go", 41 } } },
	.n_labels = 2,
	.labels = { { "team", "shop" }, { "tea", "green" } },
};

static void expands(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "plain { text }", "plain { text }" },
		{ "{{ .service }}", "shop" },
		{ "{{.service}}{{   .pid   }}", "shop7" },
		{ "{{ .alertname }}/{{ .severity }}: {{ .metric }} {{ .value }} > {{ .threshold }}",
		  "DeferPileUp/page: defer_depth_max 47 defers > 35 defers" },
		{ "{{ .number }}", "47" },
		{ "goroutine {{ .goroutine }} at {{ .site }}!",
		  "goroutine 18 at main.reserve at main.go:41!" },
		{ "{{ .created_by }}{{ .panic }}", "" },
		{ "{{ .labels.team }}, {{.labels.tea}}{{ .labels.te }}", "shop, green" },
		{ "{{ .summary }}",
		  "shop (pid 7): 47 defers pending on goroutine 18, registered by "
		  "main.reserve at main.go:41" },
	};
	char text[512];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(template_check(cases[i].text, NULL), 0);
		template_expand(cases[i].text, &sample, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
	template_expand("{{ .service }}", &sample, text, 3);
	assert_string_equal(text, "sh");
}

static void faults(void **state)
{
	static const char *const unknown[] = { "a {{ .sit }}",           "{{ service }}",
					       "{{ .site.x }}",          "{{}}",
					       "{{ .service }} {{ . }}", "{{ .labels }}",
					       "{{ .labels. }}",         "{{ .labels.a-b }}",
					       "{{ labels.a }}" };
	struct reason reason = {};

	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
		assert_int_equal(template_check(unknown[i], &reason), -EINVAL);
		assert_non_null(
			strstr(reason.text, "' is not a field; fields are .alertname, .service, "));
	}
	assert_int_equal(
		template_check_labels("{{ .pid }} {{ .labels.tea }}", sample.labels, 2, &reason),
		0);
	assert_int_equal(
		template_check_labels("{{ .pid }} {{ .labels.tea }}", sample.labels, 1, &reason),
		-EINVAL);
	assert_string_equal(reason.text, "'{{ .labels.tea }}': the rule has no such label");
	assert_int_equal(template_check("{{ .service", &reason), -EINVAL);
	assert_string_equal(reason.text, "'{{' without '}}'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands),
		cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
