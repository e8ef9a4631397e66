// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/version.h"

const char deferd_version[] = DEFERD_VERSION;
const char deferd_revision[] = DEFERD_REVISION;
