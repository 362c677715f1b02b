#include "parser/facts.h"
#include "parser/html_text.h"
#include "parser/shown_text.h"
#include "parser/utf8.h"

#define FIRST_WINDOW 2048u
#define LAST_WINDOW (256u * 1024u)

static bool is_space(uint32_t c)
{
	return c <= ' ' || c == 0x7f || c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028;
}

/* Characters that newsletters pad their previews with; they show nothing. */
static bool is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || (c >= 0x200b && c <= 0x200f) || c == 0x2060 ||
	       c == 0xfeff || c == 0x180e;
}

/* Appends the words of text to out; true once there are enough characters. */
static bool squeeze(struct span text, struct buf *out)
{
	unsigned chars = 0;
	bool gap = false;
	for (size_t at = 0; at < text.n;) {
		uint32_t c = utf8_next(text, &at);
		if (is_invisible(c))
			continue;
		if (is_space(c)) {
			gap = chars > 0;
			continue;
		}
		if (chars + gap >= FACTS_PREVIEW_CHARS)
			return true;
		if (gap)
			buf_put_byte(out, ' ');
		buf_put_utf8(out, c);
		chars += 1 + gap;
		gap = false;
	}
	return false;
}

/* The preview of one part into d->words; the window grows until it is full or the part is read. */
static void preview_part(struct decode *d, const struct mime_part *part)
{
	for (size_t window = FIRST_WINDOW;; window *= 8) {
		d->text.n = 0;
		bool full;
		if (part->kind == MIME_TEXT_HTML) {
			mime_part_text(d, part, window, &d->text);
			d->words.n = 0;
			d->bytes.n = 0;
			html_text(buf_span(&d->text), SIZE_MAX, &d->bytes);
			full = squeeze(buf_span(&d->bytes), &d->words);
		} else {
			shown_part(d, part, window, &d->text);
			d->words.n = 0;
			full = squeeze(buf_span(&d->text), &d->words);
		}
		if (full || window >= part->body.n || window >= LAST_WINDOW)
			return;
	}
}

struct span facts_preview(struct decode *d, const struct mime_message *m)
{
	const struct mime_list *lists[] = {&m->text_body, &m->html_body};
	for (int k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < lists[k]->count && i < 4; i++) {
			const struct mime_part *part = &m->parts[lists[k]->items[i]];
			if (part->kind != MIME_TEXT_PLAIN && part->kind != MIME_TEXT_HTML)
				continue;
			preview_part(d, part);
			if (d->words.n > 0)
				return arena_span(d->arena, buf_span(&d->words));
		}
	}
	return (struct span){0};
}
