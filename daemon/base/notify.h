/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The service manager's notification protocol, sd_notify(3): one datagram to the socket in
 * $NOTIFY_SOCKET. The protocol is documented as stable, and this much of it needs no library.
 * Without the variable every call is a no-op.
 */
#ifndef DEFERD_BASE_NOTIFY_H
#define DEFERD_BASE_NOTIFY_H

#include <stdint.h>

/*
 * `state` as in sd_notify(3), e.g. "READY=1\nSTATUS=...". 0, or negative errno when a socket is set
 * but fails.
 */
int notify_send(const char *state);
/* RELOADING=1 with the MONOTONIC_USEC that systemd 253+ wants beside it. */
int notify_reloading(uint64_t now_ns);
/*
 * Nanoseconds between keep-alives we should send (half of WATCHDOG_USEC), 0 when nobody watches
 * this process.
 */
uint64_t notify_watchdog_ns(void);

#endif
