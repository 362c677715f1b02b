#include "gateway/export_encode.h"

#include <time.h>

#include "common/base/code.h"

#define SENDER_MAX 256

void export_mbox_begin(struct span sender, int64_t received_ms, struct buf *out)
{
	time_t seconds = (time_t)(received_ms / 1000);
	char when[32] = "Thu Jan  1 00:00:00 1970";
	size_t before;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	buf_put_cstr(out, "From ");
	before = out->n;
	for (size_t i = 0; i < sender.n && i < SENDER_MAX; i++)
		if (sender.p[i] > ' ' && sender.p[i] != 0x7f)
			buf_put_byte(out, sender.p[i]);
	if (out->n == before)
		buf_put_cstr(out, "MAILER-DAEMON");
	buf_put_byte(out, ' ');
	buf_put_cstr(out, when);
	buf_put_byte(out, '\n');
}

static bool is_quoted(struct span line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] == '>')
		i++;
	return span_eq(span_sub(line, i, 5), SPAN_LIT("From "));
}

/* Without CR before the end, and with an end. */
static void put_line(struct span line, bool ended, struct buf *out)
{
	if (ended && line.n && line.p[line.n - 1] == '\r')
		line.n--;
	buf_put_span(out, line);
	if (ended)
		buf_put_byte(out, '\n');
}

size_t export_mbox_piece(struct span raw, size_t from, struct buf *out)
{
	size_t at = from;
	bool begins = from == 0 || raw.p[from - 1] == '\n';

	while (at < raw.n && at - from < EXPORT_PIECE) {
		struct span rest = span_sub(raw, at, EXPORT_PIECE);
		size_t end = span_find_byte(rest, '\n');
		bool ended = end < rest.n;
		struct span line = span_sub(rest, 0, end);

		/* A line longer than a piece is cut; a CR at the cut stays with its LF. */
		if (!ended && line.n > 1 && at + line.n < raw.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (begins && is_quoted(line))
			buf_put_byte(out, '>');
		put_line(line, ended, out);
		at += line.n + ended;
		begins = ended;
	}
	if (at >= raw.n) {
		if (raw.n && !begins)
			buf_put_byte(out, '\n');
		buf_put_byte(out, '\n');
		at = raw.n;
	}
	return at;
}

size_t export_base64_piece(struct span raw, size_t from, struct buf *out)
{
	struct span piece = span_sub(raw, from, EXPORT_PIECE);

	base64_encode(piece, out);
	return from + piece.n;
}
