// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A recording, played through model and rules: whatever its lines say, each is refused or believed, and the engine ends. */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "event/recording.h"

static const char *const fuzz_tokens[] = {
	"\n",
	"{\"ev\":\"target\",\"ns\":1,\"target\":65537,\"pid\":7,\"service\":\"a\",\"image\":\"a\","
	"\"runtime\":1,\"image_id\":1,\"probes\":\"lean\"}\n",
	"{\"ev\":\"scan_begin\",\"ns\":2}\n",
	"{\"ev\":\"scan_end\",\"ns\":2}\n",
	"{\"ev\":\"goroutine\",\"ns\":2,\"target\":65537,\"g\":1,\"goid\":1,\"depth\":50,\"window_"
	"peak\":99}\n",
	"{\"ev\":\"depth\",\"ns\":2,\"target\":65537,\"depth\":99,\"nstack\":2,\"stack\":[1,2]}\n",
	"{\"ev\":\"panic\",\"ns\":2,\"target\":65537,\"id\":1,\"goid\":1,\"g\":1,\"type\":5}\n",
	"{\"ev\":\"panic\",\"ns\":3,\"target\":65537,\"step\":1,\"g\":1,\"nclosed\":1,\"closed\":["
	"1],"
	"\"outcomes\":[1]}\n",
	"{\"ev\":\"group\",\"ns\":2,\"target\":65537,\"serial\":1,\"count\":9,\"state\":3}\n",
	"{\"ev\":\"census\",\"ns\":2,\"target\":65537,\"begin_ns\":1,\"states\":[1,2,3]}\n",
	"{\"ev\":\"fds\",\"ns\":2,\"target\":65537,\"open\":9,\"limit\":1}\n",
	"{\"ev\":\"fd_census\",\"ns\":2,\"target\":65537,\"interval_ns\":1}\n",
	"{\"ev\":\"target_gone\",\"ns\":9,\"target\":65537}\n",
	"{\"mark\":\"tick\",\"ns\":1000000000}\n",
	"{\"mark\":\"judge\",\"ns\":9000000000}\n",
	"{\"mark\":\"aftermath_went_on\",\"ns\":9}\n",
	"{\"name\":5,\"image_id\":1,\"kind\":2,\"places\":[[\"main.f\",\"f.go\",1]],\"type\":["
	"\"E\",24,1,1,22]}\n",
	"18446744073709551615",
	"-1",
	"99999",
	"null",
	"[]",
};
#define FUZZ_TOKENS 1
#define FUZZ_COST   4
#include "driver.h"

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	size_t n = 0;

	if (i)
		return 0;
	n = (size_t)snprintf((char *)buf, size, "{\"recording\":1}\n");
	for (unsigned k = 1; k < 17; k++)
		n += (size_t)snprintf((char *)buf + n, size - n, "%s", fuzz_tokens[k]);
	return n;
}

static void play(struct recording *r)
{
	static struct config *config;
	static struct buf errors;
	struct engine_source source = { .procfd = -1, .recording = r };
	struct engine_opts opts = {};
	struct reason reason;
	struct engine *e;

	if (!config && config_load(NULL, &config, &errors))
		abort();
	if (engine_new(NULL, &source, config, &opts, &e, &reason))
		abort();
	while (engine_play(e, &reason) > 0)
		;
	engine_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording *r = NULL;
	struct reason reason;
	char path[32];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!recording_open(path, &r, &reason))
		play(r);
	recording_close(r);
	close(fd);
	return 0;
}
