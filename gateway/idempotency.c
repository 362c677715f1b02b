#include "gateway/idempotency.h"

#include "common/base/code.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "gateway/problem.h"

#define KEY_MAX 255
#define HASH_CHARS 64
#define PENDING_MS 60000
#define KEPT_MS (24 * 3600 * 1000)

static struct span viewer_tag(const struct http_request *r)
{
	return r->viewer.company.n ? r->viewer.company : SPAN_LIT("-");
}

bool idempotency_digest(struct http_request *r, uint8_t digest_out[32])
{
	const char *key = http_header(r, "Idempotency-Key");
	struct span company = viewer_tag(r), user = r->viewer.user;
	const char *text;

	if (!key)
		return false;
	text = arena_printf(r->arena, "idempotency %.*s\n%.*s\n%s\n%s", (int)company.n,
			    (const char *)company.p, (int)user.n, (const char *)user.p, r->path,
			    key);
	secret_sha256(span_cstr(text), digest_out);
	return true;
}

static struct span id_of(struct http_request *r, const char *prefix, const uint8_t digest[32])
{
	char text[ID_CHARS + 1];
	struct id id;

	memcpy(id.b, digest, ID_BYTES);
	id_format(&id, text);
	return span_cstr(arena_printf(r->arena, "%s%s", prefix, text));
}

struct span idempotency_id(struct http_request *r, const char *prefix)
{
	uint8_t digest[32];

	if (!idempotency_digest(r, digest))
		random_bytes(digest, ID_BYTES);
	return id_of(r, prefix, digest);
}

struct span idempotency_id_nth(struct http_request *r, struct span first, size_t n)
{
	const char *text = arena_printf(r->arena, "mailweave id %.*s %zu", (int)first.n,
					(const char *)first.p, n);
	uint8_t digest[32];

	secret_sha256(span_cstr(text), digest);
	return id_of(r, "", digest);
}

static struct span hex(struct arena *arena, const uint8_t hash[32])
{
	struct span text;
	struct buf b;

	buf_init(&b, HASH_CHARS + 1);
	hex_encode(span_make(hash, 32), &b);
	text = arena_span(arena, buf_span(&b));
	buf_fini(&b);
	return text;
}

static struct span key_name(struct http_request *r, const uint8_t digest[32])
{
	struct span part = hex(r->arena, digest);

	return r->viewer.company.n ? key_company_part(r->arena, r->viewer.company, KEY_C_IDEM, part)
				   : key_global_part(r->arena, KEY_C_IDEM, part);
}

static struct span body_hash(struct http_request *r)
{
	uint8_t hash[32];

	secret_sha256(r->body, hash);
	return hex(r->arena, hash);
}

/* The answer kept: three digits of status, then the body. */
static void replay(struct http_request *r, struct span key, struct span sealed)
{
	uint64_t status;
	struct buf clear;

	buf_init(&clear, HTTP_ANSWER_MAX);
	if (secret_open(&r->app->token_key, key, sealed, &clear, NULL) != ERR_OK || clear.n < 3 ||
	    !span_to_u64(span_make(clear.p, 3), 599, &status)) {
		problem_answer(r, PROBLEM_INTERNAL, "The kept answer is not readable.");
	} else {
		buf_consume(&clear, 3);
		http_answer_json_text(r, (unsigned)status, buf_span(&clear));
		http_answer_header(r, "Idempotent-Replay", "true");
	}
	buf_fini(&clear);
}

static void answer_again(struct http_request *r, struct span key, struct span kept)
{
	struct span hash = span_sub(kept, 2, HASH_CHARS);

	if (!span_eq(hash, body_hash(r))) {
		problem_answer(r, PROBLEM_IDEMPOTENCY_KEY_REUSED,
			       "This key came with another body before.");
	} else if (kept.p[0] == 'd') {
		replay(r, key, span_sub(kept, 2 + HASH_CHARS + 1, kept.n));
	} else {
		problem_answer(r, PROBLEM_REQUEST_IN_PROGRESS,
			       "The first request with this key is not finished.");
		problem_retry_after(r, 1);
	}
}

enum idempotency idempotency_begin(struct http_request *r)
{
	const char *header = http_header(r, "Idempotency-Key");
	struct store_reply reply;
	uint8_t digest[32];
	struct span key;
	struct err e;

	if (!header)
		return IDEMPOTENCY_NONE;
	if (!*header || strlen(header) > KEY_MAX) {
		problem_answer(r, PROBLEM_MALFORMED_REQUEST,
			       "Idempotency-Key must have 1 to %d octets.", KEY_MAX);
		return IDEMPOTENCY_ANSWERED;
	}
	idempotency_digest(r, digest);
	key = key_name(r, digest);
	if (store_do(r->store, r->arena, &reply, &e, "SET %b %s NX GET PX %d", key,
		     arena_printf(r->arena, "p %.*s", HASH_CHARS, (const char *)body_hash(r).p),
		     (int64_t)PENDING_MS) != ERR_OK) {
		problem_from_err(r, &e);
		return IDEMPOTENCY_ANSWERED;
	}
	if (reply.type != STORE_STRING || reply.string.n < 2 + HASH_CHARS)
		return IDEMPOTENCY_BEGUN;
	answer_again(r, key, reply.string);
	return IDEMPOTENCY_ANSWERED;
}

static void keep(struct http_request *r, struct span key)
{
	struct buf clear, value;
	struct store_reply reply;
	struct err e;

	buf_init(&clear, HTTP_ANSWER_MAX);
	buf_init(&value, HTTP_ANSWER_MAX);
	buf_printf(&clear, "%03u", r->answer.status);
	buf_put_span(&clear, buf_span(&r->answer.body));
	buf_put_cstr(&value, "d ");
	buf_put_span(&value, body_hash(r));
	buf_put_byte(&value, ' ');
	secret_seal(&r->app->token_key, key, buf_span(&clear), &value);
	if (store_do(r->store, r->arena, &reply, &e, "SET %b %b PX %d", key, buf_span(&value),
		     (int64_t)KEPT_MS) != ERR_OK)
		problem_from_err(r, &e);
	buf_wipe(&clear);
	buf_fini(&clear);
	buf_fini(&value);
}

void idempotency_end(struct http_request *r)
{
	struct store_reply reply;
	uint8_t digest[32];
	struct span key;
	struct err e;

	idempotency_digest(r, digest);
	key = key_name(r, digest);
	if (r->answer.status >= 200 && r->answer.status < 300)
		keep(r, key);
	else if (store_do(r->store, r->arena, &reply, &e, "DEL %b", key) != ERR_OK)
		err_clear(&e); /* it expires by itself */
}
