// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * churn PID FILE N: take censuses of tests/fixtures/crowd -churn until N goroutines were accepted that
 * wait in a function of known depth. Each census is taken twice, so that what is remembered is judged, too.
 * One line of JSON: { accepted, wrong, refused, censuses }; the first wrong ones on stderr.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "census/census.h"
#include "gofixture.h"
#include "golang/gobin.h"
#include "probe/inspect.h"

#define TOLD_MAX 5
#define KINDS    3

static const char *const functions[KINDS] = { "main.churns3", "main.churns5", "main.churns7" };
static const uint32_t depths[KINDS] = { 3, 5, 7 };

struct judge {
	const struct census_summary *summary;
	uint64_t starts[KINDS]; /* entries of the functions below */
	uint64_t accepted, wrong, refused, censuses;
};

/* Before it has pushed them all a goroutine may wait inside the runtime, for the collector. */
static bool waits_itself(const struct judge *j, const struct census_goroutine *g)
{
	return g->state == CENSUS_WAITING && !strcmp(j->summary->reasons[g->reason], "sleep");
}

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct judge *j = arg;

	for (unsigned i = 0; i < KINDS; i++) {
		if (g->start != j->starts[i] || !waits_itself(j, g))
			continue;
		if (!g->exact || !g->depth_exact) {
			j->refused++;
			continue;
		}
		j->accepted++;
		if (g->depth == depths[i])
			continue;
		if (j->wrong++ < TOLD_MAX)
			fprintf(stderr, "goroutine %llu: %u instead of %u\n",
				(unsigned long long)g->goid, g->depth, depths[i]);
	}
}

static int take(struct census *c, struct judge *j, uint64_t now_ns)
{
	struct reason reason = {};
	int more = census_begin(c, now_ns, &reason) ?: 1;

	while (more > 0)
		more = census_step(c, now_ns, &reason);
	if (more) {
		fprintf(stderr, "churn: %s\n", reason.text);
		return more;
	}
	j->censuses++;
	j->summary = census_summary(c);
	census_each(c, on_goroutine, j);
	return 0;
}

static bool find_starts(const struct gofile *file, uint64_t starts[KINDS])
{
	struct elfimg img;
	struct gobin g;

	if (elfimg_init(&img, file->p, file->len, NULL) || gobin_init(&g, &img, NULL))
		return false;
	for (unsigned i = 0; i < KINDS; i++) {
		struct gobin_func f;

		if (gobin_function(&g, functions[i], &f))
			return false;
		starts[i] = f.va;
	}
	return true;
}

static int judge(struct memread_process *p, const struct image_report *r,
		 const struct opendefer_list *open, struct judge *j, uint64_t wanted)
{
	const struct census_opts opts = {
		.mem = memread_process(p),
		.layout = &r->layout,
		.where = { .allgs_len = r->allgs_len,
			   .allgs_list = r->allgs_list,
			   .wait_reasons = r->wait_reasons,
			   .n_wait_reasons = r->n_wait_reasons },
		.open = { open->list, open->n, open->complete, r->text },
		.groups_max = GROUPS_MAX,
	};
	int err = 0;

	while (!err && j->accepted < wanted) {
		struct census *c = census_new(&opts);

		err = take(c, j, 1);
		if (!err)
			err = take(c, j, 2);
		census_free(c);
	}
	return err;
}

int main(int argc, char **argv)
{
	static struct image_report report;
	static struct image_lists lists;
	struct memread_process p = { .fd = -1 };
	struct judge j = {};
	struct gofile file;
	char path[64];

	if (argc != 4 || !gofile_open(argv[2], &file) || !find_starts(&file, j.starts) ||
	    inspect_bytes(file.p, file.len, NULL, 0, &report, &lists) || !report.has_layout) {
		fprintf(stderr, "usage: churn PID FILE N; FILE is tests/fixtures/crowd\n");
		return 2;
	}
	p.pid = atoi(argv[1]);
	snprintf(path, sizeof(path), "/proc/%d/mem", p.pid);
	p.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p.fd < 0) {
		perror(path);
		return 1;
	}
	if (judge(&p, &report, &lists.open, &j, strtoull(argv[3], NULL, 10)))
		return 1;
	printf("{\"accepted\":%llu,\"wrong\":%llu,\"refused\":%llu,\"censuses\":%llu}\n",
	       (unsigned long long)j.accepted, (unsigned long long)j.wrong,
	       (unsigned long long)j.refused, (unsigned long long)j.censuses);
	return 0;
}
