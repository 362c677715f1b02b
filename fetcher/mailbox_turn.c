#include "fetcher/mailbox_turn.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_sync.h"

#define PATIENCE_MS 60000 /* new mail does not wait for what may pass */
#define TURN_MS 20000
#define GAP_MS 1000 /* for a moment the server still counts the one that went */

void mailbox_turn_refused(struct account *a)
{
	if (!a->bulk.refused_ms)
		a->bulk.refused_ms = clock_mono_ms();
}

bool mailbox_turn_take(struct account *a)
{
	const int64_t now_ms = clock_mono_ms();

	if (!a->bulk.refused_ms || now_ms - a->bulk.refused_ms < PATIENCE_MS)
		return false;
	if (a->links != 1 || !a->live.link || !a->live.idling || !a->live.synced ||
	    !mailbox_sync_wanted(a))
		return false;
	log_event(LOG_LEVEL_INFO, "live_makes_way", "account", "s", a->tag, NULL);
	live_stop(a);
	a->bulk.turn_ms = now_ms + TURN_MS;
	a->bulk.retry_ms = now_ms + GAP_MS;
	return true;
}

void mailbox_turn_tick(struct account *a, int64_t now_ms)
{
	if (now_ms < a->bulk.turn_ms && (a->bulk.link || mailbox_sync_wanted(a)))
		return;
	mailbox_sync_stop(a);
	if (a->entries.count > 0 || a->entries.running)
		return;
	a->bulk.turn_ms = a->bulk.refused_ms = 0;
	account_restart(a);
}
