#include "parser/shown_text.h"
#include "parser/flowed.h"
#include "parser/uuencode.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The next file in the body that begins before `end`, whole. */
static bool next_file(struct span body, size_t at, size_t end, struct uuencode_block *out)
{
	return uuencode_next(span_sub(body, 0, end), at, out) &&
	       uuencode_next(body, out->offset, out);
}

/* max_raw bytes of the part's body without uuencoded files; of what is left each piece is decoded by itself. */
static void put_without_files(struct decode *d, const struct mime_part *part, size_t max_raw,
			      struct buf *out)
{
	struct mime_part piece = *part;
	struct uuencode_block block;
	size_t at = 0, left = least(max_raw, part->body.n);
	while (part->encoding == TRANSFER_NONE &&
	       next_file(part->body, at, least(at + left, part->body.n), &block)) {
		piece.body = span_sub(part->body, at, block.offset - at);
		mime_part_text(d, &piece, SIZE_MAX, out);
		left -= piece.body.n;
		at = block.offset + block.lines.n;
	}
	piece.body = span_sub(part->body, at, left);
	mime_part_text(d, &piece, SIZE_MAX, out);
}

void shown_part(struct decode *d, const struct mime_part *part, size_t max_raw, struct buf *out)
{
	if (!part->flowed) {
		put_without_files(d, part, max_raw, out);
		return;
	}
	d->words.n = 0;
	put_without_files(d, part, max_raw, &d->words);
	flowed_unwrap(buf_span(&d->words), part->delsp, out);
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
		shown_part(d, part, SIZE_MAX, out);
		any = true;
	}
	return any;
}
