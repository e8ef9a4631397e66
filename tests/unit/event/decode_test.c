// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "event/decode.h"
#include "golang/goerror.h"

static struct dfd_rec_call call_record(dfd_u16 type, dfd_u8 role)
{
	struct dfd_rec_call r = {
		.h = { .type = type,
		       .size = sizeof(r),
		       .target = 7,
		       .time_ns = 5,
		       .pid = 100,
		       .tid = 101 },
		.g = 0xc000,
		.goid = 18,
		.site = 0x401010,
		.fn = 0x401000,
		.ran = 2,
		.depth = 35,
		.role = role,
		.nstack = 3,
		.stack = { 0x400100, 0x401020, 0x401030 },
	};

	return r;
}

static void test_every_type(void **state)
{
	static const struct {
		dfd_u16 type;
		enum event_type event;
		size_t size;
	} types[] = {
		{ DFD_REC_EXEC, EVENT_EXEC, sizeof(struct dfd_rec_proc) },
		{ DFD_REC_EXIT, EVENT_EXIT, sizeof(struct dfd_rec_proc) },
		{ DFD_REC_FORK, EVENT_FORK, sizeof(struct dfd_rec_proc) },
		{ DFD_REC_DEPTH, EVENT_DEPTH, sizeof(struct dfd_rec_call) },
		{ DFD_REC_ENDED, EVENT_ENDED, sizeof(struct dfd_rec_call) },
		{ DFD_REC_CALL, EVENT_CALL, sizeof(struct dfd_rec_call) },
		{ DFD_REC_FD, EVENT_FD, sizeof(struct dfd_rec_fd) },
		{ DFD_REC_HOT, EVENT_HOT, sizeof(struct dfd_rec_hot) },
	};

	assert_int_equal(ARRAY_SIZE(types),
			 DFD_REC_MAX - 4); /* PANIC, VALUE and WRITE have tests of their own */
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct dfd_rec_call r = call_record(types[i].type, DFD_ROLE_PUSH_HEAP);
		struct event ev = { .type = EVENT_TYPE_MAX };

		r.h.size = types[i].size;
		/* Every shorter length is refused and leaves the output alone. */
		for (size_t n = 0; n < types[i].size; n++) {
			r.h.size = n;
			assert_int_equal(decode_record(&r, n, 0, &ev), -EBADMSG);
			assert_int_equal(ev.type, EVENT_TYPE_MAX);
		}
		r.h.size = types[i].size;
		assert_int_equal(decode_record(&r, types[i].size, 0, &ev), 0);
		assert_int_equal(ev.type, types[i].event);
		assert_int_equal(ev.pid, 100);
		assert_int_equal(ev.tid, 101);
		assert_int_equal(ev.time_ns, 5);
		assert_int_equal(ev.target, 7);
	}
}

static void test_refused(void **state)
{
	struct dfd_rec_call r = call_record(DFD_REC_DEPTH, DFD_ROLE_PUSH_HEAP);
	struct event ev;

	r.h.size++;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = call_record(0, DFD_ROLE_PUSH_HEAP);
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = call_record(DFD_REC_MAX, DFD_ROLE_PUSH_HEAP);
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = call_record(DFD_REC_CALL, DFD_ROLE_NONE);
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = call_record(DFD_REC_CALL, DFD_ROLE_MAX);
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = call_record(DFD_REC_CALL, DFD_ROLE_RUN);
	r.nstack = DFD_STACK_MAX + 1;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
}

