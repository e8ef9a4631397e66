// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The daemon: an engine, two HTTP servers over it, signals, the service manager. */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/template.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/version.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "config/webconfig.h"
#include "engine/state.h"
#include "export/api.h"

#define SECOND 1000000000ull
#define EXIT_WITHIN_S \
	2u /* links are closed by the kernel at exit, too: nothing is lost by not waiting longer */
#define STUCK_AFTER_NS (10 * SECOND)

static struct {
	const char *config;
	const char *listen;
	const char *telemetry_path;
	const char *web_config;
	bool lifecycle;
	const char *socket;
	const char *level;
	const char *probes, *fd_hooks;
	const char *budget;
	const char *include;
	const char *state;
} opt;

static const struct cmd_option options[] = {
	{ "config.file", 'c', OPTION_STRING, &opt.config, .arg = "FILE",
	  .help = "configuration; default: built-in values" },
	{ "web.listen-address", 0, OPTION_STRING, &opt.listen, .arg = "HOST:PORT",
	  .help = "address of the metrics (127.0.0.1:10035)" },
	{ "web.telemetry-path", 0, OPTION_STRING, &opt.telemetry_path, .arg = "PATH",
	  .help = "path of the metrics (/metrics)" },
	{ "web.config.file", 0, OPTION_STRING, &opt.web_config, .arg = "FILE",
	  .help = "TLS and basic auth" },
	{ "web.enable-lifecycle", 0, OPTION_FLAG, &opt.lifecycle,
	  .help = "allow POST /-/reload over TCP" },
	{ "control.socket", 0, OPTION_STRING, &opt.socket, .arg = "PATH",
	  .help = "local socket; empty: none" },
	{ "log.level", 0, OPTION_STRING, &opt.level, .arg = "LEVEL",
	  .help = "debug, info, warn or error" },
	{ "fd-hooks", 0, OPTION_STRING, &opt.fd_hooks, .arg = "KIND",
	  .help = "hooks on opens and closes: auto, fentry, kprobe, tracepoint or off" },
	{ "probes", 0, OPTION_STRING, &opt.probes, .arg = "SET",
	  .help = "lean, full, burst or off" },
	{ "probes.budget", 0, OPTION_STRING, &opt.budget, .arg = "PERCENT",
	  .help = "share of a core that probes may cost a process (1); 0: no limit" },
	{ "state.directory", 0, OPTION_STRING, &opt.state, .arg = "DIR",
	  .help = "where alerts and what is usual outlive a restart; default: $STATE_DIRECTORY" },
	{ "targets.include", 0, OPTION_STRING, &opt.include, .arg = "GLOB",
	  .help = "observe only services whose name matches" },
	{},
};

struct run {
	struct session session;
	struct api api;
	struct webconfig *web;
	struct webconfig *next_web; /* after a reload, until the endpoint is opened again */
	bool tcp_stale;
	struct http_server *tcp, *local;
	uint64_t watchdog_ns;
	bool told_settled;
	struct receivers *receivers; /* NULL: there was none yet */
	struct state *state;         /* NULL: nothing outlives this daemon, */
	bool state_refused;          /* though it should */
	bool unheard;                /* somebody had not been told of all that the state has */
};

static int set_path(char *dst, size_t size, const char *text, const char *name)
{
	if (!text)
		return 0;
	if (strlen(text) >= size) {
		fprintf(stderr, "deferd run: --%s is longer than %zu bytes\n", name, size - 1);
		return -1;
	}
	strcpy(dst, text);
	return 0;
}

static int pick_budget(struct config *c, const char *text)
{
	char *end;
	double percent;

	if (!text)
		return 0;
	percent = strtod(text, &end);
	if (end == text || *end || !(percent >= 0 && percent <= 100)) {
		fprintf(stderr, "deferd run: --probes.budget: '%s' is not a number from 0 to 100\n",
			text);
		return -1;
	}
	c->probes.all.budget_percent = percent;
	return 0;
}

static int pick_probes(struct config *c, const char *text)
{
	int set = text ? config_probe_set_of(text) : c->probes.all.set;

	if (set < 0) {
		fprintf(stderr, "deferd run: --probes: '%s' is not known; see deferd run --help\n",
			text);
		return -1;
	}
	c->probes.all.set = set;
	return 0;
}

