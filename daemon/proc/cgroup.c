// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "proc/cgroup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define CONTAINER_ID_LEN   64
#define CONTAINER_NAME_LEN 12

/*
 * "docker-<id>.scope", "cri-containerd-<id>.scope", "crio-<id>", "libpod-<id>.scope", or the bare
 * id below /docker or /kubepods: in each of them 64 hex digits stand alone.
 */
static bool container_id(const char *part, size_t n, const char **ret_id)
{
	size_t run = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && isxdigit((unsigned char)part[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID_LEN) {
			*ret_id = part + i - run;
			return true;
		}
		run = 0;
	}
	return false;
}

/* user@1000.service holds a whole user's session, which is no service. */
static bool service_unit(const char *part, size_t n)
{
	static const char suffix[] = ".service";
	size_t len = strlen(suffix);

	return n > len && !memcmp(part + n - len, suffix, len) && strncmp(part, "user@", 5);
}

static enum cgroup_owner owner_of_path(const char *path, size_t n, char *name, size_t size)
{
	enum cgroup_owner owner = CGROUP_NONE;
	size_t i = 0;

	while (i < n) {
		const char *part = path + i, *id;
		const char *slash = memchr(part, '/', n - i);
		size_t len = slash ? (size_t)(slash - part) : n - i;

		if (container_id(part, len, &id)) {
			owner = CGROUP_CONTAINER;
			utf8_sanitize(name, size, id, CONTAINER_NAME_LEN);
		} else if (service_unit(part, len) && owner != CGROUP_CONTAINER) {
			owner = CGROUP_UNIT;
			utf8_sanitize(name, size, part, len - strlen(".service"));
		}
		i += len + 1;
	}
	return owner;
}

enum cgroup_owner cgroup_service(const char *text, char *ret_name, size_t size)
{
	enum cgroup_owner best = CGROUP_NONE;

	ret_name[0] = 0;
	while (*text) {
		const char *end = strchrnul(text, '\n');
		const char *first = memchr(text, ':', end - text);
		const char *second = first ? memchr(first + 1, ':', end - first - 1) : NULL;

		/*
		 * Version 2 is "0::path"; of version 1 any hierarchy may hold the container,
		 * "name=systemd" holds the unit.
		 */
		if (second) {
			char name[CGROUP_SERVICE_MAX] = "";
			enum cgroup_owner owner =
				owner_of_path(second + 1, end - second - 1, name, sizeof(name));

			if (owner > best) {
				best = owner;
				snprintf(ret_name, size, "%s", name);
			}
		}
		text = *end ? end + 1 : end;
	}
	return best;
}
