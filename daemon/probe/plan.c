// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include <deferd/control.h>

#define BOTH (PLAN_SET_LEAN | PLAN_SET_FULL)

/* Code looked at when a symbol has no size. */
#define UNSIZED_CODE_MAX 512

/*
 * Lean: what even busy servers seldom call. deferproc is there for defers in loops only; the two
 * calls of every other defer, deferprocStack and deferreturn, belong to the full set. nargs: what
 * the probes read (deferprocat's list head is its third argument).
 */
static const struct plan_want go_wants[] = {
	{ DFD_ROLE_PUSH_HEAP, BOTH, 1, false, "runtime.deferproc" },
	{ DFD_ROLE_PUSH_RANGE, BOTH, 3, false, "runtime.deferprocat" },
	{ DFD_ROLE_PANIC, BOTH, 2, true, "runtime.gopanic" },
	{ DFD_ROLE_RECOVER, BOTH, 1, true, "runtime.recovery" },
	{ DFD_ROLE_FATAL, BOTH, 1, true, "runtime.fatalpanic" },
	{ DFD_ROLE_GOEXIT, BOTH, 0, false, "runtime.Goexit" },
	{ DFD_ROLE_RECOVER_CALL, BOTH, 0, true, "runtime.gorecover" },
	{ DFD_ROLE_THROW, BOTH, 2, true, "runtime.throw" },
	{ DFD_ROLE_THROW, BOTH, 2, true, "runtime.fatal" },
	{ DFD_ROLE_DYING, BOTH, 0, true, "runtime.startpanic_m" },
	{ DFD_ROLE_PUSH_STACK, PLAN_SET_FULL, 1, false, "runtime.deferprocStack" },
	{ DFD_ROLE_RUN, PLAN_SET_FULL, 0, true, "runtime.deferreturn" },
};

static void add_absent(struct plan *plan, const struct plan_want *w, bool normal, const char *why)
{
	struct plan_absent *a;

	if (plan->nabsent == PLAN_ABSENT_MAX)
		return;
	a = &plan->absent[plan->nabsent++];
	*a = (struct plan_absent){ .role = w->role, .normal = normal };
	snprintf(a->function, sizeof(a->function), "%s", w->function);
	snprintf(a->why, sizeof(a->why), "%s", why);
}

/* 1 when a point was added, 0 when the function went to the absent ones. */
static int add_one(struct plan *plan, const struct plan_want *w, const struct plan_source *source)
{
	struct probe_point *p = &plan->points[plan->n];
	struct arch_point at;
	struct reason why;
	struct bytes code, here;
	uint64_t va, size, off;

	if (source->find(source->ctx, w->function, &va, &size) < 0) {
		add_absent(plan, w, !w->always,
			   w->always ? "not in the image, although every program has it"
				     : "not used by this program");
		return 0;
	}
	if (size == 0)
		size = UNSIZED_CODE_MAX;
	code = elfimg_at(source->img, va);
	if (code.len > size)
		code.len = size;
	if (!code.len) {
		add_absent(plan, w, false, "its address is in no segment of the file");
		return 0;
	}
	if (arch_find_point(code, source->abi, w->nargs, &at, &why) < 0) {
		add_absent(plan, w, false, why.text);
		return 0;
	}
	if (elfimg_va_to_off(source->img, va + at.offset, &off) < 0) {
		add_absent(plan, w, false, "its probe point is in no segment of the file");
		return 0;
	}
	*p = (struct probe_point){
		.role = w->role,
		.sets = w->sets,
		.func_va = va,
		.offset = at.offset,
		.va = va + at.offset,
		.file_off = off,
		.insn_len = at.insn_len,
		.emulated = at.emulated,
		.skip_taken = at.skip_taken,
		.sp_words = at.sp_words,
		.rule = at.rule,
	};
	here = bytes_from(code, at.offset);
	p->nbytes = (uint8_t)(here.len < sizeof(p->bytes) ? here.len : sizeof(p->bytes));
	memcpy(p->bytes, here.p, p->nbytes);
	snprintf(p->function, sizeof(p->function), "%s", w->function);
	snprintf(p->insn, sizeof(p->insn), "%s", at.insn);
	plan->n++;
	return 1;
}

