#include "parser/content_hash.h"
#include "common/secret/secret.h"

/* Without CR and LF. */
static void add_field(struct secret_digest *digest, struct span value)
{
	struct span s = span_trim(value);
	while (s.n > 0) {
		size_t n = 0;
		while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
			n++;
		secret_digest_add(digest, (struct span){s.p, n});
		while (n < s.n && (s.p[n] == '\r' || s.p[n] == '\n'))
			n++;
		s = span_sub(s, n, s.n);
	}
	secret_digest_add(digest, span_make("", 1));
}

static void add_body(struct secret_digest *digest, struct span body)
{
	while (body.n > 0 && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r'))
		body.n--;
	while (body.n > 0) {
		size_t n = span_find_byte(body, '\r');
		secret_digest_add(digest, (struct span){body.p, n});
		body = span_sub(body, n + 1, body.n);
	}
}

void content_hash(const struct mime_message *m, uint8_t out[32])
{
	struct secret_digest *digest = secret_digest_new();
	const struct mime_part *root = &m->parts[0];
	add_field(digest, mime_field_last(m, root, HEADER_FROM));
	add_field(digest, mime_field_last(m, root, HEADER_DATE));
	add_field(digest, mime_field_last(m, root, HEADER_SUBJECT));
	add_body(digest, root->body);
	secret_digest_end(digest, out);
	secret_digest_free(&digest);
}
