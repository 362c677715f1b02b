#include "common/secret/track_token.h"

#include "common/base/code.h"
#include "common/wire/pack.h"

enum { MAC_BYTES = 16, PAYLOAD_MAX = TRACK_TOKEN_MAX / 4 * 3 - MAC_BYTES };

void track_key_make(const struct secret_key *mail_key, struct secret_key *key_out)
{
	secret_hmac(mail_key, SPAN_LIT("mailweave tracking 1"), key_out->b);
}

void track_token_make(const struct secret_key *key, const struct track_token *token,
		      struct buf *out)
{
	uint8_t mac[32], kind = (uint8_t)token->kind;
	struct buf b;

	buf_init(&b, PAYLOAD_MAX + MAC_BYTES);
	pack_put_array(&b, 7);
	pack_put_u64(&b, 1);
	pack_put_str(&b, span_make(&kind, 1));
	pack_put_str(&b, token->company);
	pack_put_str(&b, token->account);
	pack_put_str(&b, token->submission);
	pack_put_str(&b, token->recipient);
	pack_put_str(&b, token->url);
	secret_hmac(key, buf_span(&b), mac);
	buf_put(&b, mac, MAC_BYTES);
	if (buf_ok(&b))
		base64url_encode(buf_span(&b), out);
	buf_fini(&b);
}

static bool payload_read(struct span payload, enum track_kind kind, struct track_token *token)
{
	struct pack_reader r = pack_reader_make(payload);
	size_t n = pack_read_array(&r);
	struct span have;

	if (n < 7 || pack_read_u64(&r) != 1)
		return false;
	have = pack_read_bytes(&r);
	token->kind = kind;
	token->company = pack_read_bytes(&r);
	token->account = pack_read_bytes(&r);
	token->submission = pack_read_bytes(&r);
	token->recipient = pack_read_bytes(&r);
	token->url = pack_read_bytes(&r);
	pack_skip_n(&r, n - 7);
	return pack_done(&r) && have.n == 1 && have.p[0] == (uint8_t)kind;
}

bool track_token_read(const struct secret_key *key, enum track_kind kind, struct span text,
		      struct arena *arena, struct track_token *token_out)
{
	struct span raw, payload;
	uint8_t mac[32];
	bool ok = false;
	struct buf b;

	buf_init(&b, TRACK_TOKEN_MAX);
	if (text.n <= TRACK_TOKEN_MAX && base64_decode(text, &b) && b.n > MAC_BYTES) {
		raw = arena_span(arena, buf_span(&b));
		payload = span_sub(raw, 0, raw.n - MAC_BYTES);
		secret_hmac(key, payload, mac);
		ok = secret_equal(span_sub(raw, payload.n, MAC_BYTES), span_make(mac, MAC_BYTES)) &&
		     payload_read(payload, kind, token_out);
	}
	buf_fini(&b);
	return ok;
}
