// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Go runtimes that are not in the file of the program, but in a shared library of it. Nothing reads those,
 * so whoever runs one is told so, with the library's name. One comes any time after the program's start, and
 * no event tells of it; but a Go runtime reserves more memory at once than most programs ever have, and has
 * a heap of 64 MB arenas, of which 4 MB at a time are used (runtime/malloc.go, heapArenaBytes). Who has that is
 * searched for what every Go linker leaves in the data: the magic of its build information, at a multiple
 * of 16 bytes.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/engine_priv.h"

#define EVERY_NS   10000000000ull
#define ARENA      (64ull << 20)
#define ARENA_STEP (4ull << 20)
#define FILES_MAX  128
#define FILE_BYTES (32ull << 20) /* of one mapping that are searched */
#define CHUNK      (256u << 10)

/* How large an unobserved process was when its mappings were looked at. */
struct golib_seen {
	UT_hash_handle hh;
	pid_t pid;
	uint64_t bytes;
	uint64_t lap_ns;
};

struct mapped_file {
	uint64_t begin, end;
	unsigned major, minor;
	uint64_t ino;
	char name[PROC_NAME_MAX];
};

struct look {
	uint64_t entry; /* an address of the program's own file */
	uint64_t run_begin, run_end;
	bool run_fits; /* that run of anonymous mappings may be an arena */
	bool run_used;
	bool has_arena;
	unsigned major, minor; /* the program's own file */
	uint64_t ino;
	unsigned n;
	struct mapped_file files[FILES_MAX];
};

static void end_run(struct look *l)
{
	l->has_arena |=
		l->run_fits && l->run_used && l->run_begin % ARENA == 0 && l->run_end % ARENA == 0;
	l->run_begin = l->run_end = 0;
	l->run_fits = l->run_used = false;
}

static void add_to_run(struct look *l, const struct proc_mapping *m)
{
	if (m->ino || m->name[0] || m->shared) {
		end_run(l);
		return;
	}
	if (m->begin != l->run_end || l->run_end % ARENA == 0) {
		end_run(l);
		l->run_begin = m->begin;
		l->run_fits = true;
	}
	l->run_end = m->end;
	l->run_fits &= m->begin % ARENA_STEP == 0 && m->end % ARENA_STEP == 0;
	l->run_used |= m->writable;
}

static int take_mapping(void *arg, const struct proc_mapping *m)
{
	struct look *l = arg;

	add_to_run(l, m);
	if (l->entry >= m->begin && l->entry < m->end) {
		l->major = m->major;
		l->minor = m->minor;
		l->ino = m->ino;
	}
	if (m->ino && m->readable && !m->executable && !m->shared && l->n < FILES_MAX) {
		struct mapped_file *f = &l->files[l->n++];

		*f = (struct mapped_file){ m->begin, m->end, m->major, m->minor, m->ino, "" };
		memcpy(f->name, m->name, sizeof(f->name));
	}
	return 0;
}

static bool has_magic(const struct memread *mem, const struct mapped_file *f, uint8_t *chunk)
{
	uint64_t end = f->end - f->begin > FILE_BYTES ? f->begin + FILE_BYTES : f->end;

	/* Mappings and chunks begin at multiples of 16, and so does the magic: none lies across two. */
	for (uint64_t at = f->begin; at < end; at += CHUNK) {
		size_t n = end - at < CHUNK ? end - at : CHUNK;

		if (memread_at(mem, at, chunk, n))
			return false;
		for (size_t i = 0; i + GO_BUILDINFO_MAGIC_LEN <= n; i += 16) {
			if (!memcmp(chunk + i, GO_BUILDINFO_MAGIC, GO_BUILDINFO_MAGIC_LEN))
				return true;
		}
	}
	return false;
}

static bool search_files(struct engine *e, pid_t pid, const struct look *l, char *ret_name)
{
	_cleanup_close_ int fd = proc_open_mem(e->procfd, pid);
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	struct memread mem = memread_fd(&fd);

	for (unsigned i = 0; fd >= 0 && chunk && i < l->n; i++) {
		const struct mapped_file *f = &l->files[i];

		if (f->ino == l->ino && f->major == l->major && f->minor == l->minor)
			continue;
		if (has_magic(&mem, f, chunk)) {
			memcpy(ret_name, f->name, sizeof(f->name));
			return true;
		}
	}
	return false;
}

bool golibs_find(struct engine *e, pid_t pid, char ret_name[static PROC_NAME_MAX])
{
	_cleanup_free_ struct look *l = calloc(1, sizeof(*l));

	if (!l || proc_auxv(e->procfd, pid, AT_ENTRY, &l->entry) ||
	    proc_for_each_mapping(e->procfd, pid, take_mapping, l))
		return false;
	end_run(l);
	return l->ino && l->has_arena && search_files(e, pid, l, ret_name);
}

/* Whether it has become so much larger that there may be a runtime in it which was not there before. */
static bool has_grown(struct engine *e, pid_t pid)
{
	struct golib_seen *s;
	uint64_t bytes;

	if (proc_vm_bytes(e->procfd, pid, &bytes) || bytes < GOLIBS_VM_BYTES)
		return false;
	HASH_FIND(hh, e->golibs_seen, &pid, sizeof(pid), s);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return false;
		s->pid = pid;
		HASH_ADD(hh, e->golibs_seen, pid, sizeof(s->pid), s);
	}
	s->lap_ns = e->golibs_ns;
	if (bytes < s->bytes + GOLIBS_VM_BYTES && bytes >= s->bytes)
		return false;
	s->bytes = bytes;
	return true;
}

static void tell(const struct engine *e, const struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);
	struct log_line l;

	log_begin(&l, LOG_WARN, "not all of a target is observed");
	log_str(&l, "service", t ? t->service->name : "?");
	log_u64(&l, "pid", w->pid);
	log_str(&l, "reason", t ? t->reason : "");
	log_emit(&l);
}

static int look_at(void *arg, pid_t pid)
{
	struct engine *e = arg;
	struct watch *w = watch_of_pid(e, pid);

	if ((w && w->golib[0]) || !has_grown(e, pid))
		return 0;
	if (!w) {
		discover_pid(e, pid);
		return 0;
	}
	if (!golibs_find(e, pid, w->golib))
		return 0;
	e->stats.failures[ATTACH_LIBRARY]++;
	watch_announce(e, w);
	tell(e, w);
	return 0;
}

static void forget(struct engine *e, uint64_t before_ns)
{
	struct golib_seen *s, *next;

	HASH_ITER (hh, e->golibs_seen, s, next) {
		if (s->lap_ns >= before_ns)
			continue;
		HASH_DEL(e->golibs_seen, s);
		free(s);
	}
}

void golibs_tick(struct engine *e)
{
	if (e->now_ns - e->golibs_ns < EVERY_NS || !engine_settled(e))
		return;
	e->golibs_ns = e->now_ns;
	if (e->opts.only_pid)
		look_at(e, e->opts.only_pid);
	else
		(void)proc_for_each_pid(e->procfd, look_at, e);
	forget(e, e->now_ns);
}

void golibs_done(struct engine *e)
{
	forget(e, UINT64_MAX);
}
