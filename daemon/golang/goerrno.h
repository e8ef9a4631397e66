/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a syscall.Errno prints, which is not what C's strerror() says. Pure. */
#ifndef DEFERD_GOLANG_GOERRNO_H
#define DEFERD_GOLANG_GOERRNO_H

#include <stdint.h>

/* "no such file or directory"; NULL: Go has no text for it; "": which one depends on the release. */
const char *goerrno_text(uint64_t code);

#endif
