// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "event/fields.h"

#define SIZE(member) sizeof(((struct event *)0)->member)
#define ROOM(member) (SIZE(member) / SIZE(member[0]))
#define AT(member)   offsetof(struct event, member)

#define NUMBER(key, member)                                            \
	{                                                              \
		key, FIELD_UNSIGNED, AT(member), SIZE(member), 1, 0, 0 \
	}
#define SIGNED(key, member)                                          \
	{                                                            \
		key, FIELD_SIGNED, AT(member), SIZE(member), 1, 0, 0 \
	}
#define REAL(key, member)                                          \
	{                                                          \
		key, FIELD_REAL, AT(member), SIZE(member), 1, 0, 0 \
	}
#define TEXT(key, member)                                          \
	{                                                          \
		key, FIELD_TEXT, AT(member), SIZE(member), 1, 0, 0 \
	}
#define NUMBERS(key, member)                                                                       \
	{                                                                                          \
		key, FIELD_UNSIGNED, AT(member), SIZE(member[0]), ROOM(member), SIZE(member[0]), 0 \
	}
#define LIST(key, member, count)                                                                 \
	{                                                                                        \
		key, FIELD_UNSIGNED, AT(member), SIZE(member[0]), ROOM(member), SIZE(member[0]), \
			AT(count)                                                                \
	}
/* One member of each of an array of structs. */
#define COLUMN(key, array, member, count)                                                     \
	{                                                                                     \
		key, FIELD_UNSIGNED, AT(array[0].member), SIZE(array[0].member), ROOM(array), \
			SIZE(array[0]), AT(count)                                             \
	}
#define SPARSE(key, member, room)                                           \
	{                                                                   \
		key, FIELD_SPARSE, AT(member), sizeof(uint32_t), room, 0, 0 \
	}

const struct field event_head_fields[] = {
	NUMBER("ns", time_ns), NUMBER("target", target), NUMBER("pid", pid), NUMBER("tid", tid), {}
};

static const struct field none[] = { {} };

static const struct field target[] = { TEXT("service", info.service),
				       TEXT("image", info.image),
				       TEXT("version", info.version),
				       TEXT("reason", info.reason),
				       NUMBER("runtime", info.runtime),
				       NUMBER("state", info.state),
				       NUMBER("start_ticks", info.start_ticks),
				       NUMBER("image_id", info.image_id),
				       TEXT("probes", info.probes),
				       NUMBER("chosen", info.chosen),
				       REAL("budget_percent", info.budget_percent),
				       NUMBER("full", info.full),
				       NUMBER("level", info.level),
				       NUMBER("timed_every", info.timed_every),
				       NUMBER("p95_ns", info.p95_ns),
				       {} };

static const struct field call[] = { NUMBER("g", call.g),
				     NUMBER("goid", call.goid),
				     NUMBER("fn", call.fn),
				     NUMBER("ran", call.ran),
				     NUMBER("pile_site", call.pile_site),
				     NUMBER("depth", call.depth),
				     NUMBER("kind", call.kind),
				     NUMBER("lowering", call.lowering),
				     NUMBER("inferred", call.inferred),
				     NUMBER("nstack", call.nstack),
				     LIST("stack", call.stack, call.nstack),
				     {} };

static const struct field panic[] = { NUMBER("step", panic.step),
				      NUMBER("id", panic.id),
				      NUMBER("g", panic.g),
				      NUMBER("goid", panic.goid),
				      NUMBER("c", panic.c),
				      NUMBER("watched", panic.watched),
				      NUMBER("aborts", panic.aborts),
				      NUMBER("type", panic.type),
				      NUMBER("go_minor", panic.go_minor),
				      NUMBER("nil_stays", panic.nil_stays),
				      NUMBER("data", panic.data),
				      NUMBERS("value", panic.value),
				      NUMBER("value_size", panic.value_size),
				      NUMBERS("inner", panic.inner),
				      NUMBER("bias", panic.bias),
				      NUMBER("signo", panic.signo),
				      NUMBER("status", panic.status),
				      NUMBER("oom", panic.oom),
				      NUMBER("from_exit", panic.from_exit),
				      NUMBER("age_ns", panic.age_ns),
				      NUMBER("frame", panic.frame),
				      NUMBER("recover_site", panic.recover_site),
				      NUMBER("nclosed", panic.nclosed),
				      COLUMN("closed", panic.closed, id, panic.nclosed),
				      COLUMN("outcomes", panic.closed, outcome, panic.nclosed),
				      NUMBER("text_len", panic.text_len),
				      { "text", FIELD_BYTES, AT(panic.text), 1, SIZE(panic.text), 1,
					AT(panic.text_len) },
				      NUMBER("said", panic.said),
				      NUMBER("said_len", panic.said_len),
				      { "said_text", FIELD_BYTES, AT(panic.said_text), 1,
					SIZE(panic.said_text), 1, AT(panic.said_len) },
				      NUMBER("nstack", panic.nstack),
				      LIST("stack", panic.stack, panic.nstack),
				      {} };

