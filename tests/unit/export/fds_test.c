// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "export/fds.h"
#include "export/numbers.h"
#include "shop.h"

static struct model *with_targets(void)
{
	struct model *m = shop_model();

	for (uint32_t id = 1; id <= 2; id++)
		shop_add(m, id, 0);
	return m;
}

static void group(struct model *m, uint32_t target, struct event_fd_key key, uint32_t open,
		  uint32_t kept)
{
	struct event ev = { .type = EVENT_FD_GROUP, .target = target };

	ev.fd_group = (struct event_fd_group){
		.key = key, .open = open, .kept = { kept }, .oldest_ns = T0 - 60 * SECOND
	};
	if (key.port)
		ev.fd_group.states[TCP_ESTABLISHED] = open;
	model_apply(m, &ev);
}

static void end(struct model *m, uint32_t target, uint64_t time_ns)
{
	struct event ev = { .type = EVENT_FD_CENSUS, .target = target, .time_ns = time_ns };

	ev.fd_census = (struct event_fd_census){ .interval_ns = 10 * SECOND, .followed = { true } };
	model_apply(m, &ev);
}

static const struct event_fd_key files = { .kind = FD_FILE },
				 database = { .kind = FD_INET, .port = 5432 },
				 server = { .kind = FD_INET, .incoming = 1, .port = 8080 };

static const json_t *at(const json_t *list, size_t i, const char *key)
{
	const json_t *v = json_object_get(json_array_get(list, i), key);

	assert_non_null(v);
	return v;
}

static void as_json(void **state)
{
	_cleanup_(model_freep) struct model *m = with_targets();
	const struct target *t = model_target(m, 1);
	json_t *o = json_object(), *list;

	view_add_fds(o, t);
	assert_true(json_is_null(json_object_get(o, "fd_leak")));
	assert_true(json_is_null(json_object_get(o, "fd_exhaustion_high_seconds")));
	list = view_fd_groups(t, T0);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	group(m, 1, files, 3, 2);
	group(m, 1, database, 12, 11);
	group(m, 1, server, 0, 0); /* all are closed: not there any more */
	end(m, 1, T0);
	list = view_fd_groups(t, T0);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_integer_value(at(list, 0, "port")), 5432);
	assert_string_equal(json_string_value(at(list, 0, "direction")), "out");
	assert_int_equal(json_integer_value(at(list, 0, "kept")), 11);
	assert_int_equal(json_integer_value(json_object_get(at(list, 0, "states"), "established")),
			 12);
	assert_string_equal(json_string_value(at(list, 1, "kind")), "file");
	assert_true(json_is_null(at(list, 1, "port")) && json_is_null(at(list, 1, "states")));
	assert_true(json_real_value(at(list, 1, "oldest_seconds")) == 60);
	assert_string_equal(json_string_value(json_object_get(at(list, 1, "leak"), "verdict")),
			    "steady");
	assert_true(json_is_null(json_object_get(at(list, 1, "leak"), "low_per_hour")));
	json_decref(list);
	view_add_fds(o, t);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(o, "fd_leak"), "verdict")),
		"steady");
	json_decref(o);
}

static void as_metrics(void **state)
{
	_cleanup_(model_freep) struct model *m = with_targets();
	struct buf b;
	struct expo x = { .out = &b, .series_max = 1000 };

	for (unsigned turn = 0; turn < 9; turn++) {
		group(m, 1, database, 10 + 10 * turn, 10 * turn);
		group(m, 1, files, 3, 3);
		end(m, 1, T0 + turn * 10 * SECOND);
	}
	for (unsigned port = 1; port <= 60; port++)
		group(m, 2, (struct event_fd_key){ .kind = FD_INET, .port = (uint16_t)port }, 1, 0);
	for (unsigned port = 1; port <= 10; port++)
		group(m, 2,
		      (struct event_fd_key){
			      .kind = FD_INET, .incoming = 1, .port = (uint16_t)port },
		      2, 0);
	end(m, 2, T0);
	buf_init(&b, 0);
	fds_write_metrics(&x, m);
	numbers_write_gauges(&x, m, T0);
	buf_putc(&b, '\0');
	assert_non_null(
		strstr(b.data, "deferd_open_fds_by_kind{service=\"shop\",kind=\"inet\"} 170\n"));
	assert_non_null(
		strstr(b.data, "deferd_open_fds_by_kind{service=\"shop\",kind=\"file\"} 3\n"));
	assert_non_null(strstr(b.data, "deferd_connections{service=\"shop\",direction=\"out\",port="
				       "\"5432\",state=\"established\"} 90\n"));
	/* 64 of the 71 ports have a row each, those with the most; the others have one together. */
	assert_non_null(strstr(b.data, "port=\"other\",state=\"established\"} "));
	assert_non_null(
		strstr(b.data, "deferd_fd_leak_verdict{service=\"shop\",verdict=\"leaking\"} 1\n"));
	assert_non_null(
		strstr(b.data, "deferd_fd_leak_verdict{service=\"shop\",verdict=\"steady\"} 1\n"));
	assert_non_null(strstr(b.data, "deferd_fd_leak_per_second{service=\"shop\"} 1\n"));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_json),
		cmocka_unit_test(as_metrics),
	};

	return cmocka_run_group_tests_name("export/fds", tests, NULL, NULL);
}
