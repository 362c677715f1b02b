#include "gateway/template_place.h"

#include <string.h>

enum {
	IN_TEXT = 0,
	AFTER_LESS, /* behind a '<' */
	IN_NAME, /* in the element's name, which is in word */
	IN_TAG, /* behind it */
	IN_DOUBLE, /* in an attribute's value in "…" */
	IN_SINGLE,
	IN_COMMENT, /* n: '-' just seen, at most 2 */
	IN_RAW, /* in a script or style, whose name is in word; n: octets of its end tag just seen */
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void go(struct template_place *p, uint8_t state)
{
	p->state = state;
	p->n = 0;
	if (state != IN_TAG && state != IN_DOUBLE && state != IN_SINGLE && state != IN_RAW)
		memset(p->word, 0, sizeof(p->word));
}

static bool is_raw(const struct template_place *p)
{
	return strcmp(p->word, "script") == 0 || strcmp(p->word, "style") == 0;
}

static void feed_attribute(struct template_place *p, uint8_t c)
{
	size_t n = strlen(p->attribute);

	if (is_blank(c) || c == '/') {
		p->apart = true;
		return;
	}
	if (c == '=') {
		p->apart = false;
		return;
	}
	if (p->apart)
		memset(p->attribute, 0, sizeof(p->attribute));
	else if (n < sizeof(p->attribute) - 1)
		p->attribute[n] = (char)lower(c);
	if (p->apart)
		p->attribute[0] = (char)lower(c);
	p->apart = false;
}

static void feed_tag(struct template_place *p, uint8_t c)
{
	if (c == '"')
		go(p, IN_DOUBLE);
	else if (c == '\'')
		go(p, IN_SINGLE);
	else if (c == '>')
		go(p, is_raw(p) ? IN_RAW : IN_TEXT);
	else
		feed_attribute(p, c);
}

static void feed_name(struct template_place *p, uint8_t c)
{
	if (is_blank(c) || c == '>' || c == '"' || c == '\'' || (c == '/' && p->n)) {
		go(p, IN_TAG);
		p->apart = true;
		feed_tag(p, c);
		return;
	}
	if (p->n < sizeof(p->word) - 1)
		p->word[p->n++] = (char)lower(c);
	else
		memset(p->word, '*', sizeof(p->word) - 1); /* longer than any that matters */
	if (strcmp(p->word, "!--") == 0)
		go(p, IN_COMMENT);
}

static void feed_less(struct template_place *p, uint8_t c)
{
	uint8_t letter = lower(c);

	if (c == '<')
		return;
	go(p, IN_TEXT);
	if ((letter >= 'a' && letter <= 'z') || c == '/' || c == '!' || c == '?') {
		go(p, IN_NAME);
		feed_name(p, c);
	}
}

static void feed_comment(struct template_place *p, uint8_t c)
{
	if (c == '>' && p->n == 2)
		go(p, IN_TEXT);
	else if (c != '-')
		p->n = 0;
	else if (p->n < 2)
		p->n++;
}

/* Until `</` and the element's name. */
static void feed_raw(struct template_place *p, uint8_t c)
{
	uint8_t wanted = (uint8_t)(p->n == 0 ? '<' : p->n == 1 ? '/' : p->word[p->n - 2]);

	if (wanted == lower(c))
		p->n++;
	else
		p->n = c == '<';
	if (p->n >= 2 && !p->word[p->n - 2]) {
		memset(p->word, 0, sizeof(p->word));
		go(p, IN_TAG);
	}
}

static void feed(struct template_place *p, uint8_t c)
{
	switch (p->state) {
	case IN_TEXT:
		if (c == '<')
			go(p, AFTER_LESS);
		break;
	case AFTER_LESS:
		feed_less(p, c);
		break;
	case IN_NAME:
		feed_name(p, c);
		break;
	case IN_TAG:
		feed_tag(p, c);
		break;
	case IN_DOUBLE:
	case IN_SINGLE:
		if (c == (p->state == IN_DOUBLE ? '"' : '\'')) {
			go(p, IN_TAG);
			p->apart = true;
		}
		break;
	case IN_COMMENT:
		feed_comment(p, c);
		break;
	default:
		feed_raw(p, c);
		break;
	}
}

void template_place_feed(struct template_place *place, struct span html)
{
	for (size_t i = 0; i < html.n; i++)
		feed(place, html.p[i]);
}

bool template_place_same(const struct template_place *a, const struct template_place *b)
{
	return a->state == b->state && a->n == b->n && strcmp(a->word, b->word) == 0;
}

bool template_place_safe(const struct template_place *place)
{
	return place->state == IN_TEXT || place->state == IN_DOUBLE || place->state == IN_SINGLE ||
	       (place->state == IN_COMMENT && place->n == 0);
}

char template_place_link(const struct template_place *place)
{
	static const char *const LINKS[] = {"href",	  "src",    "action", "formaction",
					    "background", "poster", "data",   "xlink:href"};

	if (place->state != IN_DOUBLE && place->state != IN_SINGLE)
		return 0;
	for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++)
		if (strcmp(place->attribute, LINKS[i]) == 0)
			return place->state == IN_DOUBLE ? '"' : '\'';
	return 0;
}

bool template_place_text(const struct template_place *place)
{
	return place->state == IN_TEXT;
}

bool template_place_comment(const struct template_place *place)
{
	return place->state == IN_COMMENT;
}
