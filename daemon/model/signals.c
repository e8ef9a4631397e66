// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/signals.h"

#include <signal.h>
#include <stddef.h>

#include "base/cleanup.h"

static const char *const faults[] = {
	[SIGQUIT] = "SIGQUIT: quit",
	[SIGILL] = "SIGILL: illegal instruction",
	[SIGTRAP] = "SIGTRAP: trace trap",
	[SIGABRT] = "SIGABRT: abort",
	[SIGBUS] = "SIGBUS: bus error",
	[SIGFPE] = "SIGFPE: floating-point exception",
	[SIGSEGV] = "SIGSEGV: segmentation violation",
	[SIGSTKFLT] = "SIGSTKFLT: stack fault",
	[SIGXCPU] = "SIGXCPU: cpu limit exceeded",
	[SIGXFSZ] = "SIGXFSZ: file size limit exceeded",
	[SIGSYS] = "SIGSYS: bad system call",
};

const char *signals_fault(unsigned signo)
{
	return signo < ARRAY_SIZE(faults) ? faults[signo] : NULL;
}