static void test_stack_has_the_site_first(void **state)
{
	struct dfd_rec_call r = call_record(DFD_REC_DEPTH, DFD_ROLE_PUSH_HEAP);
	struct event ev;

	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_int_equal(ev.call.nstack, 3);
	assert_int_equal(ev.call.stack[0], 0x1010);
	assert_int_equal(ev.call.stack[1], 0x1020);
	assert_int_equal(ev.call.stack[2], 0x1030);
	assert_int_equal(ev.call.lowering, LOWERING_HEAP);
	assert_int_equal(ev.call.kind, CALL_PUSH);
	assert_false(ev.call.inferred);

	/* A kernel that knows of frames not made yet has the site in its walk, too. */
	r.stack[1] = r.site;
	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_int_equal(ev.call.nstack, 2);
	assert_int_equal(ev.call.stack[0], 0x1010);
	assert_int_equal(ev.call.stack[1], 0x1030);

	/* All frames: one more than the record holds, since the site comes in addition. */
	r.nstack = DFD_STACK_MAX;
	for (int i = 0; i < DFD_STACK_MAX; i++)
		r.stack[i] = 0x400000 + i;
	r.flags = DFD_CALL_INFERRED;
	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_int_equal(ev.call.nstack, DFD_STACK_MAX);
	assert_true(ev.call.inferred);
}

static struct dfd_rec_panic panic_record(dfd_u8 role)
{
	struct dfd_rec_panic r = {
		.h = { .type = DFD_REC_PANIC,
		       .size = sizeof(r),
		       .target = 7,
		       .time_ns = 5,
		       .pid = 100,
		       .tid = 101 },
		.g = 0xc000,
		.goid = 18,
		.id = 3,
		.site = 0x401010,
		.type = 0x402000,
		.data = 0xc0001000,
		.value = { 0x403000, 5, 0, 0, 0 },
		.size = 16,
		.inner = { { 1, 2 }, { 3, 4 } },
		.role = role,
		.text_len = 5,
		.text = "helloX",
		.nstack = 2,
		.stack = { 0x400100, 0x401020 },
	};

	return r;
}

static void test_panic(void **state)
{
	struct dfd_rec_panic r = panic_record(DFD_ROLE_PANIC);
	struct event ev = { .type = EVENT_TYPE_MAX };

	for (size_t n = 0; n < sizeof(r); n++) {
		r.h.size = n;
		assert_int_equal(decode_record(&r, n, 0, &ev), -EBADMSG);
	}
	r.h.size = sizeof(r);
	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_int_equal(ev.type, EVENT_PANIC);
	assert_int_equal(ev.panic.step, PANIC_STARTED);
	assert_int_equal(ev.panic.id, 3);
	assert_int_equal(ev.panic.goid, 18);
	assert_int_equal(ev.panic.type, 0x2000);
	assert_int_equal(ev.panic.data, 0xc0001000);
	assert_int_equal(ev.panic.value[0], 0x403000); /* a value, not an address of ours */
	assert_int_equal(ev.panic.value_size, 16);
	assert_memory_equal(ev.panic.inner, ((uint64_t[]){ 1, 2, 3, 4 }), 4 * sizeof(uint64_t));
	assert_int_equal(ev.panic.bias, 0x400000);
	assert_int_equal(ev.panic.nstack, 2);
	assert_int_equal(ev.panic.stack[0], 0x1010);
	assert_int_equal(ev.panic.stack[1], 0x1020);
	assert_int_equal(ev.panic.text_len, 5);
	assert_memory_equal(ev.panic.text, "hello\0", 6);

	/* A recovery has no site that means anything, and ends panics. */
	r = panic_record(DFD_ROLE_RECOVER);
	r.site = 0;
	r.frame = 0x401099;
	r.nclosed = 2;
	r.closed[0] = 3;
	r.closed[1] = 2;
	r.outcome[0] = DFD_OUTCOME_RECOVERED;
	r.outcome[1] = DFD_OUTCOME_OVERRIDDEN;
	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_int_equal(ev.panic.step, PANIC_RECOVERED);
	assert_int_equal(ev.panic.nstack, 0);
	assert_int_equal(ev.panic.frame, 0x1099);
	assert_int_equal(ev.panic.recover_site, 0);
	assert_int_equal(ev.panic.nclosed, 2);
	assert_int_equal(ev.panic.closed[1].id, 2);
	assert_int_equal(ev.panic.closed[1].outcome, OUTCOME_OVERRIDDEN);

	/* Threads have no goroutine. */
	r = panic_record(DFD_ROLE_C_PANIC);
	assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
	assert_true(ev.panic.c);
	assert_int_equal(ev.panic.goid, 0);
}

