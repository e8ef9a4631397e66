// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The ledger through the model: panics come as events, and what is told of them comes out. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/model.h"
#include "model/panics.h"
#include "namesite.h"
#include "shop.h"

#define IMAGE SHOP_IMAGE

#define _model_ _cleanup_(model_freep) struct model *

static struct model *with_target(uint32_t id)
{
	struct model *m = shop_model();

	shop_add(m, id, 0);
	return m;
}

static struct event step(enum panic_step step, uint64_t id, uint64_t now)
{
	return (struct event){
		.type = EVENT_PANIC,
		.target = 1,
		.pid = 1001,
		.time_ns = now,
		.panic = { .step = step,
			   .id = id,
			   .goid = 18,
			   .go_minor = 26,
			   .type = 0x5000,
			   .nstack = 2,
			   .stack = { 0x1000, 0x2000 } },
	};
}

static void start(struct model *m, uint64_t id, uint64_t now)
{
	struct event ev = step(PANIC_STARTED, id, now);

	model_apply(m, &ev);
}

static void end(struct model *m, enum panic_step how, uint64_t now, unsigned n, const uint64_t *ids,
		const enum panic_outcome *outcomes)
{
	struct event ev = step(how, 0, now);

	ev.panic.type = 0;
	ev.panic.frame = 0x3000;
	ev.panic.recover_site = 0x4000;
	ev.panic.nclosed = n;
	for (unsigned i = 0; i < n; i++) {
		ev.panic.closed[i].id = ids[i];
		ev.panic.closed[i].outcome = outcomes[i];
	}
	model_apply(m, &ev);
}

static const struct ledger *ledger_of(const struct model *m)
{
	return model_services(m)->ledger;
}

static void recovered(void **state)
{
	_model_ m = with_target(1);
	const struct ledger_entry *e;

	assert_null(ledger_of(m));
	start(m, 5, T0);
	e = ledger_entry(ledger_of(m), 0);
	assert_int_equal(e->id, 5);
	assert_int_equal(e->outcome, OUTCOME_RUNNING);
	assert_int_equal(e->ended_ns, 0);
	assert_null(ledger_entry(ledger_of(m), 1));
	end(m, PANIC_RECOVERED, T0 + 9, 1, &(uint64_t){ 5 },
	    &(enum panic_outcome){ OUTCOME_RECOVERED });
	assert_int_equal(e->outcome, OUTCOME_RECOVERED);
	assert_int_equal(e->ended_ns, T0 + 9);
	assert_int_equal(e->frame, 0x3000);
	assert_int_equal(e->recover_site, 0x4000);
	assert_int_equal(ledger_of(m)->sites->outcomes[OUTCOME_RECOVERED], 1);
}

static void replaced(void **state)
{
	static const uint64_t ids[] = { 7, 6, 5, 99 };
	static const enum panic_outcome outcomes[] = { OUTCOME_RECOVERED, OUTCOME_OVERRIDDEN,
						       OUTCOME_REPANICKED, OUTCOME_OVERRIDDEN };
	_model_ m = with_target(1);

	for (uint64_t id = 5; id <= 7; id++)
		start(m, id, T0);
	/* 99 was not told: it is passed over. */
	end(m, PANIC_RECOVERED, T0, 4, ids, outcomes);
	assert_int_equal(ledger_entry(ledger_of(m), 0)->replaced_by, 0);
	assert_int_equal(ledger_entry(ledger_of(m), 1)->replaced_by, 7);
	assert_int_equal(ledger_entry(ledger_of(m), 1)->frame, 0);
	assert_int_equal(ledger_entry(ledger_of(m), 2)->replaced_by, 6);
	assert_int_equal(ledger_entry(ledger_of(m), 2)->outcome, OUTCOME_REPANICKED);
}

/* The newest stay; what became of those that fell out is not looked for in others. */
static void ring(void **state)
{
	_model_ m = with_target(1);

	for (uint64_t id = 1; id <= LEDGER_ENTRIES_MAX + 3; id++)
		start(m, id, T0 + id);
	assert_int_equal(ledger_entry(ledger_of(m), 0)->id, LEDGER_ENTRIES_MAX + 3);
	assert_int_equal(ledger_entry(ledger_of(m), LEDGER_ENTRIES_MAX - 1)->id, 4);
	assert_null(ledger_entry(ledger_of(m), LEDGER_ENTRIES_MAX));
	end(m, PANIC_RECOVERED, T0, 1, &(uint64_t){ 1 },
	    &(enum panic_outcome){ OUTCOME_RECOVERED });
	for (unsigned i = 0; i < LEDGER_ENTRIES_MAX; i++)
		assert_int_equal(ledger_entry(ledger_of(m), i)->outcome, OUTCOME_RUNNING);
	assert_int_equal(ledger_of(m)->sites->started, LEDGER_ENTRIES_MAX + 3);
}

