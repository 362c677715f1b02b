#include "parser/shown_text.h"
#include "parser/flowed.h"
#include "parser/uuencode.h"

/* The part's body without uuencoded files; of what is left each piece is decoded by itself. */
static void put_without_files(struct decode *d, const struct mime_part *part, struct buf *out)
{
	struct mime_part piece = *part;
	struct uuencode_block block;
	size_t at = 0;
	while (part->encoding == TRANSFER_NONE && uuencode_next(part->body, at, &block)) {
		piece.body = span_sub(part->body, at, block.offset - at);
		mime_part_text(d, &piece, SIZE_MAX, out);
		at = block.offset + block.lines.n;
	}
	piece.body = span_sub(part->body, at, part->body.n);
	mime_part_text(d, &piece, SIZE_MAX, out);
}

static void put_part(struct decode *d, const struct mime_part *part, struct buf *out)
{
	if (!part->flowed) {
		put_without_files(d, part, out);
		return;
	}
	d->text.n = 0;
	put_without_files(d, part, &d->text);
	flowed_unwrap(buf_span(&d->text), part->delsp, out);
}

bool shown_text(struct decode *d, const struct mime_message *m, struct buf *out)
{
	bool any = false;
	for (uint32_t i = 0; i < m->text_body.count; i++) {
		const struct mime_part *part = &m->parts[m->text_body.items[i]];
		if (part->kind != MIME_TEXT_PLAIN)
			continue;
		if (any)
			buf_put_byte(out, '\n');
		put_part(d, part, out);
		any = true;
	}
	return any;
}
