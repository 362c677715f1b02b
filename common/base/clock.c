#include "common/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		abort();
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_BYTES])
{
	const int64_t first = -62135596800, last = 253402300799; /* years 1 to 9999 */
	int64_t s = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
	time_t seconds = s < first ? first : s > last ? last : s;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		abort();
	snprintf(out, CLOCK_RFC3339_BYTES, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned)tm.tm_year + 1900u, (unsigned)tm.tm_mon + 1u, (unsigned)tm.tm_mday,
		 (unsigned)tm.tm_hour, (unsigned)tm.tm_min, (unsigned)tm.tm_sec);
}

struct scan {
	const char *p;
	size_t n, at;
};

static bool take(struct scan *s, char c)
{
	if (s->at >= s->n || s->p[s->at] != c)
		return false;
	s->at++;
	return true;
}

static bool take_either(struct scan *s, char a, char b)
{
	return take(s, a) || take(s, b);
}

static bool digits(struct scan *s, unsigned count, int min, int max, int *value_out)
{
	int value = 0;

	for (unsigned i = 0; i < count; i++, s->at++) {
		if (s->at >= s->n || s->p[s->at] < '0' || s->p[s->at] > '9')
			return false;
		value = value * 10 + (s->p[s->at] - '0');
	}
	*value_out = value;
	return value >= min && value <= max;
}

/* ".123456" → 123; absent is 0. */
static bool fraction(struct scan *s, int *ms_out)
{
	int scale = 100;
	size_t start;

	*ms_out = 0;
	if (!take(s, '.'))
		return true;
	start = s->at;
	for (; s->at < s->n && s->p[s->at] >= '0' && s->p[s->at] <= '9'; s->at++, scale /= 10)
		*ms_out += (s->p[s->at] - '0') * scale;
	return s->at > start;
}

static bool zone(struct scan *s, int *minutes_out)
{
	int hours, minutes;
	bool minus;

	*minutes_out = 0;
	if (take_either(s, 'Z', 'z'))
		return true;
	minus = take(s, '-');
	if (!minus && !take(s, '+'))
		return false;
	if (!digits(s, 2, 0, 23, &hours) || !take(s, ':') || !digits(s, 2, 0, 59, &minutes))
		return false;
	*minutes_out = (hours * 60 + minutes) * (minus ? -1 : 1);
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool date(struct scan *s, struct tm *tm)
{
	int year, month, day;

	if (!digits(s, 4, 1, 9999, &year) || !take(s, '-') || !digits(s, 2, 1, 12, &month) ||
	    !take(s, '-') || !digits(s, 2, 1, month_days(year, month), &day))
		return false;
	*tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	return true;
}

_Bool clock_parse_rfc3339(const char *p, size_t n, int64_t *wall_ms_out)
{
	struct scan s = {p, n, 0};
	struct tm tm;
	int ms, minutes;

	if (!date(&s, &tm) || !take_either(&s, 'T', 't') || !digits(&s, 2, 0, 23, &tm.tm_hour) ||
	    !take(&s, ':') || !digits(&s, 2, 0, 59, &tm.tm_min) || !take(&s, ':') ||
	    !digits(&s, 2, 0, 60, &tm.tm_sec) || !fraction(&s, &ms) || !zone(&s, &minutes) ||
	    s.at != s.n)
		return false;
	*wall_ms_out = ((int64_t)timegm(&tm) - (int64_t)minutes * 60) * 1000 + ms;
	return true;
}
