#include "gateway/token.h"

#include "common/base/code.h"
#include "common/secret/secret.h"
#include "common/wire/pack.h"

#define TOKEN_ID_BYTES 10
#define TOKEN_SECRET_BYTES 32

static const char *const KINDS[] = {
	[VIEWER_ROOT] = "root", [VIEWER_COMPANY] = "company", [VIEWER_USER] = "user"};

const char *token_kind_name(enum viewer_kind kind)
{
	return kind ? KINDS[kind] : "none";
}

static size_t find_last_dot(struct span s)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != '.')
		i--;
	return i;
}

/* From the right: a company's id may hold dots. */
bool token_parse(struct span s, struct token_text *text_out)
{
	static const struct span HEAD = {(const uint8_t *)"mw1.", 4};
	size_t dot;

	if (s.n > TOKEN_TEXT_MAX || !span_eq(span_sub(s, 0, HEAD.n), HEAD))
		return false;
	s = span_sub(s, HEAD.n, s.n);
	dot = find_last_dot(s);
	if (!dot)
		return false;
	text_out->secret = span_sub(s, dot, s.n);
	s = span_sub(s, 0, dot - 1);
	dot = find_last_dot(s);
	if (!dot)
		return false;
	text_out->id = span_sub(s, dot, s.n);
	text_out->company = span_sub(s, 0, dot - 1);
	return text_out->secret.n >= 16 && id_is_client(text_out->id) &&
	       id_is_client(text_out->company);
}

bool token_is_root(const struct token_text *text)
{
	return span_eq(text->company, SPAN_LIT("-"));
}

void token_make(struct arena *arena, struct span company, struct token_text *parts_out,
		struct buf *text_out)
{
	uint8_t id[TOKEN_ID_BYTES], secret[TOKEN_SECRET_BYTES];
	size_t id_at, secret_at;

	random_bytes(id, sizeof(id));
	random_bytes(secret, sizeof(secret));
	buf_put_cstr(text_out, "mw1.");
	buf_put_span(text_out, company);
	buf_put_byte(text_out, '.');
	id_at = text_out->n;
	base32_encode(span_make(id, sizeof(id)), text_out);
	buf_put_byte(text_out, '.');
	secret_at = text_out->n;
	base64url_encode(span_make(secret, sizeof(secret)), text_out);
	secret_wipe(secret, sizeof(secret));
	parts_out->company = arena_span(arena, company);
	parts_out->id =
		arena_span(arena, span_sub(buf_span(text_out), id_at, secret_at - 1 - id_at));
	parts_out->secret = span_sub(buf_span(text_out), secret_at, text_out->n);
}

void token_hash(struct span secret, uint8_t hash_out[TOKEN_HASH_BYTES])
{
	secret_sha256(secret, hash_out);
}

void token_record_encode(const struct token_record *record, struct buf *out)
{
	size_t count = 0;

	for (unsigned bit = 0; bit < AUTH_SCOPE_COUNT; bit++)
		count += record->scopes >> bit & 1;
	pack_put_array(out, 6);
	pack_put_u64(out, 1);
	pack_put_str(out, span_make(record->hash, TOKEN_HASH_BYTES));
	pack_put_cstr(out, token_kind_name(record->kind));
	pack_put_str(out, record->user);
	pack_put_array(out, count);
	for (unsigned bit = 0; bit < AUTH_SCOPE_COUNT; bit++)
		if (record->scopes >> bit & 1)
			pack_put_cstr(out, auth_scope_name(bit));
	pack_put_i64(out, record->created_ms);
}

static enum viewer_kind kind_parse(struct span name)
{
	for (enum viewer_kind kind = VIEWER_ROOT; kind <= VIEWER_USER; kind++)
		if (span_eq(name, span_cstr(KINDS[kind])))
			return kind;
	return VIEWER_NOBODY;
}

bool token_record_decode(struct span encoded, struct token_record *record_out)
{
	struct pack_reader r = pack_reader_make(encoded);
	size_t elements = pack_read_array(&r), scopes;
	struct span hash;

	memset(record_out, 0, sizeof(*record_out));
	if (elements < 6 || pack_read_u64(&r) < 1)
		return false;
	hash = pack_read_bytes(&r);
	if (hash.n != TOKEN_HASH_BYTES)
		return false;
	memcpy(record_out->hash, hash.p, TOKEN_HASH_BYTES);
	record_out->kind = kind_parse(pack_read_bytes(&r));
	record_out->user = pack_read_bytes(&r);
	scopes = pack_read_array(&r);
	for (size_t i = 0; i < scopes; i++)
		record_out->scopes |= auth_scope_parse(pack_read_bytes(&r));
	record_out->created_ms = pack_read_i64(&r);
	pack_skip_n(&r, elements - 6);
	return pack_done(&r) && record_out->kind != VIEWER_NOBODY;
}
