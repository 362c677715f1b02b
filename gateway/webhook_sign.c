#include "gateway/webhook_sign.h"

#include <inttypes.h>

#include "common/base/code.h"

#define HEAD_MAX 256 /* id and time */

void webhook_secret_make(struct secret_key *secret_out)
{
	random_bytes(secret_out->b, sizeof(secret_out->b));
}

void webhook_secret_format(const struct secret_key *secret, struct buf *out)
{
	buf_put_cstr(out, "whsec_");
	base64_encode(span_make(secret->b, sizeof(secret->b)), out);
}

void webhook_sign(const struct secret_key *secrets, size_t count, struct span id,
		  int64_t timestamp_s, struct span body, struct buf *out)
{
	uint8_t digest[32];
	struct buf content;

	buf_init(&content, HEAD_MAX + body.n);
	buf_put_span(&content, id);
	buf_printf(&content, ".%" PRId64 ".", timestamp_s);
	buf_put_span(&content, body);
	for (size_t i = 0; i < count && buf_ok(&content); i++) {
		secret_hmac(&secrets[i], buf_span(&content), digest);
		buf_put_cstr(out, i ? " v1," : "v1,");
		base64_encode(span_make(digest, sizeof(digest)), out);
	}
	buf_fini(&content);
}
