#include "gateway/page.h"

#include "common/base/code.h"
#include "gateway/json.h"
#include "gateway/problem.h"

#define SEALED_OVERHEAD (SECRET_NONCE_BYTES + SECRET_TAG_BYTES)

int page_compare_names(const void *a, const void *b)
{
	const struct store_reply *left = a, *right = b;

	return span_compare(left->string, right->string);
}

void page_seal(const struct secret_key *key, struct span context, struct span clear,
	       struct buf *out)
{
	struct buf sealed;

	buf_init(&sealed, clear.n + SEALED_OVERHEAD);
	secret_seal(key, context, clear, &sealed);
	base64url_encode(buf_span(&sealed), out);
	buf_fini(&sealed);
}

enum err_code page_open(const struct secret_key *key, struct span context, struct span sealed,
			struct buf *out)
{
	enum err_code code = ERR_PERM;
	struct buf bytes;

	buf_init(&bytes, PAGE_CURSOR_MAX * 2);
	if (sealed.n <= PAGE_CURSOR_MAX * 2 && base64_decode(sealed, &bytes) && buf_ok(&bytes))
		code = secret_open(key, context, buf_span(&bytes), out, NULL);
	buf_fini(&bytes);
	return code;
}

/* A cursor counts for one list of one viewer. */
static struct span cursor_context(const struct http_request *r)
{
	const char *text = arena_printf(r->arena, "cursor %s %.*s %.*s", r->path,
					(int)r->viewer.company.n, (const char *)r->viewer.company.p,
					(int)r->viewer.user.n, (const char *)r->viewer.user.p);

	return span_cstr(text);
}

static bool cursor_read(struct http_request *r, const char *text, struct page *page)
{
	struct buf clear;
	bool ok;

	buf_init(&clear, PAGE_CURSOR_MAX);
	ok = page_open(&r->app->token_key, cursor_context(r), span_cstr(text), &clear) == ERR_OK &&
	     buf_ok(&clear) && clear.n;
	if (ok)
		page->cursor = arena_span(r->arena, buf_span(&clear));
	else
		problem_answer(r, PROBLEM_INVALID_CURSOR, "The cursor was not made by this list.");
	buf_fini(&clear);
	return ok;
}

bool page_read(struct http_request *r, struct page *page_out)
{
	const char *limit = http_query(r, "limit"), *cursor = http_query(r, "cursor");
	uint64_t value = PAGE_LIMIT_DEFAULT;

	if (limit && (!span_to_u64(span_cstr(limit), PAGE_LIMIT_MAX, &value) || value == 0)) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "limit must be from 1 to %d.",
			       PAGE_LIMIT_MAX);
		return false;
	}
	page_out->limit = (size_t)value;
	page_out->cursor = SPAN_LIT("");
	return !cursor || !*cursor || cursor_read(r, cursor, page_out);
}

void page_answer(struct http_request *r, json_t *data, struct span next)
{
	json_t *cursor = json_null();
	struct buf text;

	buf_init(&text, PAGE_CURSOR_MAX * 2);
	if (next.n) {
		page_seal(&r->app->token_key, cursor_context(r), next, &text);
		cursor = json_stringn((const char *)text.p, text.n);
	}
	buf_fini(&text);
	http_answer_json(r, 200, json_pack("{s:o s:o}", "data", data, "nextCursor", cursor));
}