static void test_deaths(void **state)
{
	struct dfd_rec_panic r = panic_record(DFD_ROLE_DYING);
	struct dfd_rec_proc p = { .h = { .type = DFD_REC_EXIT, .size = sizeof(p), .pid = 100 },
				  .signo = SIGSEGV };
	struct event ev;

	r.value[0] = SIGQUIT;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.panic.step, PANIC_DYING);
	assert_int_equal(ev.panic.signo, SIGQUIT);
	assert_int_equal(ev.panic.value[0], 0);
	r.value[0] = 1ull << 32 | SIGQUIT; /* not a number of a signal */
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.panic.signo, 0);

	assert_int_equal(decode_record(&p, sizeof(p), 0, &ev), 0);
	assert_int_equal(ev.type, EVENT_EXIT);
	assert_int_equal(ev.exit.signo, SIGSEGV);
}

static void test_panic_refused(void **state)
{
	static const dfd_u8 wrong_roles[] = { DFD_ROLE_NONE,  DFD_ROLE_PUSH_HEAP,
					      DFD_ROLE_RUN,   DFD_ROLE_RECOVER_CALL,
					      DFD_ROLE_C_RUN, DFD_ROLE_MAX };
	struct dfd_rec_panic r;
	struct event ev;

	for (size_t i = 0; i < ARRAY_SIZE(wrong_roles); i++) {
		r = panic_record(wrong_roles[i]);
		assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	}
	r = panic_record(DFD_ROLE_PANIC);
	r.nstack = DFD_STACK_MAX + 1;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = panic_record(DFD_ROLE_PANIC);
	r.text_len = DFD_PANIC_TEXT_MAX + 1;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = panic_record(DFD_ROLE_RECOVER);
	r.nclosed = DFD_PANIC_NEST_MAX + 1;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r = panic_record(DFD_ROLE_RECOVER);
	r.nclosed = 1;
	r.outcome[0] = DFD_OUTCOME_MAX;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r.outcome[0] = DFD_OUTCOME_RUNNING;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
}

static void test_value(void **state)
{
	static struct dfd_rec_value r;
	struct event ev;

	r = (struct dfd_rec_value){ .h = { .type = DFD_REC_VALUE, .size = sizeof(r), .target = 7 },
				    .id = 12,
				    .n = 2 };
	r.nodes[0].known = goerror_find("io/fs", "*fs.PathError", 26);
	memcpy(r.nodes[0].words, (uint64_t[]){ 0xc000, 4, 0xc100, 200, 1, 2 }, 48);
	memcpy(r.nodes[0].text[0], "open", 4);
	memset(r.nodes[0].text[1], 'x', DFD_NODE_TEXT_MAX);
	r.nodes[0].text_len[0] = 4;
	r.nodes[0].text_len[1] = 255; /* there is no room for so many */
	r.nodes[1].known = goerror_find("syscall", "syscall.Errno", 26);
	r.nodes[1].words[0] = 2;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.type, EVENT_PANIC_TEXT);
	assert_int_equal(ev.panic_text.panic, 12);
	assert_int_equal(ev.panic_text.len, 5 + DFD_NODE_TEXT_MAX);
	assert_memory_equal(ev.panic_text.text, "open xxx", 8);
	r.nodes[0].words[3] = r.nodes[0].text_len[1] = 3;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.panic_text.len, strlen("open xxx: no such file or directory"));
	r.nodes[1].known = 0;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.panic_text.len, 0);
	r.nodes[1].known = 255;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), 0);
	assert_int_equal(ev.panic_text.len, 0);
	r.n = DFD_NODES_MAX + 1;
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	assert_int_equal(decode_record(&r, sizeof(r) - 1, 0, &ev), -EBADMSG);
}