static const struct field panic_text[] = { NUMBER("panic", panic_text.panic),
					   NUMBER("len", panic_text.len),
					   { "text", FIELD_BYTES, AT(panic_text.text), 1,
					     SIZE(panic_text.text), 1, AT(panic_text.len) },
					   {} };

static const struct field recover[] = { NUMBER("site", recover.site),
					NUMBER("caller", recover.caller),
					NUMBER("count", recover.count),
					{} };

static const struct field write_fields[] = { NUMBER("panic", write.panic),
					     NUMBER("kind", write.kind),
					     {} };

static const struct field lost[] = { NUMBER("lost", lost), {} };

static const struct field counts[] = { NUMBERS("registered", counts.registered),
				       NUMBER("runs", counts.runs),
				       NUMBER("panics", counts.panics),
				       NUMBERS("outcomes", counts.outcomes),
				       NUMBER("goexits", counts.goexits),
				       NUMBER("misfits", counts.misfits),
				       NUMBER("untold", counts.untold),
				       NUMBER("hits", counts.hits),
				       NUMBER("stepped", counts.stepped),
				       NUMBER("unread", counts.unread),
				       NUMBER("timed", counts.timed),
				       NUMBER("crossings", counts.crossings),
				       NUMBER("fd_opened", counts.fd_opened),
				       NUMBER("fd_closed", counts.fd_closed),
				       NUMBER("fd_ebadf", counts.fd_ebadf),
				       NUMBER("fd_refused", counts.fd_refused),
				       NUMBER("fd_unsited", counts.fd_unsited),
				       {} };

static const struct field requests[] = { NUMBER("ended", requests.ended),
					 NUMBER("streams", requests.streams),
					 NUMBER("streams_ended", requests.streams_ended),
					 NUMBER("stream_ns", requests.stream_ns),
					 NUMBER("hijacked", requests.hijacked),
					 NUMBER("panicked", requests.panicked),
					 NUMBER("unfinished", requests.unfinished),
					 NUMBER("unbegun", requests.unbegun),
					 NUMBER("untracked", requests.untracked),
					 NUMBER("ns_sum", requests.ns_sum),
					 NUMBER("defers_sum", requests.defers_sum),
					 NUMBER("own_only", requests.own_only),
					 NUMBER("deep_goid", requests.deep_goid),
					 NUMBER("deep_site", requests.deep_site),
					 NUMBER("deep_peak", requests.deep_peak),
					 SPARSE("durations", requests.ns, EVENT_NS_BUCKETS),
					 SPARSE("deep", requests.deep_ns, EVENT_NS_BUCKETS),
					 SPARSE("defers", requests.defers, EVENT_DEFERS_BUCKETS),
					 {} };

static const struct field goroutine[] = { NUMBER("g", goroutine.g),
					  NUMBER("goid", goroutine.goid),
					  NUMBER("registered", goroutine.registered),
					  NUMBER("last_ns", goroutine.last_ns),
					  NUMBER("site", goroutine.site),
					  NUMBER("peak_site", goroutine.peak_site),
					  NUMBER("window_site", goroutine.window_site),
					  NUMBER("depth", goroutine.depth),
					  NUMBER("window_peak", goroutine.window_peak),
					  NUMBER("peak", goroutine.peak),
					  NUMBER("inferred", goroutine.inferred),
					  {} };

static const struct field site[] = { NUMBER("pc", site.pc),
				     NUMBER("registered", site.registered),
				     NUMBER("lowering", site.lowering),
				     {} };

static const struct field fds[] = {
	NUMBER("open", fds.open), NUMBER("limit", fds.limit), NUMBER("hard", fds.hard), {}
};

static const struct field group[] = { NUMBER("serial", group.serial),
				      NUMBER("scope", group.scope),
				      NUMBER("place", group.place),
				      NUMBER("created_at", group.created_at),
				      NUMBER("start", group.start),
				      NUMBER("state", group.state),
				      TEXT("reason", group.reason),
				      NUMBER("count", group.count),
				      NUMBER("quiet", group.quiet),
				      NUMBER("woken", group.woken),
				      NUMBER("oldest_ns", group.oldest_ns),
				      NUMBER("nstack", group.nstack),
				      LIST("stack", group.stack, group.nstack),
				      {} };

static const struct field pile[] = { NUMBER("object", pile.object),
				     NUMBER("count", pile.count),
				     NUMBER("woken", pile.woken),
				     NUMBER("moving", pile.moving),
				     NUMBER("gone", pile.gone),
				     NUMBER("oldest_ns", pile.oldest_ns),
				     TEXT("reason", pile.reason),
				     NUMBER("created_at", pile.created_at),
				     NUMBER("nstack", pile.nstack),
				     LIST("stack", pile.stack, pile.nstack),
				     {} };

