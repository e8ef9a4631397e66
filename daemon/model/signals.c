// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/signals.h"

#include <signal.h>
#include <stdio.h>

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

bool signals_end(unsigned signo, unsigned status, bool oom, char *buf, size_t size)
{
	const char *fault = signals_fault(signo);

	snprintf(buf, size, "%s", "");
	if (signo == SIGKILL)
		snprintf(buf, size, "SIGKILL: %s",
			 oom ? "killed by the kernel: the host or the cgroup was out of memory"
			     : "killed by another process");
	else if (signo == SIGPIPE)
		snprintf(buf, size, "SIGPIPE: write to broken pipe");
	else if (fault)
		snprintf(buf, size, "%s", fault);
	else if (!signo && status && status != 128 + SIGTERM && status != 128 + SIGINT &&
		 status != 128 + SIGHUP)
		snprintf(buf, size, "exit status %u", status);
	return buf[0];
}

bool signals_is_death(unsigned signo, bool oom)
{
	return oom || signo == SIGPIPE || signals_fault(signo);
}

const char *signals_fault(unsigned signo)
{
	return signo < ARRAY_SIZE(faults) ? faults[signo] : NULL;
}
