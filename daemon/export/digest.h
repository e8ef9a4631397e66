/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Alerts as they are told to others: those with one cause (rule, service, and the line of code) are one, however many
 * processes have it, and whoever inhibits them silences them here too. Remembers what has ended until everybody has heard
 * of it. Time is an argument.
 *
 * An entry as JSON, the form of Alertmanager's API v2:
 *
 *   { labels: { alertname, service, severity, site (function and line, where there is one), and the rule's own and
 *     `external` ones }, annotations: { summary, processes: "3: 12, 34, 56", and the rule's own }, startsAt, endsAt,
 *     generatorURL }
 */
#ifndef DEFERD_EXPORT_DIGEST_H
#define DEFERD_EXPORT_DIGEST_H

#include <jansson.h>

#include "alert/alert.h"

#define DIGEST_MAX      4096            /* further ones are dropped, and counted */
#define DIGEST_KEEP_NS  900000000000ull /* what has ended is told for so long at most */
#define DIGEST_SITE_MAX CODE_LINE_MAX
#define DIGEST_KEY_MAX  (RULE_NAME_MAX + MODEL_NAME_MAX + DIGEST_SITE_MAX)

/* What makes one alert of many: rule, service, and the label `site`, each on a line. */
void digest_key(const struct alert *a, char ret_key[static DIGEST_KEY_MAX]);
void digest_key_of(const char *rule, const char *service, const char *site,
		   char ret_key[static DIGEST_KEY_MAX]);

struct digest;

struct digest *digest_new(void); /* NULL: out of memory */
void digest_free(struct digest *d);

/* `external`: labels for all, an object; NULL: none. Borrowed for the call. What fires is there or has ended. */
void digest_update(struct digest *d, const struct alert *active, const json_t *external,
		   uint64_t now_ns);

/* One that fires, which may be over before the next update: it is told all the same. */
void digest_add(struct digest *d, const struct alert *a, const json_t *external);

/* Of the change that made it what it is; 0: it is not there. */
uint64_t digest_seq_of(const struct digest *d, const struct alert *a);
/* Goes up by one with each alert that begins or ends. */
uint64_t digest_seq(const struct digest *d);
uint64_t digest_dropped(const struct digest *d);
unsigned digest_firing(const struct digest *d);

/*
 * Those of after `seq`, and with `all_firing` whatever fires now; an array that is the caller's. `unix_ms` is what the clock
 * says at `now_ns`; what fires is to end `lease_ns` from now, should nobody say otherwise until then. `link`: where one can see
 * more, member generatorURL; "": nowhere.
 */
json_t *digest_json(const struct digest *d, uint64_t seq, bool all_firing, uint64_t now_ns,
		    int64_t unix_ms, uint64_t lease_ns, const char *link);

#endif