static void test_write(void **state)
{
	struct dfd_rec_write r = { .h = { .type = DFD_REC_WRITE,
					  .size = sizeof(r),
					  .target = 7,
					  .pid = 100,
					  .tid = 101 },
				   .id = 5 };
	struct event ev;

	for (r.kind = 0; r.kind < DFD_WRITE_MAX; r.kind++) {
		assert_int_equal(decode_record(&r, sizeof(r), 0x400000, &ev), 0);
		assert_int_equal(ev.type, EVENT_WRITE);
		assert_int_equal(ev.target, 7);
		assert_int_equal(ev.write.panic, 5);
		assert_int_equal((unsigned)ev.write.kind, r.kind);
	}
	assert_int_equal(decode_record(&r, sizeof(r), 0, &ev), -EBADMSG);
	r.kind = DFD_WRITE_STDERR;
	r.h.size = sizeof(r) - 1;
	assert_int_equal(decode_record(&r, sizeof(r) - 1, 0, &ev), -EBADMSG);
}

static void test_counts_are_summed(void **state)
{
	struct dfd_counts cpus[3] = {};
	struct event_counts c;

	for (int i = 0; i < 3; i++) {
		for (int role = 1; role < DFD_ROLE_HTTP_BEGIN; role++)
			cpus[i].calls[role] = 1000000000000ull * role;
		cpus[i].runs = i;
		for (int o = 0; o < DFD_OUTCOME_MAX; o++)
			cpus[i].outcomes[o] = 100 * o;
		cpus[i].details_untold = 4;
		cpus[i].misfits = 1;
		cpus[i].fd_opened = 10;
		cpus[i].fd_closed = 20;
		cpus[i].fd_ebadf = 30;
		cpus[i].fd_refused = 32;
		cpus[i].fd_unsited = 31;
		cpus[i].hits = 5;
		cpus[i].timed = 3;
		cpus[i].crossings = 2;
	}
	decode_counts(cpus, 3, &c);
	assert_int_equal(c.registered[LOWERING_HEAP], 3000000000000ull * DFD_ROLE_PUSH_HEAP);
	assert_int_equal(c.registered[LOWERING_STACK], 3000000000000ull * DFD_ROLE_PUSH_STACK);
	assert_int_equal(c.registered[LOWERING_RANGE], 3000000000000ull * DFD_ROLE_PUSH_RANGE);
	assert_int_equal(c.registered[LOWERING_C], 3000000000000ull * DFD_ROLE_C_PUSH);
	assert_int_equal(c.panics, 3000000000000ull * (DFD_ROLE_PANIC + DFD_ROLE_C_PANIC));
	for (int o = 0; o < OUTCOME_MAX; o++)
		assert_int_equal(c.outcomes[o], 300 * o);
	assert_int_equal(c.untold, 12);
	assert_int_equal(c.misfits, 3);
	assert_int_equal(c.goexits, 3000000000000ull * DFD_ROLE_GOEXIT);
	assert_int_equal(c.runs, 3);
	assert_int_equal(c.fd_opened, 30);
	assert_int_equal(c.fd_closed, 60);
	assert_int_equal(c.fd_ebadf, 90);
	assert_int_equal(c.fd_refused, 96);
	assert_int_equal(c.fd_unsited, 93);
	assert_int_equal(c.hits, 15);
	assert_int_equal(c.timed, 9);
	assert_int_equal(c.crossings, 6);
}

