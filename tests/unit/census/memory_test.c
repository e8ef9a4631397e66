// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The memory of a real program, recorded for each release of Go (tests/golden/memory.sh): a census of it
 * finds what the program's own runtime said of its goroutines then.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/locks.h"
#include "memimage.h"

#define LINE_BYTES 8192
#define NAMES_MAX  1024
#define TOLD_MAX   64
#define FACTS_MAX  32
#define SHOWN_MAX  44 /* functions of a stack that are compared; see tests/lib/stacks.awk */

/* What the program said. */
struct account {
	struct {
		uint64_t pc;
		char *functions;
	} names[NAMES_MAX];
	struct {
		uint64_t goid;
		char *rest; /* REASON|CREATOR|PARENT|FUNCTION;... */
		unsigned seen;
	} told[TOLD_MAX];
	struct {
		char what[16]; /* pending, panics, object */
		char function[64];
		uint64_t value;
		unsigned seen;
	} facts[FACTS_MAX];
	unsigned n_names, n_told, n_facts;
	const struct census_summary *summary;
};

static void read_line(struct account *a, char *line)
{
	char what[16], name[64];
	int at = 0;

	line[strcspn(line, "\n")] = 0;
	assert_int_equal(sscanf(line, "%15s %n", what, &at), 1);
	line += at;
	if (!strcmp(what, "name")) {
		assert_true(a->n_names < NAMES_MAX);
		a->names[a->n_names].pc = strtoull(line, &line, 16);
		a->names[a->n_names++].functions = strdup(line + 1);
	} else if (!strcmp(what, "told")) {
		assert_true(a->n_told < TOLD_MAX);
		a->told[a->n_told].goid = strtoull(line, &line, 10);
		a->told[a->n_told++].rest = strdup(line + 1);
	} else {
		assert_true(a->n_facts < FACTS_MAX);
		assert_int_equal(sscanf(line, "%63s %" SCNu64, name, &a->facts[a->n_facts].value),
				 2);
		snprintf(a->facts[a->n_facts].function, sizeof(name), "%s", name);
		snprintf(a->facts[a->n_facts++].what, sizeof(what), "%s", what);
	}
}

static struct account *read_account(const char *path)
{
	struct account *a = calloc(1, sizeof(*a));
	FILE *f = fopen(path, "r");
	char line[LINE_BYTES];

	assert_non_null(a);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		read_line(a, line);
	fclose(f);
	return a;
}

static void free_account(struct account *a)
{
	for (unsigned i = 0; i < a->n_names; i++)
		free(a->names[i].functions);
	for (unsigned i = 0; i < a->n_told; i++)
		free(a->told[i].rest);
	free(a);
}

/* "": none. */
static const char *functions_at(const struct account *a, uint64_t pc)
{
	for (unsigned i = 0; i < a->n_names; i++) {
		if (a->names[i].pc == pc)
			return a->names[i].functions;
	}
	return "";
}

/* Adds those that are not the runtime's own. */
static void put_functions(const char *functions, char *buf, size_t size, unsigned *n)
{
	while (*functions) {
		size_t len = strcspn(functions, ";"), used = strlen(buf);

		if (strncmp(functions, "runtime.", 8) && *n < SHOWN_MAX)
			snprintf(buf + used, size - used, "%s%.*s", (*n)++ ? ";" : "", (int)len,
				 functions);
		functions += len + (functions[len] != 0);
	}
}

static void check_told(struct account *a, const struct census_goroutine *g)
{
	const char *creator = functions_at(a, g->created_at);
	char line[LINE_BYTES] = "", stack[LINE_BYTES] = "";
	unsigned n = 0, i = 0;

	while (i < a->n_told && a->told[i].goid != g->goid)
		i++;
	if (i == a->n_told)
		return; /* of the runtime, or one that the account is not about */
	for (unsigned k = 0; k < g->nstack; k++)
		put_functions(functions_at(a, g->stack[k]), stack, sizeof(stack), &n);
	snprintf(line, sizeof(line), "%s|%.*s|%" PRIu64 "|%s",
		 census_waits(g->state) ? a->summary->reasons[g->reason] : "syscall",
		 (int)strcspn(creator, ";"), creator, g->parent, stack);
	assert_string_equal(line, a->told[i].rest);
	a->told[i].seen++;
}

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct account *a = arg;
	const char *start = functions_at(a, g->start + 1);

	check_told(a, g);
	for (unsigned i = 0; i < a->n_facts; i++) {
		if (strcmp(start, a->facts[i].function))
			continue;
		assert_true(g->depth_exact && g->panics_known);
		if (!strcmp(a->facts[i].what, "object"))
			assert_int_equal(g->object, a->facts[i].value);
		else
			assert_int_equal(!strcmp(a->facts[i].what, "panics") ? g->panics : g->depth,
					 a->facts[i].value);
		a->facts[i].seen++;
	}
}

static void take(struct census *c, uint64_t now_ns)
{
	struct reason reason = {};
	int more = census_begin(c, now_ns, &reason) ?: 1;

	while (more > 0)
		more = census_step(c, now_ns, &reason);
	assert_string_equal(reason.text, "");
	assert_int_equal(more, 0);
}

/* The account as names; `unnamed`: its functions have no name yet. */
struct namer {
	const struct account *a;
	bool unnamed;
	char function[512];
};

