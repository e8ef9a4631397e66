// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * record PID FILE IMAGE: take a census of a process that stands still and keep, in IMAGE (memimage.h),
 * all the memory that it read. FILE is the program, built without PIE. Prints what the addresses of it
 * are called, a line each: ADDRESS FUNCTION;FUNCTION..., innermost first.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gofixture.h"
#include "golang/gobin.h"
#include "memimage.h"
#include "probe/inspect.h"

#define READS_MAX  (1u << 20)
#define FRAMES_MAX 4096
#define PLACES_MAX 4096

struct recorder {
	struct memread mem;
	struct gobin go;
	struct memimage_span *reads;
	uint32_t n_reads;
	struct memimage_frame frames[FRAMES_MAX];
	uint32_t n_frames;
	uint64_t places[PLACES_MAX];
	uint32_t n_places;
	bool full;
};

static int on_read(void *arg, uint64_t addr, void *dst, size_t n)
{
	struct recorder *r = arg;
	int err = memread_at(&r->mem, addr, dst, n);

	r->full |= r->n_reads == READS_MAX;
	if (!err && !r->full)
		r->reads[r->n_reads++] = (struct memimage_span){ addr, n };
	return err;
}

static int on_frame(void *arg, uint64_t pc, uint32_t *ret)
{
	struct recorder *r = arg;
	struct gobin_place p;

	if (gobin_place(&r->go, pc - 1, &p) || !p.has_frame)
		return -ENOENT;
	*ret = p.frame;
	for (uint32_t i = 0; i < r->n_frames; i++) {
		if (r->frames[i].pc == pc)
			return 0;
	}
	r->full |= r->n_frames == FRAMES_MAX;
	if (!r->full)
		r->frames[r->n_frames++] = (struct memimage_frame){ pc, p.frame };
	return 0;
}

static void add_place(struct recorder *r, uint64_t pc)
{
	for (uint32_t i = 0; i < r->n_places; i++) {
		if (r->places[i] == pc)
			return;
	}
	r->full |= r->n_places == PLACES_MAX;
	if (pc && !r->full)
		r->places[r->n_places++] = pc;
}

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct recorder *r = arg;

	for (unsigned i = 0; i < g->nstack; i++)
		add_place(r, g->stack[i]);
	add_place(r, g->created_at);
	add_place(r, g->start ? g->start + 1 : 0);
}

static int compare_spans(const void *a, const void *b)
{
	uint64_t x = ((const struct memimage_span *)a)->addr,
		 y = ((const struct memimage_span *)b)->addr;

	return (x > y) - (x < y);
}

/* Those that touch become one. */
static void merge_reads(struct recorder *r)
{
	uint32_t n = 0;

	qsort(r->reads, r->n_reads, sizeof(*r->reads), compare_spans);
	for (uint32_t i = 0; i < r->n_reads; i++) {
		const struct memimage_span *s = &r->reads[i];
		struct memimage_span *last = n ? &r->reads[n - 1] : NULL;

		if (!last || s->addr > last->addr + last->n)
			r->reads[n++] = *s;
		else if (s->addr + s->n > last->addr + last->n)
			last->n = s->addr + s->n - last->addr;
	}
	r->n_reads = n;
}

static bool write_image(struct recorder *r, struct memimage_head *head,
			struct opendefer_list *open_list, const char *path)
{
	gzFile f = gzopen(path, "wb9");
	bool good = f;

	head->magic = MEMIMAGE_MAGIC;
	head->n_frames = r->n_frames;
	head->n_spans = r->n_reads;
	head->n_open = open_list->n;
	good = good && gzwrite(f, head, sizeof(*head)) > 0 &&
	       gzfwrite(open_list->list, sizeof(open_list->list[0]), head->n_open, f) ==
		       head->n_open &&
	       gzfwrite(r->frames, sizeof(r->frames[0]), r->n_frames, f) == r->n_frames &&
	       gzfwrite(r->reads, sizeof(r->reads[0]), r->n_reads, f) == r->n_reads;
	for (uint32_t i = 0; i < r->n_reads && good; i++) {
		_cleanup_free_ uint8_t *bytes = malloc(r->reads[i].n);

		good = bytes && !memread_at(&r->mem, r->reads[i].addr, bytes, r->reads[i].n) &&
		       gzwrite(f, bytes, (unsigned)r->reads[i].n) > 0;
	}
	return f && gzclose(f) == Z_OK && good;
}

