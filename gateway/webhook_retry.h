/* webhook_retry: what an endpoint's answer means, and when it is asked again. Pure. */
#ifndef MW_GATEWAY_WEBHOOK_RETRY_H
#define MW_GATEWAY_WEBHOOK_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define WEBHOOK_FAILING_MAX_MS (3 * INT64_C(86400000)) /* failing for so long: turned off */
#define WEBHOOK_WAIT_MAX_MS INT64_C(900000) /* between two attempts, without the jitter */

enum webhook_verdict {
	WEBHOOK_DELIVERED,
	WEBHOOK_AGAIN, /* the same events, later */
	WEBHOOK_GONE, /* 410: the endpoint wants no more */
};

/* status: of HTTP; 0: none came. */
enum webhook_verdict webhook_verdict(unsigned status);
/* After `failures` (≥ 1) in a row: 1 s, doubling to 15 min, less or more by up to a quarter as random (any value) says;
 * not before retry_after_s (0: not given), as far as the longest wait goes. */
int64_t webhook_retry_wait_ms(unsigned failures, int64_t retry_after_s, uint32_t random);
/* failing_ms: of the first failure since the last delivery, Unix time; 0: none. */
bool webhook_retry_is_over(int64_t failing_ms, int64_t now_ms);

#endif
