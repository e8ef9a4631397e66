// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A whole Go program: types at every place in it where one may lie, and the messages of values whose
 * bytes are the file's, too. */
#include "../lib/fakeimage.h"
#include "driver.h"
#include "golang/gotype.h"

#define TYPES_MAX 256

/* What a value of `t` says, whatever its words are. */
static void say(const struct gotype *t, const uint8_t *data, size_t len, uint64_t word)
{
	uint64_t value[GOTYPE_VALUE_WORDS] = { 0 };
	char buf[GOTYPE_MESSAGE_MAX + 1];
	size_t size = 1 + len % sizeof(buf), n = len < sizeof(value) ? len : sizeof(value);

	memcpy(value, data + len - n, n);
	if (strlen(t->name) >= sizeof(t->name))
		abort();
	n = gotype_message(buf, size, t, value, word, (const char *)data, len);
	if (n >= size || buf[n])
		abort();
	n = gotype_assertion(buf, size, t->name, t->name, t->name, word % 2 ? t->name : "");
	if (n >= size || buf[n])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* a file that is no program still has a value to say something */
	struct gotype loose = { .name = "any", .minor = 26 };
	struct elfimg img;
	struct gotype t;
	struct gobin g;
	unsigned n = 0;

	if (len) {
		loose.kind = data[0] & 31;
		loose.text = data[0] & 32;
		loose.minor = data[0] & 64 ? 25 : 26;
		say(&loose, data, len, data[0]);
	}
	if (elfimg_init(&img, data, len, NULL) < 0 || gobin_init(&g, &img, NULL) < 0)
		return 0;
	for (uint64_t va = g.moduledata.types; va < g.moduledata.etypes && n < TYPES_MAX;
	     va += 64, n++)
		if (gotype_read(&g, va, &t) == 0)
			say(&t, data, len, va);
	(void)gotype_read(&g, g.moduledata.etypes - 8, &t);
	(void)gotype_read(&g, UINT64_MAX, &t);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const unsigned minors[] = { 19, 21, 26, 27 };
	static struct fake f;

	if (i >= sizeof(minors) / sizeof(minors[0]) || size < sizeof(f.b))
		return 0;
	fake_make(&f, &(struct fake_opts){ .minor = minors[i], .no_sections = i % 2 });
	memcpy(buf, f.b, sizeof(f.b));
	return sizeof(f.b);
}
