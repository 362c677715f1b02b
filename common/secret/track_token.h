/*
 * track_token: what a tracking pixel, a tracked link and an unsubscribe link carry, signed, so that a link leads only to
 * the address that stood in the message (TRK-03). The text is of the URL alphabet of base64:
 *
 *     msgpack [1, kind, company, account, submission, recipient, url] ‖ HMAC-SHA256 of that, its first 16 bytes
 *
 * The key is made from the mail master key, for this purpose alone.
 */
#ifndef MW_SECRET_TRACK_TOKEN_H
#define MW_SECRET_TRACK_TOKEN_H

#include "common/base/arena.h"
#include "common/secret/secret.h"

#define TRACK_URL_MAX 1900u /* octets of a link that can be tracked */
#define TRACK_TOKEN_MAX 3600u /* characters */

enum track_kind { TRACK_OPEN = 'o', TRACK_CLICK = 'c', TRACK_UNSUBSCRIBE = 'u' };

struct track_token {
	enum track_kind kind;
	struct span company, account, submission;
	struct span recipient; /* empty: there was more than one */
	struct span url; /* of a click */
};

void track_key_make(const struct secret_key *mail_key, struct secret_key *key_out);
/* Appends the text; nothing if it would be over TRACK_TOKEN_MAX. */
void track_token_make(const struct secret_key *key, const struct track_token *token,
		      struct buf *out);
/* False: not made with this key, changed, or of another kind. Spans live in the arena. */
bool track_token_read(const struct secret_key *key, enum track_kind kind, struct span text,
		      struct arena *arena, struct track_token *token_out);

#endif
