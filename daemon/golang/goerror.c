// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A known type is a row: what its Error() prints, with its fields as %, a letter, and the word where
 * the field begins:
 *
 *	%s string   %q string as strconv.Quote() has it   %d int   %e error   %n errno   %k reflect.Kind
 *	%b address of a net.OpError, none for nil   {...} left out when the first string in it is empty
 *
 * Error() of a nil pointer, of a nil error in it, or of an error that is not known here, is not told.
 * The same fields from Go 1.19 to 1.27, where no releases are given.
 */
#include "golang/goerror.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "golang/goerrno.h"

static const struct row {
	const char *package, *name, *prints;
	uint8_t first, last; /* release; 0: any */
} rows[] = {
	[GOERROR_NONE] = { "", "", "" },
	{ "errors", "*errors.errorString", "%s0" },
	{ "errors", "*errors.joinError", "%l0" },
	{ "fmt", "*fmt.wrapError", "%s0" },
	{ "fmt", "*fmt.wrapErrors", "%s0" },
	{ "io/fs", "*fs.PathError", "%s0 %s2: %e4" },
	{ "os", "*os.SyscallError", "%s0: %e2" },
	{ "os", "*os.LinkError", "%s0 %s2 %s4: %e6" },
	{ "os/exec", "*exec.Error", "exec: %q0: %e2" },
	{ "syscall", "syscall.Errno", "%n0" },
	{ "strconv", "*strconv.NumError", "strconv.%s0: parsing %q2: %e4" },
	{ "net", "*net.OpError", "%s0{ %s2}%b4%b6: %e8" },
	{ "net", "*net.TCPAddr", "%a0" },
	{ "net", "*net.UDPAddr", "%a0" },
	{ "net", "*net.UnixAddr", "%s0" },
	{ "net", "*net.DNSError", "lookup %s2{ on %s4}: %s0", 19, 22 },
	{ "net", "*net.DNSError", "lookup %s4{ on %s6}: %s2", 23 },
	{ "net", "*net.AddrError", "{address %s2: }%s0" },
	{ "net", "*net.ParseError", "invalid %s0: %s2" },
	{ "net", "net.UnknownNetworkError", "unknown network %s0" },
	{ "net", "net.InvalidAddrError", "%s0" },
	{ "net", "*net.timeoutError", "i/o timeout" },
	{ "net", "net.canceledError", "operation was canceled" },
	{ "internal/poll", "*poll.DeadlineExceededError", "i/o timeout" },
	{ "internal/poll", "poll.errNetClosing", "use of closed network connection" },
	{ "context", "context.deadlineExceededError", "context deadline exceeded" },
	{ "net/url", "*url.Error", "%s0 %q2: %e4" },
	{ "net/url", "url.EscapeError", "invalid URL escape %q0" },
	{ "net/url", "url.InvalidHostError", "invalid character %q0 in host name" },
	{ "net/http", "*http.ProtocolError", "%s0" },
	{ "net/http", "*http.MaxBytesError", "http: request body too large" },
	{ "net/textproto", "textproto.ProtocolError", "%s0" },
	{ "net/rpc", "rpc.ServerError", "%s0" },
	{ "encoding/json", "*json.SyntaxError", "%s0" },
	{ "encoding/base64", "base64.CorruptInputError", "illegal base64 data at input byte %d0" },
	{ "reflect", "*reflect.ValueError", "reflect: call of %s0 on %k2 Value" },
	{ "regexp/syntax", "*syntax.Error", "error parsing regexp: %s0: `%s2`" },
	{ "text/template", "template.ExecError", "%e2" },
	{ "runtime", "runtime.errorString", "runtime error: %s0" },
	{ "runtime", "runtime.errorAddressString", "runtime error: %s0" },
	{ "runtime", "runtime.plainError", "%s0" },
	/* Known, but told by gotype.c. */
	{ "runtime", "runtime.boundsError", "" },
	{ "runtime", "*runtime.PanicNilError", "" },
	{ "runtime", "*runtime.TypeAssertionError", "" },
	/* Of other modules, met everywhere. */
	{ "github.com/pkg/errors", "*errors.fundamental", "%s0" },
	{ "github.com/pkg/errors", "*errors.withStack", "%e0" },
	{ "github.com/pkg/errors", "*errors.withMessage", "%s2: %e0" },
};
_Static_assert(ARRAY_SIZE(rows) <= GOERRORS_MAX, "numbers");

