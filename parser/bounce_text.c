#include "parser/bounce_text.h"
#include "parser/phrase.h"

#define LINES_OF_STATUS 8
#define LINE_BYTES_MAX 998

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_local(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_digit(c) ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_digit(c) || c == '-' || c == '.';
}

static struct span line_at(struct span s, size_t at, size_t *next_out)
{
	struct span rest = {s.p + at, s.n - at};
	size_t n = span_find_byte(rest, '\n');
	*next_out = at + n + (n < rest.n);
	return span_trim((struct span){rest.p, n < LINE_BYTES_MAX ? n : LINE_BYTES_MAX});
}

/* d.d.d with a first digit of 2, 4 or 5, which is not a piece of a longer number with dots. */
static size_t enhanced(struct span s, size_t at)
{
	size_t i = at + 1, dots = 0, digits = 0;
	if (!strchr("245", s.p[at]) || s.p[at] == 0 ||
	    (at > 0 && (is_digit(s.p[at - 1]) || s.p[at - 1] == '.')))
		return 0;
	for (; i < s.n &&
	       (is_digit(s.p[i]) || (s.p[i] == '.' && i + 1 < s.n && is_digit(s.p[i + 1])));
	     i++) {
		digits = s.p[i] == '.' ? 0 : digits + 1;
		dots += s.p[i] == '.';
		if (digits > 3)
			return 0;
	}
	return dots == 2 && s.p[at + 1] == '.' ? i - at : 0;
}

static bool reply_code(struct span s, size_t at)
{
	return at + 3 < s.n && (s.p[at] == '4' || s.p[at] == '5') && s.p[at + 1] >= '0' &&
	       s.p[at + 1] <= '5' && is_digit(s.p[at + 2]) &&
	       (s.p[at + 3] == ' ' || s.p[at + 3] == '-') &&
	       (at == 0 || (!is_digit(s.p[at - 1]) && !is_local(s.p[at - 1])));
}

struct span bounce_text_status(struct span s)
{
	struct span reply = {0};
	for (size_t i = 0; i < s.n; i++) {
		size_t n = enhanced(s, i);
		if (n > 0 && s.p[i] != '2')
			return (struct span){s.p + i, n};
		if (!reply.n && reply_code(s, i))
			reply = s.p[i] == '4' ? SPAN_LIT("4.0.0") : SPAN_LIT("5.0.0");
	}
	return reply;
}

/* Where the message that is returned begins: what is below is not the report's own. */
static bool is_original(struct span line)
{
	static const char *const starts[] = {"received:",
					     "return-path:",
					     "message-id:",
					     "mime-version:",
					     "dkim-signature:",
					     "------ this is a copy",
					     "--- below this line is a copy",
					     "----- original message",
					     "-----original message",
					     "--- original message",
					     "--- the header of the original",
					     "original message follows",
					     "message headers follow",
					     "included is a copy",
					     "your original message",
					     "----- unsent message",
					     "--- header of",
					     "the original message follows",
					     "------ original message",
					     "--- undelivered message",
					     "content-type:",
					     NULL};
	for (const char *const *s = starts; *s; s++) {
		if (span_istarts(line, span_cstr(*s)))
			return true;
	}
	return false;
}

static size_t own_words(struct span text)
{
	for (size_t at = 0, next; at < text.n; at = next) {
		if (is_original(line_at(text, at, &next)) && at > 0)
			return at;
	}
	return text.n;
}

