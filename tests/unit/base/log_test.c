// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"

static void quoting(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "/usr/bin/a-b_c.d:41", "/usr/bin/a-b_c.d:41" },
		{ "'`$(rm)~", "'`$(rm)~" },
		{ "", "\"\"" },
		{ " ", "\" \"" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
		{ "back\\slash", "\"back\\\\slash\"" },
		{ "\\", "\"\\\\\"" },
		{ "x\nlevel=error msg=forged", "\"x\\nlevel=error msg=forged\"" },
		{ "a\rb\tc", "\"a\\x0db\\x09c\"" },
		{ "\x1b[31mred\x7f", "\"\\x1b[31mred\\x7f\"" },
		{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x9b",
		  "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x9b\"" },
		{ "\xff\xfe", "\"\\xff\\xfe\"" },
		{ "\xc3", "\"\\xc3\"" },
		{ "\xc3(", "\"\\xc3(\"" },
		{ "\xe2\x82", "\"\\xe2\\x82\"" },
		{ "\xc0\xaf", "\"\\xc0\\xaf\"" },
		{ "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"" },
		/* C1 controls are characters, but a terminal obeys them: U+009B is ESC [. */
		{ "\xc2\x9b"
		  "31m",
		  "\"\\xc2\\x9b31m\"" },
		{ "\xc2\x80\xc2\xa0", "\"\\xc2\\x80\xc2\xa0\"" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_done) struct buf b;

		buf_init(&b, 0);
		log_quote(&b, cases[i].value);
		if (strcmp(b.data, cases[i].want))
			fail_msg("case %u: %s, expected %s", i, b.data, cases[i].want);
	}
}

/* Every byte alone: one line, printable, and quotes that are closed. */
static void every_byte(void **state)
{
	for (int c = 1; c < 256; c++) {
		_cleanup_(buf_done) struct buf b;
		char value[2] = { (char)c, 0 };

		buf_init(&b, 0);
		log_quote(&b, value);
		for (size_t i = 0; i < b.len; i++)
			assert_true(b.data[i] >= ' ' && b.data[i] < 0x7f);
		assert_true(b.len == 1 || (b.data[0] == '"' && b.data[b.len - 1] == '"'));
	}
}

static void levels(void **state)
{
	static const char *const bad[] = { "", "warning", "INFO", "info ", "4" };
	static const char *const good[] = { "debug", "info", "warn", "error" };
	enum log_level level = LOG_LEVEL_MAX;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(log_level_parse(bad[i], &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(log_level_parse(good[i], &level), 0);
		assert_int_equal(level, i);
	}
	for (unsigned at = LOG_DEBUG; at < LOG_LEVEL_MAX; at++) {
		log_set_level(at);
		for (unsigned l = LOG_DEBUG; l < LOG_LEVEL_MAX; l++)
			assert_int_equal(log_enabled(l), l >= at);
	}
	log_set_level(LOG_INFO);
}

/* A socket of packets as stderr: each write(2) is one. */
static int saved_stderr, capture;

static int capture_begin(void **state)
{
	int sv[2], size = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
			 0);
	assert_int_equal(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_int_equal(dup2(sv[0], STDERR_FILENO), STDERR_FILENO);
	close(sv[0]);
	capture = sv[1];
	log_set_level(LOG_INFO);
	setenv("JOURNAL_STREAM", "8:1", 1);
	return 0;
}

static int capture_end(void **state)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture);
	unsetenv("JOURNAL_STREAM");
	return 0;
}

/* The next line, or "" when nothing was written. */
static const char *captured(void)
{
	static char text[128 * 1024];
	ssize_t n = read(capture, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void lines(void **state)
{
	struct log_line l;

	log_info("hello %s", "world");
	assert_string_equal(captured(), "<6>level=info msg=\"hello world\"\n");
	log_warn("careful");
	assert_string_equal(captured(), "<4>level=warn msg=careful\n");
	log_error("a\nb");
	assert_string_equal(captured(), "<3>level=error msg=\"a\\nb\"\n");
	log_debug("not told");
	assert_string_equal(captured(), "");
	log_begin(&l, LOG_WARN, "alert firing");
	log_str(&l, "service", "shop \xff");
	log_u64(&l, "pid", UINT64_MAX);
	log_fmt(&l, "share", "%.2f", 0.5);
	log_str(&l, "site", "main.go:41");
	log_emit(&l);
	assert_string_equal(captured(), "<4>level=warn msg=\"alert firing\" service=\"shop \\xff\" "
					"pid=18446744073709551615 share=0.50 site=main.go:41\n");
	/* Below the level nothing is written, and nothing is left over. */
	log_begin(&l, LOG_DEBUG, "detail");
	log_str(&l, "k", "v");
	log_emit(&l);
	assert_string_equal(captured(), "");
	log_set_level(LOG_DEBUG);
	log_debug("told");
	assert_string_equal(captured(), "<7>level=debug msg=told\n");
}

/* Without a journal the time stands first: 2026-01-02T03:04:05.678Z. */
static void time_stamp(void **state)
{
	static const char form[] = "ts=dddd-dd-ddTdd:dd:dd.dddZ level=info msg=hello\n";
	const char *line;

	unsetenv("JOURNAL_STREAM");
	log_info("hello");
	line = captured();
	assert_int_equal(strlen(line), strlen(form));
	for (size_t i = 0; form[i]; i++) {
		bool digit = form[i] == 'd' && i < strlen("ts=dddd-dd-ddTdd:dd:dd.dddZ");

		assert_true(digit ? line[i] >= '0' && line[i] <= '9' : line[i] == form[i]);
	}
}

/* Past the bound a line is cut, but it is still a line. */
static void endless_value(void **state)
{
	static char value[100000];
	struct log_line l;
	const char *line;

	memset(value, 'x', sizeof(value) - 1);
	log_begin(&l, LOG_INFO, "short");
	log_str(&l, "long", value);
	log_str(&l, "after", "it");
	log_emit(&l);
	line = captured();
	assert_memory_equal(line, "<6>level=info msg=short", 23);
	assert_true(strlen(line) <= 64 * 1024);
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_string_equal(captured(), "");
	/* A value that is quoted byte by byte ends at the bound exactly. */
	memset(value, '"', sizeof(value) - 1);
	log_info("%s", value);
	line = captured();
	assert_true(strlen(line) > 60000 && strlen(line) <= 64 * 1024);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(levels),
		cmocka_unit_test_setup_teardown(lines, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(time_stamp, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(endless_value, capture_begin, capture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