int plan_add(struct plan *plan, const struct plan_want *wants, unsigned n,
	     const struct plan_source *source, struct reason *reason)
{
	int added = 0;

	if (!arch_supports(source->img->machine))
		return reason_set(reason, -ENOTSUP, "no probe rules for ELF machine %u",
				  source->img->machine);
	for (unsigned i = 0; i < n; i++) {
		if (plan->n == PLAN_POINTS_MAX)
			return reason_set(reason, -ENOSPC, "more than %d probe points",
					  PLAN_POINTS_MAX);
		added += add_one(plan, &wants[i], source);
	}
	return added;
}

static int find_in_go(const void *ctx, const char *function, uint64_t *ret_va, uint64_t *ret_size)
{
	struct gobin_func f;
	int r;

	r = gobin_function(ctx, function, &f);
	if (r < 0)
		return r;
	*ret_va = f.va;
	*ret_size = f.size;
	return 0;
}

static int find_in_symbols(const void *ctx, const char *function, uint64_t *ret_va,
			   uint64_t *ret_size)
{
	struct elfimg_symbol s;
	int r;

	r = elfimg_function(ctx, function, &s);
	if (r < 0)
		return r;
	*ret_va = s.va;
	*ret_size = s.size;
	return 0;
}

/*
 * Servers of Go: which function calls a request's handler, and which is called on the same goroutine when the
 * handler has returned; the first of these that is there. And what makes a stream of it, where the program has that: a
 * handler that flushes (FlushError, which Flush calls, since 1.20), a call whose messages go to and fro, a connection that
 * is taken over. net/http since 1.0; its HTTP/2 moved in Go 1.27, and is a copy of golang.org/x/net/http2; gRPC's
 * WriteStatus became writeStatus in 1.69. All names are the compiler's.
 */
#define SERVER_NAMES_MAX 3
#define SERVER_TURNS_MAX 2
static const struct server {
	uint8_t begin_role;
	const char *begin;
	const char *ends[SERVER_NAMES_MAX];
	struct server_turn {
		uint8_t role;
		const char *names[SERVER_NAMES_MAX];
	} turns[SERVER_TURNS_MAX];
} servers[] = {
	{ DFD_ROLE_HTTP_BEGIN,
	  "net/http.serverHandler.ServeHTTP",
	  { "net/http.(*response).finishRequest" },
	  { { DFD_ROLE_FLUSH, { "net/http.(*response).FlushError", "net/http.(*response).Flush" } },
	    { DFD_ROLE_HIJACK, { "net/http.(*response).Hijack" } } } },
	{ DFD_ROLE_HTTP2_BEGIN,
	  "net/http.(*http2serverConn).runHandler",
	  { "net/http.(*http2responseWriter).handlerDone" },
	  { { DFD_ROLE_FLUSH,
	      { "net/http.(*http2responseWriter).FlushError",
		"net/http.(*http2responseWriter).Flush" } } } },
	{ DFD_ROLE_HTTP2_BEGIN,
	  "net/http/internal/http2.(*serverConn).runHandler",
	  { "net/http/internal/http2.(*responseWriter).handlerDone" },
	  { { DFD_ROLE_FLUSH, { "net/http/internal/http2.(*responseWriter).FlushError" } } } },
	{ DFD_ROLE_HTTP2_BEGIN,
	  "golang.org/x/net/http2.(*serverConn).runHandler",
	  { "golang.org/x/net/http2.(*responseWriter).handlerDone" },
	  { { DFD_ROLE_FLUSH,
	      { "golang.org/x/net/http2.(*responseWriter).FlushError",
		"golang.org/x/net/http2.(*responseWriter).Flush" } } } },
	{ DFD_ROLE_GRPC_BEGIN,
	  "google.golang.org/grpc.(*Server).handleStream",
	  { "google.golang.org/grpc/internal/transport.(*http2Server).writeStatus",
	    "google.golang.org/grpc/internal/transport.(*http2Server).WriteStatus" },
	  { { DFD_ROLE_STREAM, { "google.golang.org/grpc.(*Server).processStreamingRPC" } } } },
};