static const struct field edge[] = { NUMBER("goid", edge.goid),
				     NUMBER("holder", edge.holder),
				     NUMBER("lock", edge.lock),
				     NUMBER("rw", edge.rw),
				     NUMBER("reads", edge.reads),
				     NUMBER("goroutines", edge.goroutines),
				     NUMBER("length", edge.length),
				     NUMBER("nstack", edge.nstack),
				     LIST("stack", edge.stack, edge.nstack),
				     {} };

static const struct field pending[] = { NUMBER("g", pending.g),
					NUMBER("goid", pending.goid),
					NUMBER("site", pending.site),
					NUMBER("depth", pending.depth),
					NUMBER("inferred", pending.inferred),
					{} };

static const struct field census[] = { NUMBER("begin_ns", census.begin_ns),
				       NUMBER("took_ns", census.took_ns),
				       NUMBERS("states", census.states),
				       NUMBER("bad", census.bad),
				       NUMBER("inexact", census.inexact),
				       NUMBER("lock_waiters", census.lock_waiters),
				       NUMBER("readers", census.readers),
				       NUMBER("interval_ns", census.interval_ns),
				       NUMBER("n_queues", census.n_queues),
				       COLUMN("locks", census.queues, lock, census.n_queues),
				       COLUMN("waiting", census.queues, waiting, census.n_queues),
				       {} };

static const struct field fd_group[] = { NUMBER("kind", fd_group.key.kind),
					 NUMBER("incoming", fd_group.key.incoming),
					 NUMBER("port", fd_group.key.port),
					 NUMBER("open", fd_group.open),
					 NUMBERS("kept", fd_group.kept),
					 NUMBERS("closed", fd_group.closed),
					 NUMBER("oldest_ns", fd_group.oldest_ns),
					 NUMBER("carried", fd_group.carried),
					 NUMBER("moved_ns", fd_group.moved_ns),
					 NUMBERS("states", fd_group.states),
					 {} };

static const struct field fd_opened[] = { SIGNED("fd", fd_opened.fd),
					  NUMBER("opened_ns", fd_opened.opened_ns),
					  NUMBER("syscall", fd_opened.syscall),
					  NUMBER("error", fd_opened.error),
					  NUMBER("nstack", fd_opened.nstack),
					  LIST("stack", fd_opened.stack, fd_opened.nstack),
					  {} };

static const struct field fd_site[] = { NUMBER("kind", fd_site.key.kind),
					NUMBER("incoming", fd_site.key.incoming),
					NUMBER("port", fd_site.key.port),
					NUMBER("open", fd_site.open),
					NUMBER("kept", fd_site.kept),
					NUMBER("oldest_ns", fd_site.oldest_ns),
					NUMBER("median_ns", fd_site.median_ns),
					NUMBER("nstack", fd_site.nstack),
					LIST("stack", fd_site.stack, fd_site.nstack),
					{} };

static const struct field fd_census[] = { NUMBER("interval_ns", fd_census.interval_ns),
					  NUMBERS("followed", fd_census.followed),
					  NUMBERS("used", fd_census.used),
					  NUMBERS("max", fd_census.max),
					  {} };

const struct event_fields event_fields[EVENT_TYPE_MAX] = {
	[EVENT_TARGET] = { "target", target },
	[EVENT_TARGET_GONE] = { "target_gone", none },
	[EVENT_DEPTH] = { "depth", call },
	[EVENT_ENDED] = { "ended", call },
	[EVENT_PANIC] = { "panic", panic },
	[EVENT_PANIC_TEXT] = { "panic_text", panic_text },
	[EVENT_WRITE] = { "write", write_fields },
	[EVENT_LOST] = { "lost", lost },
	[EVENT_SCAN_BEGIN] = { "scan_begin", none },
	[EVENT_SCAN_END] = { "scan_end", none },
	[EVENT_COUNTS] = { "counts", counts },
	[EVENT_REQUESTS] = { "requests", requests },
	[EVENT_GOROUTINE] = { "goroutine", goroutine },
	[EVENT_SITE] = { "site", site },
	[EVENT_RECOVER] = { "recover", recover },
	[EVENT_FDS] = { "fds", fds },
	[EVENT_GROUP] = { "group", group },
	[EVENT_PILE] = { "pile", pile },
	[EVENT_EDGE] = { "edge", edge },
	[EVENT_POOL] = { "pool", pile },
	[EVENT_HELD] = { "held", pile },
	[EVENT_PENDING] = { "pending", pending },
	[EVENT_CENSUS] = { "census", census },
	[EVENT_FD_GROUP] = { "fd_group", fd_group },
	[EVENT_FD_BAD_CLOSE] = { "fd_bad_close", fd_opened },
	[EVENT_FD_REFUSED] = { "fd_refused", fd_opened },
	[EVENT_FD_SITE] = { "fd_site", fd_site },
	[EVENT_FD_CENSUS] = { "fd_census", fd_census },
};
