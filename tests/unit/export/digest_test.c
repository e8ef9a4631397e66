// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/digest.h"

#define SECOND 1000000000ull
#define T0     (3600 * SECOND)
#define UNIX   1700000000000ll /* 2023-11-14T22:13:20Z, at T0 */

DEFINE_CLEANUP(struct digest *, digest_free)
#define _digest_ _cleanup_(digest_freep) struct digest *

/* What alerts.c would have as active. */
struct active {
	struct alert *head;
	struct alert all[20];
};

static struct alert *fire(struct active *as, unsigned i, const char *rule, const char *service,
			  const char *function, uint32_t pid, double value)
{
	struct alert *a = &as->all[i];

	*a = (struct alert){ .state = ALERT_FIRING,
			     .severity = SEVERITY_WARNING,
			     .metric = "defer_depth_max",
			     .evidence = { EVIDENCE_DEPTH, .depth = { .depth = (uint32_t)value } },
			     .pid = pid,
			     .value = value,
			     .active_ns = T0 };
	snprintf(a->key.rule, sizeof(a->key.rule), "%s", rule);
	snprintf(a->service, sizeof(a->service), "%s", service);
	snprintf(a->evidence.depth.site.function, sizeof(a->evidence.depth.site.function), "%s",
		 function);
	a->key.target = i + 1;
	HASH_ADD(hh, as->head, key, sizeof(a->key), a);
	return a;
}

static void clear(struct active *as)
{
	HASH_CLEAR(hh, as->head);
}

static json_t *told(const struct digest *d, uint64_t seq, bool all, uint64_t now)
{
	return digest_json(d, seq, all, now, UNIX + (int64_t)((now - T0) / 1000000), 240 * SECOND,
			   "http://shop-1:10035/api/v1/alerts");
}

static const char *text(const json_t *list, size_t i, const char *of, const char *key)
{
	const json_t *o = json_array_get(list, i);

	return json_string_value(json_object_get(of ? json_object_get(o, of) : o, key));
}

static void one_cause(void **state)
{
	_digest_ d = digest_new();
	json_t *external = json_pack("{s:s}", "host", "here"), *list;
	struct active as = {};
	struct alert *a;

	for (unsigned i = 0; i < 3; i++)
		fire(&as, i, "PileUp", "shop", "main.f", 10 + i, 40 + i);
	a = fire(&as, 3, "PileUp", "shop", "main.g", 10, 50);
	a->n_labels = 1;
	strcpy(a->labels[0].name, "team");
	strcpy(a->labels[0].value, "x");
	fire(&as, 4, "PileUp", "inventory", "main.f", 20, 60)->state = ALERT_PENDING;
	fire(&as, 5, "Inhibited", "shop", "main.f", 20, 60)->inhibited = true;
	digest_update(d, as.head, external, T0 + SECOND);
	assert_int_equal(digest_seq(d), 2);
	assert_int_equal(digest_firing(d), 2);
	list = told(d, 0, false, T0 + SECOND);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(list, 0, "labels", "alertname"), "PileUp");
	assert_string_equal(text(list, 0, "labels", "service"), "shop");
	assert_string_equal(text(list, 0, "labels", "severity"), "warning");
	assert_string_equal(text(list, 0, "labels", "site"), "main.f");
	assert_string_equal(text(list, 0, "labels", "host"), "here");
	assert_string_equal(text(list, 0, "annotations", "processes"), "3: 10, 11, 12");
	assert_non_null(strstr(text(list, 0, "annotations", "summary"), "42 defers"));
	assert_string_equal(text(list, 0, NULL, "startsAt"), "2023-11-14T22:13:20.000Z");
	assert_string_equal(text(list, 0, NULL, "endsAt"), "2023-11-14T22:17:21.000Z");
	assert_string_equal(text(list, 1, "labels", "site"), "main.g");
	assert_string_equal(text(list, 1, "labels", "team"), "x");
	json_decref(list);
	json_decref(external);
	clear(&as);
}

