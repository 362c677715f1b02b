#include "parser/encoded_word.h"
#include "parser/transfer.h"
#include "parser/utf8.h"

#define CHARSET_NAME_MAX 64

struct word {
	unsigned charset;
	bool base64;
	struct span text;
	size_t n; /* bytes of the whole */
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the "?=" is; 0 if there is none, or another word begins before it. Each byte is looked at once a word begun. */
static size_t text_end(struct span s, size_t start, bool *no_end)
{
	for (size_t i = start; i + 1 < s.n; i++) {
		if (s.p[i] == '?' && s.p[i + 1] == '=')
			return i;
		if (s.p[i] == '=' && s.p[i + 1] == '?' && i > start && is_blank(s.p[i - 1]))
			return 0;
	}
	*no_end = true;
	return 0;
}

/* `=?charset*language?B?` at s; text is what follows up to "?=". no_end: a search for "?=" found none before. */
static bool word_read(struct span s, bool *no_end, struct word *word_out)
{
	if (*no_end || s.n < 6 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	size_t i = 2;
	while (i < s.n && i < CHARSET_NAME_MAX && s.p[i] != '?' && s.p[i] > ' ')
		i++;
	if (i + 3 >= s.n || s.p[i] != '?' || s.p[i + 2] != '?' || i == 2)
		return false;
	uint8_t kind = s.p[i + 1] | 0x20;
	if (kind != 'b' && kind != 'q')
		return false;
	struct span name = {s.p + 2, i - 2};
	name.n = span_find_byte(name, '*');
	size_t start = i + 3, end = text_end(s, start, no_end);
	if (end == 0)
		return false;
	struct span text = {s.p + start, end - start};
	*word_out = (struct word){charset_find(name), kind == 'b', text, end + 2};
	return true;
}

size_t encoded_word_length(struct span s)
{
	struct word w;
	bool no_end = false;
	return word_read(s, &no_end, &w) ? w.n : 0;
}

/* Appends the characters of text as they are to be seen: line ends out, control characters out, tab to blank. */
static void put_clean(struct span text, struct buf *out)
{
	uint8_t *to = buf_reserve(out, text.n);
	if (!to)
		return;
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c == '\t')
			to[n++] = ' ';
		else if (c >= ' ' && c != 0x7f)
			to[n++] = c;
	}
	out->n += n;
}

static void put_raw(struct decode *d, struct span raw)
{
	if (raw.n == 0)
		return;
	d->words.n = 0;
	charset_decode(NULL, CHARSET_UNKNOWN, raw, &d->words);
	put_clean(buf_span(&d->words), &d->text);
}

/* Converts what neighbouring words of one charset have gathered. */
static void flush_words(struct decode *d, unsigned charset)
{
	if (d->bytes.n == 0)
		return;
	d->words.n = 0;
	charset_decode(d->charsets, charset, buf_span(&d->bytes), &d->words);
	put_clean(buf_span(&d->words), &d->text);
	d->bytes.n = 0;
}

static void gather(struct decode *d, const struct word *w)
{
	if (w->base64)
		transfer_decode_base64(w->text, &d->bytes);
	else
		transfer_decode_quoted(w->text, true, &d->bytes);
}

static bool all_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_blank(s.p[i]))
			return false;
	}
	return true;
}

/* Decodes raw into d->text. */
static void decode_words(struct decode *d, struct span raw)
{
	unsigned charset = CHARSET_UNKNOWN;
	bool after_word = false, no_end = false;
	size_t from = 0, at = 0;
	while (at < raw.n) {
		const uint8_t *mark = memmem(raw.p + at, raw.n - at, "=?", 2);
		if (!mark)
			break;
		at = (size_t)(mark - raw.p);
		struct word w;
		if (!word_read((struct span){mark, raw.n - at}, &no_end, &w)) {
			at += 2;
			continue;
		}
		struct span between = {raw.p + from, at - from};
		bool joined = after_word && all_blank(between);
		if (!joined || w.charset != charset)
			flush_words(d, charset);
		if (!joined)
			put_raw(d, between);
		charset = w.charset;
		gather(d, &w);
		at += w.n;
		from = at;
		after_word = true;
	}
	flush_words(d, charset);
	put_raw(d, (struct span){raw.p + from, raw.n - from});
}

/* Nothing to change in s? */
static bool is_plain(struct span s)
{
	bool plain = true;
	for (size_t i = 0; i < s.n; i++)
		plain &= s.p[i] >= ' ' && s.p[i] < 0x7f;
	return plain && !memmem(s.p, s.n, "=?", 2);
}

struct span encoded_word_text(struct decode *d, struct span raw)
{
	struct span s = span_trim(raw);
	if (s.n == 0 || is_plain(s))
		return s;
	d->text.n = 0;
	d->bytes.n = 0;
	decode_words(d, s);
	return arena_span(d->arena, span_trim(buf_span(&d->text)));
}