static int pick_hooks(struct config *c, const char *text)
{
	int hooks = text ? config_fd_hooks_of(text) : c->descriptors.hooks;

	if (hooks < 0) {
		fprintf(stderr,
			"deferd run: --fd-hooks: '%s' is not auto, fentry, kprobe, tracepoint or "
			"off\n",
			text);
		return -1;
	}
	c->descriptors.hooks = hooks;
	return 0;
}

static int pick_targets(struct config *c, const char *glob)
{
	struct config_patterns *include = &c->targets.include;

	if (!glob)
		return 0;
	include->n = 1;
	return set_path(include->glob[0], sizeof(include->glob[0]), glob, "targets.include");
}

static int pick_level(struct config *c, const char *text)
{
	enum log_level level;

	if (!text)
		return 0;
	if (log_level_parse(text, &level)) {
		fprintf(stderr, "deferd run: --log.level: '%s' is not debug, info, warn or error\n",
			text);
		return -1;
	}
	c->log.level = level;
	return 0;
}

/* The command line wins over the file, after a reload as well. */
static int load_config(struct config **ret_c)
{
	struct config *c;
	int err = session_load_config(opt.config, &c);

	if (err)
		return err;
	if (set_path(c->web.listen_address, sizeof(c->web.listen_address), opt.listen,
		     "web.listen-address") ||
	    set_path(c->web.telemetry_path, sizeof(c->web.telemetry_path), opt.telemetry_path,
		     "web.telemetry-path") ||
	    set_path(c->web.config_file, sizeof(c->web.config_file), opt.web_config,
		     "web.config.file") ||
	    set_path(c->control.socket, sizeof(c->control.socket), opt.socket, "control.socket") ||
	    set_path(c->state.directory, sizeof(c->state.directory), opt.state,
		     "state.directory") ||
	    pick_level(c, opt.level) || pick_probes(c, opt.probes) || pick_hooks(c, opt.fd_hooks) ||
	    pick_budget(c, opt.budget) || pick_targets(c, opt.include)) {
		config_free(c);
		return EXIT_USAGE;
	}
	c->web.enable_lifecycle |= opt.lifecycle;
	*ret_c = c;
	return EXIT_GOOD;
}

/* Alerts */

static void log_sites(struct log_line *l, const struct evidence_part *p)
{
	char place[CODE_LINE_MAX];
	struct buf b;

	buf_init(&b, 0);
	for (unsigned i = 0; i < p->sites.n; i++) {
		code_line_print(&p->sites.list[i].at, CODE_LINE_PLAIN, place, sizeof(place));
		buf_printf(&b, "%s%.0f%% %s", i ? "; " : "", p->sites.list[i].share * 100, place);
	}
	log_str(l, p->log_key, b.data ? b.data : "");
	buf_done(&b);
}

static void log_part(void *line, const struct evidence_part *p)
{
	struct log_line *l = line;
	char place[CODE_LINE_MAX];

	if (!p->log_key)
		return;
	switch (p->type) {
	case EVIDENCE_COUNT:
		log_u64(l, p->log_key, p->count);
		break;
	case EVIDENCE_REAL:
		if (isfinite(p->real.value))
			log_fmt(l, p->log_key, "%.*f", p->real.decimals, p->real.value);
		break;
	case EVIDENCE_TEXT:
		log_str(l, p->log_key, p->text);
		break;
	case EVIDENCE_TRUTH:
		log_str(l, p->log_key, p->truth.word);
		break;
	case EVIDENCE_SITE:
		code_line_print(p->site.at, CODE_LINE_LOG, place, sizeof(place));
		log_str(l, p->log_key, place[0] ? place : p->site.if_none ?: "");
		break;
	case EVIDENCE_SITES:
		log_sites(l, p);
		break;
	}
}

/* Of one that is over: how long, how bad, and why. */
static void log_end(struct log_line *l, const struct alert *a)
{
	char peak[64];

	metric_print(a->value, a->unit, peak, sizeof(peak));
	log_str(l, "why", alert_end_words[a->why]);
	log_fmt(l, "lasted", "%.0fs", (double)(a->ended_ns - a->fired_ns) / 1e9);
	log_str(l, "peak", peak);
}

static bool is_silenced(void *arg, const struct alert *a)
{
	return receivers_silence(((struct run *)arg)->receivers, a);
}

static bool is_heard(void *arg, const struct alert *a)
{
	struct run *r = arg;
	bool heard = receivers_heard(r->receivers, a);

	r->unheard |= !heard;
	return heard;
}

