/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Real Go programs for tests, built on the spot by each Go that is at hand: the one on PATH, and
 * Debian's versioned ones under /usr/lib. Kept in $BUILD (default: build) and reused. No network:
 * only the standard library is used.
 */
#ifndef DEFERD_TESTS_GOFIXTURE_H
#define DEFERD_TESTS_GOFIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOFIXTURE_GOS_MAX  4
#define GOFIXTURE_REVISION 2 /* raise when a source below changes */

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

struct gofixture {
	char go[PATH_MAX];
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

/* The Gos at hand, one per release. Returns how many. */
static inline unsigned gofixture_find(struct gofixture ret[GOFIXTURE_GOS_MAX])
{
	static const char *const places[] = { "go", "/usr/lib/go-1.19/bin/go",
					      "/usr/lib/go-1.2*/bin/go", "/usr/local/go/bin/go" };
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]) && n < GOFIXTURE_GOS_MAX; i++) {
		bool known = false;
		char cmd[PATH_MAX];
		FILE *p;

		snprintf(cmd, sizeof(cmd), "command -v %s 2>/dev/null | head -1", places[i]);
		p = popen(cmd, "r");
		if (!p)
			continue;
		ret[n].go[0] = 0;
		if (fgets(ret[n].go, sizeof(ret[n].go), p))
			ret[n].go[strcspn(ret[n].go, "\n")] = 0;
		pclose(p);
		if (!ret[n].go[0] || !gofixture_version(&ret[n]))
			continue;
		for (unsigned k = 0; k < n; k++)
			known |= ret[k].minor == ret[n].minor;
		n += !known;
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
 * Build with `flags` ("" for none) and write the path of the program to ret_path. Programs are
 * built beside their place and renamed into it: two tests may want the same one at the same time.
 */
static inline bool gofixture_build(const struct gofixture *g, const char *variant,
				   const char *flags, char ret_path[PATH_MAX])
{
	char dir[PATH_MAX / 2], cmd[8 * PATH_MAX];
	const char *build = gofixture_build_dir();

	if (snprintf(dir, sizeof(dir), "%s/gofixture-%d-%s.%s", build, GOFIXTURE_REVISION,
		     g->version, variant) >= (int)sizeof(dir))
		return false;
	snprintf(ret_path, PATH_MAX, "%s.exe", dir);
	if (access(ret_path, R_OK) == 0)
		return true;
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), ".%d", getpid());
	snprintf(cmd, sizeof(cmd), "mkdir -p %s", dir);
	if (system(cmd) != 0 || !gofixture_write(dir, "main.go", gofixture_source) ||
	    !gofixture_write(dir, "range.go", gofixture_range) ||
	    !gofixture_write(dir, "norange.go", gofixture_norange))
		return false;
	snprintf(cmd, sizeof(cmd),
		 "b=$(cd %s && pwd) && cd %s && GOTOOLCHAIN=local GOFLAGS=-mod=mod GO111MODULE=off "
		 "CGO_ENABLED=0 "
		 "GOPATH=$b/gopath GOCACHE=$b/gocache %s build %s -o prog . >&2 && cd - >/dev/null "
		 "&& "
		 "mv %s/prog %s && rm -rf %s",
		 build, dir, g->go, flags, dir, ret_path, dir);
	return system(cmd) == 0;
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
