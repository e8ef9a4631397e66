// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The header is 16-aligned: "\xff Go buildinf:" (14 bytes), pointer size, flags. With flags & 2
 * (Go 1.18 and newer) the version stands inline at 32: uvarint length, bytes. Before, two pointers
 * to Go strings follow at 16 and 24, big endian if flags & 1. See debug/buildinfo in the Go source.
 *
 *   0000000003340 3f0  ff 20 47 6f 20 62 75 69  6c 64 69 6e 66 3a 08 02   . Go buildinf:..
 *                 400  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
 *                 410  08 67 6f 31 2e 31 39 2e  38 a8 01 30 77 af 0c 92   .go1.19.8..0w...
 *
 * esbuild ships without that section (its linker flags drop it). Its version is then found as the
 * value of runtime.buildVersion: the Go linker writes it (cmd/link, addstrdata) as a string header
 * in .data whose bytes carry a closing NUL, which strings of the program do not have: lists of Go
 * releases in go/build do not match.
 */
#include "golang/buildinfo.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>

#include "base/cleanup.h"

#define HEADER_LEN        32
#define FLAG_BIGENDIAN    1
#define FLAG_INLINE       2
#define VERSION_LEN_MIN   5 /* "go1.4" */
#define VERSION_LEN_MAX   80
#define SETTINGS_MARK     16
#define UVARINT_SHIFT_MAX 28

static const char *take_number(const char *p, const char *end, uint16_t *ret)
{
	unsigned v = 0;

	if (p == end || !isdigit((unsigned char)*p))
		return NULL;
	for (; p < end && isdigit((unsigned char)*p); p++) {
		v = v * 10 + (unsigned)(*p - '0');
		if (v > 9999)
			return NULL;
	}
	*ret = (uint16_t)v;
	return p;
}

static bool starts_with(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(end - p) >= n && !memcmp(p, what, n);
}

int go_version_parse(const char *text, size_t len, struct go_version *ret)
{
	struct go_version v = { 0 };
	const char *p = text, *end = text + len;

	if (starts_with(p, end, "devel ")) {
		v.devel = true;
		p += strlen("devel ");
	}
	if (!starts_with(p, end, "go1."))
		return -EINVAL;
	p = take_number(p + strlen("go1."), end, &v.minor);
	if (!p)
		return -EINVAL;
	if (p < end && *p == '.')
		p = take_number(p + 1, end, &v.patch);
	else if (p < end && *p != ' ')
		v.devel = true;
	if (!p)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)text[i]))
			return -EINVAL;
	if (len >= sizeof(v.text))
		len = sizeof(v.text) - 1;
	memcpy(v.text, text, len);
	*ret = v;
	return 0;
}

/* A Go string {pointer, length} at `at`; empty when any of it lies outside of the file. */
static struct bytes go_string(const struct elfimg *img, struct bytes at)
{
	uint64_t ptr, len;

	if (!bytes_u64(at, 0, &ptr) || !bytes_u64(at, 8, &len) || len < VERSION_LEN_MIN ||
	    len > VERSION_LEN_MAX)
		return bytes_of(NULL, 0);
	return bytes_sub(elfimg_at(img, ptr), 0, len);
}

static struct bytes header_version(const struct elfimg *img, struct bytes h)
{
	uint64_t ptr;

	if (h.p[15] & FLAG_INLINE) {
		/* A version is shorter than 128 bytes, so its uvarint length is one byte. */
		if (h.len <= HEADER_LEN || h.p[HEADER_LEN] > VERSION_LEN_MAX)
			return bytes_of(NULL, 0);
		return bytes_sub(h, HEADER_LEN + 1, h.p[HEADER_LEN]);
	}
	if (h.p[14] != 8 || (h.p[15] & FLAG_BIGENDIAN) || !bytes_u64(h, 16, &ptr))
		return bytes_of(NULL, 0);
	return go_string(img, elfimg_at(img, ptr));
}

