// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/silences.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "export/digest.h"

#define TEXT_MAX 200

static const char *string_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is_id(const char *s)
{
	size_t n = strlen(s);

	return n && n < SILENCE_ID_MAX &&
	       strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == n;
}

static void add(json_t *silences, const json_t *alert)
{
	const json_t *labels = json_object_get(alert, "labels");
	const json_t *ids = json_object_get(json_object_get(alert, "status"), "silencedBy");
	const char *id = json_string_value(json_array_get(ids, 0));
	char key[DIGEST_KEY_MAX];

	if (!id || !is_id(id))
		return;
	digest_key_of(string_of(labels, "alertname"), string_of(labels, "service"),
		      string_of(labels, "site"), key);
	(void)json_object_set_new(silences, key, json_pack("{s:s}", "id", id));
}

json_t *silences_parse(const char *text)
{
	json_t *list = json_loads(text, 0, NULL), *silences;
	size_t n = json_array_size(list);

	if (!json_is_array(list)) {
		json_decref(list);
		return NULL;
	}
	silences = json_object();
	for (size_t i = 0; i < n && i < SILENCES_MAX; i++)
		add(silences, json_array_get(list, i));
	json_decref(list);
	return silences;
}

unsigned silences_ids(const json_t *silences,
		      char ret_ids[static SILENCES_DETAIL_MAX][SILENCE_ID_MAX])
{
	const char *key;
	json_t *silence;
	unsigned n = 0;

	json_object_foreach ((json_t *)silences, key, silence) {
		const char *id = string_of(silence, "id");
		unsigned i = 0;

		while (i < n && strcmp(ret_ids[i], id))
			i++;
		if (i == n && n < SILENCES_DETAIL_MAX)
			snprintf(ret_ids[n++], SILENCE_ID_MAX, "%s", id);
	}
	return n;
}

/* People wrote it, and a terminal shows it. */
static void copy(json_t *to, const char *as, const json_t *from, const char *key)
{
	const char *s = string_of(from, key);
	char text[TEXT_MAX];

	utf8_sanitize(text, sizeof(text), s, strlen(s));
	(void)json_object_set_new(to, as, json_string(text));
}

void silences_add_detail(json_t *silences, const char *id, const char *text)
{
	json_t *detail = json_loads(text, 0, NULL), *silence;
	const char *key;

	if (!json_is_object(detail)) {
		json_decref(detail);
		return;
	}
	json_object_foreach (silences, key, silence) {
		if (strcmp(string_of(silence, "id"), id))
			continue;
		copy(silence, "created_by", detail, "createdBy");
		copy(silence, "comment", detail, "comment");
		copy(silence, "ends_at", detail, "endsAt");
	}
	json_decref(detail);
}