static bool is_of(const struct row *r, unsigned minor)
{
	return (!r->first || minor >= r->first) && (!r->last || minor <= r->last);
}

uint8_t goerror_find(const char *package, const char *name, unsigned minor)
{
	for (unsigned i = 1; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].name, name) && !strcmp(rows[i].package, package) &&
		    is_of(&rows[i], minor))
			return (uint8_t)i;
	}
	return GOERROR_NONE;
}

static const struct row *row_of(uint8_t known)
{
	return &rows[known < ARRAY_SIZE(rows) ? known : GOERROR_NONE];
}

bool goerror_has_name(const char *name, size_t len, bool value)
{
	for (unsigned i = 1; i < ARRAY_SIZE(rows); i++) {
		const char *own = rows[i].name;

		if (value == (own[0] != '*') && strlen(own) + value == len && name[0] == '*' &&
		    !memcmp(own, name + value, len - value))
			return true;
	}
	return false;
}

bool goerror_is_text(uint8_t known)
{
	struct goerror_shape s = goerror_shape(known);

	return s.n_texts == 1 && goerror_is_flat(known);
}

bool goerror_is_flat(uint8_t known)
{
	struct goerror_shape s = goerror_shape(known);

	return s.n_texts <= 1 && !s.n_errors && !s.is_list;
}

const char *goerror_package(uint8_t known)
{
	return row_of(known)->package;
}

const char *goerror_name(uint8_t known)
{
	return row_of(known)->name;
}

/* Shapes */

static void add_text(struct goerror_shape *s, uint8_t word)
{
	for (unsigned i = 0; i < s->n_texts; i++) {
		if (s->texts[i] == word)
			return;
	}
	if (s->n_texts < GOERROR_TEXTS)
		s->texts[s->n_texts++] = word;
}

static void add_field(struct goerror_shape *s, char letter, uint8_t word)
{
	uint8_t words = 1;

	switch (letter) {
	case 's':
	case 'q':
		add_text(s, word);
		words = 2;
		break;
	case 'a': /* {IP []byte, Port int, Zone string} */
		add_text(s, word);
		add_text(s, word + 4);
		words = 6;
		break;
	case 'b':
	case 'e':
		if (s->n_errors < GOERROR_ERRORS)
			s->errors[s->n_errors++] = word;
		words = 2;
		break;
	case 'l':
		s->is_list = true;
		words = 3;
		break;
	default:
		break;
	}
	if (word + words > s->words)
		s->words = word + words;
}

struct goerror_shape goerror_shape(uint8_t known)
{
	struct goerror_shape s = {};

	for (const char *p = row_of(known)->prints; *p; p++) {
		if (*p != '%')
			continue;
		add_field(&s, p[1], (uint8_t)(p[2] - '0'));
		p += 2;
	}
	return s;
}

/* Printing */

struct out {
	char *buf;
	size_t size, len;
	const struct goerror_node *nodes;
	unsigned n;
	bool failed; /* something is not known */
	bool full;   /* what follows has no room, or follows a string that was cut */
};

static void put_bytes(struct out *o, const char *s, size_t n)
{
	size_t room = o->size - 1 - o->len;

	if (o->full)
		return;
	if (n > room) {
		n = utf8_whole_len(s, room);
		o->full = true;
	}
	memcpy(o->buf + o->len, s, n);
	o->len += n;
}

static void put(struct out *o, const char *s)
{
	put_bytes(o, s, strlen(s));
}

