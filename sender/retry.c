#include "sender/retry.h"

#define MINUTE_MS INT64_C(60000)

static int64_t delay_ms(int64_t attempts)
{
	static const int64_t minutes[] = {1, 1, 2, 4, 8, 16, 32, 60, 120, 240};
	const int64_t last = sizeof(minutes) / sizeof(*minutes) - 1;

	return minutes[attempts < last ? attempts : last] * MINUTE_MS;
}

bool retry_next(int64_t attempts, int64_t first_ms, int64_t now_ms, uint32_t random, int64_t scale,
		int64_t *next_ms_out)
{
	int64_t end_ms = first_ms + RETRY_FOR_MS / scale, delay = delay_ms(attempts);
	int64_t next = now_ms + (delay + delay / 10 * (int64_t)(random % 1000) / 1000) / scale;

	if (now_ms >= end_ms)
		return false;
	*next_ms_out = next < end_ms ? next : end_ms;
	return true;
}
