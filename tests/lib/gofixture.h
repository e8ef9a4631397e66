/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Real Go programs for tests, built on the spot by each Go that is at hand: the one on PATH, Debian's
 * versioned ones under /usr/lib, and those that $DEFERD_GO lists. Kept in $BUILD (default: build) and
 * reused. No network: nothing but the standard library and a package made here is used.
 */
#ifndef DEFERD_TESTS_GOFIXTURE_H
#define DEFERD_TESTS_GOFIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOFIXTURE_GOS_MAX  16
#define GOFIXTURE_REVISION 6 /* raise when a source below changes */

/* A heap defer (in a loop), record defers, a panic recovered, Goexit: all that the runtime links in
 * only when used. */
static const char gofixture_source[] = "package main\n"
				       "\n"
				       "import (\n"
				       "\t\"fmt\"\n"
				       "\t\"os\"\n"
				       "\t\"runtime\"\n"
				       "\t\"strings\"\n"
				       "\t\"sync\"\n"
				       ")\n"
				       "\n"
				       "type box[T any] struct{ v T }\n"
				       "\n"
				       "//go:noinline\n"
				       "func (b *box[T]) set(v T) { b.v = v }\n"
				       "\n"
				       "type server struct{ mu sync.Mutex }\n"
				       "\n"
				       "//go:noinline\n"
				       "func (s *server) loop(n int) {\n"
				       "\tfor i := 0; i < n; i++ {\n"
				       "\t\tdefer s.mu.TryLock()\n"
				       "\t}\n"
				       "\tdefer func() { recover() }()\n"
				       "\tpanic(\"loop\")\n"
				       "}\n"
				       "\n"
				       "func main() {\n"
				       "\tif len(os.Args) > 1 {\n"
				       "\t\ttell(os.Args[1])\n"
				       "\t\treturn\n"
				       "\t}\n"
				       "\ts := &server{}\n"
				       "\ts.loop(len(os.Args))\n"
				       "\tvar b box[string]\n"
				       "\tb.set(strings.ToUpper(\"done\"))\n"
				       "\tdone := make(chan bool)\n"
				       "\tgo func() { defer close(done); runtime.Goexit() }()\n"
				       "\t<-done\n"
				       "\teach()\n"
				       "\tfmt.Println(b.v)\n"
				       "}\n";

static const char gofixture_range[] =
	"//go:build go1.23\n"
	"\n"
	"package main\n"
	"\n"
	"func seq(yield func(int) bool) { _ = yield(1) && yield(2) }\n"
	"\n"
	"func each() {\n"
	"\tfor x := range seq {\n"
	"\t\tdefer func() { _ = x }()\n"
	"\t}\n"
	"}\n";

static const char gofixture_norange[] = "//go:build !go1.23\n\npackage main\n\nfunc each() {}\n";

/*
 * "frames": the call stack of a few places as the runtime expands it, innermost first: pc, whether the
 * frame is a function of the table (else it was inlined into what follows), function, file:line.
 */
static const char gofixture_tell[] =
	"package main\n"
	"\n"
	"import (\n"
	"\t\"fmt\"\n"
	"\t\"runtime\"\n"
	"\t\"strings\"\n"
	"\t\"sync\"\n"
	"\n"
	"\t\"example.com/dotted.v1\"\n"
	")\n"
	"\n"
	"//go:noinline\n"
	"func leaf() {\n"
	"\tpcs := make([]uintptr, 64)\n"
	"\tfs := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])\n"
	"\tfor {\n"
	"\t\tf, more := fs.Next()\n"
	"\t\tfmt.Printf(\"%x %v %s %s:%d\\n\", f.PC, f.Func != nil, f.Function, f.File, f.Line)\n"
	"\t\tif !more {\n"
	"\t\t\treturn\n"
	"\t\t}\n"
	"\t}\n"
	"}\n"
	"\n"
	"func inner(n int) int  { leaf(); return n + 1 }\n"
	"func middle(n int) int { return inner(n) }\n"
	"func outer(n int) int  { return middle(n) }\n"
	"\n"
	"type caller struct{ n int }\n"
	"\n"
	"func (c *caller) call() { c.n = inner(c.n) }\n"
	"\n"
	"//go:noinline\n"
	"func (b *box[T]) call(v T) { b.v = v; leaf() }\n"
	"\n"
	"func tell(what string) {\n"
	"\tswitch what {\n"
	"\tcase \"frames\":\n"
	"\t\touter(1)\n"
	"\t\tmiddle(inner(1))\n"
	"\t\t(&caller{}).call()\n"
	"\t\t(&box[map[string][]int]{}).call(nil)\n"
	"\t\tfunc() { defer func() { outer(2) }() }()\n"
	"\t\tstrings.Map(func(r rune) rune { leaf(); return r }, \"x\")\n"
	"\t\tnew(sync.Once).Do(func() { outer(3) })\n"
	"\t\tdotted.Each([]string{\"x\"}, func(string) { outer(4) })\n"
	"\t\tdotted.Closure()(leaf)\n"
	"\t\tdotted.New(leaf).Run()\n"
	"\tcase \"method value\":\n"
	"\t\tdotted.New((&caller{}).call).Run()\n"
	"\tcase \"types\":\n"
	"\t\ttypes()\n"
	"\t}\n"
	"}\n";

