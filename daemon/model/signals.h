/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Signals that processes die of by a fault, theirs or the runtime's. */
#ifndef DEFERD_MODEL_SIGNALS_H
#define DEFERD_MODEL_SIGNALS_H

/*
 * "SIGSEGV: segmentation violation": the name, and what a Go program prints when it dies of it
 * (runtime/sigtab_linux_generic.go). NULL: not one of those; SIGTERM, SIGINT and SIGKILL are how
 * somebody ends a process.
 */
const char *signals_fault(unsigned signo);

#endif