static void print_places(const struct recorder *r)
{
	for (uint32_t i = 0; i < r->n_places; i++) {
		struct gobin_place p[GOBIN_INLINE_MAX];
		int n = gobin_frames(&r->go, r->places[i] - 1, p, GOBIN_INLINE_MAX);

		printf("%#" PRIx64 " ", r->places[i]);
		for (int k = 0; k < n; k++) {
			if (!p[k].wrapper)
				printf("%s%s", k ? ";" : "", p[k].function);
		}
		putchar('\n');
	}
}

static int take(struct recorder *r, const struct census_opts *opts)
{
	struct census *c = census_new(opts);
	struct reason reason = {};
	int more = c ? census_begin(c, 1, &reason) ?: 1 : -ENOMEM;

	while (more > 0)
		more = census_step(c, 1, &reason);
	if (more)
		fprintf(stderr, "record: %s\n", reason.text);
	else
		census_each(c, on_goroutine, r);
	census_free(c);
	return more;
}

static int record(struct recorder *r, const struct image_report *report,
		  struct opendefer_list *open_list, const char *path)
{
	struct memimage_head head = {
		.allgs_len = report->allgs_len,
		.allgs_list = report->allgs_list,
		.wait_reasons = report->wait_reasons,
		.semtable = report->semtable,
		.text = report->text,
		.n_wait_reasons = report->n_wait_reasons,
		.minor = report->layout.minor,
	};
	struct census_opts opts = {
		.mem = { .read = on_read, .arg = r },
		.layout = &report->layout,
		.where = { .allgs_len = head.allgs_len,
			   .allgs_list = head.allgs_list,
			   .wait_reasons = head.wait_reasons,
			   .n_wait_reasons = head.n_wait_reasons,
			   .semtable = head.semtable },
		.frames = { .frame = on_frame, .arg = r },
		.injected = report->injected,
		.open = { open_list->list, open_list->n, open_list->complete, head.text },
		.groups_max = GROUPS_MAX,
	};

	for (unsigned i = 0; i < INJECTED_MAX; i++) {
		head.injected[2 * i] = report->injected.functions[i].begin;
		head.injected[2 * i + 1] = report->injected.functions[i].end;
	}
	if (take(r, &opts))
		return 1;
	merge_reads(r);
	if (r->full || !write_image(r, &head, open_list, path)) {
		fprintf(stderr, "record: %s cannot be written, or there is too much\n", path);
		return 1;
	}
	print_places(r);
	return 0;
}

int main(int argc, char **argv)
{
	static struct image_report report;
	static struct image_lists lists;
	static struct recorder r;
	struct memread_process p = { .fd = -1 };
	struct elfimg img;
	struct gofile file;
	char path[64];

	if (argc != 4 || !gofile_open(argv[2], &file) ||
	    elfimg_init(&img, file.p, file.len, NULL) || gobin_init(&r.go, &img, NULL) ||
	    inspect_bytes(file.p, file.len, NULL, 0, &report, &lists) || report.pie) {
		fprintf(stderr, "usage: record PID FILE IMAGE; FILE is a Go program, no PIE\n");
		return 2;
	}
	p.pid = atoi(argv[1]);
	snprintf(path, sizeof(path), "/proc/%d/mem", p.pid);
	p.fd = open(path, O_RDONLY | O_CLOEXEC);
	r.mem = memread_process(&p);
	r.reads = calloc(READS_MAX, sizeof(*r.reads));
	if (p.fd < 0 || !r.reads) {
		perror(path);
		return 1;
	}
	return record(&r, &report, &lists.open, argv[3]);
}