/* The next header in `b` from *pos; advances *pos behind it. */
static struct bytes next_header(struct bytes b, uint64_t *pos)
{
	for (int64_t at;
	     (at = bytes_find(b, *pos, GO_BUILDINFO_MAGIC, GO_BUILDINFO_MAGIC_LEN)) >= 0;) {
		*pos = (uint64_t)at + GO_BUILDINFO_MAGIC_LEN;
		if (bytes_has(b, (uint64_t)at, HEADER_LEN))
			return bytes_from(b, (uint64_t)at);
	}
	return bytes_of(NULL, 0);
}

static int version_in(const struct elfimg *img, struct bytes b, struct go_version *ret)
{
	uint64_t pos = 0;

	for (;;) {
		struct bytes h = next_header(b, &pos), v;

		if (!h.len)
			return -ENOENT;
		v = header_version(img, h);
		if (v.len && go_version_parse((const char *)v.p, v.len, ret) == 0) {
			ret->source = GO_VERSION_BUILDINFO;
			return 0;
		}
	}
}

static int version_from_buildinfo(const struct elfimg *img, struct go_version *ret)
{
	struct elfimg_section s;

	if (elfimg_section(img, ".go.buildinfo", &s) == 0 && version_in(img, s.bytes, ret) == 0)
		return 0;
	/* Without sections: the header is in data, never in code. */
	for (unsigned i = 0; i < img->nloads; i++)
		if (!(img->loads[i].flags & PF_X) &&
		    version_in(img, elfimg_load_bytes(img, i), ret) == 0)
			return 0;
	return -ENOENT;
}

static int version_from_variable(const struct elfimg *img, struct go_version *ret)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		struct bytes b = elfimg_load_bytes(img, i);

		if (!(img->loads[i].flags & PF_W))
			continue;
		for (uint64_t off = -img->loads[i].va & 7; bytes_has(b, off, 16); off += 8) {
			uint64_t len = le64_at(b.p + off + 8);
			struct bytes s;

			if (len < VERSION_LEN_MIN || len > VERSION_LEN_MAX)
				continue;
			s = bytes_sub(elfimg_at(img, le64_at(b.p + off)), 0, len + 1);
			if (s.len && s.p[len] == 0 &&
			    go_version_parse((const char *)s.p, len, ret) == 0) {
				ret->source = GO_VERSION_VARIABLE;
				return 0;
			}
		}
	}
	return -ENOENT;
}

int buildinfo_version(const struct elfimg *img, struct go_version *ret)
{
	struct go_version v;

	if (version_from_buildinfo(img, &v) < 0 && version_from_variable(img, &v) < 0)
		return -ENOENT;
	*ret = v;
	return 0;
}

/* A uvarint at *pos, which moves behind it. */
static bool take_uvarint(struct bytes b, uint64_t *pos, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift <= UVARINT_SHIFT_MAX && bytes_has(b, *pos, 1); shift += 7) {
		uint8_t c = b.p[(*pos)++];

		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* Behind an inline version: uvarint length, then the text between two marks of 16 bytes. */
static struct bytes settings_in(struct bytes h)
{
	uint64_t pos = HEADER_LEN, len;

	if (!(h.p[15] & FLAG_INLINE) || !take_uvarint(h, &pos, &len) || !bytes_has(h, pos, len))
		return bytes_of(NULL, 0);
	pos += len;
	if (!take_uvarint(h, &pos, &len) || len < 2 * SETTINGS_MARK)
		return bytes_of(NULL, 0);
	return bytes_sub(h, pos + SETTINGS_MARK, len - 2 * SETTINGS_MARK);
}

struct bytes buildinfo_settings(const struct elfimg *img)
{
	struct elfimg_section s;
	struct bytes h;
	uint64_t pos = 0;

	if (elfimg_section(img, ".go.buildinfo", &s) < 0)
		return bytes_of(NULL, 0);
	h = next_header(s.bytes, &pos);
	return h.len ? settings_in(h) : h;
}

bool buildinfo_present(const struct elfimg *img)
{
	struct elfimg_section s;

	return elfimg_section(img, ".go.buildinfo", &s) == 0 ||
	       elfimg_section(img, ".note.go.buildid", &s) == 0;
}
