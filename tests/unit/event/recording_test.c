// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "event/fields.h"
#include "event/recording.h"
#include "tempdir.h"

static struct tempdir dir;
static char path[256];
static struct reason reason;
static struct recorder *out;
static struct recording *in;
static struct recorded got;

static int setup(void **state)
{
	tempdir_make(&dir);
	snprintf(path, sizeof(path), "%s", tempdir_path(&dir, "recording.gz"));
	assert_int_equal(recorder_open(path, &out, &reason), 0);
	return 0;
}

static int teardown(void **state)
{
	recording_close(in);
	in = NULL;
	tempdir_done(&dir);
	return 0;
}

static void reopen(void)
{
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(recording_open(path, &in, &reason), 0);
}

static int next(void)
{
	return recording_next(in, &got, &reason);
}

/* Each member of an event that a table names gets a number of its own. */
static void fill(const struct field *f, struct event *ev)
{
	static const char *const texts[] = { "main.shop", "lean" };
	static uint32_t durations[EVENT_NS_BUCKETS], defers[EVENT_DEFERS_BUCKETS];
	char *base = (char *)ev;
	uint64_t number = 1;

	durations[7] = 5;
	durations[EVENT_NS_BUCKETS - 1] = UINT32_MAX;
	defers[0] = 1;
	for (; f->key; f++) {
		if (f->kind == FIELD_TEXT)
			*(const char **)(base + f->offset) = texts[number++ % 2];
		else if (f->kind == FIELD_SPARSE)
			*(const uint32_t **)(base + f->offset) =
				f->n == EVENT_NS_BUCKETS ? durations : defers;
		else if (f->kind == FIELD_REAL)
			*(double *)(base + f->offset) = 1.5;
		else
			for (size_t i = 0; i < f->n; i++, number++)
				memcpy(base + f->offset + i * f->stride, &number, 1);
	}
}

/* What indexes arrays is checked, so it must be a number that means something. */
static void make_sense(struct event *ev)
{
	switch (ev->type) {
	case EVENT_TARGET:
		ev->info.runtime = RUNTIME_GO;
		ev->info.state = TARGET_LIMITED;
		ev->info.chosen = ev->info.full = true;
		break;
	case EVENT_DEPTH:
	case EVENT_ENDED:
		ev->call.kind = CALL_RUN;
		ev->call.lowering = LOWERING_STACK;
		ev->call.inferred = true;
		ev->call.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_PANIC:
		ev->panic.step = PANIC_RECOVERED;
		ev->panic.c = ev->panic.watched = true;
		ev->panic.aborts = ev->panic.nil_stays = true;
		ev->panic.oom = ev->panic.from_exit = true;
		ev->panic.nclosed = EVENT_CLOSED_MAX;
		for (unsigned i = 0; i < EVENT_CLOSED_MAX; i++)
			ev->panic.closed[i].outcome = OUTCOME_FATAL;
		ev->panic.text_len = ev->panic.said_len = EVENT_TEXT_MAX;
		ev->panic.said = PANIC_SAID;
		ev->panic.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_PANIC_TEXT:
		ev->panic_text.len = EVENT_TEXT_MAX;
		break;
	case EVENT_WRITE:
		ev->write.kind = WRITE_FILE;
		break;
	case EVENT_SITE:
		ev->site.lowering = LOWERING_RANGE;
		break;
	case EVENT_GOROUTINE:
		ev->goroutine.inferred = true;
		break;
	case EVENT_GROUP:
		ev->group.state = GOROUTINE_WAITING;
		ev->group.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_PILE:
	case EVENT_POOL:
	case EVENT_HELD:
		ev->pile.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_EDGE:
		ev->edge.rw = ev->edge.reads = true;
		ev->edge.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_PENDING:
		ev->pending.inferred = true;
		break;
	case EVENT_CENSUS:
		ev->census.n_queues = EVENT_QUEUES_MAX;
		break;
	case EVENT_FD_BAD_CLOSE:
	case EVENT_FD_REFUSED:
		ev->fd_opened.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_FD_GROUP:
		ev->fd_group.key.kind = FD_INET;
		break;
	case EVENT_FD_SITE:
		ev->fd_site.key.kind = FD_INET;
		ev->fd_site.nstack = EVENT_STACK_MAX;
		break;
	case EVENT_FD_CENSUS:
		ev->fd_census.followed[0] = ev->fd_census.followed[1] = true;
		break;
	default:
		break;
	}
}

