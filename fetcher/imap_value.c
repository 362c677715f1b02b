#include "fetcher/imap_value.h"

#define DEPTH_MAX 32
#define OBJECT_ID_MAX 255 /* RFC 8474 section 7 */

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

bool imap_take(struct imap_cursor *c, int byte)
{
	if (!imap_at(c, byte))
		return false;
	c->p++;
	return true;
}

void imap_blanks(struct imap_cursor *c)
{
	while (imap_at(c, ' '))
		c->p++;
}

bool imap_atom(struct imap_cursor *c, struct span *atom_out)
{
	uint8_t *from = c->p;
	int depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '[')
			depth++;
		else if (*c->p == ']' && depth > 0)
			depth--;
		else if (depth == 0 && (*c->p == ' ' || *c->p == '(' || *c->p == ')'))
			break;
	}
	*atom_out = span_make(from, (size_t)(c->p - from));
	return c->p > from;
}

bool imap_u64(struct imap_cursor *c, uint64_t *value_out)
{
	uint8_t *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return span_to_u64(span_make(from, (size_t)(c->p - from)), UINT64_MAX, value_out);
}

bool imap_u32(struct imap_cursor *c, uint32_t *value_out)
{
	uint64_t value;

	if (!imap_u64(c, &value) || value > UINT32_MAX)
		return false;
	*value_out = (uint32_t)value;
	return true;
}

static bool quoted(struct imap_cursor *c, struct span *value_out)
{
	uint8_t *to = ++c->p, *from = to;

	while (c->p < c->end && *c->p != '"') {
		if (*c->p == '\\' && c->p + 1 < c->end)
			c->p++;
		*to++ = *c->p++;
	}
	*value_out = span_make(from, (size_t)(to - from));
	return imap_take(c, '"');
}

static bool literal(struct imap_cursor *c, struct span *value_out)
{
	uint64_t n;

	c->p++;
	if (!imap_u64(c, &n))
		return false;
	if (imap_at(c, '+') || imap_at(c, '-'))
		c->p++;
	if (!imap_take(c, '}') || !imap_take(c, '\r') || !imap_take(c, '\n'))
		return false;
	if (n > (uint64_t)(c->end - c->p))
		return false;
	*value_out = span_make(c->p, (size_t)n);
	c->p += n;
	return true;
}

bool imap_string(struct imap_cursor *c, struct span *value_out)
{
	if (imap_at(c, '"'))
		return quoted(c, value_out);
	if (imap_at(c, '{'))
		return literal(c, value_out);
	if (!imap_atom(c, value_out))
		return false;
	if (span_ieq(*value_out, SPAN_LIT("NIL")))
		*value_out = span_make(NULL, 0);
	return true;
}

bool imap_list(struct imap_cursor *c, struct span *inside_out)
{
	uint8_t *from = c->p + 1;
	struct span ignored;
	int depth = 0;

	if (!imap_at(c, '('))
		return false;
	while (c->p < c->end) {
		if (*c->p == '(') {
			if (++depth > DEPTH_MAX)
				return false;
			c->p++;
		} else if (*c->p == ')') {
			c->p++;
			if (--depth == 0) {
				*inside_out = span_make(from, (size_t)(c->p - 1 - from));
				return true;
			}
		} else if (*c->p == ' ') {
			c->p++;
		} else if (!imap_string(c, &ignored)) {
			return false;
		}
	}
	return false;
}

static bool skip_quoted(struct imap_cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\' && c->p + 1 < c->end)
			c->p++;
	return imap_take(c, '"');
}

bool imap_list_raw(struct imap_cursor *c, struct span *inside_out)
{
	uint8_t *from = c->p + 1;
	struct span ignored;
	bool good = imap_take(c, '(');

	for (imap_blanks(c); good && c->p < c->end && *c->p != ')'; imap_blanks(c)) {
		if (imap_at(c, '"'))
			good = skip_quoted(c);
		else if (imap_at(c, '{'))
			good = literal(c, &ignored);
		else
			good = imap_atom(c, &ignored);
	}
	if (!good || !imap_at(c, ')'))
		return false;
	*inside_out = span_make(from, (size_t)(c->p++ - from));
	return true;
}

static bool is_object_id(struct span id)
{
	if (id.n == 0 || id.n > OBJECT_ID_MAX || span_ieq(id, SPAN_LIT("NIL")))
		return false;
	for (size_t i = 0; i < id.n; i++) {
		const uint8_t c = id.p[i] | 0x20;

		if (!(c >= 'a' && c <= 'z') && !(id.p[i] >= '0' && id.p[i] <= '9') &&
		    id.p[i] != '-' && id.p[i] != '_')
			return false;
	}
	return true;
}

bool imap_object_id(struct imap_cursor *c, struct span *id_out)
{
	if (imap_at(c, '(') ? !imap_list(c, id_out) : !imap_atom(c, id_out))
		return false;
	*id_out = span_trim(*id_out);
	if (!is_object_id(*id_out))
		*id_out = span_make(NULL, 0);
	return true;
}

bool imap_skip(struct imap_cursor *c)
{
	struct span ignored;

	return imap_at(c, '(') ? imap_list(c, &ignored) : imap_string(c, &ignored);
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t shifted = month > 2 ? year : year - 1;
	int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int64_t year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static bool month_of(struct span s, int64_t *month_out)
{
	for (size_t i = 0; i < 12; i++)
		if (span_ieq(s, span_make(months + 3 * i, 3))) {
			*month_out = (int64_t)i + 1;
			return true;
		}
	return false;
}

static bool part(struct imap_cursor *c, int64_t max, int64_t *value_out)
{
	uint32_t value;

	imap_blanks(c);
	if (!imap_u32(c, &value) || value > max)
		return false;
	*value_out = value;
	return true;
}

static bool date_part(struct imap_cursor *c, int64_t *days_out)
{
	int64_t day, month, year;

	if (!part(c, 31, &day) || !imap_take(c, '-') || c->end - c->p < 4)
		return false;
	if (!month_of(span_make(c->p, 3), &month))
		return false;
	c->p += 3;
	if (!imap_take(c, '-') || !part(c, 9999, &year) || day < 1)
		return false;
	*days_out = days_of(year, month, day);
	return true;
}

bool imap_internaldate(struct span s, int64_t *ms_out)
{
	struct imap_cursor c = {(uint8_t *)(uintptr_t)s.p, (uint8_t *)(uintptr_t)s.p + s.n};
	int64_t days, hour, minute, second, zone;
	bool west;

	if (!date_part(&c, &days) || !part(&c, 23, &hour) || !imap_take(&c, ':') ||
	    !part(&c, 59, &minute) || !imap_take(&c, ':') || !part(&c, 60, &second))
		return false;
	imap_blanks(&c);
	west = imap_at(&c, '-');
	if (!imap_take(&c, west ? '-' : '+') || !part(&c, 2359, &zone))
		return false;
	zone = (zone / 100 * 60 + zone % 100) * (west ? -1 : 1);
	*ms_out = (days * 86400 + hour * 3600 + (minute - zone) * 60 + second) * 1000;
	return true;
}

bool imap_quoted_put(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	if (s.n == 0)
		return false;
	buf_put_quoted(out, s);
	return true;
}