/*
 * "types": values as panic() would get them, on standard error, two lines each: type, data word, the
 * first five words of the value, its text with an x before (all hex), and the type's name; then what
 * the runtime prints for it, nothing where only the program's own code knows.
 */
static const char gofixture_types[] =
	"package main\n"
	"\n"
	"import (\n"
	"\t\"errors\"\n"
	"\t\"fmt\"\n"
	"\t\"io\"\n"
	"\t\"io/fs\"\n"
	"\t\"math\"\n"
	"\t\"os\"\n"
	"\t\"reflect\"\n"
	"\t\"strings\"\n"
	"\t\"unsafe\"\n"
	")\n"
	"\n"
	"type stockError struct {\n"
	"\titem string\n"
	"\tleft int\n"
	"}\n"
	"\n"
	"func (e stockError) Error() string { return e.item }\n"
	"\n"
	"type deepError struct{ stockError }\n"
	"\n"
	"type numbered struct {\n"
	"\tn    int\n"
	"\ttext string\n"
	"}\n"
	"\n"
	"type status int\n"
	"type name string\n"
	"\n"
	"func (s status) Error() string { return \"out of stock\" }\n"
	"func (n name) Error() string   { return \"no such name\" }\n"
	"\n"
	"type code int32\n"
	"type word string\n"
	"type stack[T any] struct{ v []T }\n"
	"\n"
	"func textOf(v reflect.Value) string {\n"
	"\tswitch {\n"
	"\tcase v.Type().String() == \"*runtime.TypeAssertionError\":\n"
	"\t\treturn v.Elem().Field(3).String()\n"
	"\tcase v.Kind() == reflect.Ptr:\n"
	"\t\treturn textOf(v.Elem())\n"
	"\tcase v.Kind() == reflect.Struct && v.NumField() > 0:\n"
	"\t\treturn textOf(v.Field(0))\n"
	"\tcase v.Kind() == reflect.String:\n"
	"\t\treturn v.String()\n"
	"\t}\n"
	"\treturn \"\"\n"
	"}\n"
	"\n"
	"func show(v any, want string) {\n"
	"\tif v == nil { // panic(nil) up to Go 1.20\n"
	"\t\treturn\n"
	"\t}\n"
	"\tvar value [5]uint64\n"
	"\twords := (*[2]uintptr)(unsafe.Pointer(&v))\n"
	"\tbytes := (*[40]byte)(unsafe.Pointer(&value))\n"
	"\tt := reflect.TypeOf(v)\n"
	"\tsize := t.Size()\n"
	"\tif t.Kind() == reflect.Ptr {\n"
	"\t\tsize = t.Elem().Size()\n"
	"\t}\n"
	"\tfor i := uintptr(0); i < size && i < 40; i++ {\n"
	"\t\tbytes[i] = *(*byte)(unsafe.Pointer(words[1] + i))\n"
	"\t}\n"
	"\tfmt.Fprintf(os.Stderr, \"%x %x \", words[0], words[1])\n"
	"\tfor _, w := range value {\n"
	"\t\tfmt.Fprintf(os.Stderr, \"%x \", w)\n"
	"\t}\n"
	"\tfmt.Fprintf(os.Stderr, \"x%x %T\\n\", textOf(reflect.ValueOf(v)), v)\n"
	"\tswitch v := v.(type) {\n"
	"\tcase bool:\n"
	"\t\tprint(v)\n"
	"\tcase int:\n"
	"\t\tprint(v)\n"
	"\tcase int8:\n"
	"\t\tprint(v)\n"
	"\tcase int16:\n"
	"\t\tprint(v)\n"
	"\tcase int64:\n"
	"\t\tprint(v)\n"
	"\tcase uint:\n"
	"\t\tprint(v)\n"
	"\tcase uint8:\n"
	"\t\tprint(v)\n"
	"\tcase uint16:\n"
	"\t\tprint(v)\n"
	"\tcase uint32:\n"
	"\t\tprint(v)\n"
	"\tcase uint64:\n"
	"\t\tprint(v)\n"
	"\tcase uintptr:\n"
	"\t\tprint(v)\n"
	"\tcase float32:\n"
	"\t\tprint(v)\n"
	"\tcase float64:\n"
	"\t\tprint(v)\n"
	"\tcase complex64:\n"
	"\t\tprint(v)\n"
	"\tcase complex128:\n"
	"\t\tprint(v)\n"
	"\tcase string:\n"
	"\t\twant = v\n"
	"\tcase error:\n"
	"\t\tif want == \"\" {\n"
	"\t\t\twant = v.Error()\n"
	"\t\t}\n"
	"\t\twant = strings.TrimPrefix(want, \"?\")\n"
	"\t}\n"
	"\tprint(want, \"\\n\")\n"
	"}\n"
	"\n"
	"func caught(f func()) {\n"
	"\tdefer func() { show(recover(), \"\") }()\n"
	"\tf()\n"
	"}\n"
	"\n"
	"func types() {\n"
	"\ts, i, j, zero := make([]byte, 3, 4), 5, -1, 0\n"
	"\tvar m map[string]int\n"
	"\tvar p *numbered\n"
	"\tvar e any\n"
	"\tvar r io.Reader\n"
	"\tshow(\"some text\", \"some text\")\n"
	"\tshow(word(\"own text\"), \"own text\")\n"
	"\tshow(errors.New(\"an error\"), \"\")\n"
	"\tshow(fmt.Errorf(\"wrapped: %w\", io.EOF), \"\")\n"
	"\tshow(io.EOF, \"\")\n"
	"\tshow(stockError{\"no bolts\", 3}, \"?\")\n"
	"\tshow(&stockError{\"no pins\", 3}, \"?\")\n"
	"\tshow(&deepError{stockError{\"no nuts\", 3}}, \"?\")\n"
	"\tshow(&fs.PathError{Op: \"open\", Path: \"x\", Err: io.EOF}, \"?\")\n"
	"\tshow(status(7), \"?\")\n"
	"\tshow(name(\"x\"), \"?\")\n"
	"\tshow(code(-7), \"-7\")\n"
	"\tshow(&numbered{1, \"x\"}, \"\")\n"
	"\tshow(numbered{1, \"x\"}, \"\")\n"
	"\tshow(&stack[map[string]int]{}, \"\")\n"
	"\tshow(&i, \"\")\n"
	"\tfor _, v := range []any{true, false, -1, int8(-8), int16(-16), int64(math.MinInt64), "
	"uint(1), uint8(255),\n"
	"\t\tuint16(65535), uint32(32), uint64(math.MaxUint64), uintptr(4096)} {\n"
	"\t\tshow(v, \"\")\n"
	"\t}\n"
	"\tfor _, f := range []float64{0, math.Copysign(0, -1), 1, 1.5, -2.25, 0.1, 1e6, 999999, "
	"123456.789, 1234567, 1e21,\n"
	"\t\t1e-4, 1e-5, 1.0 / 3, math.Pi * 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, "
	"math.Inf(1),\n"
	"\t\tmath.Inf(-1), math.NaN(), 9.9999999} {\n"
	"\t\tshow(f, \"\")\n"
	"\t\tshow(float32(f), \"\")\n"
	"\t\tshow(complex(f, -f), \"\")\n"
	"\t\tshow(complex64(complex(-f, f)), \"\")\n"
	"\t}\n"
	"\tcaught(func() { _ = s[i] })\n"
	"\tcaught(func() { _ = s[j] })\n"
	"\tcaught(func() { _ = s[uint64(i)+math.MaxInt64] })\n"
	"\tcaught(func() { _ = s[:i] })\n"
	"\tcaught(func() { _ = s[:j] })\n"
	"\tcaught(func() { _ = string(s)[:i] })\n"
	"\tcaught(func() { _ = s[i-2 : 2] })\n"
	"\tcaught(func() { _ = s[j:] })\n"
	"\tcaught(func() { _ = s[0:1:i] })\n"
	"\tcaught(func() { _ = s[0:i:4] })\n"
	"\tcaught(func() { _ = s[i:2:4] })\n"
	"\tcaught(func() { _ = s[0:1:j] })\n"
	"\tcaught(func() { _ = s[0:j:4] })\n"
	"\tcaught(func() { _ = s[j:2:4] })\n"
	"\tcaught(func() { _ = (*[8]byte)(s) })\n"
	"\tcaught(func() { m[\"x\"] = 1 })\n"
	"\tcaught(func() { _ = i / zero })\n"
	"\tcaught(func() { p.n = 1 })\n"
	"\tcaught(func() { close((chan int)(nil)) })\n"
	"\tcaught(func() { _ = strings.Repeat(\"x\", j) })\n"
	"\tcaught(func() { _ = e.(int) })\n"
	"\tcaught(func() { _ = r.(fmt.Stringer) })\n"
	"\te, r = \"text\", os.Stdin\n"
	"\tcaught(func() { _ = e.(int) })\n"
	"\tcaught(func() { _ = e.(error) })\n"
	"\tcaught(func() { _ = r.(*strings.Reader) })\n"
	"\tcaught(func() { _ = r.(fmt.Stringer) })\n"
	"\tcaught(func() { panic(nil) })\n"
	"}\n";

