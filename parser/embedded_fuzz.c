/* Fuzz target: any bytes as winmail.dat, compressed RTF, AppleSingle, uuencoded or flowed text, an mbox, HTML of no charset. */
#include <stdlib.h>

#include "parser/charset_guess.h"
#include "parser/embedded.h"
#include "parser/flowed.h"
#include "parser/mbox.h"
#include "parser/rtf_unpack.h"
#include "parser/shown_text.h"
#include "parser/uuencode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_part(struct decode *d, struct span body, struct mime_part part)
{
	struct embedded_list list;
	part.body = body;
	embedded_find(d, &part, &list);
	if (list.count > EMBEDDED_MAX)
		abort();
	for (unsigned i = 0; i < list.count; i++)
		embedded_octets(d, &list.files[i]);
}

static void try_texts(struct span s)
{
	struct buf out;
	struct uuencode_block block;
	buf_init(&out, 16u << 20);
	rtf_unpack(s, &out);
	buf_clear(&out);
	flowed_unwrap(s, true, &out);
	if (out.n > 2 * s.n + 2)
		abort();
	buf_clear(&out);
	mbox_unquote(s, &out);
	if (out.n > s.n)
		abort();
	buf_fini(&out);
	for (size_t at = 0; at < s.n; at = mbox_skip(s, at))
		at = mbox_next(s, at);
	for (size_t at = 0; uuencode_next(s, at, &block); at = block.offset + block.lines.n) {
		if (block.offset < at || block.lines.n == 0 || block.offset + block.lines.n > s.n)
			abort();
	}
	charset_guess(s, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	decode_init(&d, NULL, arena);
	struct span s = span_make(data, size);
	try_part(&d, s, (struct mime_part){.type = SPAN_LIT("application/ms-tnef")});
	try_part(&d, s, (struct mime_part){.type = SPAN_LIT("application/applefile")});
	try_part(&d, s, (struct mime_part){.kind = MIME_TEXT_PLAIN});
	try_texts(s);
	decode_fini(&d);
	arena_free(&arena);
	return 0;
}
