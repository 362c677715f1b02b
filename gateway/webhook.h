/*
 * webhook: one endpoint that events are posted to: {c}:wh, id → JSON
 *
 *   {"url","types","userId","description","batch","active","createdAt" ms,"secrets":[["<base64 sealed>", until ms]…]}
 *
 * types: names with commas between, empty for all; userId: whose eyes it has, empty for the company's; until 0: without
 * end, which the first one is. Secrets are sealed with the token key. No Redis here: webhook_store.h.
 */
#ifndef MW_GATEWAY_WEBHOOK_H
#define MW_GATEWAY_WEBHOOK_H

#include "common/base/arena.h"
#include "common/secret/secret.h"
#include "gateway/event_feed.h"

#define WEBHOOK_SECRETS 2
#define WEBHOOK_BATCH_MAX 100

struct webhook_secret {
	struct span sealed; /* base64 */
	int64_t until_ms; /* 0: no end */
};

/* Spans live in the arena it was read into. */
struct webhook {
	struct span id, url, types, user, description;
	unsigned batch; /* events in one request at most */
	bool active;
	int64_t created_ms;
	struct webhook_secret secrets[WEBHOOK_SECRETS]; /* the newest first */
	size_t secret_count;
};

/* False: not one of ours. */
bool webhook_read(struct arena *arena, struct span id, struct span json,
		  struct webhook *webhook_out);
struct span webhook_write(struct arena *arena, const struct webhook *webhook);

/* Puts a fresh secret first; the one before it is good for overlap_ms more, older ones no longer. The new one's text is
 * appended to text_out: wipe it after use. */
void webhook_secret_renew(const struct secret_key *token_key, struct span company,
			  struct arena *arena, struct webhook *webhook, int64_t now_ms,
			  int64_t overlap_ms, struct buf *text_out);
/* Those that are good now, to be wiped; returns how many. */
size_t webhook_secrets_open(const struct secret_key *token_key, struct span company,
			    const struct webhook *webhook, int64_t now_ms,
			    struct secret_key keys_out[WEBHOOK_SECRETS]);

/* A position as it is stored: `<ms>-<sequence>-<next>`. */
struct span webhook_position_text(struct arena *arena, const struct event_position *position);
bool webhook_position_parse(struct span text, struct event_position *position_out);

#endif