static void test_requests(void **state)
{
	static struct dfd_requests r = { .begun = 9,
					 .ended = 5,
					 .streams = 8,
					 .streams_ended = 6,
					 .hijacked = 7,
					 .panicked = 4,
					 .deep_goid = 18,
					 .deep_site = 0x401000,
					 .deep_peak = 40,
					 .unfinished = 3,
					 .unbegun = 2,
					 .untracked = 1,
					 .ns_sum = 77,
					 .defers_sum = 60 };
	struct event_requests q;

	r.ns[959] = 4;
	r.deep_ns[959] = 3;
	r.defers[415] = 5;
	decode_requests(&r, 0x400000, &q);
	assert_int_equal(q.ended, 5);
	assert_int_equal(q.streams, 8);
	assert_int_equal(q.streams_ended, 6);
	assert_int_equal(q.hijacked, 7);
	assert_int_equal(q.panicked, 4);
	assert_int_equal(q.deep_goid, 18);
	assert_int_equal(q.deep_site, 0x1000);
	assert_int_equal(q.deep_peak, 40);
	assert_int_equal(q.deep_ns[EVENT_NS_BUCKETS - 1], 3);
	assert_int_equal(q.unfinished, 3);
	assert_int_equal(q.unbegun, 2);
	assert_int_equal(q.untracked, 1);
	assert_int_equal(q.ns_sum, 77);
	assert_int_equal(q.defers_sum, 60);
	assert_int_equal(q.ns[EVENT_NS_BUCKETS - 1], 4);
	assert_int_equal(q.defers[EVENT_DEFERS_BUCKETS - 1], 5);
}

static void test_window_peak_by_epoch(void **state)
{
	static const struct {
		uint32_t state_epoch, now, want;
		uint64_t site;
	} cases[] = {
		{ 9, 10, 47, 0x3000 }, /* pushed in the window that just ended */
		/* pushed after the epoch was raised: the ended window is the one before */
		{ 10, 10, 12, 0x4000 },
		{ 8, 10, 0, 0 }, /* not in it */
		{ 0, 10, 0, 0 }, /* never */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dfd_g_key key = { .g = 0xc000, .target = 1 };
		struct dfd_depth st = { .goid = 18,
					.site = 0x401000,
					.peak_site = 0x402000,
					.depth = 3,
					.peak = 90,
					.epoch = cases[i].state_epoch,
					.peaks = { 47, 12 },
					.peak_sites = { 0x403000, 0x404000 } };
		struct event_goroutine g;

		decode_goroutine(&key, &st, 0x400000, cases[i].now, &g);
		assert_int_equal(g.window_peak, cases[i].want);
		assert_int_equal(g.window_site, cases[i].site);
		assert_int_equal(g.goid, 18);
		assert_int_equal(g.site, 0x1000);
		assert_int_equal(g.peak_site, 0x2000);
		assert_int_equal(g.depth, 3);
		assert_int_equal(g.peak, 90);
	}
}

static void test_c_thread_has_its_own_number(void **state)
{
	struct dfd_g_key key = { .g = 4711 };
	struct dfd_depth st = { .flags = DFD_CALL_INFERRED };
	struct event_goroutine g;

	decode_goroutine(&key, &st, 0, 1, &g);
	assert_int_equal(g.goid, 4711);
	assert_true(g.inferred);
}

/* Whatever the map claims, no more frames than there is room for. */
static void fd_opened(void **state)
{
	static const struct {
		uint32_t told;
		unsigned frames;
	} cases[] = {
		{ 0, 0 }, { 2, 2 }, { DFD_FD_STACK, DFD_FD_STACK }, { UINT32_MAX, DFD_FD_STACK }
	};
	const struct dfd_fd_key key = { .target = 9, .fd = 17 };
	struct dfd_fd_opened o = { .time_ns = 5 };
	struct event_fd_opened e;

	for (unsigned i = 0; i < DFD_FD_STACK; i++)
		o.stack[i] = 0x500000 + i;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		o.nstack = cases[i].told;
		decode_fd_opened(&key, &o, 0x400000, &e);
		assert_int_equal(e.fd, 17);
		assert_int_equal(e.opened_ns, 5);
		assert_int_equal(e.nstack, cases[i].frames);
		for (unsigned k = 0; k < e.nstack; k++)
			assert_int_equal(e.stack[k], 0x100000 + k);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fd_opened),
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stack_has_the_site_first),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_panic_refused),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_counts_are_summed),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_window_peak_by_epoch),
		cmocka_unit_test(test_c_thread_has_its_own_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
