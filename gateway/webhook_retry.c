#include "gateway/webhook_retry.h"

#define FIRST_WAIT_MS 1000
#define DOUBLINGS_MAX 10 /* over the longest wait */

enum webhook_verdict webhook_verdict(unsigned status)
{
	if (status >= 200 && status < 300)
		return WEBHOOK_DELIVERED;
	return status == 410 ? WEBHOOK_GONE : WEBHOOK_AGAIN;
}

int64_t webhook_retry_wait_ms(unsigned failures, int64_t retry_after_s, uint32_t random)
{
	unsigned doublings = failures ? failures - 1 : 0;
	int64_t wait_ms, asked_ms, quarter_ms;

	wait_ms = (int64_t)FIRST_WAIT_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
	if (wait_ms > WEBHOOK_WAIT_MAX_MS)
		wait_ms = WEBHOOK_WAIT_MAX_MS;
	quarter_ms = wait_ms / 4;
	wait_ms += (int64_t)(random % (uint32_t)(2 * quarter_ms + 1)) - quarter_ms;
	asked_ms = retry_after_s < WEBHOOK_WAIT_MAX_MS / 1000 ? retry_after_s * 1000
							      : WEBHOOK_WAIT_MAX_MS;
	return wait_ms > asked_ms ? wait_ms : asked_ms;
}

bool webhook_retry_is_over(int64_t failing_ms, int64_t now_ms)
{
	return failing_ms > 0 && now_ms - failing_ms >= WEBHOOK_FAILING_MAX_MS;
}
