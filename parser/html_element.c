#include "parser/html_element.h"

#define T(tag) GUMBO_TAG_##tag
#define BLOCK (HTML_BLOCK | HTML_ENDS_P | HTML_LIST_END)
#define ITEM BLOCK
#define CELL (HTML_BLOCK | HTML_SCOPE | HTML_IN_TABLE | HTML_LIST_END)
#define ROWS (HTML_BLOCK | HTML_IN_TABLE | HTML_ROWS | HTML_LIST_END)

static const unsigned short KINDS[GUMBO_TAG_LAST + 1] = {
	[T(ADDRESS)] = HTML_BLOCK | HTML_ENDS_P,
	[T(ARTICLE)] = BLOCK,
	[T(ASIDE)] = BLOCK,
	[T(BLOCKQUOTE)] = BLOCK,
	[T(CENTER)] = BLOCK,
	[T(DD)] = ITEM,
	[T(DIV)] = HTML_BLOCK | HTML_ENDS_P,
	[T(DL)] = BLOCK,
	[T(DT)] = ITEM,
	[T(FIGCAPTION)] = BLOCK,
	[T(FIGURE)] = BLOCK,
	[T(FOOTER)] = BLOCK,
	[T(H1)] = BLOCK,
	[T(H2)] = BLOCK,
	[T(H3)] = BLOCK,
	[T(H4)] = BLOCK,
	[T(H5)] = BLOCK,
	[T(H6)] = BLOCK,
	[T(HEADER)] = BLOCK,
	[T(HR)] = BLOCK,
	[T(LI)] = ITEM,
	[T(MAIN)] = BLOCK,
	[T(NAV)] = BLOCK,
	[T(OL)] = BLOCK,
	[T(P)] = HTML_BLOCK | HTML_ENDS_P,
	[T(PRE)] = BLOCK,
	[T(SECTION)] = BLOCK,
	[T(TABLE)] = BLOCK | HTML_SCOPE,
	[T(UL)] = BLOCK,

	[T(CAPTION)] = CELL,
	[T(TD)] = CELL,
	[T(TH)] = CELL,
	[T(COL)] = HTML_BLOCK | HTML_IN_TABLE,
	[T(COLGROUP)] = ROWS,
	[T(TBODY)] = ROWS,
	[T(TFOOT)] = ROWS,
	[T(THEAD)] = ROWS,
	[T(TR)] = ROWS,

	[T(A)] = HTML_FORMATTING,
	[T(B)] = HTML_FORMATTING,
	[T(BIG)] = HTML_FORMATTING,
	[T(CODE)] = HTML_FORMATTING,
	[T(EM)] = HTML_FORMATTING,
	[T(FONT)] = HTML_FORMATTING,
	[T(I)] = HTML_FORMATTING,
	[T(S)] = HTML_FORMATTING,
	[T(SMALL)] = HTML_FORMATTING,
	[T(STRIKE)] = HTML_FORMATTING,
	[T(STRONG)] = HTML_FORMATTING,
	[T(TT)] = HTML_FORMATTING,
	[T(U)] = HTML_FORMATTING,

	[T(IFRAME)] = HTML_RAW,
	[T(NOEMBED)] = HTML_RAW,
	[T(NOFRAMES)] = HTML_RAW,
	[T(PLAINTEXT)] = HTML_RAW,
	[T(SCRIPT)] = HTML_RAW,
	[T(STYLE)] = HTML_RAW,
	[T(TEXTAREA)] = HTML_RAW,
	[T(TITLE)] = HTML_RAW,
	[T(XMP)] = HTML_RAW,

	[T(APPLET)] = HTML_HIDDEN,
	[T(AUDIO)] = HTML_HIDDEN,
	[T(CANVAS)] = HTML_HIDDEN,
	[T(DATALIST)] = HTML_HIDDEN,
	[T(MAP)] = HTML_HIDDEN,
	[T(MATH)] = HTML_HIDDEN,
	[T(NOSCRIPT)] = HTML_HIDDEN,
	[T(OBJECT)] = HTML_HIDDEN,
	[T(SELECT)] = HTML_HIDDEN,
	[T(SVG)] = HTML_HIDDEN,
	[T(TEMPLATE)] = HTML_HIDDEN,
	[T(VIDEO)] = HTML_HIDDEN,
};

bool html_element_is(GumboTag tag, unsigned kinds)
{
	return (unsigned)tag <= GUMBO_TAG_LAST && (KINDS[tag] & kinds) != 0;
}

GumboTag html_element_tag(struct span name)
{
	if (name.n > 32)
		return GUMBO_TAG_UNKNOWN;
	GumboTag tag = gumbo_tagn_enum((const char *)name.p, (unsigned)name.n);
	return tag == GUMBO_TAG_IMAGE ? GUMBO_TAG_IMG : tag;
}