/* The first of `names` that is in the image; NULL: none is. */
static const char *first_of(const char *const names[SERVER_NAMES_MAX],
			    const struct plan_source *source)
{
	uint64_t va, size;

	for (unsigned i = 0; i < SERVER_NAMES_MAX && names[i]; i++) {
		if (source->find(source->ctx, names[i], &va, &size) == 0)
			return names[i];
	}
	return NULL;
}

/* As add_one(), of a point that costs no more than a trap. */
static bool add_cheap(struct plan *plan, const struct plan_want *w,
		      const struct plan_source *source)
{
	if (!add_one(plan, w, source))
		return false;
	if (plan->points[plan->n - 1].emulated)
		return true;
	plan->n--;
	add_absent(plan, w, false, "it would have to be single-stepped");
	return false;
}

static void add_turns(struct plan *plan, const struct server *s, const struct plan_source *source)
{
	for (unsigned i = 0; i < SERVER_TURNS_MAX && s->turns[i].role; i++) {
		struct plan_want w = { s->turns[i].role, PLAN_SET_REQUESTS, 0, true,
				       first_of(s->turns[i].names, source) };

		if (w.function && plan->n < PLAN_POINTS_MAX)
			(void)add_cheap(plan, &w, source);
	}
}

static void add_server(struct plan *plan, const struct server *s, const struct plan_source *source)
{
	struct plan_want begin = { s->begin_role, PLAN_SET_REQUESTS, 0, true, s->begin };
	struct plan_want end = { s->begin_role + 1, PLAN_SET_REQUESTS, 0, true, NULL };
	uint32_t before = plan->n;
	uint64_t va, size;

	if (source->find(source->ctx, s->begin, &va, &size) < 0)
		return;
	if (before + 2 > PLAN_POINTS_MAX) {
		add_absent(plan, &begin, false, "no room for more probe points");
		return;
	}
	end.function = first_of(s->ends, source);
	if (!end.function) {
		add_absent(plan, &begin, false,
			   "the function that ends its requests is not in the image");
		return;
	}
	if (add_cheap(plan, &begin, source) && add_cheap(plan, &end, source))
		add_turns(plan, s, source);
	else
		plan->n = before;
}

int plan_add_servers(struct plan *plan, const struct plan_source *source)
{
	uint32_t before = plan->n;

	for (unsigned i = 0; i < ARRAY_SIZE(servers); i++)
		add_server(plan, &servers[i], source);
	return (int)(plan->n - before);
}

int plan_add_go(struct plan *plan, const struct gobin *go, struct reason *reason)
{
	struct plan_source source = { find_in_go, go, go->img, ARCH_ABI_GO };
	int added = plan_add(plan, go_wants, ARRAY_SIZE(go_wants), &source, reason);

	return added < 0 ? added : added + plan_add_servers(plan, &source);
}

int plan_add_c(struct plan *plan, const struct elfimg *img, const struct plan_c_profile *profile,
	       struct reason *reason)
{
	const struct {
		uint8_t role, nargs;
		const char *function;
	} all[] = {
		{ DFD_ROLE_C_PUSH, 6, profile->push },
		{ DFD_ROLE_C_RUN, 6, profile->run },
		{ DFD_ROLE_C_PANIC, 6, profile->panic },
		{ DFD_ROLE_C_RECOVER, 6, profile->recover },
	};
	struct plan_source source = { find_in_symbols, img, img, ARCH_ABI_C };
	struct plan_want wants[ARRAY_SIZE(all)];
	struct elfimg_symbol s;
	bool any = false;
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i].function)
			continue;
		any |= elfimg_function(img, all[i].function, &s) == 0;
		wants[n++] = (struct plan_want){ all[i].role, BOTH, all[i].nargs, false,
						 all[i].function };
	}
	return any ? plan_add(plan, wants, n, &source, reason) : 0;
}
