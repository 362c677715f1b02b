#include "fetcher/imap_resp.h"

#include "fetcher/imap_value.h"

#define SEARCH "* SEARCH "
#define TAIL_MAX 32u

enum { IN_LINE = 0, IN_LITERAL, IN_BODY, IN_BROKEN };

void imap_scanner_init(struct imap_scanner *s)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->line, IMAP_LINE_MAX + IMAP_LITERAL_MAX);
}

void imap_scanner_fini(struct imap_scanner *s)
{
	buf_fini(&s->line);
}

/* A long line was an exception: its memory goes, so that a thousand connections stay small. */
static void line_restart(struct imap_scanner *s)
{
	s->done = s->bodied = false;
	if (s->line.cap > 16384) {
		buf_fini(&s->line);
		buf_init(&s->line, IMAP_LINE_MAX + IMAP_LITERAL_MAX);
	}
	buf_clear(&s->line);
}

static void line_go_on(struct imap_scanner *s)
{
	const size_t n = s->line.n - s->tail;

	s->done = false;
	memmove(s->line.p + strlen(SEARCH), s->line.p + s->tail, n);
	memcpy(s->line.p, SEARCH, strlen(SEARCH));
	s->line.n = strlen(SEARCH) + n;
	s->tail = 0;
}

static enum imap_event broken(struct imap_scanner *s)
{
	s->in = IN_BROKEN;
	return IMAP_BAD;
}

/* Only responses with data can hold a literal: human text may well end with "{5}". */
static bool line_has_data(struct span line)
{
	static const char *const texts[] = {"* OK", "* NO", "* BAD", "* BYE", "* PREAUTH"};

	if (line.n < 2 || line.p[0] != '*')
		return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (span_istarts(line, span_cstr(texts[i])))
			return false;
	return true;
}

/* Does the line end with {n}, {n+} or {n-}? at_out: where the brace stands. */
static bool line_literal(struct span line, uint64_t *n_out, size_t *at_out)
{
	size_t end = line.n, from;

	if (end < 3 || line.p[end - 1] != '}' || !line_has_data(line))
		return false;
	end--;
	if (line.p[end - 1] == '+' || line.p[end - 1] == '-')
		end--;
	for (from = end; from > 0 && line.p[from - 1] >= '0' && line.p[from - 1] <= '9'; from--)
		;
	if (from == end || from == 0 || line.p[from - 1] != '{')
		return false;
	*at_out = from - 1;
	return span_to_u64(span_sub(line, from, end - from), UINT32_MAX, n_out);
}

static bool tail_is(struct span s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && span_ieq(span_sub(s, s.n - n, n), span_cstr(tail));
}

static bool literal_is_body(struct span before)
{
	return tail_is(before, "BODY[] ") || tail_is(before, "BODY[]<0> ") ||
	       tail_is(before, " RFC822 ") || tail_is(before, "(RFC822 ");
}

/* A damaged line is not tolerated where it may have been its literal that was longer or shorter than it said. */
static bool line_parse(struct imap_scanner *s)
{
	const int last = s->line.n > 0 ? s->line.p[s->line.n - 1] : 0;

	return imap_resp_parse(s->line.p, s->line.n, &s->resp) &&
	       (!s->resp.damaged || (s->bodied ? last == ')' : last != '}'));
}

/* The line (its end cut off) is complete up to a literal or to its end. */
static enum imap_event line_end(struct imap_scanner *s)
{
	struct span line = buf_span(&s->line);
	uint64_t n;
	size_t at;

	if (!line_literal(line, &n, &at)) {
		s->done = true;
		return line_parse(s) ? IMAP_RESPONSE : broken(s);
	}
	s->left = n;
	if (literal_is_body(span_sub(line, 0, at))) {
		s->body_bytes = n;
		s->bodied = true;
		s->in = IN_BODY;
		return IMAP_BODY_BEGIN;
	}
	if (n > IMAP_LITERAL_MAX)
		return broken(s);
	buf_put(&s->line, "\r\n", 2);
	s->in = n ? IN_LITERAL : IN_LINE;
	return IMAP_MORE;
}

/* A line of UIDs without end: those that are here are one response, and it goes on with the next. Not between the words of
 * a MODSEQ at its end, whose number is no UID. */
