/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A small file that is read whole, as it was written, or not at all: one line
 *
 *   deferd-state VERSION LENGTH CRC32
 *
 * and then the text. It is written beside the old one, forced to disk and put in its place, so that whoever is ended in
 * between leaves the old one. Any thread; knows nothing of what is in it.
 */
#ifndef DEFERD_BASE_SEALED_H
#define DEFERD_BASE_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

#define SEALED_MAX (8u << 20) /* bytes of the text */

/*
 * Is it whole? 0, and the text, which is borrowed from `data`; with the reason: -EBADMSG: damaged; -EPROTO: of another
 * version; -EFBIG.
 */
int sealed_open(const char *data, size_t len, unsigned version, const char **ret_text,
		size_t *ret_len, struct reason *reason);
/* The same of a file in a folder; the text is the caller's, to be freed. -ENOENT: there is none; else what the system said. */
int sealed_read(int dirfd, const char *name, unsigned version, char **ret_text, size_t *ret_len,
		struct reason *reason);
/* Mode 0600. 0, or negative errno with the reason: then the old file is as it was. */
int sealed_write(int dirfd, const char *name, unsigned version, const char *text, size_t len,
		 struct reason *reason);

#endif
