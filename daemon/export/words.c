// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/words.h"

const char *const view_runtime_names[RUNTIME_MAX] = { "none", "go", "c" };
const char *const view_state_names[TARGET_STATE_MAX] = { "observed", "limited", "failed" };
const char *const view_goroutine_names[GOROUTINE_STATE_MAX] = { "runnable", "running",   "syscall",
								"waiting",  "preempted", "leaked",
								"system" };
const char *const view_lowering_names[LOWERING_MAX] = { "heap", "stack", "range", "c" };
const char *const view_call_names[CALL_MAX] = { "push", "run" };
const char *const view_step_names[PANIC_STEP_MAX] = { "panic", "recover", "goexit",
						      "fatal", "throw",   "dying" };
const char *const view_outcome_names[OUTCOME_MAX] = { "running",    "recovered", "overridden",
						      "repanicked", "goexit",    "fatal",
						      "unknown" };
const char *const view_leak_verdict_names[LEAK_VERDICT_MAX] = {
	"too_young", "steady", "unsure", "leaking", "load", "exhausted"
};
const char *const view_ledger_kind_names[LEDGER_KIND_MAX] = { "panic", "throw", "signal", "exit" };
const char *const show_fd_hooks_names[] = { "off", "fentry", "kprobe", "tracepoint" };
