// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool value_number(const json_t *o, const char *key, double *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_number(v) || !isfinite(json_number_value(v)))
		return false;
	*ret = json_number_value(v);
	return true;
}

long long value_integer(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

const char *value_string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

void value_count(char *buf, size_t size, double n, unsigned width)
{
	static const char units[] = "kMGTPE";
	const char *unit = units;
	int decimals;

	if ((unsigned)snprintf(buf, size, "%.0f", n) <= width)
		return;
	/* Half a unit of the last digit shown is where rounding would make it one digit longer. */
	for (n /= 1000; fabs(n) >= 999.5 && unit[1]; unit++)
		n /= 1000;
	for (decimals = 2; decimals >= 0; decimals--) {
		if ((unsigned)snprintf(buf, size, "%.*f%c", decimals, n, *unit) <= width)
			return;
	}
	snprintf(buf, size, "%s", n < 0 ? "<" : ">");
}

void value_rate(char *buf, size_t size, double n, unsigned width, bool sign)
{
	int decimals = fabs(n) < 9.995 ? 2 : fabs(n) < 99.95 ? 1 : 0;

	if (fabs(n) < 0.005)
		snprintf(buf, size, "0");
	else if (decimals)
		snprintf(buf, size, sign ? "%+.*f" : "%.*f", decimals, n);
	else if (sign && n > 0)
		value_count(buf + 1, size - 1, n, width - 1), buf[0] = '+';
	else
		value_count(buf, size, n, width);
}

void value_duration(char *buf, size_t size, double seconds)
{
	unsigned long s = seconds > 0 ? (unsigned long)fmin(seconds, 1e12) : 0;

	if (s < 60)
		snprintf(buf, size, "%lus", s);
	else if (s < 3600)
		snprintf(buf, size, "%lum%02lus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%luh%02lum", s / 3600, s / 60 % 60);
	else if (s < 1000 * 86400ul)
		snprintf(buf, size, "%lud%02luh", s / 86400, s / 3600 % 24);
	else
		snprintf(buf, size, ">999d");
}

void value_latency(char *buf, size_t size, double seconds, bool sign)
{
	double ms = seconds * 1e3;
	const char *plus = sign && seconds > 0 ? "+" : "";

	if (fabs(ms) < 0.0005)
		snprintf(buf, size, "0");
	else if (fabs(ms) < 0.9995)
		snprintf(buf, size, "%s%.0fus", plus, ms * 1e3);
	else if (fabs(ms) < 999.5)
		snprintf(buf, size, "%s%.*fms", plus, fabs(ms) < 99.95 ? 1 : 0, ms);
	else
		snprintf(buf, size, "%s%.*fs", plus, fabs(ms) < 9995 ? 2 : 1, seconds);
}

void value_bytes(char *buf, size_t size, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned i = 0;

	for (; bytes >= 1024 && i < 4; i++)
		bytes /= 1024;
	snprintf(buf, size, "%.*f %s", i ? 1 : 0, bytes, units[i]);
}

bool value_time_ms(const char *text, double *ret_ms)
{
	struct tm tm = {};
	int ms = 0, end = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6)
		return false;
	if (text[end] == '.' && sscanf(text + end, ".%3d", &ms) != 1)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_ms = (double)timegm(&tm) * 1e3 + ms;
	return true;
}

void value_descriptors(char *buf, size_t size, const json_t *o)
{
	const char *kind = value_string(o, "kind");
	long long port = value_integer(o, "port");

	if (port)
		snprintf(buf, size, "%s %s port %lld", kind,
			 strcmp(value_string(o, "direction"), "in") ? "to" : "at", port);
	else
		snprintf(buf, size, "%s", kind);
}
