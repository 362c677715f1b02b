/* Fuzz target: any bytes as a date. */
#include <stdlib.h>

#include "parser/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct date date;
	char text[DATE_TEXT_BYTES];
	if (size == 0 || !date_parse(span_make(data, size), &date))
		return 0;
	if (date.offset_min > 24 * 60 || date.offset_min < -24 * 60)
		abort();
	date_format(&date, text);
	if (!memchr(text, 0, sizeof(text)))
		abort();
	return 0;
}
