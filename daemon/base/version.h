/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What was built; from git at build time. */
#ifndef DEFERD_BASE_VERSION_H
#define DEFERD_BASE_VERSION_H

extern const char deferd_version[], deferd_revision[];

#endif
