#include "parser/date.h"
#include "parser/lex.h"

#include <stdio.h>

#define TOKENS_MAX 32

struct reading {
	int day, month, year, hour, minute, second, offset_min;
	bool has_time, has_zone, pm, am;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(uint8_t c)
{
	c |= 0x20;
	return c >= 'a' && c <= 'z';
}

/* Up to `most` digits at *at. Returns how many there were. */
static size_t number(struct span s, size_t *at, size_t most, int *value_out)
{
	size_t n = 0;
	int v = 0;
	while (*at < s.n && n < most && is_digit(s.p[*at])) {
		v = v * 10 + (s.p[(*at)++] - '0');
		n++;
	}
	*value_out = v;
	return n;
}

static int month_of(struct span word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	if (word.n < 3)
		return 0;
	for (int m = 0; m < 12; m++) {
		if (span_ieq((struct span){word.p, 3}, span_make(names + 3 * m, 3)))
			return m + 1;
	}
	return 0;
}

struct zone {
	char name[6];
	int minutes;
};

static bool zone_of(struct span word, int *minutes_out)
{
	static const struct zone zones[] = {
		{"ut", 0},	{"utc", 0},    {"gmt", 0},    {"z", 0},	     {"wet", 0},
		{"est", -300},	{"edt", -240}, {"cst", -360}, {"cdt", -300}, {"mst", -420},
		{"mdt", -360},	{"pst", -480}, {"pdt", -420}, {"bst", 60},   {"cet", 60},
		{"met", 60},	{"mez", 60},   {"cest", 120}, {"mest", 120}, {"mesz", 120},
		{"eet", 120},	{"eest", 180}, {"msk", 180},  {"msd", 240},  {"ist", 330},
		{"jst", 540},	{"kst", 540},  {"hkt", 480},  {"sgt", 480},  {"aest", 600},
		{"aedt", 660},	{"nzst", 720}, {"nzdt", 780}, {"hst", -600}, {"akst", -540},
		{"akdt", -480}, {"ast", -240}, {"adt", -180}, {"west", 60},
	};
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (span_ieq(word, span_cstr(zones[i].name))) {
			*minutes_out = zones[i].minutes;
			return true;
		}
	}
	return false;
}

/* +hhmm, -hh:mm, +hh */
static bool read_offset(struct span s, size_t *at, struct reading *r)
{
	size_t i = *at;
	int sign = s.p[i++] == '-' ? -1 : 1, hour, minute = 0;
	size_t n = number(s, &i, 4, &hour);
	if (n >= 3) {
		minute = hour % 100;
		hour /= 100;
	} else if (n > 0 && i < s.n && s.p[i] == ':') {
		i++;
		number(s, &i, 2, &minute);
	}
	if (n == 0)
		return false;
	if (hour > 23 || minute > 59)
		hour = minute = 0;
	r->offset_min = sign * (hour * 60 + minute);
	r->has_zone = true;
	*at = i;
	return true;
}

/* h:mm[:ss[.frac]] with the hour already read. */
static void read_time(struct span s, size_t *at, int hour, struct reading *r)
{
	uint8_t separator = s.p[(*at)++];
	r->hour = hour;
	number(s, at, 2, &r->minute);
	if (*at + 1 < s.n && s.p[*at] == separator && is_digit(s.p[*at + 1])) {
		(*at)++;
		number(s, at, 2, &r->second);
	}
	if (*at + 1 < s.n && (s.p[*at] == '.' || s.p[*at] == ',') && is_digit(s.p[*at + 1])) {
		for ((*at)++; *at < s.n && is_digit(s.p[*at]);)
			(*at)++;
	}
	r->has_time = true;
}

/* yyyy-mm-dd with the year already read; '-' or '/' at *at. */
static void read_iso(struct span s, size_t *at, int year, struct reading *r)
{
	size_t i = *at + 1;
	int month, day;
	uint8_t separator = s.p[*at];
	if (number(s, &i, 2, &month) == 0 || i >= s.n || s.p[i] != separator)
		return;
	i++;
	if (number(s, &i, 2, &day) == 0)
		return;
	*r = (struct reading){.day = day, .month = month, .year = year};
	*at = i;
	if (i < s.n && (s.p[i] == 'T' || s.p[i] == 't'))
		(*at)++;
}