/* The string at this word; *ret_n bytes of it are there. */
static const char *string_at(const struct goerror_node *n, unsigned word, size_t *ret_n)
{
	struct goerror_shape s = goerror_shape(n->known);

	for (unsigned i = 0; i < s.n_texts; i++) {
		if (s.texts[i] == word) {
			*ret_n = n->text_len[i];
			return n->text[i];
		}
	}
	*ret_n = 0;
	return "";
}

/* A string that is longer than what is there of it ends all. */
static void end_if_cut(struct out *o, const struct goerror_node *n, unsigned word, size_t have)
{
	if (n->words[word + 1] > have)
		o->full = true;
}

static void put_string(struct out *o, const struct goerror_node *n, unsigned word)
{
	size_t len;
	const char *s = string_at(n, word, &len);

	o->failed |= !len && n->words[word + 1];
	put_bytes(o, s, n->words[word + 1] > len ? utf8_whole_len(s, len) : len);
	end_if_cut(o, n, word, len);
}

static void put_quoted_byte(struct out *o, unsigned char c)
{
	static const char names[] = "\aa\bb\ff\nn\rr\tt\vv\"\"\\\\";
	char text[8];

	for (const char *p = names; *p; p += 2) {
		if (c == (unsigned char)p[0]) {
			put_bytes(o, (char[]){ '\\', p[1] }, 2);
			return;
		}
	}
	if (c >= ' ' && c < 0x7f)
		snprintf(text, sizeof(text), "%c", c);
	else
		snprintf(text, sizeof(text), "\\x%02x", c);
	put(o, text);
}

/* Characters past ASCII as they are, which is right for those that can be printed. */
static void put_quoted(struct out *o, const struct goerror_node *n, unsigned word)
{
	size_t len, at = 0;
	const char *s = string_at(n, word, &len);

	o->failed |= !len && n->words[word + 1];
	if (n->words[word + 1] > len)
		len = utf8_whole_len(s, len);
	put(o, "\"");
	while (at < len) {
		size_t c = utf8_char_len(s + at, len - at);

		if (c > 1)
			put_bytes(o, s + at, c);
		else
			put_quoted_byte(o, (unsigned char)s[at]);
		at += c ? c : 1;
	}
	end_if_cut(o, n, word, len);
	put(o, "\"");
}

static void put_errno(struct out *o, uint64_t code)
{
	const char *text = goerrno_text(code);
	char number[32];

	snprintf(number, sizeof(number), "errno %" PRId64, (int64_t)code);
	o->failed |= text && !*text;
	put(o, text ? text : number);
}

static void put_int(struct out *o, int64_t v)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, v);
	put(o, number);
}

static void put_kind(struct out *o, uint64_t kind)
{
	static const char *const kinds[] = {
		"zero",      "bool",       "int",
		"int8",      "int16",      "int32",
		"int64",     "uint",       "uint8",
		"uint16",    "uint32",     "uint64",
		"uintptr",   "float32",    "float64",
		"complex64", "complex128", "array",
		"chan",      "func",       "interface",
		"map",       "ptr",        "slice",
		"string",    "struct",     "unsafe.Pointer",
	};

	o->failed |= kind >= ARRAY_SIZE(kinds);
	put(o, kind < ARRAY_SIZE(kinds) ? kinds[kind] : "");
}

/* net.IP.String(): four bytes, or sixteen that may hold four. */
static bool ip_text(const char *ip, size_t len, char ret[INET6_ADDRSTRLEN])
{
	static const char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1 };

	ret[0] = 0;
	if (len == 16 && !memcmp(ip, mapped, sizeof(mapped)))
		return inet_ntop(AF_INET, ip + 12, ret, INET6_ADDRSTRLEN);
	if (len == 4 || len == 16)
		return inet_ntop(len == 4 ? AF_INET : AF_INET6, ip, ret, INET6_ADDRSTRLEN);
	return len == 0;
}

