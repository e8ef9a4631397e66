/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What every command that observes needs before it can: the configuration, what the kernel allows,
 * an engine on a loop. Reports by itself, on stderr, what is wrong and what to do, and gives the
 * exit code for it.
 */
#ifndef DEFERD_CMD_SESSION_H
#define DEFERD_CMD_SESSION_H

#include "base/loop.h"
#include "config/config.h"
#include "engine/engine.h"
#include "export/show.h"
#include "probe/kernel.h"

struct session {
	struct loop *loop;
	int procfd;
	struct config *config;
	struct kernel_features features;
	struct engine *engine;
	struct show_self self;
};

/* Read a file, telling every fault on stderr; NULL path: defaults. EXIT_GOOD or EXIT_USAGE. */
int session_load_config(const char *path, struct config **ret_c);

/*
 * `config` is taken, on failure too. EXIT_GOOD, or the exit code after a message: EXIT_KERNEL,
 * EXIT_PRIVILEGE, EXIT_FAILED. session_close() is due in any case.
 */
int session_open(struct session *s, struct config *config, const struct engine_opts *opts);
void session_close(struct session *s);

/* What there is to show as of the newest second, with our own CPU, memory and descriptors, and the clock. */
void session_show(struct session *s, struct show *ret_show);
/* The same, once the kernel's counts have been read: see engine_refresh(). */
void session_show_fresh(struct session *s, struct show *ret_show);
int64_t session_unix_ms(void);

#endif