static const char *at_site(void *arg, uint64_t pc, unsigned k, bool *ret_known)
{
	struct namer *n = arg;
	const char *functions = functions_at(n->a, pc);

	*ret_known = !n->unnamed;
	for (; k && *functions; k--) {
		functions += strcspn(functions, ";");
		functions += *functions != 0;
	}
	if (!*functions || n->unnamed)
		return NULL;
	snprintf(n->function, sizeof(n->function), "%.*s", (int)strcspn(functions, ";"), functions);
	return n->function;
}

static const char *at_entry(void *arg, uint64_t entry, bool *ret_known)
{
	return at_site(arg, entry + 1, 0, ret_known);
}

static const struct lock_wait *wait_at(const struct lock_survey *s, const char *function,
				       const struct account *a)
{
	for (unsigned i = 0; i < s->n_locks; i++) {
		const struct group *g = s->locks[i].sites[0].group;

		if (!strcmp(functions_at(a, g->key.start + 1), function))
			return &s->locks[i];
	}
	return NULL;
}

/* Each goroutine that waits for a lock is in the survey, by the kind of the lock. */
static void survey(struct census *c, const struct account *a)
{
	static const struct {
		const char *function;
		enum synclock_kind kind;
	} cases[] = {
		{ "main.locks", SYNCLOCK_MUTEX },
		{ "main.locksShared", SYNCLOCK_RWMUTEX },
		{ "main.readsHeld", SYNCLOCK_RWMUTEX },
		{ "main.waitsForGroup", SYNCLOCK_WAITGROUP },
		{ "main.waitsForCond", SYNCLOCK_COND },
	};
	struct namer namer = { .a = a };
	const struct lock_names names = { at_site, at_entry, &namer };
	_cleanup_free_ struct lock_survey *s = locks_survey(c, &names), *blind = NULL;

	assert_non_null(s);
	assert_true(s->named);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lock_wait *w = wait_at(s, cases[i].function, a);

		if (!w) /* it waits for the same RWMutex as another one, and is a site of that */
			continue;
		assert_int_equal(w->kind, cases[i].kind);
		assert_true(w->waiting >= 1 && w->n_sites >= 1);
		assert_int_equal(w->searched,
				 w->kind == SYNCLOCK_MUTEX || w->kind == SYNCLOCK_RWMUTEX);
		for (unsigned k = 0; k < a->n_facts; k++) {
			if (!strcmp(a->facts[k].function, cases[i].function) &&
			    !strcmp(a->facts[k].what, "object"))
				assert_in_range(a->facts[k].value - w->address, 0, SYNCLOCK_BYTES);
		}
	}
	assert_non_null(wait_at(s, "main.locks", a));
	assert_non_null(wait_at(s, "main.waitsForGroup", a));
	for (unsigned i = 1; i < s->n_locks; i++)
		assert_true(s->locks[i - 1].waiting >= s->locks[i].waiting);
	namer.unnamed = true;
	blind = locks_survey(c, &names);
	assert_non_null(blind);
	assert_false(blind->named);
	for (unsigned i = 0; i < blind->n_locks; i++)
		assert_int_equal(blind->locks[i].kind, SYNCLOCK_SEMAPHORE);
}

static void compare(const char *image_path)
{
	char path[512];
	size_t len;
	_cleanup_free_ uint8_t *bytes = memimage_load(image_path, &len);
	struct account *a;
	struct census_opts opts;
	struct memimage image;
	struct census *c;

	snprintf(path, sizeof(path), "%.*s.txt", (int)strlen(image_path) - 4, image_path);
	assert_non_null(bytes);
	assert_true(memimage_parse(bytes, len, &image));
	a = read_account(path);
	opts = memimage_opts(&image);
	c = census_new(&opts);
	for (unsigned i = 1; i <= 2; i++) { /* the second time of what is remembered */
		take(c, i);
		a->summary = census_summary(c);
		assert_int_equal(a->summary->bad + a->summary->inexact, 0);
		census_each(c, on_goroutine, a);
	}
	assert_in_range(a->summary->reused, a->n_told - 2, a->summary->told);
	assert_in_range(a->n_told, 25, TOLD_MAX);
	assert_in_range(a->n_facts, 15, FACTS_MAX);
	for (unsigned i = 0; i < a->n_told; i++)
		assert_int_equal(a->told[i].seen, 2);
	for (unsigned i = 0; i < a->n_facts; i++)
		assert_int_equal(a->facts[i].seen, 2);
	survey(c, a);
	census_free(c);
	free_account(a);
}

static void each_release(void **state)
{
	glob_t found;

	assert_int_equal(glob("tests/golden/memory/go1.*.img", 0, NULL, &found), 0);
	assert_in_range(found.gl_pathc, 8, 100);
	for (size_t i = 0; i < found.gl_pathc; i++)
		compare(found.gl_pathv[i]);
	globfree(&found);
}

/* What is no image is none; one that lacks memory is read as far as there is some. */
static void damaged(void **state)
{
	size_t len;
	_cleanup_free_ uint8_t *bytes = memimage_load("tests/golden/memory/go1.26.img", &len);
	struct memimage image;

	assert_non_null(bytes);
	for (size_t n = 0; n < len; n += n < 4096 ? 1 : 4097) {
		struct reason reason = {};
		struct census_opts opts;
		struct census *c;
		int more;

		if (!memimage_parse(bytes, n, &image))
			continue;
		opts = memimage_opts(&image);
		c = census_new(&opts);
		more = census_begin(c, 1, &reason) ?: 1;
		while (more > 0)
			more = census_step(c, 1, &reason);
		assert_int_equal(more < 0, reason.text[0] != 0);
		census_free(c);
	}
	bytes[0]++;
	assert_false(memimage_parse(bytes, len, &image));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_release),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("census/memory", tests, NULL, NULL);
}
