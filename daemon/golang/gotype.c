// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * runtime._type (internal/abi.Type), the same 48 bytes from Go 1.19 to 1.27:
 *
 *    0 size   8 ptrdata   16 hash u32   20 tflag   21 align   22 fieldAlign   23 kind   24 equal
 *   32 gcdata   40 str i32   44 ptrToThis i32
 *
 * `str` is an offset from moduledata.types to a name: a flag byte, a varint length, the bytes. One
 * string serves T and *T: with tflag 2 it has a star too many. Behind the 48 bytes a pointer type has
 * its element. With tflag 1 a list of methods is announced behind what a kind has:
 *
 *    0 pkgPath i32   4 mcount u16   6 xcount u16   8 moff u32
 *
 * `moff` from there lie the methods, 16 bytes each, which begin with the offset of a name. Addresses
 * within descriptors are relocated in a PIE, and perhaps zeros in the file: none is followed here.
 */
#include "golang/gotype.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "golang/goerror.h"
#include "golang/layout.h"

#define TYPE_LEN     48
#define POINTER_LEN  56
#define STRUCT_LEN   80
#define OFF_TFLAG    20
#define OFF_KIND     23
#define OFF_STR      40
#define UNCOMMON_LEN 16
#define OFF_MCOUNT   4
#define OFF_MOFF     8
#define METHOD_LEN   16

#define TFLAG_UNCOMMON   1
#define TFLAG_EXTRA_STAR 2
#define TFLAG_DIRECT     32 /* Go 1.26 and newer */
#define KIND_MASK        31
#define KIND_DIRECT      32 /* up to Go 1.25 */
#define DIRECT_IN_TFLAG  26

#define NAME_LEN_SHIFT_MAX 21 /* of the varint: lengths below 2^28 */
#define PACKAGE_MAX        64 /* of an import path that is known here */

/* reflect.Kind */
enum {
	KIND_BOOL = 1,
	KIND_INT,
	KIND_INT8,
	KIND_INT16,
	KIND_INT32,
	KIND_INT64,
	KIND_UINT,
	KIND_UINT8,
	KIND_UINT16,
	KIND_UINT32,
	KIND_UINT64,
	KIND_UINTPTR,
	KIND_FLOAT32,
	KIND_FLOAT64,
	KIND_COMPLEX64,
	KIND_COMPLEX128,
	KIND_POINTER = 22,
	KIND_STRING = 24,
	KIND_STRUCT = 25,
};

static struct bytes type_at(const struct gobin *g, uint64_t va)
{
	if (va < g->moduledata.types || va >= g->moduledata.etypes)
		return bytes_of(NULL, 0);
	return elfimg_at(g->img, va);
}

/* The bytes of the name at this offset; empty when it is none. */
static struct bytes name_at(const struct gobin *g, int32_t off)
{
	struct bytes b =
		off >= 0 ? type_at(g, g->moduledata.types + (uint64_t)off) : bytes_of(NULL, 0);
	uint64_t len = 0, at = 1;

	for (unsigned shift = 0;; shift += 7) {
		if (shift > NAME_LEN_SHIFT_MAX || !bytes_has(b, at, 1))
			return bytes_of(NULL, 0);
		len |= (uint64_t)(b.p[at] & 0x7f) << shift;
		if (!(b.p[at++] & 0x80))
			break;
	}
	return bytes_sub(b, at, len);
}

static int read_name(const struct gobin *g, const uint8_t *type, struct gotype *ret)
{
	struct bytes b = name_at(g, (int32_t)le32_at(type + OFF_STR));

	if (!b.p)
		return -EBADMSG;
	if (type[OFF_TFLAG] & TFLAG_EXTRA_STAR && b.len && b.p[0] == '*')
		b = bytes_from(b, 1);
	/* Names of types are in UTF-8; what is not, is damaged, and '?' says so. */
	utf8_sanitize(ret->name, sizeof(ret->name), (const char *)b.p, b.len);
	return 0;
}

static uint8_t kind_of(struct bytes type)
{
	return bytes_has(type, 0, TYPE_LEN) ? type.p[OFF_KIND] & KIND_MASK : 0;
}

/* Behind what the kinds have that can say something; empty for the others, and without methods. */
static struct bytes uncommon_of(struct bytes type)
{
	uint8_t kind = kind_of(type);
	uint64_t len = kind == KIND_POINTER  ? POINTER_LEN
		       : kind == KIND_STRUCT ? STRUCT_LEN
					     : TYPE_LEN;

