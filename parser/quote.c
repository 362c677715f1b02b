#include "parser/quote.h"

#define LINES_LOOKED_AT 10
#define PHONE_LINE_BYTES 60

static struct span line_at(struct span s, size_t at, size_t *next_out)
{
	struct span rest = {s.p + at, s.n - at};
	size_t n = span_find_byte(rest, '\n');
	*next_out = at + n + (n < rest.n);
	return span_trim((struct span){rest.p, n});
}

static bool ends_with_any(struct span line, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);
		if (line.n >= n &&
		    span_ieq((struct span){line.p + line.n - n, n}, span_make(*words, n)))
			return true;
	}
	return false;
}

static bool starts_with_any(struct span line, const char *const *words)
{
	for (; *words; words++) {
		if (span_istarts(line, span_cstr(*words)))
			return true;
	}
	return false;
}

/* "On Monday, Anna wrote:" in one line or folded over up to three. */
static bool is_attribution(struct span s, size_t at)
{
	static const char *const starts[] = {"on ",  "am ",	"le ",	 "el ", "il ", "op ", "em ",
					     "den ", "w dniu ", "dnia ", "på ", "at ", NULL};
	static const char *const ends[] = {
		"wrote:",    "writes:",	    "schrieb:", "a écrit :",   "a écrit:",
		"escribió:", "ha scritto:", "schreef:", "escreveu:",   "skrev:",
		"napisał:",  "napisał(a):", "said:",	"geschreven:", NULL};
	size_t next;
	struct span line = line_at(s, at, &next);
	if (!starts_with_any(line, starts)) {
		static const char *const wrote[] = {" wrote:", " writes:", " schrieb:", NULL};
		static const char *const address[] = {">:", ">):", NULL};
		bool digit = line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9';
		return (ends_with_any(line, wrote) || (digit && ends_with_any(line, address))) &&
		       memchr(line.p, '@', line.n);
	}
	for (int i = 0; i < 3; i++) {
		if (ends_with_any(line, ends))
			return true;
		if (line.n == 0 || next >= s.n)
			return false;
		line = line_at(s, next, &next);
	}
	return false;
}

static bool is_divider(struct span line)
{
	static const char *const dividers[] = {"-----original message",
					       "----- original message",
					       "---- original message",
					       "-----original appointment",
					       "---------- forwarded message",
					       "-----ursprüngliche nachricht",
					       "----- forwarded message",
					       "-------- original message",
					       "-------- ursprüngliche nachricht",
					       "-----message d'origine",
					       "-----mensaje original",
					       "_____________________________",
					       NULL};
	return starts_with_any(line, dividers);
}

/* A block of header lines as Outlook and its kin put above what they quote: three within ten lines, the first is one. */
static bool is_header_block(struct span s, size_t at)
{
	static const char *const names[] = {
		"from:",     "*from:*", "sent:",      "*sent:*",    "date:",	  "*date:*",
		"to:",	     "*to:*",	"cc:",	      "subject:",   "*subject:*", "von:",
		"gesendet:", "an:",	"betreff:",   "datum:",	    "de :",	  "de:",
		"envoyé",    "à :",	"à:",	      "objet",	    "da:",	  "inviato:",
		"oggetto:",  "van:",	"verzonden:", "onderwerp:", "aan:",	  "enviado",
		"para:",     "asunto:", "assunto:",   NULL};
	size_t found = 0, next = at;
	for (int i = 0; i < LINES_LOOKED_AT && next < s.n; i++) {
		bool is_name = starts_with_any(line_at(s, next, &next), names);
		if (i == 0 && !is_name)
			return false;
		found += is_name;
	}
	return found >= 3;
}

static bool is_quote_line(struct span line)
{
	return line.n > 0 && line.p[0] == '>';
}

/* From `at` on only '>' lines, blank lines, and at most a short tail after the last of them? */
static bool rest_is_quoted(struct span s, size_t at)
{
	size_t fresh = 0, quoted = 0;
	while (at < s.n) {
		struct span line = line_at(s, at, &at);
		if (is_quote_line(line))
			quoted++;
		else if (line.n > 0 && quoted > 0)
			fresh++;
		else if (line.n > 0)
			return false;
	}
	return quoted > 0 && fresh == 0;
}

static size_t find_quoted(struct span s)
{
	size_t last_run = s.n;
	bool in_run = false;
	for (size_t at = 0; at < s.n;) {
		size_t next;
		struct span line = line_at(s, at, &next);
		if (is_quote_line(line)) {
			if (!in_run)
				last_run = at;
			in_run = true;
		} else if (line.n > 0) {
			in_run = false;
			last_run = s.n;
			if (is_divider(line) || is_header_block(s, at))
				return at;
			if (is_attribution(s, at))
				return at;
		}
		at = next;
	}
	return last_run < s.n && rest_is_quoted(s, last_run) ? last_run : s.n;
}

/* "-- " on a line of its own; else a phone's one-liner at the end. */
static size_t find_signature(struct span s)
{
	static const char *const phones[] = {
		"sent from my ",     "sent from ",	 "von meinem ", "envoyé de mon ",
		"enviado desde mi ", "get outlook for ", NULL};
	for (size_t at = 0; at < s.n;) {
		size_t next, from = at;
		struct span line = line_at(s, at, &next);
		bool phone = line.n <= PHONE_LINE_BYTES && starts_with_any(line, phones) &&
			     span_trim(span_sub(s, next, s.n)).n == 0 &&
			     !memchr(line.p, ',', line.n);
		if (span_eq(line, SPAN_LIT("--")) || phone)
			return from;
		at = next;
	}
	return s.n;
}

/* What stands below the first run of '>' lines: for those who answer underneath. */
static struct span below_quoted(struct span s, size_t at)
{
	bool quoted = false;
	while (at < s.n) {
		size_t next;
		struct span line = line_at(s, at, &next);
		if (quoted && line.n > 0 && !is_quote_line(line))
			return span_sub(s, at, s.n);
		quoted |= is_quote_line(line);
		at = next;
	}
	return (struct span){s.p, 0};
}

struct quote_parts quote_split_text(struct span text)
{
	struct quote_parts parts = {.quoted_from = find_quoted(text)};
	struct span own = {text.p, parts.quoted_from};
	if (span_trim(own).n == 0)
		own = below_quoted(text, parts.quoted_from);
	size_t signature = find_signature(own);
	parts.fresh = span_trim((struct span){own.p, signature});
	parts.signature = span_trim(span_sub(own, signature, own.n));
	return parts;
}