/* A path whose last element the linker must escape. */
static const char gofixture_dotted[] =
	"package dotted\n"
	"\n"
	"type Runner[T any] struct{ f func(); v T }\n"
	"\n"
	"func New(f func()) *Runner[[]int] { return &Runner[[]int]{f: f} }\n"
	"\n"
	"//go:noinline\n"
	"func (r *Runner[T]) Run() { r.f() }\n"
	"\n"
	"//go:noinline\n"
	"func Each[T any](s []T, f func(T)) {\n"
	"\tfor _, v := range s {\n"
	"\t\tf(v)\n"
	"\t}\n"
	"}\n"
	"\n"
	"//go:noinline\n"
	"func Closure() func(func()) { return func(f func()) { f() } }\n";

struct gofixture {
	char go[512];
	char version[64]; /* "go1.26.8" */
	unsigned minor;
};

static inline const char *gofixture_build_dir(void)
{
	const char *dir = getenv("BUILD");

	return dir && *dir ? dir : "build";
}

static inline bool gofixture_version(struct gofixture *g)
{
	char cmd[PATH_MAX + 64];
	bool ok = false;
	FILE *p;

	snprintf(cmd, sizeof(cmd), "GOTOOLCHAIN=local %s env GOVERSION 2>/dev/null", g->go);
	p = popen(cmd, "r");
	if (p && fgets(g->version, sizeof(g->version), p)) {
		g->version[strcspn(g->version, "\n")] = 0;
		ok = sscanf(g->version, "go1.%u", &g->minor) == 1;
	}
	if (p)
		pclose(p);
	return ok;
}