static void on_alert(void *arg, const struct alert *a)
{
	bool firing = a->state == ALERT_FIRING;
	struct run *r = arg;
	struct log_line l;

	state_note(r->state);
	if (firing && r->receivers)
		receivers_note(r->receivers, a);
	log_begin(&l, firing && a->severity > SEVERITY_INFO ? LOG_WARN : LOG_INFO,
		  firing                    ? "alert firing"
		  : a->why == ALERT_NO_DATA ? "alert ended"
					    : "alert resolved");
	log_str(&l, "alert", a->key.rule);
	log_str(&l, "severity", rule_severity_names[a->severity]);
	log_str(&l, "service", a->service);
	log_u64(&l, "pid", a->pid);
	if (a->evidence.kind != EVIDENCE_DEPTH) /* whose part `depth` is the same */
		log_fmt(&l, a->metric, "%g", a->value);
	log_fmt(&l, "threshold", "%g", a->threshold);
	if (!firing)
		log_end(&l, a);
	for (unsigned i = 0; i < ARRAY_SIZE(a->also) && a->also[i].metric; i++)
		log_fmt(&l, a->also[i].metric, "%g", a->also[i].value);
	evidence_visit(&a->evidence, log_part, &l);
	for (unsigned i = 0; i < a->n_labels; i++)
		log_str(&l, a->labels[i].name, a->labels[i].value);
	for (unsigned i = 0; i < a->n_notes; i++) {
		char text[2 * RULE_NOTE_MAX];

		template_expand(a->notes[i].text, a, text, sizeof(text));
		log_str(&l, a->notes[i].name, text);
	}
	log_emit(&l);
}

/* Receivers */

/* This host, and at the port that it listens on the link, unless the configuration says otherwise. */
static void set_host(struct receivers_opts *opts, const char *listen_address)
{
	const char *port = strrchr(listen_address, ':');

	if (gethostname(opts->host, sizeof(opts->host) - 1))
		return;
	if (!opts->link[0] && port)
		snprintf(opts->link, sizeof(opts->link), "http://%s%s/api/v1/alerts", opts->host,
			 port);
}

/* The old ones stay when the new ones cannot be. */
static void set_receivers(struct run *r)
{
	struct receivers_opts opts = r->session.config->receivers;
	struct reason reason = {};
	int err = 0;

	set_host(&opts, r->session.config->web.listen_address);
	if (r->receivers)
		err = receivers_reload(r->receivers, &opts, &reason);
	else if (opts.n)
		err = receivers_new(&opts, &r->receivers, &reason);
	if (err)
		log_error("alerts are not sent as configured: %s", reason.text);
}

static void tell_of_receivers(bool bad, const char *text)
{
	if (bad)
		log_warn("%s", text);
	else
		log_info("%s", text);
}

static void tell_receivers(struct run *r, uint64_t now_ns)
{
	if (r->receivers)
		receivers_tick(r->receivers, alerts_active(engine_alerts(r->session.engine)),
			       now_ns, session_unix_ms(), tell_of_receivers);
}

/* Web */

static void show(void *arg, bool fresh, struct show *ret)
{
	struct run *r = arg;

	if (fresh)
		session_show_fresh(&r->session, ret);
	else
		session_show(&r->session, ret);
	ret->receivers = r->receivers;
}

static int set_probes(void *arg, uint32_t pid, const char *set, struct reason *reason)
{
	return engine_set_probes(((struct run *)arg)->session.engine, (pid_t)pid, set, reason);
}

static void tell_api(struct run *r)
{
	r->api.telemetry_path = r->session.config->web.telemetry_path;
	r->api.reload_over_tcp = r->session.config->web.enable_lifecycle;
}

static int load_web(const struct config *c, struct webconfig **ret_w)
{
	struct buf errors;
	int err;

	*ret_w = NULL;
	if (!c->web.config_file[0])
		return 0;
	buf_init(&errors, 0);
	err = webconfig_load(c->web.config_file, ret_w, &errors);
	if (err)
		fputs(errors.data ? errors.data : "out of memory\n", stderr);
	buf_done(&errors);
	return err;
}

static int start_tcp(struct run *r, struct reason *reason)
{
	struct http_opts opts = { .handler = api_handle, .arg = &r->api };

	if (r->web) {
		opts.tls_cert = r->web->cert;
		opts.tls_key = r->web->key;
		opts.auth = r->web->auth.n ? &r->web->auth : NULL;
	}
	return http_listen_tcp(r->session.loop, r->session.config->web.listen_address, &opts,
			       &r->tcp, reason);
}

