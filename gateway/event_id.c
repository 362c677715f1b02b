#include "gateway/event_id.h"

#include "common/base/code.h"

enum { BLOCK = 16, CHECK_AT = 11, COMPANY_MAX = 64 };

static const uint32_t OF_COMPANY = UINT32_C(1) << 31;
static const char CHECK[] = "event";

static void write_be(uint8_t *p, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static uint64_t read_be(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

static void company_key(const struct secret_key *key, struct span company, struct secret_key *out)
{
	struct buf text;

	buf_init(&text, 16 + COMPANY_MAX);
	buf_put_cstr(&text, "event id ");
	buf_put_span(&text, span_sub(company, 0, COMPANY_MAX));
	secret_hmac(key, buf_span(&text), out->b);
	buf_fini(&text);
}

void event_id_format(const struct secret_key *key, struct span company, const struct event_ref *ref,
		     char out[EVENT_ID_CHARS + 1])
{
	uint8_t clear[BLOCK], sealed[BLOCK];
	struct secret_key own;
	struct buf text;

	write_be(clear, 4, ref->company ? OF_COMPANY | ref->sequence : ref->number);
	write_be(clear + 4, 6, ref->company ? ref->ms : ref->n);
	write_be(clear + 10, 1, ref->company ? 0 : ref->k);
	memcpy(clear + CHECK_AT, CHECK, BLOCK - CHECK_AT);
	company_key(key, company, &own);
	secret_block_encrypt(&own, clear, sealed);
	secret_wipe(&own, sizeof(own));
	buf_init(&text, EVENT_ID_CHARS + 1);
	base32_encode(span_make(sealed, BLOCK), &text);
	memcpy(out, buf_cstr(&text), EVENT_ID_CHARS + 1);
	buf_fini(&text);
}

static bool open_block(const struct secret_key *key, struct span company, struct span text,
		       uint8_t clear[BLOCK])
{
	struct secret_key own;
	struct buf sealed;
	bool ok;

	buf_init(&sealed, BLOCK);
	ok = text.n == EVENT_ID_CHARS && base32_decode(text, &sealed) && sealed.n == BLOCK;
	if (ok) {
		company_key(key, company, &own);
		secret_block_decrypt(&own, sealed.p, clear);
		secret_wipe(&own, sizeof(own));
	}
	buf_fini(&sealed);
	return ok && secret_equal(span_make(clear + CHECK_AT, BLOCK - CHECK_AT), SPAN_LIT("event"));
}

bool event_id_parse(const struct secret_key *key, struct span company, struct span text,
		    struct event_ref *ref_out)
{
	struct event_ref ref = {0};
	uint8_t clear[BLOCK];
	uint32_t first;

	if (!open_block(key, company, text, clear))
		return false;
	first = (uint32_t)read_be(clear, 4);
	ref.company = (first & OF_COMPANY) != 0;
	if (ref.company) {
		ref.sequence = first & ~OF_COMPANY;
		ref.ms = read_be(clear + 4, 6);
	} else {
		ref.number = first;
		ref.n = read_be(clear + 4, 6);
		ref.k = clear[10];
	}
	*ref_out = ref;
	return true;
}
