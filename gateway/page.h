/*
 * page: lists, `?limit=50` (1–200) and `cursor` → {"data":[…],"nextCursor":null}. A cursor is sealed with the token key
 * and bound to the path, the company and the user it was made for: nobody reads from it or makes one up.
 */
#ifndef MW_GATEWAY_PAGE_H
#define MW_GATEWAY_PAGE_H

#include "gateway/http.h"

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX 200
#define PAGE_CURSOR_MAX 512 /* octets inside */

struct page {
	size_t limit;
	struct span
		cursor; /* what the last page's `next` was, in the arena; empty: the beginning */
};

/* False: 400 invalid_parameter or invalid_cursor is answered. */
bool page_read(struct http_request *r, struct page *page_out);
/* data (an array) is taken over. next: where the following page begins, at most PAGE_CURSOR_MAX; empty: the end. */
void page_answer(struct http_request *r, json_t *data, struct span next);

/* For qsort and for cursors: the order of two replies that are names. */
int page_compare_names(const void *a, const void *b);

/* The sealing itself, for other opaque tokens too (event ids): base64url, not deterministic. context is authenticated. */
void page_seal(const struct secret_key *key, struct span context, struct span clear,
	       struct buf *out);
MUST_USE enum err_code page_open(const struct secret_key *key, struct span context,
				 struct span sealed, struct buf *out);

#endif
