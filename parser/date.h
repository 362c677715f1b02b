/*
 * date: the Date header (RFC 5322 section 3.3 and 4.3) to Unix time. Tolerated: no weekday, two-digit years, named zones,
 * no zone (UTC), months in full or as numbers, the order of ctime and of ISO 8601, times without seconds, with dots or
 * AM and PM, comments, dashes between the parts.
 */
#ifndef MW_PARSER_DATE_H
#define MW_PARSER_DATE_H

#include "common/base/span.h"

struct date {
	int64_t unix_s;
	int offset_min; /* east of UTC */
};

#define DATE_TEXT_BYTES 40

bool date_parse(struct span raw, struct date *date_out);
/* RFC 3339 with the date's own offset. */
void date_format(const struct date *date, char out[DATE_TEXT_BYTES]);

#endif
