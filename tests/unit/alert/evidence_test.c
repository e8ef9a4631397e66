// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alert/evidence.h"
#include "base/cleanup.h"

#define SITE                        \
	{                           \
		"main.f", "f.go", 3 \
	}

static const struct evidence depth = {
	EVIDENCE_DEPTH,
	.depth = { .id = 18,
		   .exact = true,
		   .depth = 47,
		   .site = SITE,
		   .n_top = 1,
		   .top = { { SITE, 0.5 } } },
};
static const struct evidence thread = {
	EVIDENCE_DEPTH,
	.depth = { .id = 7, .is_thread = true, .depth = 40, .site = { "?" } },
};
static const struct evidence panic = { EVIDENCE_PANIC, .panic = { .text = "no", .site = SITE } };
static const struct evidence leak = {
	EVIDENCE_GROUP,
	.waiters = { .count = 5,
		     .reason = "select",
		     .says = "more an hour",
		     .site = SITE,
		     .created_by = { "main.g" } },
};
static const struct evidence pile = {
	EVIDENCE_PILE,
	.waiters = { .count = 5, .reason = "sync.Mutex.Lock", .site = SITE },
};
static const struct evidence pool = {
	EVIDENCE_POOL,
	.waiters = { .count = 5, .site = SITE, .pool = "files", .pool_open = 4 },
};
static const struct evidence fds = {
	EVIDENCE_FDS,
	.fds = { .what = "files",
		 .open = 9,
		 .low_per_hour = 1,
		 .high_per_hour = 2,
		 .full_low_s = 60,
		 .full_high_s = INFINITY,
		 .opened_by = { SITE, 0.75 } },
};
static const struct evidence unopened = {
	EVIDENCE_FDS,
	.fds = { .what = "files", .full_low_s = NAN, .full_high_s = NAN },
};
static const struct evidence full = { EVIDENCE_FULL,
				      .full = { .open = 300,
						.limit = 300,
						.hard = 1000,
						.what = "files",
						.most = 280,
						.failed_in = SITE,
						.opened_by = { { .function = "main.g" }, 0.5 } } };
static const struct evidence host_full = {
	EVIDENCE_FULL,
	.full = { .open = 30, .limit = 300, .reached = FD_LIMIT_HOST, .used = 1000, .max = 1000 }
};
static const struct evidence watcher = { EVIDENCE_FDS,
					 .fds = { .what = "descriptors of kind inotify",
						  .open = 49,
						  .low_per_hour = 1100,
						  .high_per_hour = 1300,
						  .full_low_s = 220,
						  .full_high_s = 260,
						  .limit_kind = FD_LIMIT_INSTANCES,
						  .limit = 128,
						  .opened_by = { SITE, 1 } } };
static const struct evidence nothing;
static const struct evidence closed = { EVIDENCE_BAD_CLOSE, .close = { SITE } };

struct dump {
	bool log; /* as the log has them; else as JSON */
	char text[1024];
};

/* "in.key=value " of each part. */
static void dump_part(void *arg, const struct evidence_part *p)
{
	struct dump *d = arg;
	size_t n = strlen(d->text);
	char place[CODE_LINE_MAX];

	if (d->log && !p->log_key)
		return;
	n += (size_t)snprintf(d->text + n, sizeof(d->text) - n,
			      "%s%s%s=", !d->log && p->in ? p->in : "", !d->log && p->in ? "." : "",
			      d->log ? p->log_key : p->key);
	switch (p->type) {
	case EVIDENCE_COUNT:
		snprintf(d->text + n, sizeof(d->text) - n, "%llu ", (unsigned long long)p->count);
		break;
	case EVIDENCE_REAL:
		snprintf(d->text + n, sizeof(d->text) - n, "%g ", p->real.value);
		break;
	case EVIDENCE_TEXT:
		snprintf(d->text + n, sizeof(d->text) - n, "%s ", p->text);
		break;
	case EVIDENCE_TRUTH:
		snprintf(d->text + n, sizeof(d->text) - n, "%s ", p->truth.word);
		break;
	case EVIDENCE_SITE:
		code_line_print(p->site.at, CODE_LINE_LOG, place, sizeof(place));
		snprintf(d->text + n, sizeof(d->text) - n, "%s%s ",
			 p->site.may_be_no && !place[0] ? "none" : place,
			 isnan(p->site.share) ? "" : " shared");
		break;
	case EVIDENCE_SITES:
		snprintf(d->text + n, sizeof(d->text) - n, "%u ", p->sites.n);
		break;
	}
}