/* Add what `pattern`, a word of the shell, names, unless its release is known already. */
static inline void gofixture_add(const char *pattern, struct gofixture ret[GOFIXTURE_GOS_MAX],
				 unsigned *n)
{
	char cmd[PATH_MAX + 64];
	bool known = false;
	FILE *p;

	if (*n == GOFIXTURE_GOS_MAX)
		return;
	snprintf(cmd, sizeof(cmd), "command -v %s 2>/dev/null | head -1", pattern);
	p = popen(cmd, "r");
	if (!p)
		return;
	ret[*n].go[0] = 0;
	if (fgets(ret[*n].go, sizeof(ret[*n].go), p))
		ret[*n].go[strcspn(ret[*n].go, "\n")] = 0;
	pclose(p);
	if (!ret[*n].go[0] || !gofixture_version(&ret[*n]))
		return;
	for (unsigned k = 0; k < *n; k++)
		known |= ret[k].minor == ret[*n].minor;
	*n += !known;
}

/* The Gos at hand, one per release. Returns how many. */
static inline unsigned gofixture_find(struct gofixture ret[GOFIXTURE_GOS_MAX])
{
	static const char *const places[] = { "go", "/usr/lib/go-1.19/bin/go",
					      "/usr/lib/go-1.2*/bin/go", "/usr/local/go/bin/go" };
	const char *more = getenv("DEFERD_GO");
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		gofixture_add(places[i], ret, &n);
	while (more && *more) {
		char word[PATH_MAX];
		size_t len = strcspn(more, " \n");

		snprintf(word, sizeof(word), "%.*s", (int)len, more);
		if (len)
			gofixture_add(word, ret, &n);
		more += len + (more[len] != 0);
	}
	return n;
}

