/* clock: the only place that reads the time. Pure code gets the time handed in. */
#ifndef MW_BASE_CLOCK_H
#define MW_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void); /* monotonic; for waits and ages */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* Unix time; for records and people only */

/* RFC 3339 UTC with milliseconds left out: "2026-11-24T13:18:40Z". out needs CLOCK_RFC3339_BYTES. */
#define CLOCK_RFC3339_BYTES 32
void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_BYTES]);
/* RFC 3339 with any offset → Unix ms. False if it is not one. */
_Bool clock_parse_rfc3339(const char *s, size_t n, int64_t *wall_ms_out);

#endif
