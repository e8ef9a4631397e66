/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Go runtimes that are not in the file of the program, but in a shared library of it. Their goroutines are not read, so a
 * process that has one is reported with the library's name. One comes any time after the program's start, and no event
 * announces it; but a Go runtime reserves more memory at once than most programs ever have, and has a heap of 64 MB
 * arenas, of which 4 MB at a time are used (runtime/malloc.go, heapArenaBytes). A process that has that is searched for
 * what every Go linker leaves in the data: the magic of its build information, at a multiple of 16 bytes.
 */
#ifndef DEFERD_ENGINE_GOLIBS_H
#define DEFERD_ENGINE_GOLIBS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc/procfs.h"

#define GOLIBS_VM_BYTES (256ull << 20) /* a process with one has more */

/* Whether it has one, now; takes 50 us, and milliseconds when it has. The name is that of the library. */
bool golibs_find(int procfd, pid_t pid, char ret_name[static PROC_NAME_MAX]);

#endif
