// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/godebug.h"

#include <string.h>

#include "golang/buildinfo.h"

bool godebug_is_one(const char *list, size_t len, const char *key, bool *ret)
{
	size_t n = strlen(key);
	bool found = false;

	for (const char *p = list, *end = list + len; p < end;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t item = (size_t)((comma ? comma : end) - p);

		if (item > n && !memcmp(p, key, n) && p[n] == '=') {
			found = true;
			*ret = item == n + 2 && p[n + 1] == '1';
		}
		p += item + 1;
	}
	return found;
}

struct bytes godebug_default(const struct elfimg *img)
{
	static const char line[] = "build\tDefaultGODEBUG=";
	struct bytes info = buildinfo_settings(img), rest;
	int64_t at = bytes_find(info, 0, line, sizeof(line) - 1);
	const uint8_t *end;

	if (at < 0 || (at > 0 && info.p[at - 1] != '\n'))
		return bytes_of(NULL, 0);
	rest = bytes_from(info, (uint64_t)at + sizeof(line) - 1);
	end = rest.len ? memchr(rest.p, '\n', rest.len) : NULL;
	return bytes_sub(rest, 0, end ? (uint64_t)(end - rest.p) : rest.len);
}