/* Without it `top` and `ps` stand alone: worth a line, not an end. */
static void start_local(struct run *r)
{
	struct http_opts opts = { .handler = api_handle, .arg = &r->api };
	const struct config *c = r->session.config;
	char dir[CONFIG_PATH_MAX];
	struct reason reason = {};

	if (!c->control.socket[0])
		return;
	snprintf(dir, sizeof(dir), "%s", c->control.socket);
	(void)mkdir(dirname(dir), 0755);
	if (http_listen_unix(r->session.loop, c->control.socket, c->control.group, &opts, &r->local,
			     &reason))
		log_warn("no control socket, so top and ps cannot ask this daemon: %s",
			 reason.text);
}

/* Clone, check, swap: whatever is wrong, the old configuration stays whole. */
static int swap_config(struct run *r)
{
	struct config *fresh = NULL, *old = r->session.config;
	struct webconfig *web = NULL;
	struct buf fixed;

	if (load_config(&fresh) || load_web(fresh, &web)) {
		config_free(fresh);
		log_error("the new configuration is not valid, the old one stays in force (see the "
			  "lines above)");
		return -EINVAL;
	}
	buf_init(&fixed, 0);
	config_keep_restart_keys(old, fresh, &fixed);
	log_set_level(fresh->log.level);
	r->session.config = fresh;
	engine_reload(r->session.engine, fresh);
	set_receivers(r);
	tell_api(r);
	config_free(old);
	/*
	 * Not here: the request for this reload may have come over the endpoint that is to be
	 * closed.
	 */
	if (web || r->web) {
		webconfig_free(r->next_web);
		r->next_web = web;
		r->tcp_stale = true;
	}
	log_info("configuration reloaded%s%s",
		 fixed.len ? "; needs a restart to take effect: " : "",
		 fixed.len ? fixed.data : "");
	buf_done(&fixed);
	return 0;
}

static int reload(void *arg)
{
	struct run *r = arg;
	struct show_self *self = &r->session.self;
	uint64_t begin_ns = loop_now_ns();
	int err = swap_config(r);

	self->reload_ns = loop_now_ns() - begin_ns;
	self->last_reload_good = !err;
	self->reloads += !err;
	self->reloads_refused += err != 0;
	if (!err)
		self->last_reload_good_unix_s = (double)session_unix_ms() / 1e3;
	return err;
}

/* State */

/* What the daemon before kept, the caller's; NULL: nothing. */
static json_t *open_state(struct run *r, const struct config *c)
{
	const char *dir = config_state_directory(c);
	struct reason reason = {};

	if (!*dir)
		return NULL;
	if (!state_open(dir, &r->state, &reason))
		return state_read(r->state);
	log_warn("state.directory %s: %s; a restart of deferd will forget alerts and what is usual",
		 dir, reason.text);
	r->state_refused = true;
	return NULL;
}

/* What was kept says of an alert whether it is still to be told: that changes once. */
static bool all_heard(const struct run *r)
{
	const struct alert *a = alerts_active(engine_alerts(r->session.engine));

	while (a && (a->state != ALERT_FIRING || receivers_heard(r->receivers, a)))
		a = a->hh.next;
	return !a;
}

static void keep_state(struct run *r, uint64_t now_ns)
{
	struct show_self *self = &r->session.self;
	struct state_stats st;

	if (r->unheard && all_heard(r)) {
		r->unheard = false;
		state_note(r->state);
	}
	if (state_is_due(r->state, now_ns))
		state_write(r->state, engine_keep(r->session.engine), now_ns);
	state_get_stats(r->state, &st);
	self->state_written = st.written;
	self->state_failed = st.failed + r->state_refused;
}

/* Life */

static void on_signal(void *arg, int signo)
{
	struct run *r = arg;

	if (signo == SIGHUP) {
		(void)notify_reloading(loop_now_ns());
		(void)reload(r);
		(void)notify_send("READY=1");
		return;
	}
	log_info("%s: stopping", signo == SIGINT ? "interrupted" : "terminated");
	(void)notify_send("STOPPING=1");
	loop_stop(r->session.loop);
}