static void same_fields(const struct field *f, const struct event *a, const struct event *b)
{
	for (; f->key; f++) {
		const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;

		if (f->kind == FIELD_TEXT)
			assert_string_equal(*(char *const *)x, *(char *const *)y);
		else if (f->kind == FIELD_SPARSE)
			assert_memory_equal(*(uint32_t *const *)x, *(uint32_t *const *)y, 4 * f->n);
		else
			for (size_t i = 0; i < f->n; i++)
				assert_memory_equal(x + i * f->stride, y + i * f->stride, f->size);
	}
}

static void each_event_comes_back_as_it_was(void **state)
{
	static struct event events[EVENT_TYPE_MAX];
	unsigned n = 0;

	for (int i = 0; i < EVENT_TYPE_MAX; i++) {
		struct event *ev = &events[n];

		if (!event_fields[i].name)
			continue;
		ev->type = (enum event_type)i;
		fill(event_head_fields, ev);
		fill(event_fields[i].fields, ev);
		make_sense(ev);
		recorder_event(out, ev);
		n++;
	}
	reopen();
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(next(), 1);
		assert_int_equal(got.what, RECORDED_EVENT);
		assert_int_equal(got.ev.type, events[i].type);
		same_fields(event_head_fields, &got.ev, &events[i]);
		same_fields(event_fields[got.ev.type].fields, &got.ev, &events[i]);
	}
	assert_int_equal(next(), 0);
	assert_true(n > 20);
}

static void numbers_of_64_bits_come_back(void **state)
{
	struct event ev = { .type = EVENT_FDS,
			    .target = UINT32_MAX,
			    .time_ns = UINT64_MAX,
			    .fds = { .open = 1ull << 63, .limit = UINT64_MAX } };

	recorder_event(out, &ev);
	reopen();
	assert_int_equal(next(), 1);
	assert_true(got.ev.time_ns == UINT64_MAX && got.ev.fds.open == 1ull << 63);
	assert_true(got.ev.fds.limit == UINT64_MAX && got.ev.target == UINT32_MAX);
}

static void hostile_bytes_come_back(void **state)
{
	struct event ev = { .type = EVENT_PANIC, .panic.text_len = 4 };
	struct event bad = { .type = EVENT_GROUP, .group.reason = "\x1b[2J\xff\"\\" };

	memcpy(ev.panic.text, "\0\xff\n\"", 4);
	recorder_event(out, &ev);
	recorder_event(out, &bad);
	reopen();
	assert_int_equal(next(), 1);
	assert_memory_equal(got.ev.panic.text, "\0\xff\n\"", 4);
	assert_int_equal(next(), 1);
	assert_string_equal(got.ev.group.reason, "?[2J?\"\\"); /* as every sink shows it */
}

static void looks_traces_and_processes_are_left_out(void **state)
{
	static const enum event_type types[] = { EVENT_EXEC,   EVENT_EXIT,    EVENT_FORK,
						 EVENT_CALL,   EVENT_FD,      EVENT_LOOK_BEGIN,
						 EVENT_COUNTS, EVENT_LOOK_END };

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		recorder_event(out, &(struct event){ .type = types[i] });
	recorder_event(out, &(struct event){ .type = EVENT_SCAN_BEGIN });
	reopen();
	assert_int_equal(next(), 1);
	assert_int_equal(got.ev.type, EVENT_SCAN_BEGIN);
	assert_int_equal(next(), 0);
}

static void names_and_marks_come_back(void **state)
{
	struct recorded_name name = { .image_id = 3,
				      .kind = 2,
				      .addr = 0xdeadbeef12345678,
				      .n = 2,
				      .places = { { "main.a", "a.go", 7 }, { "main.b", "", 0 } },
				      .wrapper = true,
				      .has_frame = true,
				      .frame = 40,
				      .has_type = true,
				      .type = { .name = "*main.E", .kind = 22, .minor = 26 } };

	recorder_name(out, &name);
	recorder_mark(out, MARK_AFTERMATH_WENT_ON, 77);
	reopen();
	assert_int_equal(next(), 1);
	assert_int_equal(got.what, RECORDED_NAME);
	assert_true(got.name.addr == name.addr);
	assert_int_equal(got.name.n, 2);
	assert_string_equal(got.name.places[0].function, "main.a");
	assert_int_equal(got.name.places[0].line, 7);
	assert_string_equal(got.name.places[1].file, "");
	assert_true(got.name.wrapper && got.name.has_frame && !got.name.open_defers);
	assert_int_equal(got.name.frame, 40);
	assert_string_equal(got.name.type.name, "*main.E");
	assert_int_equal(got.name.type.minor, 26);
	assert_int_equal(next(), 1);
	assert_int_equal(got.what, RECORDED_MARK);
	assert_int_equal(got.mark, MARK_AFTERMATH_WENT_ON);
	assert_true(got.now_ns == 77);
}

