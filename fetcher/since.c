#include "fetcher/since.h"

#include <stdio.h>

#include "common/base/clock.h"

#define DAY_MS 86400000

static int64_t unit_days(uint8_t unit)
{
	return unit == 'd' ? 1 : unit == 'w' ? 7 : unit == 'm' ? 31 : unit == 'y' ? 366 : 0;
}

static bool parse_date(struct span text, int64_t *since_ms_out)
{
	char whole[32];

	if (text.n != 10)
		return clock_parse_rfc3339((const char *)text.p, text.n, since_ms_out);
	snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", (const char *)text.p);
	return clock_parse_rfc3339(whole, 20, since_ms_out);
}

bool since_parse(struct span text, int64_t created_ms, int64_t *since_ms_out)
{
	uint64_t count;
	int64_t days;

	if (text.n == 0)
		text = SPAN_LIT("3d");
	if (span_ieq(text, SPAN_LIT("all"))) {
		*since_ms_out = 0;
		return true;
	}
	days = unit_days(text.p[text.n - 1]);
	if (days && span_to_u64(span_sub(text, 0, text.n - 1), 100000, &count)) {
		*since_ms_out = created_ms - (int64_t)count * days * DAY_MS;
		if (*since_ms_out < 0)
			*since_ms_out = 0;
		return true;
	}
	return parse_date(text, since_ms_out);
}
