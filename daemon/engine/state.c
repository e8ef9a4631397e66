// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sealed.h"
#include "base/thread.h"

#define PATH_BYTES  256
#define STACK_BYTES (256 * 1024)

struct state {
	char dir[PATH_BYTES];
	int dirfd;
	uint64_t written_ns;
	bool soon;
	uint32_t sum; /* of what was kept last */
	bool complained;
	struct state_stats stats;
	/* The write that is under way is its thread's, until it is done. */
	bool busy;
	pthread_t thread;
	struct {
		char *text;
		int err;
		struct reason reason;
		atomic_bool done;
	} job;
};

static int fail(struct reason *reason, const char *what)
{
	int err = -errno;

	return reason_set(reason, err, "%s: %s", what, strerror(-err));
}

static int open_dir(const char *dir, int *ret_fd, struct reason *reason)
{
	_cleanup_close_ int fd = -1;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return fail(reason, "creating it");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(reason, "opening it");
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS))
		return fail(reason, "writing in it");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* False: another daemon has it. */
static bool lock(int dirfd)
{
	return !flock(dirfd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

int state_check(const char *dir, struct reason *reason)
{
	static const char name[] = "state.check";
	_cleanup_close_ int dirfd = -1, fd = -1;
	int err = open_dir(dir, &dirfd, reason);

	if (err)
		return err;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(reason, "writing in it");
	(void)unlinkat(dirfd, name, 0);
	return 0;
}

int state_open(const char *dir, struct state **ret_s, struct reason *reason)
{
	_cleanup_close_ int fd = -1;
	struct state *s;
	int err;

	if (strlen(dir) >= PATH_BYTES)
		return reason_set(reason, -ENAMETOOLONG, "its name is too long");
	err = open_dir(dir, &fd, reason);
	if (err)
		return err;
	if (!lock(fd))
		return reason_set(reason, -EBUSY, "another deferd uses it");
	s = calloc(1, sizeof(*s));
	if (!s)
		return reason_set(reason, -ENOMEM, "out of memory");
	strcpy(s->dir, dir);
	s->dirfd = TAKE_FD(fd);
	*ret_s = s;
	return 0;
}

json_t *state_read(struct state *s)
{
	_cleanup_free_ char *text = NULL;
	struct reason reason = {};
	json_t *doc = NULL;
	size_t len = 0;
	int err = sealed_read(s->dirfd, STATE_FILE, STATE_VERSION, &text, &len, &reason);

	if (err == -ENOENT)
		return NULL;
	if (!err)
		doc = json_loadb(text, len, 0, NULL);
	if (!err && !doc)
		reason_set(&reason, -EBADMSG, "it is damaged: not JSON");
	if (!doc)
		log_warn("%s/" STATE_FILE " is ignored, deferd starts without what it knew: %s",
			 s->dir, reason.text);
	return doc;
}

void state_note(struct state *s)
{
	if (s)
		s->soon = true;
}

static void tell(struct state *s, int err, const struct reason *reason)
{
	s->stats.written += !err;
	s->stats.failed += err != 0;
	if (err)
		s->sum = 0; /* what it was is not there: again */
	if (err && !s->complained)
		log_warn("%s/" STATE_FILE " could not be written, a restart of deferd would "
			 "forget: %s",
			 s->dir, reason->text);
	else if (!err && s->complained)
		log_info("%s/" STATE_FILE " is written again", s->dir);
	s->complained = err;
}

static void end_job(struct state *s)
{
	free(s->job.text);
	s->job.text = NULL;
	tell(s, s->job.err, &s->job.reason);
}

/* What the thread has done, if it has. */
static void collect(struct state *s, bool wait)
{
	if (!s->busy || (!wait && !atomic_load(&s->job.done)))
		return;
	pthread_join(s->thread, NULL);
	s->busy = false;
	end_job(s);
}

bool state_is_due(struct state *s, uint64_t now_ns)
{
	if (!s)
		return false;
	collect(s, false);
	if (s->busy || now_ns - s->written_ns < (s->soon ? STATE_SOON_NS : STATE_EVERY_NS))
		return false;
	s->soon = false;
	return true;
}

static void write_job(struct state *s)
{
	s->job.reason = (struct reason){};
	s->job.err = sealed_write(s->dirfd, STATE_FILE, STATE_VERSION, s->job.text,
				  strlen(s->job.text), &s->job.reason);
	atomic_store(&s->job.done, true);
}

static void *work(void *arg)
{
	write_job(arg);
	return NULL;
}

/* The clock in it, which comes first, always changes; has what is kept? Within a string there would be no such quote. */
static bool has_changed(struct state *s, const char *text)
{
	const char *kept = strstr(text, "\"kept\":") ?: text;
	uint32_t sum = (uint32_t)crc32(1, (const Bytef *)kept, (uInt)strlen(kept));
	bool changed = !sum || sum != s->sum;

	s->sum = sum;
	return changed;
}

void state_write(struct state *s, json_t *doc, uint64_t now_ns)
{
	_cleanup_free_ char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	if (doc)
		s->written_ns = now_ns;
	json_decref(doc);
	if (!text || !has_changed(s, text))
		return;
	s->job.text = TAKE_PTR(text);
	atomic_store(&s->job.done, false);
	s->busy = !thread_start(&s->thread, STACK_BYTES, work, s);
	if (s->busy)
		return;
	write_job(s);
	end_job(s);
}

void state_close(struct state *s, json_t *doc)
{
	if (s) {
		collect(s, true);
		s->job.text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
		if (s->job.text) {
			write_job(s);
			end_job(s);
		}
		close(s->dirfd);
	}
	json_decref(doc);
	free(s);
}

void state_get_stats(const struct state *s, struct state_stats *ret)
{
	*ret = s ? s->stats : (struct state_stats){};
}