/* A file with a good first line and this one. */
static void write_text(const char *line)
{
	gzFile f;

	(void)recorder_close(out, &reason);
	f = gzopen(path, "wb");
	gzputs(f, "{\"recording\":1}\n");
	gzputs(f, line);
	gzclose(f);
}

static void damaged_lines_are_refused_with_their_number(void **state)
{
	static const char *const lines[] = {
		"nonsense\n",
		"[]\n",
		"{}\n",
		"{\"ev\":\"nothing\"}\n",
		"{\"ev\":\"fds\",\"open\":\"many\"}\n",
		"{\"ev\":\"fds\",\"target\":4294967296}\n",
		"{\"ev\":\"depth\",\"nstack\":26}\n",
		"{\"ev\":\"depth\",\"stack\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
		"21,22,"
		"23,24,25,26]}\n",
		"{\"ev\":\"panic\",\"nclosed\":9}\n",
		"{\"ev\":\"panic\",\"nclosed\":1,\"outcomes\":[99]}\n",
		"{\"ev\":\"panic\",\"text\":\"0g\"}\n",
		"{\"ev\":\"panic\",\"text_len\":129}\n",
		"{\"ev\":\"requests\",\"durations\":[960,1]}\n",
		"{\"ev\":\"requests\",\"durations\":[1]}\n",
		"{\"ev\":\"group\",\"state\":99}\n",
		"{\"ev\":\"fd_group\",\"kind\":200}\n",
		"{\"ev\":\"site\",\"lowering\":4}\n",
		"{\"ev\":\"target\",\"service\":7}\n",
		"{\"mark\":\"nothing\"}\n",
		"{\"name\":1,\"places\":[[1]]}\n",
		"{\"name\":1,\"places\":[],\"type\":[1]}\n",
	};

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		write_text(lines[i]);
		out = NULL;
		assert_int_equal(recording_open(path, &in, &reason), 0);
		assert_int_equal(next(), -EBADMSG);
		assert_non_null(strstr(reason.text, "recording.gz:2: "));
		recording_close(in);
		in = NULL;
	}
}

static void a_file_that_is_no_recording_is_refused(void **state)
{
	gzFile f;

	(void)recorder_close(out, &reason);
	f = gzopen(path, "wb");
	gzputs(f, "{\"recording\":2}\n");
	gzclose(f);
	assert_int_equal(recording_open(path, &in, &reason), -EBADMSG);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(recording_open(path, &in, &reason), -EBADMSG);
	assert_int_equal(recording_open("/nonexistent/x", &in, &reason), -ENOENT);
	assert_string_equal(reason.text, "/nonexistent/x: No such file or directory");
}

static void a_file_that_was_cut_is_damaged(void **state)
{
	int more;

	for (unsigned i = 0; i < 5000; i++)
		recorder_event(out, &(struct event){ .type = EVENT_FDS, .time_ns = i * 7919 });
	assert_int_equal(recorder_close(out, &reason), 0);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(recording_open(path, &in, &reason), 0);
	while ((more = next()) > 0)
		;
	assert_int_equal(more, -EBADMSG);
}

static void a_write_that_fails_is_reported_at_the_end(void **state)
{
	(void)recorder_close(out, &reason);
	if (recorder_open("/dev/full", &out, &reason))
		skip();
	for (unsigned i = 0; i < 100000; i++)
		recorder_event(out,
			       &(struct event){ .type = EVENT_FDS, .time_ns = i * i * 7919ull });
	assert_int_equal(recorder_close(out, &reason), -ENOSPC);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_event_comes_back_as_it_was),
		T(numbers_of_64_bits_come_back),
		T(hostile_bytes_come_back),
		T(looks_traces_and_processes_are_left_out),
		T(names_and_marks_come_back),
		T(damaged_lines_are_refused_with_their_number),
		T(a_file_that_is_no_recording_is_refused),
		T(a_file_that_was_cut_is_damaged),
		T(a_write_that_fails_is_reported_at_the_end),
	};

	return cmocka_run_group_tests_name("event/recording", tests, NULL, NULL);
}
