#include "parser/html_depth.h"
#include "parser/html_tag.h"

#include <gumbo.h>

struct counts {
	unsigned open[GUMBO_TAG_LAST + 1]; /* unknown ones share the last */
	unsigned dropped[GUMBO_TAG_LAST + 1];
	unsigned depth;
};

/* Elements that hold nothing, or that the next of their kind closes: they do not nest by themselves. */
static bool is_flat(GumboTag tag)
{
	switch (tag) {
	case GUMBO_TAG_AREA:
	case GUMBO_TAG_BR:
	case GUMBO_TAG_COL:
	case GUMBO_TAG_EMBED:
	case GUMBO_TAG_HR:
	case GUMBO_TAG_IMG:
	case GUMBO_TAG_INPUT:
	case GUMBO_TAG_LINK:
	case GUMBO_TAG_META:
	case GUMBO_TAG_BASE:
	case GUMBO_TAG_PARAM:
	case GUMBO_TAG_WBR:
	case GUMBO_TAG_P:
	case GUMBO_TAG_LI:
	case GUMBO_TAG_TD:
	case GUMBO_TAG_TH:
	case GUMBO_TAG_TR:
	case GUMBO_TAG_DD:
	case GUMBO_TAG_DT:
	case GUMBO_TAG_A:
	case GUMBO_TAG_HTML:
	case GUMBO_TAG_BODY:
	case GUMBO_TAG_HEAD:
		return true;
	default:
		return false;
	}
}

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static GumboTag tag_at(struct span s, size_t at)
{
	size_t end = at;
	while (end < s.n && (is_letter(s.p[end]) || (s.p[end] >= '0' && s.p[end] <= '9')))
		end++;
	return gumbo_tagn_enum((const char *)s.p + at, (unsigned)(end - at));
}

static bool keeps_start(struct counts *c, GumboTag tag)
{
	if (is_flat(tag))
		return true;
	if (c->depth >= HTML_DEPTH_MAX) {
		c->dropped[tag]++;
		return false;
	}
	c->open[tag]++;
	c->depth++;
	return true;
}

static bool keeps_end(struct counts *c, GumboTag tag)
{
	if (c->dropped[tag] > 0) {
		c->dropped[tag]--;
		return false;
	}
	if (c->open[tag] > 0) {
		c->open[tag]--;
		c->depth--;
	}
	return true;
}

/* At '<'. Returns where to go on, and whether what lies between is to be kept. */
static size_t markup_end(struct span s, size_t at, struct counts *c, bool *keep)
{
	struct span rest = {s.p + at, s.n - at};
	*keep = true;
	if (rest.n >= 4 && memcmp(rest.p, "<!--", 4) == 0) {
		const uint8_t *end = memmem(rest.p + 4, rest.n - 4, "-->", 3);
		return end ? (size_t)(end - s.p) + 3 : s.n;
	}
	bool closing = rest.n > 1 && rest.p[1] == '/';
	size_t name = at + 1 + closing;
	if (name >= s.n || !is_letter(s.p[name]))
		return at + 1;
	GumboTag tag = tag_at(s, name);
	*keep = closing ? keeps_end(c, tag) : keeps_start(c, tag);
	return html_tag_end(s, name);
}

void html_depth_limit(struct span s, struct buf *out)
{
	struct counts c = {0};
	size_t at = 0;
	while (at < s.n) {
		const uint8_t *open = memchr(s.p + at, '<', s.n - at);
		size_t markup = open ? (size_t)(open - s.p) : s.n;
		buf_put(out, s.p + at, markup - at);
		if (markup >= s.n)
			break;
		bool keep;
		at = markup_end(s, markup, &c, &keep);
		if (keep)
			buf_put(out, s.p + markup, at - markup);
	}
}
