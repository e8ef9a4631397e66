/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How processes end that nobody has asked to. */
#ifndef DEFERD_MODEL_SIGNALS_H
#define DEFERD_MODEL_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "SIGSEGV: segmentation violation": the name, and what a Go program prints when it dies of it
 * (runtime/sigtab_linux_generic.go). NULL: not one that tells of a fault.
 */
const char *signals_fault(unsigned signo);

/*
 * The end of a process in a line: of a fault, of SIGPIPE, of SIGKILL, or with an exit status. False: it was
 * asked to end (SIGTERM, SIGINT, SIGHUP, or the status that shells make of these), or ended well.
 */
bool signals_end(unsigned signo, unsigned status, bool oom, char *buf, size_t size);

/* Whether such an end is a death that somebody is to be woken for: not SIGKILL by others, nor a status. */
bool signals_is_death(unsigned signo, bool oom);

#endif
