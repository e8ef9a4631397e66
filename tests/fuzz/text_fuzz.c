// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Texts of processes and containers: where they come in (cgroups), and where they go out. */
#include <stdarg.h>

#include "base/log.h"
#include "base/utf8.h"
#include "export/expo.h"
#include "proc/cgroup.h"

#define ID "4f0c1e2d3b4a59687786950a1b2c3d4e5f60718293a4b5c6d7e8f90112233445"

/* clang-format off */
static const char *const fuzz_tokens[] = {
	"/", "\n", ":", "0::/", ".service", ".slice", ".scope", "user@1000.service",
	"\"", "\\", "\xc2\x9b", "\xff", "\xed\xa0\x80", "=", " ",
	(ID), ("docker-" ID ".scope"),
};
/* clang-format on */
#define FUZZ_TOKENS
#define FUZZ_COST 10
#include "driver.h"

static void one_line(const struct buf *b, size_t newlines)
{
	if (b->failed)
		abort();
	for (size_t i = 0; i < b->len; i++)
		newlines -= b->data[i] == '\n';
	if (newlines)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char name[CGROUP_SERVICE_MAX], clean[64];
	char *text = malloc(len + 1);
	struct expo x = { 0 };
	struct buf out;
	size_t n;

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = 0;
	memset(name, '!', sizeof(name));
	if (cgroup_service(text, name, sizeof(name)) == CGROUP_NONE && name[0])
		abort();
	for (size_t i = 0; i < strlen(name); i += n) {
		n = utf8_char_len(name + i, strlen(name) - i);
		if (!n || (unsigned char)name[i] < ' ')
			abort();
	}
	utf8_sanitize(clean, sizeof(clean), (const char *)data, len);
	if (strlen(clean) >= sizeof(clean))
		abort();

	buf_init(&out, 0);
	log_quote(&out, text);
	one_line(&out, 0);
	buf_reset(&out);
	x.out = &out;
	expo_family(&x, "f", EXPO_GAUGE, "", "help");
	expo_sample(&x, 1, "l", text, NULL);
	one_line(&out, 3);
	buf_done(&out);
	free(text);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const char *const seeds[] = {
		"0::/system.slice/nginx.service\n",
		"12:cpu:/docker/" ID "\n"
		"1:name=systemd:/system.slice/docker.service\n",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-shop.scope\n",
		"main.(*pool[go.shape.int]).\"put\" \\ \x1b[31m \xc3\xbc \xe2\x82",
	};

	if (i >= sizeof(seeds) / sizeof(seeds[0]) || strlen(seeds[i]) > size)
		return 0;
	memcpy(buf, seeds[i], strlen(seeds[i]));
	return strlen(seeds[i]);
}