static void tell_settled(struct run *r)
{
	unsigned n[TARGET_STATE_MAX] = {};

	for (const struct target *t = model_targets(engine_model(r->session.engine)); t;
	     t = t->hh.next)
		n[t->state]++;
	log_info("inspected all processes: %u observed, %u limited, %u failed", n[TARGET_OBSERVED],
		 n[TARGET_LIMITED], n[TARGET_FAILED]);
	r->told_settled = true;
}

/* Who may come in has changed. */
static void reopen_tcp(struct run *r)
{
	struct reason reason = {};

	http_close(r->tcp);
	r->tcp = NULL;
	webconfig_free(r->web);
	r->web = TAKE_PTR(r->next_web);
	r->tcp_stale = false;
	if (start_tcp(r, &reason))
		log_error("the metrics endpoint could not be reopened: %s", reason.text);
}

static void on_second(void *arg, uint64_t now_ns)
{
	struct run *r = arg;
	struct engine_stats st;

	tell_receivers(r, now_ns);
	keep_state(r, now_ns);
	if (r->tcp_stale)
		reopen_tcp(r);
	if (r->tcp)
		http_tick(r->tcp);
	if (r->local)
		http_tick(r->local);
	if (!r->told_settled && engine_settled(r->session.engine))
		tell_settled(r);
	if (!r->watchdog_ns)
		return;
	engine_get_stats(r->session.engine, &st);
	/* Only a loop that does its work is alive. */
	if (now_ns - st.last_tick_ns < STUCK_AFTER_NS)
		(void)notify_send("WATCHDOG=1");
}

static int start(struct run *r)
{
	struct reason reason = {};
	sigset_t set;
	int err;

	err = start_tcp(r, &reason);
	if (err) {
		fprintf(stderr, "deferd run: %s\n", reason.text);
		return EXIT_FAILED;
	}
	start_local(r);
	set_receivers(r);
	if (r->receivers)
		receivers_adopt(r->receivers, alerts_active(engine_alerts(r->session.engine)));
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	r->watchdog_ns = notify_watchdog_ns();
	if (!loop_add_signals(r->session.loop, &set, on_signal, r) ||
	    !loop_add_timer(r->session.loop, SECOND, on_second, r)) {
		fprintf(stderr, "deferd run: signals and timers: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	log_info("deferd %s on Linux %s: http://%s%s", deferd_version, r->session.features.release,
		 http_address(r->tcp), r->session.config->web.telemetry_path);
	(void)notify_send("READY=1");
	return EXIT_GOOD;
}

static void time_is_up(int signo)
{
	_exit(EXIT_GOOD);
}

static void stop(struct run *r)
{
	/*
	 * Detaching waits for the kernel; when that takes too long the kernel finishes it after us.
	 */
	signal(SIGALRM, time_is_up);
	alarm(EXIT_WITHIN_S);
	state_close(r->state,
		    r->state && r->session.engine ? engine_keep(r->session.engine) : NULL);
	receivers_free(r->receivers);
	http_close(r->tcp);
	http_close(r->local);
	session_close(&r->session);
	webconfig_free(r->web);
	webconfig_free(r->next_web);
	alarm(0);
}

static int run(int argc, char **argv)
{
	struct run r = { .session.procfd = -1 };
	struct engine_opts opts = {
		.on_alert = on_alert, .is_silenced = is_silenced, .is_heard = is_heard, .arg = &r
	};
	struct config *config;
	json_t *kept;
	int code = load_config(&config);

	if (code)
		return code;
	if (load_web(config, &r.web)) {
		config_free(config);
		return EXIT_USAGE;
	}
	log_set_level(config->log.level);
	opts.kept = kept = open_state(&r, config);
	code = session_open(&r.session, config, &opts);
	json_decref(kept);
	if (!code) {
		r.api = (struct api){
			.show = show, .reload = reload, .set_probes = set_probes, .arg = &r
		};
		tell_api(&r);
		code = start(&r);
	}
	if (!code && loop_run(r.session.loop))
		code = EXIT_FAILED;
	stop(&r);
	return code;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "observe this host: Prometheus endpoint, alerts, control socket",
	.usage = "[OPTIONS]",
	.details =
		"Needs no configuration file. SIGHUP reloads it; if it has a fault, the old one "
		"stays in "
		"force. SIGTERM ends the daemon.\n"
		"Alerts are log lines on stderr, series of deferd_alerts_firing on /metrics, and "
		"entries of /api/v1/alerts.\n",
	.options = options,
	.run = run,
};
