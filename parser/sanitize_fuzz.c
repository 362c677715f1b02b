/* Fuzz target: any bytes as HTML to be made safe, and as HTML to be read without a tree. */
#include <stdlib.h>

#include "parser/html_text.h"
#include "parser/quote.h"
#include "parser/sanitize.h"
#include "parser/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made safe once more it stays as it is. */
static void try_html(struct arena *arena, struct span html)
{
	struct sanitize s = {.arena = arena}, again = {.arena = arena};
	struct buf safe, twice;
	buf_init(&safe, 16u << 20);
	buf_init(&twice, 16u << 20);
	if (sanitize_html(&s, html, &safe) && buf_ok(&safe)) {
		if (!sanitize_html(&again, buf_span(&safe), &twice) ||
		    !span_eq(buf_span(&safe), buf_span(&twice)))
			abort();
	}
	buf_fini(&safe);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct span text = span_make(data, size);
	struct buf utf8, words, fresh;
	buf_init(&utf8, 16u << 20);
	buf_init(&words, 16u << 20);
	buf_init(&fresh, 16u << 20);
	utf8_put_lossy(text, &utf8);
	try_html(arena, buf_span(&utf8));
	html_text_marked(buf_span(&utf8), SIZE_MAX, &words);
	quote_split_text(buf_span(&words), &fresh);
	if (!utf8_valid(buf_span(&words)) || !utf8_valid(buf_span(&fresh)))
		abort();
	buf_fini(&utf8);
	buf_fini(&words);
	buf_fini(&fresh);
	arena_free(&arena);
	return 0;
}