/* The first address in s at or after *at. */
static bool next_address(struct span s, size_t *at, struct span *address_out)
{
	while (*at < s.n) {
		const uint8_t *sign = memchr(s.p + *at, '@', s.n - *at);
		if (!sign)
			return false;
		size_t middle = (size_t)(sign - s.p), from = middle, to = middle + 1;
		while (from > *at && is_local(s.p[from - 1]))
			from--;
		while (to < s.n && is_domain(s.p[to]))
			to++;
		*at = to;
		while (to > middle + 1 && !is_local(s.p[to - 1]))
			to--;
		while (to > middle + 1 && (s.p[to - 1] == '.' || s.p[to - 1] == '-'))
			to--;
		while (from < middle && strchr("'`=", s.p[from]))
			from++;
		*address_out = (struct span){s.p + from, to - from};
		if (from < middle && memchr(s.p + middle, '.', to - middle))
			return true;
	}
	return false;
}

/* How much a line with an address looks like one that names a recipient: 0 not at all … 3. */
static int weight(struct span line, struct span address)
{
	static const char *const never[] = {"message-id",    "from:",  "sender",    "postmaster",
					    "mailer-daemon", "http",   "contact",   "report",
					    "help",	     "from <", "mail from", "reply-to",
					    "subject:",	     NULL};
	static const char *const words[] = {
		"rcpt to", "recipient", "user",	 "mailbox", "deliver", "address",	 "failed",
		"unknown", "rejected",	"to:",	 "to <",    "for <",   "does not exist", "550",
		"5.1.1",   "account",	"quota", "full",    NULL};
	size_t before = (size_t)(address.p - line.p);
	if (before <= 1 && !phrase_in(address, "postmaster") &&
	    !phrase_in(address, "mailer-daemon"))
		return 3;
	if (phrase_any_in(line, never))
		return 0;
	return phrase_any_in(line, words) ? 2 : 1;
}

static bool is_known(const struct bounce_recipient *found, size_t count, struct span address)
{
	for (size_t i = 0; i < count; i++) {
		if (span_ieq(found[i].address, address))
			return true;
	}
	return false;
}

/* From the line of the address on; the status of another recipient's line does not count. */
static struct span status_near(struct span text, size_t at)
{
	size_t end = at, next;
	for (int i = 0; i < LINES_OF_STATUS && end < text.n; i++) {
		struct span line = line_at(text, end, &next);
		struct span status = bounce_text_status(line);
		if (status.n)
			return status;
		end = next;
	}
	return (struct span){0};
}

/* Recipients on lines of at least this weight. */
static size_t collect(struct span text, struct span sender, int least,
		      struct bounce_recipient *found)
{
	size_t count = 0;
	for (size_t at = 0, next; at < text.n && count < BOUNCE_RECIPIENTS_MAX; at = next) {
		struct span line = line_at(text, at, &next), address;
		size_t in_line = 0;
		while (count < BOUNCE_RECIPIENTS_MAX && next_address(line, &in_line, &address)) {
			if (span_ieq(address, sender) || is_known(found, count, address) ||
			    weight(line, address) < least)
				continue;
			found[count++] = (struct bounce_recipient){address, status_near(text, at)};
			if (least == 3)
				break;
		}
	}
	return count;
}

size_t bounce_text_find(struct arena *arena, struct span text, struct span sender,
			struct bounce_recipient found[BOUNCE_RECIPIENTS_MAX])
{
	static const char *const delays[] = {"delayed",
					     "will keep trying",
					     "will retry",
					     "warning message",
					     "do not need to resend",
					     "still being retried",
					     NULL};
	struct span own = arena_span(arena, span_sub(text, 0, BOUNCE_TEXT_BYTES_MAX));
	own.n = own_words(own);
	size_t count = 0;
	for (int least = 3; least >= 1 && count == 0; least--)
		count = collect(own, sender, least, found);
	if (count == 0)
		count = collect(own, (struct span){0}, 2, found);
	if (count == 0)
		count = collect(own, sender, 0, found);
	struct span general = bounce_text_status(own);
	if (!general.n)
		general = phrase_any_in(own, delays) ? SPAN_LIT("4.0.0") : SPAN_LIT("5.0.0");
	for (size_t i = 0; i < count; i++) {
		if (!found[i].status.n)
			found[i].status = general;
	}
	return count;
}
