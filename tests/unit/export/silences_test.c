// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/digest.h"
#include "export/silences.h"

/* As Alertmanager 0.25 answers, what is of no interest here left out. */
#define ALERT(rule, service, site, ids)                                                           \
	"{\"fingerprint\":\"0a1b\",\"labels\":{\"alertname\":\"" rule "\",\"service\":\"" service \
	"\"" site "},\"status\":{\"inhibitedBy\":[],\"silencedBy\":[" ids                         \
	"],\"state\":\"suppressed\"}}"
#define SITE(s) ",\"site\":\"" s "\""

static const char *of(const json_t *silences, const char *rule, const char *service,
		      const char *site, const char *key)
{
	char name[DIGEST_KEY_MAX];

	digest_key_of(rule, service, site, name);
	return json_string_value(json_object_get(json_object_get(silences, name), key));
}

static void by_alert(void **state)
{
	json_auto_t *s = silences_parse(
		"[" ALERT("PileUp", "shop", SITE("main.f main.go:4"), "\"1-a\"") "," ALERT(
			"PileUp", "shop", "",
			"\"2-b\",\"1-a\"") "," ALERT("FdLeak", "db", "",
						     "\"1-a\"") "," ALERT("FdLeak", "web", "",
									  "") "]");
	char ids[SILENCES_DETAIL_MAX][SILENCE_ID_MAX];

	assert_non_null(s);
	assert_string_equal(of(s, "PileUp", "shop", "main.f main.go:4", "id"), "1-a");
	assert_string_equal(of(s, "PileUp", "shop", "", "id"), "2-b");
	assert_string_equal(of(s, "FdLeak", "db", "", "id"), "1-a");
	assert_null(of(s, "FdLeak", "web", "", "id"));
	assert_null(of(s, "PileUp", "shop", "main.f main.go:5", "id"));
	assert_int_equal(silences_ids(s, ids), 2);
	assert_string_equal(ids[0], "1-a");
	assert_string_equal(ids[1], "2-b");
}

static void details(void **state)
{
	json_auto_t *s = silences_parse("[" ALERT("A", "x", "", "\"1\"") "," ALERT(
		"B", "x", "", "\"1\"") "," ALERT("C", "x", "", "\"2\"") "]");

	silences_add_detail(
		s, "1",
		"{\"id\":\"1\",\"createdBy\":\"maria\",\"comment\":\"known\\u001b[31m\","
		"\"endsAt\":\"2026-11-27T20:15:00.000Z\"}");
	assert_string_equal(of(s, "A", "x", "", "created_by"), "maria");
	assert_string_equal(of(s, "B", "x", "", "comment"), "known?[31m");
	assert_string_equal(of(s, "B", "x", "", "ends_at"), "2026-11-27T20:15:00.000Z");
	assert_null(of(s, "C", "x", "", "created_by"));
	silences_add_detail(s, "2", "[1]");
	silences_add_detail(s, "2", "{");
	assert_null(of(s, "C", "x", "", "created_by"));
	silences_add_detail(s, "2", "{\"comment\":7}");
	assert_string_equal(of(s, "C", "x", "", "comment"), "");
}

/* An id goes into a path, so that what is none is not asked for. */
static void garbage(void **state)
{
	static const char *const no_lists[] = { "", "{}", "[", "null", "7", "\"[]\"", "[}" };
	static const char *const nothing[] = {
		"[]",
		"[1, null, \"x\", [], {}]",
		"[{\"labels\":[],\"status\":{\"silencedBy\":[{}]}}]",
		"[" ALERT("A", "x", "", "\"../status\"") "]",
		"[" ALERT("A", "x", "", "\"\"") "]",
		"[" ALERT(
			"A", "x", "",
			"\"0123456789012345678901234567890123456789012345678901234567890123\"") "]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(no_lists); i++)
		assert_null(silences_parse(no_lists[i]));
	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++) {
		json_auto_t *s = silences_parse(nothing[i]);

		assert_non_null(s);
		assert_int_equal(json_object_size(s), 0);
	}
}

static void bounds(void **state)
{
	char ids[SILENCES_DETAIL_MAX][SILENCE_ID_MAX], id[16];
	json_auto_t *list = json_array();
	_cleanup_free_ char *text = NULL;
	json_auto_t *s = NULL;

	for (int i = 0; i < SILENCES_MAX + 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		json_array_append_new(list,
				      json_pack("{s:{s:s,s:s},s:{s:[s]}}", "labels", "alertname",
						"A", "service", id, "status", "silencedBy", id));
	}
	text = json_dumps(list, 0);
	s = silences_parse(text);
	assert_int_equal(json_object_size(s), SILENCES_MAX);
	assert_int_equal(silences_ids(s, ids), SILENCES_DETAIL_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_alert),
		cmocka_unit_test(details),
		cmocka_unit_test(garbage),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
