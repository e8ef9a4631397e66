// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which Go built this: a whole file, and the same bytes as the text of a version. */
#include "../lib/fakeimage.h"
#include "driver.h"
#include "golang/buildinfo.h"

static void check(const struct go_version *v)
{
	if (strlen(v->text) >= GO_VERSION_MAX || v->source >= GO_VERSION_SOURCE_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct go_version v;
	struct elfimg img;

	if (go_version_parse((const char *)data, len, &v) == 0)
		check(&v);
	if (elfimg_init(&img, data, len, NULL) < 0)
		return 0;
	(void)buildinfo_present(&img);
	if (buildinfo_version(&img, &v) == 0)
		check(&v);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const struct fake_opts opts[] = { { .minor = 18 },
						 { .minor = 26, .no_sections = true },
						 { .minor = 26, .no_buildinfo = true },
						 { .minor = 0 } };
	static const char *const versions[] = { "go1.26.1 X:nocoverageredesign",
						"devel go1.28-9e3b1d53a0 Mon" };
	static struct fake f;

	if (i < sizeof(versions) / sizeof(versions[0])) {
		memcpy(buf, versions[i], strlen(versions[i]));
		return strlen(versions[i]);
	}
	i -= sizeof(versions) / sizeof(versions[0]);
	if (i >= sizeof(opts) / sizeof(opts[0]) || size < sizeof(f.b))
		return 0;
	fake_make(&f, &opts[i]);
	memcpy(buf, f.b, sizeof(f.b));
	return sizeof(f.b);
}