/* net.JoinHostPort(). */
static void put_address(struct out *o, const struct goerror_node *n, unsigned word)
{
	char ip[INET6_ADDRSTRLEN];
	size_t len;
	const char *bytes = string_at(n, word, &len);
	bool six;

	if (!ip_text(bytes, len, ip)) {
		o->failed = true;
		return;
	}
	six = strchr(ip, ':') != NULL;
	put(o, six ? "[" : "");
	put(o, ip);
	if (n->words[word + 5]) {
		put(o, "%");
		put_string(o, n, word + 4);
	}
	put(o, six ? "]:" : ":");
	put_int(o, (int64_t)n->words[word + 3]);
}

static void put_node(struct out *o, unsigned i);

/* What the interface at this place of nodes[i] holds. */
static void put_held(struct out *o, unsigned i, unsigned slot)
{
	for (unsigned k = i + 1; k < o->n; k++) {
		if (o->nodes[k].parent == i && o->nodes[k].slot == slot) {
			put_node(o, k);
			return;
		}
	}
	o->failed = !o->full || o->failed;
}

static unsigned slot_of(const struct goerror_node *n, unsigned word)
{
	struct goerror_shape s = goerror_shape(n->known);
	unsigned slot = 0;

	while (slot < s.n_errors && s.errors[slot] != word)
		slot++;
	return slot;
}

/* " source", "->peer" behind one, " peer" alone: {itab, data} each, the peer's behind the source's. */
static void put_end(struct out *o, unsigned i, unsigned word)
{
	const struct goerror_node *n = &o->nodes[i];

	if (!n->words[word])
		return;
	put(o, slot_of(n, word) && n->words[word - 2] ? "->" : " ");
	put_held(o, i, slot_of(n, word));
}

static void put_list(struct out *o, unsigned i)
{
	for (unsigned k = 0; k < o->nodes[i].words[1] && !o->full && !o->failed; k++) {
		put(o, k ? "\n" : "");
		put_held(o, i, k);
	}
}

static void put_field(struct out *o, unsigned i, char letter, unsigned word)
{
	const struct goerror_node *n = &o->nodes[i];

	switch (letter) {
	case 's':
		put_string(o, n, word);
		break;
	case 'q':
		put_quoted(o, n, word);
		break;
	case 'd':
		put_int(o, (int64_t)n->words[word]);
		break;
	case 'n':
		put_errno(o, n->words[word]);
		break;
	case 'k':
		put_kind(o, n->words[word]);
		break;
	case 'a':
		put_address(o, n, word);
		break;
	case 'b':
		put_end(o, i, word);
		break;
	case 'l':
		put_list(o, i);
		break;
	default:
		put_held(o, i, slot_of(n, word));
		break;
	}
}

/* Behind a "{" whose first string is empty, behind its "}". */
static const char *skip_empty(const struct goerror_node *n, const char *p)
{
	const char *field = strchr(p, '%');

	return n->words[field[2] - '0' + 1] ? p : strchr(p, '}');
}

static void put_node(struct out *o, unsigned i)
{
	const struct goerror_node *n = &o->nodes[i];

	if (!row_of(n->known)->prints[0] || n->unread) {
		o->failed = true;
		return;
	}
	for (const char *p = row_of(n->known)->prints; *p && !o->failed; p++) {
		if (*p == '{') {
			p = skip_empty(n, p);
		} else if (*p == '%') {
			put_field(o, i, p[1], (unsigned)(p[2] - '0'));
			p += 2;
		} else if (*p != '}') {
			put_bytes(o, p, 1);
		}
	}
}

size_t goerror_print(char *buf, size_t size, const struct goerror_node *nodes, unsigned n)
{
	struct out o = { .buf = buf, .size = size, .nodes = nodes, .n = n };

	if (!size)
		return 0;
	if (n)
		put_node(&o, 0);
	if (o.failed)
		o.len = 0;
	buf[o.len] = 0;
	return o.len;
}
