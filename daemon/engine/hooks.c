// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/hooks.h"

#include "base/log.h"

#define HOOKS_LINGER_NS 60000000000ull

static bool anything_grows(const struct model *m)
{
	for (const struct target *t = model_targets(m); t; t = t->hh.next) {
		if (target_fds_grow(t))
			return true;
	}
	return false;
}

/* A kind that was asked for by name is not replaced by another. */
static enum fd_hooks hooks_if(struct hooks *h, const struct turn *turn, enum kernel_feature what,
			      enum fd_hooks kind)
{
	if (turn->features->have[what])
		return kind;
	log_warn("descriptors.hooks: this kernel has no %s (%s); descriptors are counted, but "
		 "opens and closes are not seen; remedy: %s",
		 kernel_feature_docs[what].name, turn->features->why[what].text,
		 kernel_feature_docs[what].remedy);
	h->failed = true;
	return FD_HOOKS_OFF;
}

static enum fd_hooks cheapest(struct hooks *h, const struct turn *turn)
{
	const bool *have = turn->features->have;

	if (have[KERNEL_FENTRY])
		return FD_HOOKS_FENTRY;
	if (have[KERNEL_KPROBE])
		return FD_HOOKS_KPROBE;
	if (anything_grows(turn->model))
		h->until_ns = turn->now_ns + HOOKS_LINGER_NS;
	return have[KERNEL_TRACEPOINT] && (turn->opts->fd_hooks || turn->now_ns < h->until_ns)
		       ? FD_HOOKS_TRACEPOINT
		       : FD_HOOKS_OFF;
}

static enum fd_hooks wanted(struct hooks *h, const struct turn *turn)
{
	switch (turn->config->descriptors.hooks) {
	case CONFIG_FD_HOOKS_FENTRY:
		return hooks_if(h, turn, KERNEL_FENTRY, FD_HOOKS_FENTRY);
	case CONFIG_FD_HOOKS_KPROBE:
		return hooks_if(h, turn, KERNEL_KPROBE, FD_HOOKS_KPROBE);
	case CONFIG_FD_HOOKS_TRACEPOINT:
		return hooks_if(h, turn, KERNEL_TRACEPOINT, FD_HOOKS_TRACEPOINT);
	case CONFIG_FD_HOOKS_OFF:
		return FD_HOOKS_OFF;
	default:
		return cheapest(h, turn);
	}
}

void hooks_tick(struct hooks *h, struct turn *turn)
{
	if (!h->failed)
		turn->wish.fd_hooks = wanted(h, turn);
}

void hooks_refused(struct hooks *h)
{
	h->failed = true;
}

void hooks_reload(struct hooks *h)
{
	h->failed = false;
}
