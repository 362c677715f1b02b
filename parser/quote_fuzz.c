/* Fuzz target: any bytes as text to be parted into new words, signature and quoted history. */
#include <stdlib.h>

#include "parser/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_inside(struct span part, struct span whole)
{
	if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct buf fresh;
	buf_init(&fresh, 2 * size + 64);
	struct quote_parts parts = quote_split_text(text, &fresh);
	if (!buf_ok(&fresh))
		abort();
	buf_fini(&fresh);
	must_be_inside(parts.signature, text);
	if (parts.quoted_from > size)
		abort();
	return 0;
}
