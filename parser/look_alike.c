#include "parser/look_alike.h"
#include "parser/utf8.h"

enum script { OTHER = 0, LATIN = 1, CONFUSABLE = 2 };

static enum script script_of(uint32_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0x24f))
		return LATIN;
	if ((c >= 0x370 && c <= 0x58f) || (c >= 0x13a0 && c <= 0x13ff))
		return CONFUSABLE;
	return OTHER;
}

/* The scripts of a label, as bits. */
static unsigned scripts_in(struct span label)
{
	unsigned found = 0;
	for (size_t at = 0; at < label.n;)
		found |= script_of(utf8_next(label, &at));
	return found;
}

/* Are all its letters such as are drawn like Latin ones? */
static bool all_look_latin(struct span label)
{
	static const uint32_t drawn[] = {0x430, 0x441, 0x435, 0x43e, 0x440, 0x445,
					 0x443, 0x456, 0x455, 0x458, 0x501, 0x4bb,
					 0x51b, 0x51d, 0x4cf, 0x3bf, 0x3bd, 0x3b1};
	size_t letters = 0;
	for (size_t at = 0; at < label.n;) {
		uint32_t c = utf8_next(label, &at);
		bool found = c < 0x80;
		for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]) && !found; i++)
			found = drawn[i] == c;
		if (!found)
			return false;
		letters += c >= 0x80;
	}
	return letters > 0;
}

static bool domain_looks_wrong(struct span domain)
{
	struct span top = domain;
	for (size_t dot; (dot = span_find_byte(top, '.')) < top.n;)
		top = span_sub(top, dot + 1, top.n);
	for (struct span rest = domain; rest.n > 0;) {
		size_t n = span_find_byte(rest, '.');
		struct span label = {rest.p, n};
		if (scripts_in(label) == (LATIN | CONFUSABLE))
			return true;
		if (scripts_in(top) == LATIN && all_look_latin(label))
			return true;
		rest = span_sub(rest, n + 1, rest.n);
	}
	return false;
}

static bool ends_word(uint8_t c)
{
	return c <= ' ' || (c < 0x80 && strchr("<>()[]\"',;:", c));
}

/* Does the name hold an address, and another one than that? */
static bool shows_another(struct span name, struct span email)
{
	size_t at = span_find_byte(name, '@'), from = at, to = at;
	while (from > 0 && !ends_word(name.p[from - 1]))
		from--;
	while (to < name.n && !ends_word(name.p[to]))
		to++;
	struct span shown = {name.p + from, to - from};
	bool domain = memchr(name.p + at, '.', to - at) != NULL;
	return from < at && domain && !span_ieq(shown, email);
}

bool look_alike(struct span name, struct span email)
{
	size_t at = span_find_byte(email, '@');
	if (at < email.n && domain_looks_wrong(span_sub(email, at + 1, email.n)))
		return true;
	return name.n > 0 && memchr(name.p, '@', name.n) && shows_another(name, email);
}