static void read_number(struct span s, size_t *at, struct reading *r)
{
	int v;
	size_t n = number(s, at, 8, &v);
	bool more = *at + 1 < s.n && is_digit(s.p[*at + 1]);
	uint8_t next = *at < s.n ? s.p[*at] : 0;
	if (n == 4 && more && (next == '-' || next == '/') && r->year == 0 && r->day == 0)
		read_iso(s, at, v, r);
	else if (n <= 2 && more && (next == ':' || (next == '.' && r->year > 0)) && !r->has_time)
		read_time(s, at, v, r);
	else if (n <= 2 && r->day == 0 && v >= 1 && v <= 31)
		r->day = v;
	else if (r->year == 0 && (n == 4 || n == 2 || n == 3))
		r->year = n == 4 ? v : n == 3 ? 1900 + v : v < 50 ? 2000 + v : 1900 + v;
	else if (n <= 2 && r->month == 0 && v >= 1 && v <= 12)
		r->month = v;
}

static void read_word(struct span s, size_t *at, struct reading *r)
{
	size_t start = *at;
	while (*at < s.n && is_alpha(s.p[*at]))
		(*at)++;
	struct span word = {s.p + start, *at - start};
	int month = month_of(word), minutes;
	if (month && !r->month)
		r->month = month;
	else if (span_ieq(word, SPAN_LIT("pm")))
		r->pm = true;
	else if (span_ieq(word, SPAN_LIT("am")))
		r->am = true;
	else if (r->has_time && !r->has_zone && zone_of(word, &minutes)) {
		r->offset_min = minutes;
		r->has_zone = !span_ieq(word, SPAN_LIT("gmt")) && !span_ieq(word, SPAN_LIT("utc"));
	}
}

static int64_t days_from_civil(int y, int m, int d)
{
	y -= m <= 2;
	int era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return (int64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool finish(struct reading *r, struct date *date_out)
{
	if (r->pm && r->hour < 12)
		r->hour += 12;
	if (r->am && r->hour == 12)
		r->hour = 0;
	if (r->day < 1 || r->day > 31 || r->month < 1 || r->month > 12 || r->year < 1 ||
	    r->hour > 24 || r->minute > 59 || r->second > 60)
		return false;
	int64_t local = days_from_civil(r->year, r->month, r->day) * 86400 + r->hour * 3600 +
			r->minute * 60 + r->second;
	date_out->unix_s = local - (int64_t)r->offset_min * 60;
	date_out->offset_min = r->offset_min;
	return true;
}

bool date_parse(struct span raw, struct date *date_out)
{
	struct reading r = {0};
	size_t at = 0;
	for (unsigned tokens = 0; tokens < TOKENS_MAX && at < raw.n; tokens++) {
		at = lex_skip(raw, at);
		if (at >= raw.n)
			break;
		uint8_t c = raw.p[at];
		if (is_digit(c))
			read_number(raw, &at, &r);
		else if (is_alpha(c))
			read_word(raw, &at, &r);
		else if (!((c == '+' || c == '-') && r.has_time && !r.has_zone &&
			   read_offset(raw, &at, &r)))
			at++;
	}
	return finish(&r, date_out);
}

static void civil_from_days(int64_t z, int *y, int *m, int *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = (int)(z - era * 146097);
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int)(yoe + era * 400) + (*m <= 2);
}

void date_format(const struct date *date, char out[DATE_TEXT_BYTES])
{
	int64_t local = date->unix_s + (int64_t)date->offset_min * 60;
	int64_t days = (local >= 0 ? local : local - 86399) / 86400;
	int s = (int)(local - days * 86400), y, m, d;
	civil_from_days(days, &y, &m, &d);
	int n = snprintf(out, DATE_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", y, m, d, s / 3600,
			 s / 60 % 60, s % 60);
	if (n < 0 || n > DATE_TEXT_BYTES - 8)
		return;
	int offset = date->offset_min < 0 ? -date->offset_min : date->offset_min;
	if (offset == 0)
		snprintf(out + n, DATE_TEXT_BYTES - (size_t)n, "Z");
	else
		snprintf(out + n, DATE_TEXT_BYTES - (size_t)n, "%c%02d:%02d",
			 date->offset_min < 0 ? '-' : '+', offset / 60 % 100, offset % 60);
}