static void sites_have_a_bound(void **state)
{
	_model_ m = with_target(1);

	for (unsigned i = 0; i < LEDGER_SITES_MAX + 5; i++) {
		struct event ev = step(PANIC_STARTED, i + 1, T0);

		ev.panic.stack[0] = 0x9000 + i;
		ev.time_ns += i;
		model_apply(m, &ev);
		/* The first one goes on. */
		ev.panic.stack[0] = 0x9000;
		model_apply(m, &ev);
	}
	assert_int_equal(HASH_COUNT(ledger_of(m)->sites), LEDGER_SITES_MAX);
	for (const struct ledger_site *s = ledger_of(m)->sites; s; s = s->hh.next) {
		if (s->key.frames[0] == 0x9000)
			assert_int_equal(s->started, LEDGER_SITES_MAX + 6);
		else
			assert_true(s->key.frames[0] > 0x9000 + 5);
	}
}

/* A process dies once, however often its runtime says so. */
static void deaths(void **state)
{
	_model_ m = with_target(1);
	const struct service *s = model_services(m);
	struct event ev = step(PANIC_THROW, 0, T0 + SECOND);

	start(m, 5, T0);
	end(m, PANIC_FATAL, T0, 1, &(uint64_t){ 5 }, &(enum panic_outcome){ OUTCOME_FATAL });
	model_apply(m, &ev);
	ev.panic.step = PANIC_DYING;
	model_apply(m, &ev);
	assert_int_equal(recent_sum(&s->deaths, T0 + 2 * SECOND), 1);
	assert_int_equal(ledger_entry(s->ledger, 0)->kind, LEDGER_PANIC);
	assert_null(ledger_entry(s->ledger, 1));
	assert_int_equal(recent_sum(&s->deaths, T0 + 299 * SECOND), 1);
	assert_int_equal(recent_sum(&s->deaths, T0 + 311 * SECOND), 0);
}

/* Of a stack overflow: the innermost call that comes again. Nothing else is looked at so. */
static void overflows(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		uint64_t stack[8];
		unsigned from; /* of the stack that it is about */
	} cases[] = {
		{ "stack overflow", 6, { 1, 2, 3, 3, 3, 3 }, 2 },
		{ "stack overflow", 8, { 1, 2, 9, 4, 5, 6, 4, 5 }, 3 }, /* by way of others */
		{ "stack overflow", 6, { 1, 2, 3, 4, 5, 6 }, 0 },       /* longer than is seen */
		{ "stack overflow", 0, {}, 0 },
		{ "stack overflows", 6, { 1, 2, 3, 3, 3, 3 }, 0 },
		{ "concurrent map writes", 6, { 1, 2, 3, 3, 3, 3 }, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_THROW, 0, T0);
		const struct ledger_entry *e;
		const uint64_t *stack;
		unsigned n;

		ev.panic.text_len = (unsigned)strlen(cases[i].text);
		memcpy(ev.panic.text, cases[i].text, ev.panic.text_len);
		ev.panic.nstack = cases[i].n;
		memcpy(ev.panic.stack, cases[i].stack, sizeof(cases[i].stack));
		model_apply(m, &ev);
		e = ledger_entry(ledger_of(m), 0);
		stack = ledger_first_stack(e, &n);
		assert_int_equal(n, cases[i].n - cases[i].from);
		assert_memory_equal(stack, cases[i].stack + cases[i].from, n * sizeof(*stack));
		assert_int_equal(e->what.nstack, cases[i].n);
		assert_int_equal(ledger_site_of(ledger_of(m), e)->norigin, e->norigin);
	}
}

