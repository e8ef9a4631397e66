// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the linker does to names: cmd/internal/objabi.PathToPrefix escapes dots in the last element of
 * an import path, and control bytes, quotes, '%' and bytes past ASCII everywhere in it, as %xx. An
 * assembly function has ".abi0" behind its name, a symbol local to its file "<1>". Type arguments
 * ("go.shape.[]*example.com/x.T_0,int") say little and may be very long: like Go's tracebacks
 * (runtime.funcNameForPrint) we cut from the first '[' to the last ']'.
 */
#include "golang/goname.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define VENDOR     "vendor/"
#define VENDOR_LEN (sizeof(VENDOR) - 1)

/* The linker writes lower case only. */
static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The character that "%xx" at `p` stands for; 0 for none, and for one that would be a control. */
static char unescape(const char *p, const char *end)
{
	int v;

	if (end - p < 3 || *p != '%' || hex(p[1]) < 0 || hex(p[2]) < 0)
		return 0;
	v = hex(p[1]) * 16 + hex(p[2]);
	return v < 0x20 || v == 0x7f ? 0 : (char)v;
}

/* Behind the last vendor directory of the import path. */
static const char *skip_vendor(const char *raw, const char *end)
{
	const char *from = raw;

	for (const char *p = raw; end - p > (ptrdiff_t)VENDOR_LEN; p++)
		if ((p == raw || p[-1] == '/') && !strncmp(p, VENDOR, VENDOR_LEN))
			from = p + VENDOR_LEN;
	return from;
}

static const char *without_suffix(const char *raw, const char *end)
{
	const char *p;

	if (end > raw && end[-1] == '>') {
		p = memrchr(raw, '<', (size_t)(end - raw));
		end = p && p > raw ? p : end;
	}
	if (end - raw > 5 && !memcmp(end - 5, ".abi0", 5))
		end -= 5;
	return end;
}

/* One piece of the way from `*p`: its text, and *p behind it. */
static size_t next_piece(const char **p, const char *end, const char *open, const char *close,
			 char ret[8])
{
	if (*p == open) {
		*p = close + 1;
		memcpy(ret, "[...]", 5);
		return 5;
	}
	ret[0] = unescape(*p, end);
	*p += ret[0] ? 3 : 1;
	if (!ret[0])
		ret[0] = (*p)[-1];
	return 1;
}

size_t goname_print(char *buf, size_t size, const char *raw)
{
	const char *end = without_suffix(raw, raw + strlen(raw));
	const char *open = memchr(raw, '[', (size_t)(end - raw));
	const char *close = open ? memrchr(open, ']', (size_t)(end - open)) : NULL;
	const char *p;
	size_t n = 0;

	if (!size)
		return 0;
	if (!close)
		open = NULL;
	p = skip_vendor(raw, open ? open : end);
	while (p < end) {
		char piece[8];
		size_t len = next_piece(&p, end, open, close, piece);

		if (n + len >= size) {
			n = utf8_whole_len(buf, n); /* escapes come byte by byte */
			break;
		}
		memcpy(buf + n, piece, len);
		n += len;
	}
	buf[n] = 0;
	return n;
}

/* The first elements of the standard library's import paths in Go 1.19 to 1.27, sorted. */
static const char *const standard[] = {
	"archive",  "bufio",   "bytes",   "cmp",      "compress", "container", "context", "crypto",
	"database", "debug",   "embed",   "encoding", "errors",   "expvar",    "flag",    "fmt",
	"go",       "hash",    "html",    "image",    "index",    "internal",  "io",      "iter",
	"log",      "maps",    "math",    "mime",     "net",      "os",        "path",    "plugin",
	"reflect",  "regexp",  "runtime", "slices",   "sort",     "strconv",   "strings", "structs",
	"sync",     "syscall", "testing", "text",     "time",     "unicode",   "unique",  "unsafe",
	"uuid",     "vendor",  "weak",
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool goname_is_standard(const char *name)
{
	char first[16];
	size_t len = strcspn(name, "/(["); /* "net/http.F", "net.(*T).F", but "net.example/x.F" */

	if (name[len] != '/')
		len = strcspn(name, ".");
	if (len >= sizeof(first))
		return false;
	memcpy(first, name, len);
	first[len] = 0;
	return bsearch(first, standard, ARRAY_SIZE(standard), sizeof(*standard), compare_names) !=
	       NULL;
}

bool goname_is_system(const char *start)
{
	return !strncmp(start, "runtime.", 8) && strcmp(start, "runtime.main") &&
	       strcmp(start, "runtime.corostart") && strcmp(start, "runtime.handleAsyncEvent");
}

bool goname_is_signals(const char *start)
{
	return !strcmp(start, "os/signal.loop");
}

size_t goname_package_len(const char *name)
{
	size_t path = strcspn(name, "([");
	const char *last = name, *dot;

	for (const char *p = name; p < name + path; p++) {
		if (*p == '/')
			last = p + 1;
	}
	/* The dots of an import path ("yaml.v3") come before that of a method or function. */
	dot = strchr(last, '.');
	if (dot && dot[1] == 'v' && dot[2 + strspn(dot + 2, "0123456789")] == '.' && dot[2] != '.')
		dot = strchr(dot + 1, '.');
	return dot ? (size_t)(dot - name) : 0;
}

/* What stands behind the import path and the package's name: "(*Pool[...]).Acquire". */
static const char *within_package(const char *name)
{
	size_t len = goname_package_len(name);

	return len ? name + len + 1 : "";
}

/* Pools of the standard library, and who uses them. */
static const struct {
	const char *function, *users;
} known_pools[] = {
	{ "database/sql.(*DB).conn", "database/sql." },
	{ "net/http.(*Transport).getConn", "net/http.(*persistConn)." },
};

bool goname_is_pool(const char *name)
{
	static const char *const others[] = { "worker", "task", "job", "thread",
					      "buf",    "byte", "mem" };
	const char *own = within_package(name);

	for (size_t i = 0; i < ARRAY_SIZE(known_pools); i++) {
		if (!strcmp(name, known_pools[i].function))
			return true;
	}
	if (!strncmp(name, "runtime.", 8) || !strncmp(name, "sync.", 5) || !strcasestr(own, "pool"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcasestr(own, others[i]))
			return false;
	}
	return true;
}

/* "github.com/redis/go-redis" of "github.com/redis/go-redis/v9/internal/pool"; 0: it has no host. */
static size_t module_len(const char *name, size_t package)
{
	const char *end = name;

	if (!memchr(name, '.', strcspn(name, "/")) || !memchr(name, '/', package))
		return 0;
	for (unsigned i = 0; i < 3 && end < name + package; i++)
		end += (i > 0) + strcspn(end + (i > 0), "/");
	return end < name + package ? (size_t)(end - name) : package;
}

size_t goname_pool_users(const char *name, char *ret, size_t size)
{
	const char *users = name;
	size_t len = module_len(name, goname_package_len(name));

	for (size_t i = 0; i < ARRAY_SIZE(known_pools); i++) {
		if (strcmp(name, known_pools[i].function) != 0)
			continue;
		users = known_pools[i].users;
		len = strlen(users);
	}
	if (!len || len >= size)
		return 0;
	memcpy(ret, users, len);
	ret[len] = 0;
	return len;
}