/* The keys are what people and programs read: they do not change. */
static void parts(void **state)
{
	static const struct {
		const struct evidence *e;
		const char *json, *log, *site;
	} cases[] = {
		{ &depth, "goroutine=18 depth=47 exact=exact site=main.f (f.go:3) top_sites=1 ",
		  "goroutine=18 depth=47 confidence=exact site=main.f (f.go:3) top_sites=1 ",
		  "main.f" },
		{ &thread, "thread=7 depth=40 exact=inferred site=? top_sites=0 ",
		  "thread=7 depth=40 confidence=inferred site=? top_sites=0 ", NULL },
		{ &panic, "panic=no site=main.f (f.go:3) ", "panic=no site=main.f (f.go:3) ",
		  "main.f" },
		{ &leak, "goroutines=5 reason=select site=main.f (f.go:3) created_by=main.g ",
		  "goroutines=5 reason=select site=main.f (f.go:3) created_by=main.g ", "main.f" },
		{ &pile,
		  "goroutines=5 reason=sync.Mutex.Lock site=main.f (f.go:3) created_by=none ",
		  "goroutines=5 reason=sync.Mutex.Lock site=main.f (f.go:3) created_by=none ",
		  "main.f" },
		{ &pool,
		  "pool.what=files pool.open=4 goroutines=5 reason= site=main.f (f.go:3) "
		  "created_by=none ",
		  "what=files open=4 goroutines=5 reason= site=main.f (f.go:3) created_by=none ",
		  "main.f" },
		{ &fds,
		  "descriptors.what=files descriptors.open=9 descriptors.limit_name=RLIMIT_NOFILE "
		  "descriptors.low_per_hour=1 "
		  "descriptors.high_per_hour=2 descriptors.exhaustion_seconds=60 "
		  "descriptors.exhaustion_high_seconds=inf "
		  "descriptors.opened_by=main.f (f.go:3) shared ",
		  "what=files open=9 limit_name=RLIMIT_NOFILE low_per_hour=1 high_per_hour=2 "
		  "full_in_seconds=60 "
		  "opened_by=main.f (f.go:3) shared ",
		  "main.f" },
		{ &unopened,
		  "descriptors.what=files descriptors.open=0 descriptors.limit_name=RLIMIT_NOFILE "
		  "descriptors.low_per_hour=0 "
		  "descriptors.high_per_hour=0 descriptors.exhaustion_seconds=nan "
		  "descriptors.exhaustion_high_seconds=nan descriptors.opened_by=none shared ",
		  "what=files open=0 limit_name=RLIMIT_NOFILE low_per_hour=0 high_per_hour=0 "
		  "full_in_seconds=nan "
		  "opened_by=none shared ",
		  NULL },
		{ &full,
		  "descriptors.open=300 descriptors.limit_name=RLIMIT_NOFILE descriptors.limit=300 "
		  "descriptors.hard_limit=1000 "
		  "descriptors.what=files descriptors.most=280 descriptors.failed_in=main.f "
		  "(f.go:3) "
		  "descriptors.opened_by=main.g shared ",
		  "open=300 limit_name=RLIMIT_NOFILE limit=300 hard_limit=1000 what=files most=280 "
		  "failed_in=main.f "
		  "(f.go:3) "
		  "opened_by=main.g shared ",
		  "main.g" },
		{ &closed, "site=main.f (f.go:3) ", "site=main.f (f.go:3) ", "main.f" },
		{ &nothing, "", "", NULL },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dump json = {}, log = { .log = true };
		const struct code_line *site = evidence_site(cases[i].e);

		evidence_visit(cases[i].e, dump_part, &json);
		assert_string_equal(json.text, cases[i].json);
		evidence_visit(cases[i].e, dump_part, &log);
		assert_string_equal(log.text, cases[i].log);
		assert_int_equal(site != NULL, cases[i].site != NULL);
		if (site)
			assert_string_equal(site->function, cases[i].site);
	}
}

/* Each kind has a sentence, and one without a value has none. */
static void sentences(void **state)
{
	static const struct {
		const struct evidence *e;
		const char *text;
	} cases[] = {
		{ &depth, "47 defers pending on goroutine 18, registered by main.f at f.go:3" },
		{ &panic, "m is 4; the newest: no, in main.f at f.go:3" },
		{ &leak, "5 goroutines wait (select) in main.f at f.go:3, created by main.g; 4 "
			 "more an hour" },
		{ &pool, "the pool is too small: 5 goroutines wait for one of 4 files, most in "
			 "main.f at f.go:3" },
		{ &unopened,
		  "files leak: 0 are open, 0 to 0 more an hour; who opened them is not known: "
		  "they were opened before it was looked at, or in a way that no hook "
		  "sees" },
		{ &watcher, "descriptors of kind inotify leak: 49 are open, 1100 to 1300 more an "
			    "hour; fs.inotify.max_user_instances of 128 is reached in 4 min to 4 "
			    "min; 100 % of what is kept was opened by main.f at f.go:3" },
		{ &full, "no descriptor is left: 300 are open, of 300 (RLIMIT_NOFILE, soft; the "
			 "hard limit "
			 "is 1000); 280 are files; calls fail in main.f at f.go:3; 50 % of what is "
			 "kept was "
			 "opened by main.g" },
		{ &host_full,
		  "no descriptor on the host is left (fs.file-max: 1000 of 1000 are used): 30 are "
		  "open, of 300 "
		  "(RLIMIT_NOFILE); who opened them is not known: they were opened before it was "
		  "looked at, or in a way that no hook sees" },
		{ &closed,
		  "closed a descriptor that it had closed already 4 times in 5 minutes, the newest "
		  "in "
		  "main.f at f.go:3: if the number has been reused, this closes a descriptor of "
		  "other code" },
		{ &nothing, "" },
	};
	char text[512];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		evidence_describe(cases[i].e, "m", 4, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void lines(void **state)
{
	static const struct {
		struct code_line c;
		const char *at, *plain, *log;
	} cases[] = {
		{ SITE, "main.f at f.go:3", "main.f f.go:3", "main.f (f.go:3)" },
		{ { "?", "", 0 }, "?", "?", "?" },
		{ { "", "f.go", 3 }, "", "", "" },
	};
	char text[CODE_LINE_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		code_line_print(&cases[i].c, CODE_LINE_AT, text, sizeof(text));
		assert_string_equal(text, cases[i].at);
		code_line_print(&cases[i].c, CODE_LINE_PLAIN, text, sizeof(text));
		assert_string_equal(text, cases[i].plain);
		code_line_print(&cases[i].c, CODE_LINE_LOG, text, sizeof(text));
		assert_string_equal(text, cases[i].log);
		code_line_print(&cases[i].c, CODE_LINE_AT, text, 4);
		assert_true(strlen(text) < 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(sentences),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
