// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/golibs.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memread.h"
#include "golang/buildinfo.h"

#define ARENA      (64ull << 20)
#define ARENA_STEP (4ull << 20)
#define FILES_MAX  128
#define FILE_BYTES (32ull << 20) /* of one mapping that are searched */
#define CHUNK      (256u << 10)

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

static bool search_files(int procfd, pid_t pid, const struct look *l, char *ret_name)
{
	_cleanup_close_ int fd = proc_open_mem(procfd, pid);
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

bool golibs_find(int procfd, pid_t pid, char ret_name[static PROC_NAME_MAX])
{
	_cleanup_free_ struct look *l = calloc(1, sizeof(*l));

	if (!l || proc_auxv(procfd, pid, AT_ENTRY, &l->entry) ||
	    proc_for_each_mapping(procfd, pid, take_mapping, l))
		return false;
	end_run(l);
	return l->ino && l->has_arena && search_files(procfd, pid, l, ret_name);
}
