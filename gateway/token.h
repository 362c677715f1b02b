/*
 * token: `mw1.<company or "-" for root>.<token id>.<secret>`; of the secret only its SHA-256 is kept.
 * Stored in {c}:tok or {g}:tok, token id → msgpack [1, SHA-256, kind, user, [scope…], created ms].
 */
#ifndef MW_GATEWAY_TOKEN_H
#define MW_GATEWAY_TOKEN_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "gateway/auth.h"

#define TOKEN_TEXT_MAX 256
#define TOKEN_HASH_BYTES 32

struct token_text {
	struct span company; /* "-" for root */
	struct span id, secret;
};

struct token_record {
	uint8_t hash[TOKEN_HASH_BYTES];
	enum viewer_kind kind;
	struct span user; /* of a user token */
	unsigned scopes;
	int64_t created_ms;
};

/* Parts of s. False if it has not the form. */
bool token_parse(struct span s, struct token_text *text_out);
bool token_is_root(const struct token_text *text);
/* Fresh id and secret for a company ("-": root); text_out gets the whole token: wipe it after use. */
void token_make(struct arena *arena, struct span company, struct token_text *parts_out,
		struct buf *text_out);
void token_hash(struct span secret, uint8_t hash_out[TOKEN_HASH_BYTES]);

void token_record_encode(const struct token_record *record, struct buf *out);
/* user points into encoded. False if it is damaged. */
bool token_record_decode(struct span encoded, struct token_record *record_out);
/* "root", "company", "user" */
const char *token_kind_name(enum viewer_kind kind);

#endif
