// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/stats.h"

const char *const attach_failure_names[ATTACH_FAILURE_MAX] = {
	[ATTACH_EXITED] = "process_exited",  [ATTACH_IMAGE] = "image_unreadable",
	[ATTACH_VERSION] = "go_version_old", [ATTACH_LAYOUT] = "layout_unknown",
	[ATTACH_DENIED] = "memory_denied",   [ATTACH_BYTES] = "bytes_differ",
	[ATTACH_KERNEL] = "kernel_refused",  [ATTACH_SLOTS] = "target_limit",
	[ATTACH_WORKER] = "image_worker",    [ATTACH_LIBRARY] = "shared_library",
};
