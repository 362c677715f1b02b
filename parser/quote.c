#include "parser/quote.h"
#include "parser/quote_marks.h"

#define BLANK_LINES_MAX 4 /* between an attribution and what it is of */
#define NAME_LINES_MAX 3 /* above "Sent from my …" */
#define NAME_BYTES_MAX 40
#define FULL_LINE_BYTES 60 /* a quoted line of that length may have been broken in two */

struct walk {
	struct span s;
	struct buf *fresh;
	struct quote_parts parts;
	size_t piece; /* where the new words in hand begin; s.n: nothing new is in hand */
	bool closed; /* a signature after "-- ": no words behind it are new */
};

/* Offset of the line "-- ", or n. */
static size_t find_dashes(struct span s)
{
	for (size_t at = 0; at < s.n;) {
		size_t next;
		if (span_eq(quote_marks_line(s, at, &next), SPAN_LIT("--")))
			return at;
		at = next;
	}
	return s.n;
}

/* Where the last line of s begins; s has no line end at its end. */
static size_t last_line(struct span s)
{
	size_t at = s.n;
	while (at > 0 && s.p[at - 1] != '\n')
		at--;
	return at;
}

/* "Anna Berg": a few words that begin with capitals (or in other scripts), nothing that ends a sentence. */
static bool is_name(struct span line)
{
	if (line.n == 0 || line.n > NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < line.n; i++) {
		bool starts = i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '-';
		if (strchr(".,;:!?", line.p[i]) && line.p[i] && i + 1 == line.n)
			return false;
		if (starts && line.p[i] < 0x80 && !(line.p[i] >= 'A' && line.p[i] <= 'Z'))
			return false;
	}
	return true;
}

/* Offset of "Sent from my …" at the end and of the name right above it, or n. */
static size_t find_phone(struct span s)
{
	size_t n = span_trim(s).n + (size_t)(span_trim(s).p - s.p), at, next;
	at = last_line((struct span){s.p, n});
	if (!quote_marks_phone(quote_marks_line(s, at, &next)))
		return s.n;
	for (int i = 0; i < NAME_LINES_MAX && at > 0; i++) {
		size_t above = last_line((struct span){s.p, at - 1});
		if (!is_name(quote_marks_line(s, above, &next)))
			break;
		at = above;
	}
	return at;
}

static void put_fresh(struct walk *w, struct span words)
{
	struct span s = span_trim(words);
	if (s.n == 0)
		return;
	if (w->fresh->n > 0)
		buf_put_cstr(w->fresh, "\n\n");
	buf_put_span(w->fresh, s);
}

/* The new words in hand end at `end`. */
static void end_piece(struct walk *w, size_t end)
{
	if (w->piece >= w->s.n)
		return;
	struct span piece = {w->s.p + w->piece, end - w->piece};
	size_t cut = find_dashes(piece);
	w->closed = cut < piece.n;
	if (!w->closed && span_trim(piece).n > 0)
		cut = find_phone(piece);
	put_fresh(w, (struct span){piece.p, cut});
	if (cut < piece.n)
		w->parts.signature = span_trim(span_sub(piece, cut, piece.n));
	w->piece = w->s.n;
}

/* History begins at `at`, as far as we see. */
static void begin_quote(struct walk *w, size_t at)
{
	end_piece(w, at);
	if (w->parts.quoted_from == w->s.n)
		w->parts.quoted_from = at;
}

/* Words at `at`, and not quoted. */
static void begin_piece(struct walk *w, size_t at)
{
	if (w->closed || w->piece < w->s.n)
		return;
	w->piece = at;
	w->parts.quoted_from = w->s.n;
}

static bool quote_follows(struct span s, size_t at)
{
	struct span line = {0};
	for (int i = 0; i <= BLANK_LINES_MAX && at < s.n && line.n == 0; i++)
		line = quote_marks_line(s, at, &at);
	return quote_marks_is_quote(line);
}

/* The rest of a quoted line that a mail program broke: a short one between two quoted ones. */
static bool is_broken_quote(struct span s, struct span above, struct span line, size_t next)
{
	return quote_marks_is_quote(above) && above.n >= FULL_LINE_BYTES && line.n < above.n / 2 &&
	       next < s.n && quote_marks_is_quote(quote_marks_line(s, next, &next));
}

/* Takes the line at `at`; returns where to go on. */
static size_t take_line(struct walk *w, size_t at, struct span above)
{
	size_t next, end;
	struct span line = quote_marks_line(w->s, at, &next);
	if (line.n == 0)
		return next;
	if (quote_marks_is_quote(line)) {
		begin_quote(w, at);
		return next;
	}
	if (is_broken_quote(w->s, above, line, next))
		return next;
	if (quote_marks_history(w->s, at)) {
		begin_quote(w, at);
		return w->s.n;
	}
	end = quote_marks_attribution(w->s, at);
	if (!end && quote_marks_tells(line) && quote_follows(w->s, next))
		end = next;
	if (end) {
		begin_quote(w, at);
		return quote_follows(w->s, end) ? end : w->s.n;
	}
	begin_piece(w, at);
	return next;
}

struct quote_parts quote_split_text(struct span text, struct buf *fresh_out)
{
	struct walk w = {.s = text, .fresh = fresh_out, .piece = text.n};
	struct span above = {0};
	w.parts.quoted_from = text.n;
	for (size_t at = 0; at < text.n;) {
		size_t next;
		struct span line = quote_marks_line(text, at, &next);
		at = take_line(&w, at, above);
		above = line;
	}
	end_piece(&w, text.n);
	return w.parts;
}