static inline bool gofixture_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		return false;
	ok = fputs(text, f) >= 0;
	return fclose(f) == 0 && ok;
}

/*
 * Whether Go `i` of `gos` is to be tried with this way of building. Those that compile a standard library of
 * their own (not "exe" and "stripped") are tried with the oldest and the newest, or, with DEFERD_MATRIX=all,
 * with each.
 */
static inline bool gofixture_wanted(const struct gofixture *gos, unsigned n, unsigned i,
				    const char *variant)
{
	const char *matrix = getenv("DEFERD_MATRIX");
	bool older = false, newer = false;

	for (unsigned k = 0; k < n; k++) {
		older |= gos[k].minor < gos[i].minor;
		newer |= gos[k].minor > gos[i].minor;
	}
	return !older || !newer || strcmp(variant, "exe") == 0 ||
	       strcmp(variant, "stripped") == 0 || (matrix && strcmp(matrix, "all") == 0);
}

static inline bool gofixture_make(const struct gofixture *g, const char *dir, const char *flags,
				  const char *path)
{
	char cmd[8 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "mkdir -p %s/gopath/src/example.com/dotted.v1", dir);
	if (system(cmd) != 0 || !gofixture_write(dir, "main.go", gofixture_source) ||
	    !gofixture_write(dir, "range.go", gofixture_range) ||
	    !gofixture_write(dir, "norange.go", gofixture_norange) ||
	    !gofixture_write(dir, "tell.go", gofixture_tell) ||
	    !gofixture_write(dir, "types.go", gofixture_types) ||
	    !gofixture_write(dir, "gopath/src/example.com/dotted.v1/dotted.go", gofixture_dotted))
		return false;
	/* As tests/fixtures/build.sh builds, so that both share what is compiled. */
	snprintf(cmd, sizeof(cmd),
		 "b=$(cd %s && pwd) && cd %s && GOTOOLCHAIN=local GOFLAGS=-mod=mod GO111MODULE=off "
		 "CGO_ENABLED=0 GOPATH=$PWD/gopath GOCACHE=$b/gocache "
		 "%s build -trimpath %s -o prog . >&2 && cd - >/dev/null && mv %s/prog %s && rm "
		 "-rf %s",
		 gofixture_build_dir(), dir, g->go, flags, dir, path, dir);
	return system(cmd) == 0;
}

/*
 * Build with `flags` ("" for none) and write the path of the program to ret_path. Tests that want the same
 * one at the same time wait for the first.
 */
static inline bool gofixture_build(const struct gofixture *g, const char *variant,
				   const char *flags, char ret_path[PATH_MAX])
{
	char dir[PATH_MAX / 2], lock[PATH_MAX];
	bool ok;
	int fd;

	if (snprintf(dir, sizeof(dir), "%s/gofixture-%d-%s.%s", gofixture_build_dir(),
		     GOFIXTURE_REVISION, g->version, variant) >= (int)sizeof(dir))
		return false;
	snprintf(ret_path, PATH_MAX, "%s.exe", dir);
	snprintf(lock, sizeof(lock), "%s/gofixture-%s.lock", gofixture_build_dir(), g->version);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		return false;
	ok = access(ret_path, R_OK) == 0 || gofixture_make(g, dir, flags, ret_path);
	close(fd);
	return ok;
}

struct gofile {
	void *p;
	size_t len;
};

static inline bool gofile_open(const char *path, struct gofile *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	*ret = (struct gofile){ 0 };
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || st.st_size == 0) {
		close(fd);
		return false;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	*ret = (struct gofile){ p, (size_t)st.st_size };
	return p != MAP_FAILED;
}

static inline void gofile_close(struct gofile *f)
{
	munmap(f->p, f->len);
}

#endif
