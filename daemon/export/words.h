/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The words for enumerations, the same in metrics, JSON and the log. */
#ifndef DEFERD_EXPORT_WORDS_H
#define DEFERD_EXPORT_WORDS_H

#include "model/targets.h"

extern const char *const view_runtime_names[RUNTIME_MAX];
extern const char *const view_state_names[TARGET_STATE_MAX];
extern const char *const view_goroutine_names[GOROUTINE_STATE_MAX];
extern const char *const view_lowering_names[LOWERING_MAX];
extern const char *const view_call_names[CALL_MAX];
extern const char *const view_step_names[PANIC_STEP_MAX];
extern const char *const view_outcome_names[OUTCOME_MAX];
extern const char *const view_leak_verdict_names[LEAK_VERDICT_MAX];
extern const char *const view_ledger_kind_names[LEDGER_KIND_MAX];
extern const char *const show_fd_hooks_names[]; /* by enum fd_hooks */

#endif
