// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Names from a table, and those of a program with generics, closures, method values and a dotted
 * import path, by each Go at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "gofixture.h"
#include "golang/gobin.h"
#include "golang/goname.h"

static const struct {
	const char *raw, *want;
} names[] = {
	{ "main.main", "main.main" },
	{ "", "" },
	{ "net/http.(*conn).serve", "net/http.(*conn).serve" },
	{ "gopkg.in/yaml%2ev3.(*decoder).unmarshal", "gopkg.in/yaml.v3.(*decoder).unmarshal" },
	{ "example.com/a%2eb/c%25d.F", "example.com/a.b/c%d.F" },
	{ "example.com/%22q.F", "example.com/\"q.F" },
	{ "example.com/caf%c3%a9.F", "example.com/caf\xc3\xa9.F" },
	{ "a%2", "a%2" },
	{ "a%", "a%" },
	{ "a%2E", "a%2E" }, /* not the linker's */
	{ "a%zzb", "a%zzb" },
	{ "a%00b%0ac%7fd", "a%00b%0ac%7fd" }, /* would end the string, or the line */
	{ "main.(*Stack[go.shape.int]).Push", "main.(*Stack[...]).Push" },
	{ "main.Map[go.shape.[]string,go.shape.map[string]int].func1", "main.Map[...].func1" },
	{ "main.(*Stack[...]).Push", "main.(*Stack[...]).Push" },
	{ "main.(*Conn[map[string]*main.T]).Close-fm", "main.(*Conn[...]).Close-fm" },
	{ "main.F[vendor/x.T]", "main.F[...]" },
	{ "main.F[a%2eb]%2e", "main.F[...]." },
	{ "main.F]odd[", "main.F]odd[" },
	{ "main.F[", "main.F[" },
	{ "main.F[.abi0", "main.F[" },
	{ "main.F[x]].abi0", "main.F[...]" },
	{ "[]", "[...]" },
	{ "runtime.goexit.abi0", "runtime.goexit" },
	{ ".abi0", ".abi0" },
	{ "x_cgo_init<1>", "x_cgo_init" },
	{ "runtime.f<1>.abi0", "runtime.f<1>" },
	{ "runtime.f.abi0<1>", "runtime.f" },
	{ "<1>", "<1>" },
	{ "main.a>", "main.a>" },
	{ "vendor/golang.org/x/net/http2/hpack.NewDecoder",
	  "golang.org/x/net/http2/hpack.NewDecoder" },
	{ "example.com/a/vendor/example.com/b.F", "example.com/b.F" },
	{ "example.com/a/vendor/b.com/c/vendor/d.com/e.F", "d.com/e.F" },
	{ "example.com/myvendor/b.F", "example.com/myvendor/b.F" },
	{ "vendor/", "vendor/" },
	{ "example.com/vendor.F", "example.com/vendor.F" },
	{ "main.(*T).M-fm", "main.(*T).M-fm" },
	{ "main.each-range1", "main.each-range1" },
	{ "main.f.deferwrap1", "main.f.deferwrap1" },
	{ "main.glob..func1.2.gowrap3", "main.glob..func1.2.gowrap3" },
};

static void prints(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		char buf[128], again[128];

		assert_int_equal(goname_print(buf, sizeof(buf), names[i].raw),
				 strlen(names[i].want));
		assert_string_equal(buf, names[i].want);
		/* What is printed has no length of its own: a second time changes nothing but a
		 * '%' that was one. */
		if (!strchr(buf, '%') && !strstr(buf, "<1>")) {
			(void)goname_print(again, sizeof(again), buf);
			assert_string_equal(again, buf);
		}
	}
}

static void cuts(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		for (size_t size = 0; size < 40; size++) {
			char buf[64];
			size_t n;

			memset(buf, 'x', sizeof(buf));
			n = goname_print(buf, size, names[i].raw);
			for (size_t k = size; k < sizeof(buf); k++)
				assert_int_equal(buf[k], 'x');
			if (!size)
				continue;
			assert_true(n < size);
			assert_int_equal(strlen(buf), n);
			assert_memory_equal(buf, names[i].want, n);
			for (size_t at = 0, len; at < n; at += len) {
				len = utf8_char_len(buf + at, n - at);
				assert_true(len > 0);
			}
		}
}