	if (!kind || (kind > KIND_COMPLEX128 && kind != KIND_POINTER && kind != KIND_STRING &&
		      kind != KIND_STRUCT))
		return bytes_of(NULL, 0);
	return bytes_has(type, len, UNCOMMON_LEN) ? bytes_from(type, len) : bytes_of(NULL, 0);
}

static bool is_name(struct bytes b, const char *name)
{
	return b.len == strlen(name) && !memcmp(b.p, name, b.len);
}

/* Whether its own code says what is printed of it; true when that cannot be found out. */
static bool speaks(const struct gobin *g, struct bytes uncommon)
{
	struct bytes methods;
	uint64_t n;

	if (!uncommon.len)
		return true;
	n = le16_at(uncommon.p + OFF_MCOUNT);
	methods = bytes_from(uncommon, le32_at(uncommon.p + OFF_MOFF));
	if (!bytes_has(methods, 0, n * METHOD_LEN))
		return true;
	for (uint64_t i = 0; i < n; i++) {
		struct bytes b = name_at(g, (int32_t)le32_at(methods.p + i * METHOD_LEN));

		if (!b.p || is_name(b, "Error") || is_name(b, "String"))
			return true;
	}
	return false;
}

/* Which one of those that are known it is: a package of the same name has another path. */
static uint8_t known_of(const struct gobin *g, const struct gotype *t, struct bytes uncommon)
{
	char package[PACKAGE_MAX] = "";
	struct bytes b;

	if (!uncommon.len)
		return GOERROR_NONE;
	b = name_at(g, (int32_t)le32_at(uncommon.p));
	if (b.len < sizeof(package))
		memcpy(package, b.p ? (const char *)b.p : "", b.len);
	return goerror_find(package, t->name, t->minor);
}

bool gotype_may_be_error(const struct gobin *g, uint64_t va)
{
	struct bytes type = type_at(g, va), name;

	if (!bytes_has(type, 0, TYPE_LEN) || !(type.p[OFF_TFLAG] & TFLAG_UNCOMMON))
		return false;
	name = name_at(g, (int32_t)le32_at(type.p + OFF_STR));
	return name.len && goerror_has_name((const char *)name.p, name.len,
					    type.p[OFF_TFLAG] & TFLAG_EXTRA_STAR);
}

static void read_speech(const struct gobin *g, struct bytes type, struct gotype *t)
{
	bool named = type.p[OFF_TFLAG] & TFLAG_UNCOMMON;
	struct bytes uncommon = named ? uncommon_of(type) : bytes_of(NULL, 0);

	t->known = known_of(g, t, uncommon);
	t->speaks = named && speaks(g, uncommon);
	t->text = t->known ? goerror_is_text(t->known) : !t->speaks && t->kind == KIND_STRING;
}

int gotype_read(const struct gobin *g, uint64_t va, struct gotype *ret)
{
	struct bytes type = type_at(g, va);
	struct gotype t = { 0 };
	int r;

	if (!g->moduledata.types)
		return -ENOTSUP;
	if (!type.len)
		return -ENOENT;
	if (!bytes_has(type, 0, TYPE_LEN))
		return -EBADMSG;
	r = read_name(g, type.p, &t);
	if (r < 0)
		return r;
	t.kind = kind_of(type);
	t.minor = g->version.minor <= UINT8_MAX ? (uint8_t)g->version.minor : 0;
	t.direct = g->version.minor && g->version.minor < DIRECT_IN_TFLAG
			   ? type.p[OFF_KIND] & KIND_DIRECT
			   : type.p[OFF_TFLAG] & TFLAG_DIRECT;
	read_speech(g, type, &t);
	*ret = t;
	return 0;
}

/* A text being put together: what does not fit is left out, and a character is never halved. */
struct text {
	char *buf;
	size_t size, len;
};

static void put_bytes(struct text *t, const char *s, size_t n)
{
	size_t room = t->size - 1 - t->len, at = 0;

	while (at < n && at < room) {
		size_t c = utf8_char_len(s + at, n - at);

		c = c ? c : 1; /* no character: the caller's to replace */
		if (at + c > room)
			break;
		at += c;
	}
	memcpy(t->buf + t->len, s, at);
	t->len += at;
	t->buf[t->len] = 0;
	if (at < n)
		t->size = t->len + 1; /* full: nothing smaller may follow */
}

static void put(struct text *t, const char *s)
{
	put_bytes(t, s, strlen(s));
}

static void put_int(struct text *t, int64_t v)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRId64, v);
	put(t, buf);
}

static void put_uint(struct text *t, uint64_t v)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	put(t, buf);
}

