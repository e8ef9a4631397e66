// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/cgroup.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static const struct {
	const char *what, *text;
	enum cgroup_owner owner;
	const char *name;
} cases[] = {
	{ "nothing", "", CGROUP_NONE, "" },
	{ "root, v2", "0::/\n", CGROUP_NONE, "" },
	{ "no newline", "0::/system.slice/nginx.service", CGROUP_UNIT, "nginx" },
	{ "unit, v2", "0::/system.slice/nginx.service\n", CGROUP_UNIT, "nginx" },
	{ "template unit", "0::/system.slice/system-getty.slice/getty@tty1.service\n", CGROUP_UNIT,
	  "getty@tty1" },
	{ "sub-cgroup of a unit", "0::/system.slice/nginx.service/worker\n", CGROUP_UNIT, "nginx" },
	{ "session", "0::/user.slice/user-1000.slice/session-3.scope\n", CGROUP_NONE, "" },
	{ "the user manager itself",
	  "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", CGROUP_NONE, "" },
	{ "unit of a user",
	  "0::/user.slice/user-1000.slice/user@1000.service/app.slice/sync.service\n", CGROUP_UNIT,
	  "sync" },
	{ "init", "0::/init.scope\n", CGROUP_NONE, "" },
	{ "only a suffix", "0::/.service\n", CGROUP_NONE, "" },
	{ "unit, v1", "12:cpu,cpuacct:/\n1:name=systemd:/system.slice/etcd.service\n", CGROUP_UNIT,
	  "etcd" },
	{ "docker, v1", "5:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n",
	  CGROUP_CONTAINER, "0123456789ab" },
	{ "docker, v2", "0::/system.slice/docker-" ID ".scope\n", CGROUP_CONTAINER,
	  "0123456789ab" },
	{ "podman", "0::/machine.slice/libpod-" ID ".scope/container\n", CGROUP_CONTAINER,
	  "0123456789ab" },
	{ "kubernetes, systemd driver",
	  "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/"
	  "cri-containerd-" ID ".scope\n",
	  CGROUP_CONTAINER, "0123456789ab" },
	{ "kubernetes, cgroupfs driver", "0::/kubepods/burstable/pod8c1b/" ID "\n",
	  CGROUP_CONTAINER, "0123456789ab" },
	{ "cri-o", "0::/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope\n", CGROUP_CONTAINER,
	  "0123456789ab" },
	{ "a container in a unit is the smaller thing",
	  "0::/system.slice/containerd.service/" ID "\n", CGROUP_CONTAINER, "0123456789ab" },
	{ "a unit in a container is inside it", "0::/docker/" ID "/system.slice/nginx.service\n",
	  CGROUP_CONTAINER, "0123456789ab" },
	{ "the innermost container", "0::/docker/" ID "/docker/" ID2 "\n", CGROUP_CONTAINER,
	  "fedcba987654" },
	{ "63 digits are no id",
	  "0::/docker/0"
	  "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
	  CGROUP_NONE, "" },
	{ "65 digits are no id", "0::/docker/" ID "0\n", CGROUP_NONE, "" },
	{ "garbage", "garbage\n\n::\n:::::\n", CGROUP_NONE, "" },
	{ "hostile bytes", "0::/system.slice/a\x1b[31m.service\n", CGROUP_UNIT, "a?[31m" },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[CGROUP_SERVICE_MAX] = "untouched";
		enum cgroup_owner owner = cgroup_service(cases[i].text, name, sizeof(name));

		if (owner != cases[i].owner)
			print_message("# %s\n", cases[i].what);
		assert_int_equal(owner, cases[i].owner);
		assert_string_equal(name, cases[i].name);
	}
}

static void test_long_name_is_cut(void **state)
{
	char name[8];

	assert_int_equal(
		cgroup_service("0::/system.slice/averylongname.service\n", name, sizeof(name)),
		CGROUP_UNIT);
	assert_string_equal(name, "averylo");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
