/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Scope does the freeing. A variable marked _cleanup_(f) is handed to f by address when its scope
 * ends; TAKE_PTR and TAKE_FD move the value out on success. Every _free in the project accepts
 * NULL, so half-built objects need no care.
 */
#ifndef DEFERD_BASE_CLEANUP_H
#define DEFERD_BASE_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/*
 * Define `type##_freep` style helper: DEFINE_CLEANUP(struct model *, model_free) makes
 * model_freep().
 */
#define DEFINE_CLEANUP(type, func)          \
	static inline void func##p(type *p) \
	{                                   \
		if (*p)                     \
			func(*p);           \
	}

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _cleanup_free_  _cleanup_(cleanup_freep)
#define _cleanup_close_ _cleanup_(cleanup_closep)
#define _cleanup_file_  _cleanup_(fclosep)

#define TAKE_PTR(p)                            \
	({                                     \
		__typeof__(p) take_ptr_ = (p); \
		(p) = NULL;                    \
		take_ptr_;                     \
	})
#define TAKE_FD(fd)                  \
	({                           \
		int take_fd_ = (fd); \
		(fd) = -1;           \
		take_fd_;            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
