/* Parts by their ids, and their text. */
#include "parser/charset_guess.h"
#include "parser/mime.h"

#include <stdio.h>

bool mime_part_id(const struct mime_message *m, uint32_t part, char out[MIME_PART_ID_BYTES])
{
	uint32_t path[MIME_DEPTH_MAX + 1], n = 0;
	if (m->parts[part].kind == MIME_MULTIPART)
		return false;
	for (uint32_t i = part; m->parts[i].parent != MIME_NONE && n <= MIME_DEPTH_MAX;
	     i = m->parts[i].parent)
		path[n++] = m->parts[i].number;
	if (n == 0)
		path[n++] = 1;
	size_t used = 0;
	while (n-- > 0 && used + 12 < MIME_PART_ID_BYTES) {
		int k = snprintf(out + used, MIME_PART_ID_BYTES - used, n ? "%u." : "%u", path[n]);
		used += k > 0 ? (size_t)k : 0;
	}
	return true;
}

uint32_t mime_part_find(const struct mime_message *m, struct span part_id)
{
	char id[MIME_PART_ID_BYTES];
	for (uint32_t i = 0; i < m->part_count; i++) {
		if (mime_part_id(m, i, id) && span_eq(span_cstr(id), part_id))
			return i;
	}
	return MIME_NONE;
}

struct span mime_part_octets(struct decode *d, const struct mime_part *part)
{
	if (part->encoding == TRANSFER_NONE || part->kind == MIME_MULTIPART)
		return part->body;
	d->bytes.n = 0;
	transfer_decode(part->encoding, part->body, &d->bytes);
	return buf_span(&d->bytes);
}

void mime_part_text(struct decode *d, const struct mime_part *part, size_t max_raw, struct buf *out)
{
	struct span body = span_sub(part->body, 0, max_raw);
	unsigned charset = part->charset.n ? charset_find(part->charset) : CHARSET_UNKNOWN;
	if (part->encoding != TRANSFER_NONE) {
		d->bytes.n = 0;
		transfer_decode(part->encoding, body, &d->bytes);
		body = buf_span(&d->bytes);
	}
	if (charset == CHARSET_UNKNOWN)
		charset = charset_guess(body, part->kind == MIME_TEXT_HTML);
	charset_decode(d->charsets, charset, body, out);
}