/* What is told to somebody who knows all up to a number. */
static void changes(void **state)
{
	_digest_ d = digest_new();
	struct active as = {};
	json_t *list;

	fire(&as, 0, "PileUp", "shop", "main.f", 10, 40);
	digest_update(d, as.head, NULL, T0);
	digest_update(d, as.head, NULL, T0 + SECOND);
	assert_int_equal(digest_seq(d), 1);
	list = told(d, 1, false, T0 + SECOND);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = told(d, 1, true, T0 + SECOND);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	/* It ends. */
	clear(&as);
	digest_update(d, NULL, NULL, T0 + 2 * SECOND);
	assert_int_equal(digest_seq(d), 2);
	assert_int_equal(digest_firing(d), 0);
	list = told(d, 1, true, T0 + 10 * SECOND);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(list, 0, NULL, "endsAt"), "2023-11-14T22:13:22.000Z");
	json_decref(list);
	list = told(d, 2, true, T0 + 10 * SECOND);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	/* It begins again: another one. */
	fire(&as, 0, "PileUp", "shop", "main.f", 10, 40)->active_ns = T0 + 20 * SECOND;
	digest_update(d, as.head, NULL, T0 + 20 * SECOND);
	list = told(d, 2, false, T0 + 20 * SECOND);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(list, 0, NULL, "startsAt"), "2023-11-14T22:13:40.000Z");
	json_decref(list);
	clear(&as);
	/* What has ended is forgotten in the end. */
	digest_update(d, NULL, NULL, T0 + 30 * SECOND);
	digest_update(d, NULL, NULL, T0 + 31 * SECOND + DIGEST_KEEP_NS);
	list = told(d, 0, true, T0 + 31 * SECOND + DIGEST_KEEP_NS);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void many_processes(void **state)
{
	_digest_ d = digest_new();
	struct active as = {};
	json_t *list;

	for (unsigned i = 0; i < 20; i++)
		fire(&as, i, "PileUp", "shop", "main.f", 100 + i, 40);
	digest_update(d, as.head, NULL, T0);
	list = told(d, 0, false, T0);
	assert_string_equal(text(list, 0, "annotations", "processes"),
			    "20: 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, "
			    "113, 114, 115, ...");
	json_decref(list);
	clear(&as);
}

static void full(void **state)
{
	static struct alert all[DIGEST_MAX + 1];
	_digest_ d = digest_new();
	struct active as = {};

	for (unsigned i = 0; i <= DIGEST_MAX; i++) {
		all[i] = (struct alert){ .state = ALERT_FIRING, .metric = "open_fds" };
		snprintf(all[i].key.rule, sizeof(all[i].key.rule), "r%u", i);
		HASH_ADD(hh, as.head, key, sizeof(all[i].key), (&all[i]));
	}
	digest_update(d, as.head, NULL, T0);
	assert_int_equal(digest_firing(d), DIGEST_MAX);
	assert_int_equal(digest_dropped(d), 1);
	clear(&as);
}

/* Nothing saw it but what was told as it began. */
static void short_one(void **state)
{
	_digest_ d = digest_new();
	struct active as = {};
	json_t *list;

	digest_add(d, fire(&as, 0, "PileUp", "shop", "main.f", 10, 40), NULL);
	clear(&as);
	digest_update(d, NULL, NULL, T0 + SECOND);
	assert_int_equal(digest_firing(d), 0);
	list = told(d, 0, false, T0 + SECOND);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(list, 0, "labels", "service"), "shop");
	assert_string_equal(text(list, 0, NULL, "startsAt"), "2023-11-14T22:13:20.000Z");
	assert_string_equal(text(list, 0, NULL, "endsAt"), "2023-11-14T22:13:21.000Z");
	json_decref(list);

	/* What goes on is the same one. */
	digest_add(d, fire(&as, 1, "PileUp", "shop", "main.g", 10, 40), NULL);
	digest_update(d, as.head, NULL, T0 + 2 * SECOND);
	assert_int_equal(digest_seq(d), 3);
	list = told(d, 2, true, T0 + 2 * SECOND);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text(list, 0, "annotations", "processes"), "1: 10");
	json_decref(list);
	clear(&as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cause),      cmocka_unit_test(changes),
		cmocka_unit_test(many_processes), cmocka_unit_test(full),
		cmocka_unit_test(short_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
