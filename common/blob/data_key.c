#include <stdlib.h>

#include "common/blob/blob.h"

#define PURPOSE SPAN_LIT("mailweave data key 1\0")
#define CONTEXT_MAX 256

/* Ids hold no '/': no two accounts have one context. */
static void put_context(struct span company, struct span account, struct buf *out)
{
	buf_init(out, CONTEXT_MAX);
	buf_put_span(out, PURPOSE);
	buf_put_span(out, company);
	buf_put_byte(out, '/');
	buf_put_span(out, account);
	if (!buf_ok(out))
		abort();
}

void blob_data_key_new(const struct secret_key *mail_key, struct span company, struct span account,
		       struct buf *wrapped_out)
{
	struct secret_key key;
	struct buf context;

	put_context(company, account, &context);
	random_bytes(key.b, sizeof(key.b));
	secret_seal(mail_key, buf_span(&context), span_make(key.b, sizeof(key.b)), wrapped_out);
	secret_wipe(&key, sizeof(key));
	buf_fini(&context);
}

enum err_code blob_data_key_open(const struct secret_key *mail_key, struct span company,
				 struct span account, struct span wrapped,
				 struct secret_key *key_out, struct err *e)
{
	struct buf context, clear;

	put_context(company, account, &context);
	buf_init(&clear, SECRET_KEY_BYTES);
	enum err_code code = secret_open(mail_key, buf_span(&context), wrapped, &clear, e);

	if (code == ERR_OK && clear.n != SECRET_KEY_BYTES)
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "data_key", "not a data key");
	if (code == ERR_OK)
		memcpy(key_out->b, clear.p, SECRET_KEY_BYTES);
	else if (code == ERR_LIMIT)
		code = err_set(e, ERR_PERM, ERR_ACCOUNT, "data_key", "not a data key");
	buf_wipe(&clear);
	buf_fini(&context);
	return code;
}