static void signals_and_throws(void **state)
{
	static const struct {
		enum panic_step step;
		unsigned signo;
		enum ledger_kind kind;
		const char *message;
	} cases[] = {
		{ PANIC_THROW, 0, LEDGER_THROW, "all? asleep" },
		{ PANIC_DYING, SIGQUIT, LEDGER_SIGNAL, "SIGQUIT: quit" },
		{ PANIC_DYING, SIGSYS, LEDGER_SIGNAL, "SIGSYS: bad system call" },
		{ PANIC_DYING, SIGTERM, LEDGER_SIGNAL, "" },
		{ PANIC_DYING, 0, LEDGER_SIGNAL, "" },
		{ PANIC_DYING, ~0u, LEDGER_SIGNAL, "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(cases[i].step, 0, T0);
		char text[64];

		memcpy(ev.panic.text, "all\x1b asleep", 11);
		ev.panic.text_len = 11;
		ev.panic.signo = cases[i].signo;
		model_apply(m, &ev);
		assert_int_equal(ledger_entry(ledger_of(m), 0)->kind, cases[i].kind);
		assert_int_equal(ledger_entry(ledger_of(m), 0)->outcome, OUTCOME_FATAL);
		assert_true(model_panic_message(m, IMAGE, &ev.panic, text, sizeof(text)));
		assert_string_equal(text, cases[i].message);
		assert_true(model_panic_type(m, IMAGE, &ev.panic, text, sizeof(text)));
		assert_string_equal(text, "");
	}
}

/* A storm at one site is told by the minute. */
static void busiest(void **state)
{
	_model_ m = with_target(1);
	uint64_t n;

	for (unsigned i = 0; i < 120; i++) {
		start(m, i + 1, T0 + i * SECOND);
		end(m, PANIC_RECOVERED, T0 + i * SECOND, 1, &(uint64_t){ i + 1 },
		    &(enum panic_outcome){ OUTCOME_RECOVERED });
	}
	for (unsigned s = 0; s < 12; s++)
		model_tick(m, T0 + (80 + 4 * s) * SECOND); /* its names do not come */
	assert_non_null(ledger_busiest(ledger_of(m), T0 + 119 * SECOND, &n));
	assert_int_equal(n, 60);
	assert_null(ledger_busiest(ledger_of(m), T0 + 400 * SECOND, &n));
	assert_int_equal(n, 0);
}

/* Through the model: a site whose recoveries are watched, until enough is known. */
static void aftermaths(void **state)
{
	_model_ m = with_target(1);
	const struct service *s = model_services(m);

	assert_false(model_wants_aftermath(m, T0));
	for (unsigned i = 0; i < AFTERMATH_ENOUGH; i++) {
		uint64_t now = T0 + i * SECOND;
		struct event ev = step(PANIC_STARTED, i + 1, now);
		struct aftermath *a;

		assert_int_equal(service_swallowed(m, s), i >= AFTERMATH_SUSPECT);
		ev.panic.watched = true;
		model_apply(m, &ev);
		ev.panic.step = PANIC_RECOVERED;
		ev.panic.nclosed = 1;
		ev.panic.closed[0].id = i + 1;
		ev.panic.closed[0].outcome = OUTCOME_RECOVERED;
		model_apply(m, &ev);
		model_tick(m, now); /* it is not by design */
		assert_true(model_wants_aftermath(m, now));
		a = model_complete_aftermath(m, now + SECOND);
		assert_int_equal(a->panic, i + 1);
		assert_int_equal(a->goid, 18);
		aftermath_close(a, true);
		assert_null(model_complete_aftermath(m, now + SECOND));
	}
	assert_false(model_wants_aftermath(m, T0 + 5 * SECOND));
	assert_int_equal(service_swallowed(m, s), 1);
	model_apply(m, &(struct event){ .type = EVENT_TARGET_GONE, .target = 1, .time_ns = T0 });
	assert_int_equal(service_swallowed(m, s), 0); /* of living processes */
}

/* Nothing is made of a recovery when records were lost, or the process is gone. */
static void aftermaths_dropped(void **state)
{
	static const struct event drops[] = {
		{ .type = EVENT_LOST, .target = 1, .time_ns = T0, .lost = 1 },
		{ .type = EVENT_TARGET_GONE, .target = 1, .time_ns = T0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(drops) + 1; i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_STARTED, 1, T0);

		ev.panic.watched = true;
		model_apply(m, &ev);
		ev.panic.step = PANIC_RECOVERED;
		ev.panic.nclosed = 1;
		ev.panic.closed[0].id = 1;
		ev.panic.closed[0].outcome = OUTCOME_RECOVERED;
		model_apply(m, &ev);
		if (i < ARRAY_SIZE(drops))
			model_apply(m, &drops[i]);
		else
			model_discard_aftermaths(m, T0 + 1);
		assert_null(model_complete_aftermath(m, T0 + SECOND));
	}
}

/* The process is gone; its panics and their names are not. */
static void survives_its_process(void **state)
{
	_model_ m = with_target(1);

	start(m, 5, T0);
	name_site(m, IMAGE, 0x1000, "main.f", "f.go", 3);
	model_apply(m, &(struct event){ .type = EVENT_TARGET_GONE, .target = 1, .time_ns = T0 });
	assert_true(model_uses_image(m, IMAGE));
	assert_string_equal(model_site_name(m, IMAGE, 0x1000)->at.function, "main.f");
	assert_int_equal(ledger_entry(ledger_of(m), 0)->pid, 1001);
}

static void name(struct model *m, uint64_t pc, const char *function, bool open_defers, bool wrapper)
{
	struct name_ask ask = { pc, NAME_OF_SITE };
	struct code_line line = {};
	struct name_answer answer = {
		.n = 1, .frames = &line, .open_defers = open_defers, .wrapper = wrapper
	};

	snprintf(line.function, sizeof(line.function), "%s", function);
	model_answer(m, IMAGE, &ask, &answer);
}

/* A panic in the library is the program's own where it called the library. */
static void own_frames(void **state)
{
	static const uint64_t stack[] = { 0x1000, 0x2000, 0x3000 };
	static const struct {
		const char *names[3];
		const char *user, *own, *opener;
	} cases[] = {
		{ { "runtime.panicmem", "sync/atomic.(*Int64).Add", "myservice/x.F" },
		  "sync/atomic.(*Int64).Add",
		  "myservice/x.F",
		  "myservice/x.F" },
		{ { "runtime.goPanicIndex", "example.com/x.F", "main.main" },
		  "example.com/x.F",
		  NULL,
		  "example.com/x.F" },
		{ { "net/http.(*conn).serve", "runtime.goexit", "?" },
		  "net/http.(*conn).serve",
		  NULL,
		  "net/http.(*conn).serve" },
		/* A goroutine of the library's own: what was called there is not who asked for it. */
		{ { "syscall.RawSyscall", "net/http.(*Transport).dialConnFor", "runtime.goexit" },
		  "syscall.RawSyscall",
		  NULL,
		  "net/http.(*Transport).dialConnFor" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		const struct code_line *own;

		assert_null(model_own_frame(m, IMAGE, RUNTIME_GO, stack, 3));
		assert_null(model_opener_frame(m, IMAGE, RUNTIME_GO, stack, 3));
		for (unsigned k = 0; k < 3; k++)
			name(m, stack[k], cases[i].names[k], false, false);
		assert_string_equal(model_opener_frame(m, IMAGE, RUNTIME_GO, stack, 3)->function,
				    cases[i].opener);
		assert_string_equal(model_user_frame(m, IMAGE, RUNTIME_GO, stack, 3)->function,
				    cases[i].user);
		own = model_own_frame(m, IMAGE, RUNTIME_GO, stack, 3);
		assert_string_equal(own ? own->function : "", cases[i].own ? cases[i].own : "");
		assert_null(model_own_frame(m, IMAGE, RUNTIME_C, stack, 3));
	}
}

/* A method that the compiler wrote, for what is embedded, is no line of the program. */
static void compiler_written(void **state)
{
	static const uint64_t stack[] = { 0x1000, 0x2000, 0x3000 };
	struct code_line line = { .function = "main.(*conn).Read", .file = "<autogenerated>" };
	struct name_ask ask = { stack[1], NAME_OF_SITE };
	_model_ m = with_target(1);

	assert_null(model_program_frame(m, IMAGE, RUNTIME_GO, stack, 3));
	name(m, stack[0], "net.(*conn).Read", false, false);
	model_answer(m, IMAGE, &ask, &(struct name_answer){ .n = 1, .frames = &line });
	name(m, stack[2], "main.query", false, false);
	assert_string_equal(model_program_frame(m, IMAGE, RUNTIME_GO, stack, 3)->function,
			    "main.query");
}

/* The innermost place of the program, and whether it called the runtime itself. */
static void own_places(void **state)
{
	static const struct {
		const char *names[3];
		uint64_t place; /* 0: none */
		bool direct;
	} cases[] = {
		{ { "runtime.gopark", "main.work", "main.main" }, 0x402000, true },
		{ { "sync.(*Cond).Wait", "main.work", "main.main" }, 0x402000, true },
		{ { "time.Sleep", "main.work", "main.main" }, 0x402000, true },
		{ { "net/http.(*persistConn).roundTrip", "net/http.Get", "main.main" },
		  0x403000,
		  false },
		{ { "runtime.gopark", "net/http.Get", "example.com/x.F" }, 0x403000, false },
		{ { "runtime.gopark", "net/http.(*conn).serve", "runtime.goexit" }, 0, false },
	};
	const uint64_t stack[] = { 0x401000, 0x402000, 0x403000 };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		uint64_t place = 7;
		bool direct;

		for (unsigned k = 0; k < 3; k++) {
			assert_false(model_own_place(m, IMAGE, stack, 3, &place, &direct));
			name(m, stack[k], cases[i].names[k], false, false);
			if (stack[k] == cases[i].place)
				break;
		}
		assert_true(model_own_place(m, IMAGE, stack, 3, &place, &direct));
		assert_int_equal(place, cases[i].place);
		assert_int_equal(direct, cases[i].direct);
	}
}

/* The message is not known, for want of one thing. */
static struct name_ask wants(struct model *m, const struct event_panic *p, enum name_kind kind,
			     uint64_t addr)
{
	struct name_ask asks[8];
	uint32_t image;
	char text[64];

	assert_false(model_panic_message(m, IMAGE, p, text, sizeof(text)));
	assert_int_equal(model_wanted_names(m, &image, asks, 8), 1);
	assert_int_equal(asks[0].kind, kind);
	assert_int_equal(asks[0].addr, addr);
	return asks[0];
}

static void assert_message(struct model *m, const struct event_panic *p, const char *want)
{
	char text[64];

	assert_true(model_panic_message(m, IMAGE, p, text, sizeof(text)));
	assert_string_equal(text, want);
}

static void answer_text(struct model *m, const struct name_ask *ask, const char *text)
{
	struct code_line line = {};
	struct name_answer answer = { .n = text ? 1 : 0, .frames = &line };

	if (text)
		memcpy(line.function, text, strlen(text));
	model_answer(m, IMAGE, ask, &answer);
}

/* What was not in memory when the panic began is asked of the file. */
static void text_of_the_file(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct event_panic p = { .step = PANIC_THROW, .bias = 0x1000, .value = { 0x5000, 9 } };
	struct name_ask ask;

	ask = wants(m, &p, NAME_OF_TEXT, 0x4000);
	answer_text(m, &ask, "map writesand the next constant");
	assert_message(m, &p, "map write");

	/* The file has nothing there: nothing more will come. */
	p.value[0] = 0xc000000000;
	ask = wants(m, &p, NAME_OF_TEXT, 0xc000000000 - 0x1000);
	answer_text(m, &ask, NULL);
	assert_message(m, &p, "");
}

static void string_of_the_file(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct event_panic p = {
		.step = PANIC_STARTED, .type = 0x7000, .data = 0x6000, .bias = 0x1000
	};
	struct gotype type = { .name = "string", .kind = 24, .text = true };
	struct code_line line = { .function = "string" };
	struct name_answer answer = { .n = 1, .frames = &line, .type = &type };
	struct name_ask ask;

	ask = wants(m, &p, NAME_OF_TYPE, 0x7000);
	model_answer(m, IMAGE, &ask, &answer);
	ask = wants(m, &p, NAME_OF_STRING, 0x5000);
	answer_text(m, &ask, "closed");
	assert_message(m, &p, "closed");
}

static void know_type(struct model *m, uint64_t addr, const struct gotype *type)
{
	struct code_line line = {};
	struct name_answer answer = { .n = 1, .frames = &line, .type = type };

	snprintf(line.function, sizeof(line.function), "%s", type->name);
	(void)model_name(m, IMAGE, NAME_OF_TYPE, addr);
	model_answer(m, IMAGE, &(struct name_ask){ addr, NAME_OF_TYPE }, &answer);
}

/* What is said of a value comes before what its first words are; nobody is told what is withheld. */
static void said(void **state)
{
	static const struct gotype error = { .name = "*main.refusal", .kind = 22, .speaks = true },
				   string = { .name = "string", .kind = 24, .text = true };
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct event_panic p = {
		.step = PANIC_STARTED, .type = 0x7000, .text = "s3cr3t", .text_len = 6
	};

	know_type(m, 0x7000, &error);
	know_type(m, 0x7100, &string);
	assert_message(m, &p, "");
	p.said = PANIC_SAID_BEFORE;
	memcpy(p.said_text, "status 402", p.said_len = 10);
	assert_message(m, &p, "status 402");
	p.said = PANIC_SAID;
	assert_message(m, &p, "status 402");
	p.said = PANIC_WITHHELD;
	p.said_len = 0;
	assert_message(m, &p, "");

	/* A string prints itself: what an older panic of its goroutine printed is another's. */
	p.type = 0x7100;
	assert_message(m, &p, "");
	p.said = PANIC_UNSAID;
	assert_message(m, &p, "s3cr3t");
	p.said = PANIC_SAID_BEFORE;
	assert_message(m, &p, "s3cr3t");
}

/* The runtime has the text of its last panic when it dies, and may say so. */
static void last_words(void **state)
{
	struct event began = { .type = EVENT_PANIC,
			       .target = 1,
			       .time_ns = T0,
			       .panic = { .step = PANIC_STARTED, .id = 5, .type = 0x7000 } };
	struct event end = { .type = EVENT_PANIC,
			     .target = 1,
			     .time_ns = T0 + 1,
			     .panic = { .step = PANIC_FATAL,
					.type = 0x7100,
					.nclosed = 1,
					.closed = { { 5, OUTCOME_FATAL } },
					.text = "status 402",
					.text_len = 10 } };
	static const struct {
		uint64_t type, again;
		enum panic_said want;
	} cases[] = {
		{ 0x7100, 0, PANIC_SAID },
		{ 0x7100, 1, PANIC_SAID_BEFORE },
		{ 0x7000, 0, PANIC_UNSAID }, /* printed as it is */
		{ 0, 0, PANIC_UNSAID },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		const struct ledger_entry *e;

		end.panic.type = cases[i].type;
		end.panic.value[2] = cases[i].again;
		model_apply(m, &began);
		model_apply(m, &end);
		e = ledger_entry(model_services(m)->ledger, 0);
		assert_int_equal(e->outcome, OUTCOME_FATAL);
		assert_int_equal(e->what.said, cases[i].want);
		if (cases[i].want != PANIC_UNSAID)
			assert_memory_equal(e->what.said_text, "status 402", 10);
	}
}

/* An end without a panic has the last one there was, and an id that a signed number holds. */
static void ends_without_panic(void **state)
{
	static const struct {
		unsigned signo, status;
		bool oom;
		enum ledger_kind kind;
		unsigned deaths;
	} cases[] = {
		{ SIGKILL, 0, true, LEDGER_SIGNAL, 1 },
		{ SIGKILL, 0, false, LEDGER_SIGNAL, 0 },
		{ SIGPIPE, 0, false, LEDGER_SIGNAL, 1 },
		{ 0, 3, false, LEDGER_EXIT, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_DYING, 0, T0 + 9);
		const struct ledger_entry *e;

		start(m, 5, T0);
		ev.panic.signo = cases[i].signo;
		ev.panic.status = cases[i].status;
		ev.panic.oom = cases[i].oom;
		ev.panic.from_exit = true;
		model_apply(m, &ev);
		e = ledger_entry(ledger_of(m), 0);
		assert_int_equal(e->kind, cases[i].kind);
		assert_int_equal(e->last, 5);
		assert_true((int64_t)e->id > 0);
		assert_int_equal(recent_sum(&((struct service *)model_services(m))->deaths, T0 + 9),
				 cases[i].deaths);
		model_apply(m, &ev); /* once */
		assert_ptr_equal(ledger_entry(ledger_of(m), 0), e);
	}
}

/* The text of a value follows its panic. */
static void text_follows(void **state)
{
	_model_ m = with_target(1);
	struct event ev = { .type = EVENT_PANIC,
			    .target = 1,
			    .time_ns = T0,
			    .panic = { .step = PANIC_STARTED, .id = 5, .type = 0x7000 } };
	const struct ledger_entry *e;

	model_apply(m, &ev);
	ev = (struct event){ .type = EVENT_PANIC_TEXT,
			     .target = 1,
			     .panic_text = { 5, 4, "open" } };
	model_apply(m, &ev);
	ev.panic_text.panic = 6; /* nobody's */
	model_apply(m, &ev);
	e = ledger_entry(model_services(m)->ledger, 0);
	assert_int_equal(e->what.said, PANIC_SAID);
	assert_int_equal(e->what.said_len, 4);
	ev.panic_text = (struct event_panic_text){ 5, 1, "x" };
	model_apply(m, &ev);
	assert_int_equal(e->what.said_len, 4);
}

/* A package that gets out of its own recursion, and what looks like it. */
static void designs(void **state)
{
	static const struct {
		const char *raised, *recovers, *caller, *type;
		enum panic_design want;
	} cases[] = {
		{ "text/template.(*state).errorf", "text/template.(*Template).execute", "main.page",
		  "*errors.errorString", DESIGN_CONTROL_FLOW },
		{ "example.com/calc.(*parser).expect", "example.com/calc.Sum", "main.main",
		  "*errors.errorString", DESIGN_CONTROL_FLOW },
		{ "main.expect", "main.parse", "main.main", "main.syntaxError",
		  DESIGN_CONTROL_FLOW },
		{ "gopkg.in/yaml.v3.fail", "gopkg.in/yaml.v3.handleErr", "runtime.goexit",
		  "yaml.yamlError", DESIGN_CONTROL_FLOW },
		{ "example.com/calc/v2.fail", "example.com/calc/v2.Sum", "runtime.goexit",
		  "calc.bailout", DESIGN_CONTROL_FLOW },
		/* The root of a goroutine: nobody gets an error from it. */
		{ "example.com/calc.(*parser).expect", "example.com/calc.Work", "runtime.goexit",
		  "*errors.errorString", DESIGN_NONE },
		{ "net/http.checkWriteHeaderCode", "net/http.(*conn).serve", "runtime.goexit",
		  "string", DESIGN_NONE },
		/* main does all by itself. */
		{ "main.quiet", "main.quiet", "main.main", "string", DESIGN_NONE },
		{ "main.quiet", "main.quiet", "main.main", "mainline.error", DESIGN_NONE },
		/* Others recover it, or the runtime raises it. */
		{ "example.com/calc.(*parser).expect", "main.sum", "main.main",
		  "*errors.errorString", DESIGN_NONE },
		{ "runtime.panicmem", "text/template.(*Template).execute", "main.page",
		  "runtime.errorString", DESIGN_NONE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_STARTED, 5, T0);
		struct gotype type = { .kind = 22 };
		const struct ledger_site *s;
		uint64_t n;

		ev.panic.nstack = 3;
		ev.panic.stack[1] = 0x3100;
		ev.panic.stack[2] = 0x3200;
		snprintf(type.name, sizeof(type.name), "%s", cases[i].type);
		model_apply(m, &ev);
		end(m, PANIC_RECOVERED, T0 + 9, 1, &(uint64_t){ 5 },
		    &(enum panic_outcome){ OUTCOME_RECOVERED });
		s = ledger_of(m)->sites;
		model_tick(m, T0 + SECOND);
		assert_int_equal(s->design, DESIGN_UNKNOWN);
		assert_null(ledger_busiest(ledger_of(m), T0 + SECOND, &n));
		assert_false(ledger_wants_aftermath(ledger_of(m), T0 + SECOND));
		name(m, 0x1000, cases[i].raised, false, false);
		name(m, 0x3000, cases[i].recovers, false, false);
		name(m, 0x3100, cases[i].recovers, false, false);
		name(m, 0x3200, cases[i].caller, false, false);
		know_type(m, 0x5000, &type);
		model_tick(m, T0 + 2 * SECOND);
		assert_int_equal(s->design, cases[i].want);
		assert_int_equal(ledger_busiest(ledger_of(m), T0 + SECOND, &n) != NULL,
				 cases[i].want == DESIGN_NONE);
		assert_int_equal(ledger_wants_aftermath(ledger_of(m), T0 + SECOND),
				 cases[i].want == DESIGN_NONE);
	}
}

/* Names that do not come are no reason to keep quiet for ever. */
static void design_without_names(void **state)
{
	_model_ m = with_target(1);

	start(m, 5, T0);
	end(m, PANIC_RECOVERED, T0 + 9, 1, &(uint64_t){ 5 },
	    &(enum panic_outcome){ OUTCOME_RECOVERED });
	for (unsigned s = 1; s <= 32; s++)
		model_tick(m, T0 + s * SECOND);
	assert_int_equal(ledger_of(m)->sites->design, DESIGN_NONE);
	/* And when they do come: a parser gets out of its recursion. */
	name(m, 0x1000, "example.com/calc.(*parser).expect", false, false);
	name(m, 0x3000, "example.com/calc.Sum", false, false);
	know_type(m, 0x5000, &(struct gotype){ .kind = 22, .name = "calc.syntaxError" });
	model_tick(m, T0 + 33 * SECOND);
	assert_int_equal(ledger_of(m)->sites->design, DESIGN_CONTROL_FLOW);
}

/* http.ErrAbortHandler by its text, which the kernel side has read; another error at the same line is another site. */
static void abort_handler(void **state)
{
	_model_ m = with_target(1);
	struct event ev = step(PANIC_STARTED, 5, T0);

	ev.panic.aborts = true;
	model_apply(m, &ev);
	assert_int_equal(ledger_of(m)->sites->design, DESIGN_ABORT);
	ev.panic.aborts = false;
	model_apply(m, &ev);
	assert_int_equal(HASH_COUNT(ledger_of(m)->sites), 2);
	assert_true(event_aborts(EVENT_ABORT_TEXT, 23));
	assert_false(event_aborts(EVENT_ABORT_TEXT, 22));
}

/* The value of a panic that another goroutine raises again, soon and elsewhere. */
static void raised_again(void **state)
{
	static const struct {
		uint64_t goid, line, data, first, after_ns; /* of the second panic */
		bool again;
	} cases[] = {
		{ 19, 0x1500, 0xc000123000, 0xc000400000, SECOND, true },
		{ 18, 0x1500, 0xc000123000, 0xc000400000, SECOND, false }, /* the same goroutine */
		{ 19, 0x1000, 0xc000123000, 0xc000400000, SECOND, false }, /* the same line */
		{ 19, 0x1500, 0xc000123008, 0xc000400000, SECOND, false }, /* another value */
		{ 19, 0x1500, 0xc000123000, 0xc000400010, SECOND, false }, /* in its memory */
		{ 19, 0x1500, 0xc000123000, 0xc000400000, 11 * SECOND, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_STARTED, 5, T0);
		const struct ledger_entry *first, *second;
		unsigned n;

		ev.panic.data = 0xc000123000;
		ev.panic.value[0] = 0xc000400000;
		model_apply(m, &ev);
		end(m, PANIC_RECOVERED, T0 + 9, 1, &(uint64_t){ 5 },
		    &(enum panic_outcome){ OUTCOME_RECOVERED });
		ev.time_ns = T0 + cases[i].after_ns;
		ev.panic.id = 6;
		ev.panic.goid = cases[i].goid;
		ev.panic.stack[0] = cases[i].line;
		ev.panic.data = cases[i].data;
		ev.panic.value[0] = cases[i].first;
		model_apply(m, &ev);
		second = ledger_entry(ledger_of(m), 0);
		first = ledger_entry(ledger_of(m), 1);
		assert_int_equal(second->raises, cases[i].again ? 5 : 0);
		assert_int_equal(first->raised_by, cases[i].again ? 6 : 0);
		assert_int_equal(ledger_first_stack(second, &n)[0],
				 cases[i].again ? 0x1000 : cases[i].line);
		assert_int_equal(ledger_site_of(ledger_of(m), first)->aftermath.raised,
				 cases[i].again);
	}
}

/* A constant, which others may raise as well, not for long; a number is not at an address. */
static void raised_for_a_while(void **state)
{
	static const struct {
		uint64_t data, after_ns;
		bool again;
	} cases[] = {
		{ 0x600000, SECOND / 2, true },
		{ 0x600000, 5 * SECOND, false },
		{ 0, SECOND / 2, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_STARTED, 5, T0);

		ev.panic.data = cases[i].data;
		model_apply(m, &ev);
		ev.time_ns = T0 + cases[i].after_ns;
		ev.panic.id = 6;
		ev.panic.goid = 19;
		ev.panic.stack[0] = 0x1500;
		model_apply(m, &ev);
		assert_int_equal(ledger_entry(ledger_of(m), 0)->raises, cases[i].again ? 5 : 0);
	}
}

/* In a struct with the stack, as errgroup's PanicValue, or behind a name, as template.ExecError. */
static void raised_in_another(void **state)
{
	static const struct {
		uint64_t size;     /* of the struct */
		unsigned word;     /* of the interface in it */
		uint64_t there[2]; /* what lies where that points */
		bool again;
	} cases[] = {
		{ 40, 0, { 0xc000400000, 17 }, true },
		{ 32, 2, { 0xc000400000, 17 }, true },
		{ 16, 0, { 0xc000400000, 17 }, true },
		{ 16, 2, { 0xc000400000, 17 }, false }, /* of its neighbour */
		{ 0, 0, { 0xc000400000, 17 }, false },  /* perhaps of its neighbour */
		{ 32, 2, { 0xc000400040, 17 }, false }, /* another error in its memory */
		{ 32, 2, { 0xc000400000, 18 }, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = step(PANIC_STARTED, 5, T0);

		ev.panic.data = 0xc000123000;
		ev.panic.value[0] = 0xc000400000;
		ev.panic.value[1] = 17;
		ev.panic.value_size = 16;
		model_apply(m, &ev);
		ev.time_ns = T0 + 5 * SECOND;
		ev.panic.id = 6;
		ev.panic.goid = 19;
		ev.panic.stack[0] = 0x1500;
		ev.panic.data = 0xc000777000;
		ev.panic.type = 0x5100;
		ev.panic.value_size = cases[i].size;
		ev.panic.value[0] = ev.panic.value[1] = 0;
		ev.panic.value[cases[i].word] = 0x5000;
		ev.panic.value[cases[i].word + 1] = 0xc000123000;
		memcpy(ev.panic.inner + cases[i].word, cases[i].there, sizeof(cases[i].there));
		model_apply(m, &ev);
		assert_int_equal(ledger_entry(ledger_of(m), 0)->raises, cases[i].again ? 5 : 0);
	}
}

/* recover() found nothing: where it should not have been, or where it always asks. */
static void misplaced(void **state)
{
	static const struct {
		const char *site, *caller;
		bool open_defers, wrapper, misplaced;
	} cases[] = {
		{ "main.helper", "main.f.func1", false, false, true },
		{ "main.f.deferwrap1", "runtime.gopanic", false, true, true },
		{ "main.f.func1", "runtime.deferreturn", false, false, false },
		{ "encoding/json.(*encodeState).marshal.func1",
		  "encoding/json.(*encodeState).marshal", true, false, false },
		{ "fmt.(*pp).catchPanic", "fmt.(*pp).handleMethods", false, false, false },
		{ "runtime.preprintpanics.func1", "runtime.gopanic", false, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_model_ m = with_target(1);
		struct event ev = { .type = EVENT_RECOVER,
				    .target = 1,
				    .time_ns = T0,
				    .recover = { 0x1000, 0x2000, 3 } };
		const struct service *s = model_services(m);

		model_apply(m, &ev);
		(void)model_site_name(m, IMAGE, 0x1000);
		(void)model_site_name(m, IMAGE, 0x2000);
		assert_int_equal(service_misplaced(m, s), 0); /* not known yet */
		name(m, 0x1000, cases[i].site, false, cases[i].wrapper);
		name(m, 0x2000, cases[i].caller, cases[i].open_defers, false);
		assert_int_equal(service_misplaced(m, s), cases[i].misplaced ? 3 : 0);
		model_apply(m, &(struct event){
				       .type = EVENT_TARGET_GONE, .target = 1, .time_ns = T0 });
		assert_int_equal(service_misplaced(m, s), cases[i].misplaced ? 3 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_places),
		cmocka_unit_test(compiler_written),
		cmocka_unit_test(recovered),
		cmocka_unit_test(replaced),
		cmocka_unit_test(ring),
		cmocka_unit_test(sites_have_a_bound),
		cmocka_unit_test(deaths),
		cmocka_unit_test(signals_and_throws),
		cmocka_unit_test(overflows),
		cmocka_unit_test(busiest),
		cmocka_unit_test(aftermaths),
		cmocka_unit_test(aftermaths_dropped),
		cmocka_unit_test(survives_its_process),
		cmocka_unit_test(own_frames),
		cmocka_unit_test(text_of_the_file),
		cmocka_unit_test(string_of_the_file),
		cmocka_unit_test(designs),
		cmocka_unit_test(design_without_names),
		cmocka_unit_test(abort_handler),
		cmocka_unit_test(raised_again),
		cmocka_unit_test(raised_for_a_while),
		cmocka_unit_test(raised_in_another),
		cmocka_unit_test(ends_without_panic),
		cmocka_unit_test(said),
		cmocka_unit_test(last_words),
		cmocka_unit_test(text_follows),
		cmocka_unit_test(misplaced),
	};

	return cmocka_run_group_tests_name("model/ledger", tests, NULL, NULL);
}