/* print() up to Go 1.25: always "+d.dddddde+ddd", rounded the simple way (runtime.printfloat). */
static void float_text_125(double v, char buf[32])
{
	double half = 5.0 / 1e7;
	char sign = signbit(v) ? '-' : '+';
	int e = 0, n;

	v = fabs(v);
	if (v != 0) {
		for (; v >= 10; v /= 10)
			e++;
		for (; v < 1; v *= 10)
			e--;
		v += half;
		if (v >= 10) {
			e++;
			v /= 10;
		}
	}
	n = snprintf(buf, 32, "%c%d.", sign, (int)v);
	for (unsigned i = 1; i < 7; i++) {
		v = (v - (int)v) * 10;
		buf[n++] = (char)('0' + (int)v);
	}
	snprintf(buf + n, 32 - (size_t)n, "e%c%03d", e < 0 ? '-' : '+', abs(e));
}

/*
 * From Go 1.26 on: the fewest digits that read back the same, in the form that %g of C chooses for a
 * precision of 6 (strconv.FormatFloat(v, 'g', -1, bits)). A few powers of two get a digit more than
 * there, where the shortest is not the nearest of its length.
 */
static void float_text(double v, bool single, char buf[32])
{
	int digits = 1, most = single ? 9 : 17, exponent, decimals;

	for (; digits <= most; digits++) {
		snprintf(buf, 32, "%.*e", digits - 1, v);
		if (single ? strtof(buf, NULL) == (float)v : strtod(buf, NULL) == v)
			break;
	}
	exponent = atoi(strchr(buf, 'e') + 1);
	if (exponent < -4 || exponent >= 6)
		return;
	decimals = digits - 1 - exponent;
	snprintf(buf, 32, "%.*f", decimals > 0 ? decimals : 0, v);
}

static void put_float(struct text *t, double v, bool single, unsigned minor, bool signed_)
{
	bool shortest = go_layout_nearest(minor).fact.short_floats;
	char buf[32];

	if (isnan(v))
		snprintf(buf, sizeof(buf), "NaN");
	else if (isinf(v))
		snprintf(buf, sizeof(buf), "%cInf", v > 0 ? '+' : '-');
	else if (!shortest)
		float_text_125(v, buf);
	else
		float_text(v, single, buf);
	if (signed_ && shortest && buf[0] != '+' && buf[0] != '-')
		put(t, "+");
	put(t, buf);
}

static double float_of(uint64_t bits, bool single)
{
	float f;
	double d;

	memcpy(&f, &bits, sizeof(f));
	memcpy(&d, &bits, sizeof(d));
	return single ? (double)f : d;
}

static void put_complex(struct text *t, const uint64_t *value, bool single, unsigned minor)
{
	put(t, "(");
	put_float(t, float_of(value[0], single), single, minor, false);
	put_float(t, float_of(single ? value[0] >> 32 : value[1], single), single, minor, true);
	put(t, "i)");
}

static void put_number(struct text *t, const struct gotype *type, const uint64_t *value)
{
	uint64_t v = value[0];

	switch (type->kind) {
	case KIND_BOOL:
		put(t, v & 0xff ? "true" : "false");
		break;
	case KIND_INT:
	case KIND_INT64:
		put_int(t, (int64_t)v);
		break;
	case KIND_INT8:
		put_int(t, (int8_t)v);
		break;
	case KIND_INT16:
		put_int(t, (int16_t)v);
		break;
	case KIND_INT32:
		put_int(t, (int32_t)v);
		break;
	case KIND_UINT:
	case KIND_UINT64:
	case KIND_UINTPTR:
		put_uint(t, v);
		break;
	case KIND_UINT8:
		put_uint(t, (uint8_t)v);
		break;
	case KIND_UINT16:
		put_uint(t, (uint16_t)v);
		break;
	case KIND_UINT32:
		put_uint(t, (uint32_t)v);
		break;
	case KIND_FLOAT32:
	case KIND_FLOAT64:
		put_float(t, float_of(v, type->kind == KIND_FLOAT32), type->kind == KIND_FLOAT32,
			  type->minor, false);
		break;
	case KIND_COMPLEX64:
	case KIND_COMPLEX128:
		put_complex(t, value, type->kind == KIND_COMPLEX64, type->minor);
		break;
	default:
		break;
	}
}

