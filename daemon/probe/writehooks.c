// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/writehooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "deferd.skel.h"
#include "probe/closer.h"

static const char *const events[] = {
	"sys_enter_write",
	"sys_enter_writev",
	"sys_enter_sendto",
	"sys_enter_sendmsg",
};

struct writehooks {
	unsigned n;
	struct bpf_link *links[ARRAY_SIZE(events)];
};

struct writehooks *writehooks_attach(struct deferd_bpf *skel, struct closer *closer,
				     struct reason *reason)
{
	struct writehooks *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	for (; h->n < ARRAY_SIZE(events); h->n++) {
		h->links[h->n] = bpf_program__attach_tracepoint(skel->progs.tp__write_enter,
								"syscalls", events[h->n]);
		if (!h->links[h->n])
			break;
	}
	if (h->n == ARRAY_SIZE(events))
		return h;
	err = errno;
	reason_set(reason, 0, "tracepoint %s: %s", events[h->n], strerror(err));
	writehooks_detach(h, closer);
	errno = err;
	return NULL;
}

void writehooks_detach(struct writehooks *h, struct closer *closer)
{
	if (!h)
		return;
	closer_close_links(closer, h->links, h->n);
	free(h);
}
