/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which service a process belongs to, from the text of its /proc/PID/cgroup. Pure: both cgroup
 * versions are strings.
 */
#ifndef DEFERD_PROC_CGROUP_H
#define DEFERD_PROC_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_SERVICE_MAX 128

enum cgroup_owner { CGROUP_NONE, CGROUP_UNIT, CGROUP_CONTAINER };

/*
 * The systemd unit ("nginx" for nginx.service) or the container (first 12 digits of its id) that
 * the innermost matching path component names; a container inside a unit wins, since it is the
 * smaller thing. NONE for sessions, slices, scopes of users and the root: ret_name is then "".
 * Longer names are cut.
 */
enum cgroup_owner cgroup_service(const char *text, char *ret_name, size_t size);

#endif
