// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A whole file, as the image worker sees it: what is it, where would it be probed, what are its
 * addresses called? */
#include "../lib/fakeimage.h"
#include "driver.h"
#include "probe/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct plan_c_profile profile = PLAN_C_PROFILE_DEFAULT;
	static const uint64_t pcs[] = { 0, FAKE_TEXT_VA, FAKE_TEXT_VA + 77, FAKE_GO_TEXT + 300,
					UINT64_MAX };
	static struct image_place places[INSPECT_PLACES_MAX];
	struct image_ask asks[5];
	int n;
	static struct image_report report;
	struct elfimg_section s;
	struct elfimg img;
	uint64_t v;

	(void)inspect_bytes(data, len, &profile, 1, &report, NULL);
	if (image_report_check(&report) < 0)
		abort();
	for (unsigned i = 0; i < report.plan.n; i++)
		if (report.plan.points[i].file_off + report.plan.points[i].nbytes > len)
			abort();
	if (elfimg_init(&img, data, len, NULL) < 0)
		return 0;
	for (unsigned i = 0; i < 5; i++) {
		(void)elfimg_va_to_off(&img, pcs[i], &v);
		(void)elfimg_off_to_va(&img, pcs[i], &v);
	}
	/* Debug information is libdw's affair, which makes no promises: see dwline.h. */
	if (elfimg_section(&img, ".debug_info", &s) == 0 ||
	    elfimg_section(&img, ".zdebug_info", &s) == 0)
		return 0;
	for (unsigned i = 0; i < 5; i++)
		asks[i] = (struct image_ask){ .addr = pcs[i], .kind = (uint32_t)(len + i) % 3 };
	n = inspect_symbolize(data, len, asks, 5, places, NULL);
	if (n > 0 && image_places_check(places, (unsigned)n, 5) < 0)
		abort();
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const struct fake_opts opts[] = { { .minor = 0 },
						 { .minor = 18 },
						 { .minor = 19, .no_sections = true },
						 { .minor = 25, .no_moduledata = true },
						 { .minor = 26 },
						 { .minor = 26, .no_buildinfo = true } };
	static struct fake f;

	if (i >= sizeof(opts) / sizeof(opts[0]) || size < sizeof(f.b))
		return 0;
	fake_make(&f, &opts[i]);
	memcpy(buf, f.b, sizeof(f.b));
	return sizeof(f.b);
}