/* All bytes, in exact copies: nothing is read behind the end. */
static void any_bytes(void **state)
{
	static const char letters[] = "%2ef[]<>/.vendor/vendor/.abi0\xc3\xa9\xff";
	unsigned x = 1;

	for (unsigned round = 0; round < 100000; round++) {
		size_t len = round % 40;
		_cleanup_free_ char *raw = malloc(len + 1);
		char buf[24];

		for (size_t i = 0; i < len; i++) {
			x = x * 1103515245 + 12345;
			raw[i] = letters[(x >> 16) % (sizeof(letters) - 1)];
		}
		raw[len] = 0;
		assert_true(goname_print(buf, sizeof(buf), raw) < sizeof(buf));
	}
}

static void real_names(void **state)
{
	static const struct {
		const char *name;
		unsigned oldest;
	} want[] = {
		{ "main.main", 19 },
		{ "main.(*server).loop", 19 },
		{ "main.(*server).loop.func1", 19 },
		{ "main.(*box[...]).set", 19 },
		{ "main.(*caller).call-fm", 19 },
		{ "example.com/dotted.v1.Closure.func1", 19 },
		{ "example.com/dotted.v1.Each[...]", 19 },
		{ "example.com/dotted.v1.(*Runner[...]).Run", 19 },
		{ "main.(*server).loop.deferwrap1", 22 },
		{ "main.each-range1", 23 },
	};
	static struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos);

	if (!n) {
		print_message("# no Go at hand: real programs are not looked at\n");
		skip();
	}
	for (unsigned i = 0; i < n; i++) {
		bool seen[ARRAY_SIZE(want)] = { false };
		char path[PATH_MAX], buf[256];
		struct gofile file;
		struct elfimg img;
		struct gobin g;
		struct go_func f;

		assert_true(gofixture_build(&gos[i], "exe", "", path));
		assert_true(gofile_open(path, &file));
		assert_int_equal(elfimg_init(&img, file.p, file.len, NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		for (uint32_t k = 0; k < g.tab.nfunc; k++) {
			assert_int_equal(pclntab_func(&g.tab, k, &f), 0);
			(void)goname_print(buf, sizeof(buf), f.name);
			assert_null(strstr(buf, "go.shape"));
			assert_null(strstr(buf, "%2e"));
			for (unsigned w = 0; w < ARRAY_SIZE(want); w++)
				seen[w] |= !strcmp(buf, want[w].name);
		}
		for (unsigned w = 0; w < ARRAY_SIZE(want); w++)
			if (!seen[w] && gos[i].minor >= want[w].oldest)
				fail_msg("%s has no %s", gos[i].version, want[w].name);
		gofile_close(&file);
	}
}

static void standard_library(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} cases[] = {
		{ "sync/atomic.(*Int64).Add", true },
		{ "net.Dial", true },
		{ "net.(*T[...]).F", true },
		{ "net/http.(*conn).serve.func1", true },
		{ "internal/poll.(*FD).Write", true },
		{ "weak.runtime_makeStrongFromWeak", true },
		{ "archive/zip.f", true },
		{ "main.main", false },
		{ "myservice/net.F", false },
		{ "myservice.F", false },
		{ "net.example/x.F", false },
		{ "example.com/sync.F", false },
		{ "gopkg.in/yaml.v3.(*decoder).unmarshal", false },
		{ "nets.F", false },
		{ "?", false },
		{ "", false },
		{ "/", false },
		{ "averyveryverylongelement/x.F", false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(goname_is_standard(cases[i].name), cases[i].is);
}

static void of_the_runtime(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} cases[] = {
		{ "runtime.bgsweep", true },
		{ "runtime.gcBgMarkWorker", true },
		{ "runtime.main", false },
		{ "runtime.corostart", false },
		{ "runtime.handleAsyncEvent", false },
		{ "runtime/trace.Start.func1", false },
		{ "main.main.func1", false },
		{ "runtimes.f", false },
		{ "", false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(goname_is_system(cases[i].name), cases[i].is);
}

static void signals(void **state)
{
	assert_true(goname_is_signals("os/signal.loop"));
	assert_false(goname_is_signals("os/signal.loops"));
	assert_false(goname_is_signals("main.loop"));
}

static void pools(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} cases[] = {
		{ "database/sql.(*DB).conn", true },
		{ "net/http.(*Transport).getConn", true },
		{ "github.com/jackc/puddle/v2.(*Pool[...]).Acquire", true },
		{ "github.com/redis/go-redis/v9/internal/pool.(*ConnPool).waitTurn", true },
		{ "github.com/gomodule/redigo/redis.(*Pool).waitVacantConn", true },
		{ "go.mongodb.org/mongo-driver/x/mongo/driver/topology.(*pool).checkOut", true },
		{ "main.(*pool).get", true },
		{ "main.fromPool", true },
		{ "database/sql.(*DB).connectionOpener", false },
		{ "net/http.(*persistConn).roundTrip", false },
		{ "example.com/pool.Run", false }, /* the package only */
		{ "example.com/pool/v2.(*T).get", false },
		{ "sync.(*Pool).Get", false },
		{ "sync.(*poolChain).popTail", false },
		{ "runtime.(*gcBgMarkWorkerPool).f", false },
		{ "main.(*WorkerPool).run", false },
		{ "main.taskPool.f", false },
		{ "main.(*bufferPool).get", false },
		{ "main.poll", false },
		{ "main", false },
		{ "", false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(goname_is_pool(cases[i].name), cases[i].is);
}

/* Who uses what a pool gives out. */
static void pool_users(void **state)
{
	static const struct {
		const char *name, *users;
	} cases[] = {
		{ "database/sql.(*DB).conn", "database/sql." },
		{ "net/http.(*Transport).getConn", "net/http.(*persistConn)." },
		{ "github.com/jackc/puddle/v2.(*Pool[...]).Acquire", "github.com/jackc/puddle" },
		{ "github.com/redis/go-redis/v9/internal/pool.(*ConnPool).waitTurn",
		  "github.com/redis/go-redis" },
		{ "gopkg.in/redis.v5.(*Pool).get", "gopkg.in/redis.v5" },
		{ "go.mongodb.org/mongo-driver/x/mongo/driver/topology.(*pool).checkOut",
		  "go.mongodb.org/mongo-driver/x" },
		{ "main.(*pool).get", "" },
		{ "shop/internal/db.(*Pool).get", "" },
		{ "", "" },
	};
	char users[96];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		users[0] = 0;
		assert_int_equal(goname_pool_users(cases[i].name, users, sizeof(users)),
				 strlen(cases[i].users));
		assert_string_equal(users, cases[i].users);
	}
	assert_int_equal(goname_pool_users(cases[0].name, users, strlen(cases[0].users)), 0);
}

static void packages(void **state)
{
	static const struct {
		const char *name, *package;
	} cases[] = {
		{ "main.main", "main" },
		{ "net/http.(*conn).serve", "net/http" },
		{ "gopkg.in/yaml.v3.(*parser).fail", "gopkg.in/yaml.v3" },
		{ "gopkg.in/yaml.v3.fail", "gopkg.in/yaml.v3" },
		{ "main.v2.func1", "main.v2" }, /* nothing tells it from the one before */
		{ "main.v2", "main" },
		{ "main.v1Loader.func1", "main" },
		{ "example.com/a.b/c.F[...]", "example.com/a.b/c" },
		{ "nothing", "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(goname_package_len(cases[i].name), strlen(cases[i].package));
		assert_memory_equal(cases[i].name, cases[i].package, strlen(cases[i].package));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_users),
		cmocka_unit_test(packages),
		cmocka_unit_test(of_the_runtime),
		cmocka_unit_test(signals),
		cmocka_unit_test(pools),
		cmocka_unit_test(prints),
		cmocka_unit_test(cuts),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(standard_library),
		cmocka_unit_test(real_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