/* runtime/error.go: boundsErrorFmts, boundsNegErrorFmts. %x and %y are the two numbers. */
static const struct {
	const char *text, *negative;
} bounds_texts[] = {
	{ "index out of range [%x] with length %y", "index out of range [%x]" },
	{ "slice bounds out of range [:%x] with length %y", "slice bounds out of range [:%x]" },
	{ "slice bounds out of range [:%x] with capacity %y", "slice bounds out of range [:%x]" },
	{ "slice bounds out of range [%x:%y]", "slice bounds out of range [%x:]" },
	{ "slice bounds out of range [::%x] with length %y", "slice bounds out of range [::%x]" },
	{ "slice bounds out of range [::%x] with capacity %y", "slice bounds out of range [::%x]" },
	{ "slice bounds out of range [:%x:%y]", "slice bounds out of range [:%x:]" },
	{ "slice bounds out of range [%x:%y:]", "slice bounds out of range [%x::]" },
	{ "cannot convert slice with length %y to array or pointer to array with length %x", NULL },
};

/* Go 1.20 learned to convert slices to arrays. */
static const char convert_text_119[] =
	"cannot convert slice with length %y to pointer to array with length %x";
#define BOUNDS_CONVERT 8

/* runtime.boundsError: x i64, y int, signed bool, code u8. */
static void put_bounds(struct text *t, const uint64_t *value, unsigned minor)
{
	bool is_signed = value[2] & 0xff;
	unsigned code = (value[2] >> 8) & 0xff;
	const char *fmt;

	if (code >= ARRAY_SIZE(bounds_texts))
		return;
	fmt = bounds_texts[code].text;
	if (is_signed && (int64_t)value[0] < 0 && bounds_texts[code].negative)
		fmt = bounds_texts[code].negative;
	if (code == BOUNDS_CONVERT && go_layout_nearest(minor).fact.convert_text_old)
		fmt = convert_text_119;
	put(t, "runtime error: ");
	for (size_t n; *fmt; fmt += n) {
		n = strcspn(fmt, "%");
		put_bytes(t, fmt, n);
		if (!fmt[n])
			break;
		if (fmt[n + 1] == 'x' && !is_signed)
			put_uint(t, value[0]);
		else
			put_int(t, (int64_t)value[fmt[n + 1] == 'y']);
		n += 2;
	}
}

/* A known error that is no more than a string or a number. */
static void put_known(struct text *t, const struct gotype *type, const uint64_t *value,
		      const char *text, size_t text_len)
{
	struct goerror_node node = { .known = type->known };
	size_t n = text_len < GOERROR_TEXT_MAX ? text_len : GOERROR_TEXT_MAX;

	for (unsigned i = 0; i < GOTYPE_VALUE_WORDS; i++)
		node.words[i] = value[i];
	node.text_len[0] = (uint8_t)n;
	memcpy(node.text[0], text, n);
	t->len = goerror_print(t->buf, t->size, &node, 1);
}

static struct text text_in(char *buf, size_t size)
{
	buf[0] = 0;
	return (struct text){ buf, size > GOTYPE_MESSAGE_MAX ? GOTYPE_MESSAGE_MAX + 1 : size };
}

size_t gotype_message(char *buf, size_t size, const struct gotype *t,
		      const uint64_t value[GOTYPE_VALUE_WORDS], uint64_t word, const char *text,
		      size_t text_len)
{
	const uint64_t itself[GOTYPE_VALUE_WORDS] = { word };
	struct text out;

	if (!size)
		return 0;
	out = text_in(buf, size);
	if (t->known && !strcmp(t->name, "runtime.boundsError")) {
		put_bounds(&out, value, t->minor);
	} else if (t->known && !strcmp(t->name, "*runtime.PanicNilError")) {
		put(&out, go_layout_nearest(t->minor).fact.nil_prefix ? "runtime error: " : "");
		put(&out, "panic called with nil argument");
	} else if (t->known) {
		put_known(&out, t, value, text, text_len);
	} else if (t->text) {
		put_bytes(&out, text, utf8_whole_len(text, text_len));
	} else if (!t->speaks) {
		put_number(&out, t, t->direct ? itself : value);
	}
	return out.len;
}

/* runtime/error.go: (*TypeAssertionError).Error. */
size_t gotype_assertion(char *buf, size_t size, const char *iface, const char *concrete,
			const char *asserted, const char *missing)
{
	struct text out;

	if (!size)
		return 0;
	out = text_in(buf, size);
	put(&out, "interface conversion: ");
	put(&out, missing[0] && concrete[0] ? concrete : iface[0] ? iface : "interface");
	if (!concrete[0]) {
		put(&out, " is nil, not ");
		put(&out, asserted);
	} else if (missing[0]) {
		put(&out, " is not ");
		put(&out, asserted);
		put(&out, ": missing method ");
		put(&out, missing);
	} else {
		put(&out, " is ");
		put(&out, concrete);
		put(&out, ", not ");
		put(&out, asserted);
	}
	return out.len;
}