static enum imap_event search_part(struct imap_scanner *s)
{
	const struct span line = buf_span(&s->line);
	size_t cut = line.n;

	if (!span_istarts(line, SPAN_LIT(SEARCH)))
		return broken(s);
	for (size_t i = line.n - TAIL_MAX; i < line.n && cut == line.n; i++)
		cut = line.p[i] == '(' ? i : cut;
	if (cut == line.n)
		while (cut > 0 && line.p[cut - 1] != ' ')
			cut--;
	if (line.n - cut > TAIL_MAX)
		return broken(s);
	s->tail = cut;
	s->done = true;
	return imap_resp_parse(s->line.p, cut, &s->resp) ? IMAP_RESPONSE : broken(s);
}

static enum imap_event next_line(struct imap_scanner *s, struct span *in)
{
	const uint8_t *end = memchr(in->p, '\n', in->n);
	size_t n = end ? (size_t)(end - in->p) + 1 : in->n;

	const bool full = s->line.n + n > IMAP_LINE_MAX;

	if (full)
		n = IMAP_LINE_MAX - s->line.n;
	buf_put(&s->line, in->p, n);
	*in = span_sub(*in, n, in->n);
	if (full)
		return search_part(s);
	if (!end)
		return IMAP_MORE;
	s->line.n--;
	if (s->line.n > 0 && s->line.p[s->line.n - 1] == '\r')
		s->line.n--;
	return line_end(s);
}

static void next_literal(struct imap_scanner *s, struct span *in)
{
	size_t n = s->left < in->n ? (size_t)s->left : in->n;

	buf_put(&s->line, in->p, n);
	*in = span_sub(*in, n, in->n);
	s->left -= n;
	if (s->left == 0)
		s->in = IN_LINE;
}

static enum imap_event next_body(struct imap_scanner *s, struct span *in)
{
	size_t n = s->left < in->n ? (size_t)s->left : in->n;

	s->data = span_sub(*in, 0, n);
	*in = span_sub(*in, n, in->n);
	s->left -= n;
	return IMAP_BODY_DATA;
}

uint64_t imap_scanner_body_left(const struct imap_scanner *s)
{
	return s->in == IN_BODY ? s->left : 0;
}

/* The first place of part in all, in any letters; all.n if there is none. */
static size_t place_of(struct span all, const char *part)
{
	const size_t n = strlen(part);

	for (size_t i = 0; i + n <= all.n; i++)
		if (span_ieq(span_make(all.p + i, n), span_make((const uint8_t *)part, n)))
			return i;
	return all.n;
}

bool imap_scanner_in_message(const struct imap_scanner *s, uint32_t *uid_out)
{
	const struct span line = buf_span(&s->line);
	const size_t fetch = place_of(line, " FETCH ("), body = place_of(line, "BODY[");
	struct span word = span_sub(line, 0, body);
	const size_t uid = place_of(word, "UID ");
	uint64_t value;
	size_t n = 0;

	*uid_out = 0;
	if ((s->done && s->in != IN_BROKEN) || fetch > body || body == line.n)
		return false;
	word = span_sub(word, uid < word.n ? uid + 4 : word.n, word.n);
	while (n < word.n && word.p[n] >= '0' && word.p[n] <= '9')
		n++;
	if (span_to_u64(span_sub(word, 0, n), UINT32_MAX, &value))
		*uid_out = (uint32_t)value;
	return true;
}

enum imap_event imap_scanner_next(struct imap_scanner *s, struct span *in)
{
	enum imap_event event;

	if (s->done && s->tail)
		line_go_on(s);
	else if (s->done)
		line_restart(s);
	if (s->in == IN_BODY && s->left == 0)
		s->in = IN_LINE;
	while (in->n > 0) {
		switch (s->in) {
		case IN_BROKEN:
			return IMAP_BAD;
		case IN_BODY:
			return next_body(s, in);
		case IN_LITERAL:
			next_literal(s, in);
			break;
		default:
			event = next_line(s, in);
			if (event != IMAP_MORE)
				return event;
		}
	}
	return s->in == IN_BROKEN ? IMAP_BAD : IMAP_MORE;
}
