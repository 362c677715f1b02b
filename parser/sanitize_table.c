#include "parser/sanitize_table.h"

#include <string.h>

#define T(tag) GUMBO_TAG_##tag

static const unsigned char KINDS[GUMBO_TAG_LAST + 1] = {
	[T(A)] = SANITIZE_KEEP,		  [T(ABBR)] = SANITIZE_KEEP,
	[T(ACRONYM)] = SANITIZE_KEEP,	  [T(ADDRESS)] = SANITIZE_KEEP,
	[T(ARTICLE)] = SANITIZE_KEEP,	  [T(ASIDE)] = SANITIZE_KEEP,
	[T(B)] = SANITIZE_KEEP,		  [T(BDI)] = SANITIZE_KEEP,
	[T(BDO)] = SANITIZE_KEEP,	  [T(BIG)] = SANITIZE_KEEP,
	[T(BLOCKQUOTE)] = SANITIZE_KEEP,  [T(BR)] = SANITIZE_KEEP_VOID,
	[T(CAPTION)] = SANITIZE_KEEP,	  [T(CENTER)] = SANITIZE_KEEP,
	[T(CITE)] = SANITIZE_KEEP,	  [T(CODE)] = SANITIZE_KEEP,
	[T(COL)] = SANITIZE_KEEP_VOID,	  [T(COLGROUP)] = SANITIZE_KEEP,
	[T(DD)] = SANITIZE_KEEP,	  [T(DEL)] = SANITIZE_KEEP,
	[T(DFN)] = SANITIZE_KEEP,	  [T(DIV)] = SANITIZE_KEEP,
	[T(DL)] = SANITIZE_KEEP,	  [T(DT)] = SANITIZE_KEEP,
	[T(EM)] = SANITIZE_KEEP,	  [T(FIGCAPTION)] = SANITIZE_KEEP,
	[T(FIGURE)] = SANITIZE_KEEP,	  [T(FONT)] = SANITIZE_KEEP,
	[T(FOOTER)] = SANITIZE_KEEP,	  [T(H1)] = SANITIZE_KEEP,
	[T(H2)] = SANITIZE_KEEP,	  [T(H3)] = SANITIZE_KEEP,
	[T(H4)] = SANITIZE_KEEP,	  [T(H5)] = SANITIZE_KEEP,
	[T(H6)] = SANITIZE_KEEP,	  [T(HEADER)] = SANITIZE_KEEP,
	[T(HR)] = SANITIZE_KEEP_VOID,	  [T(I)] = SANITIZE_KEEP,
	[T(IMG)] = SANITIZE_KEEP_VOID,	  [T(INS)] = SANITIZE_KEEP,
	[T(KBD)] = SANITIZE_KEEP,	  [T(LI)] = SANITIZE_KEEP,
	[T(MAIN)] = SANITIZE_KEEP,	  [T(MARK)] = SANITIZE_KEEP,
	[T(NAV)] = SANITIZE_KEEP,	  [T(OL)] = SANITIZE_KEEP,
	[T(P)] = SANITIZE_KEEP,		  [T(PRE)] = SANITIZE_KEEP,
	[T(Q)] = SANITIZE_KEEP,		  [T(S)] = SANITIZE_KEEP,
	[T(SAMP)] = SANITIZE_KEEP,	  [T(SECTION)] = SANITIZE_KEEP,
	[T(SMALL)] = SANITIZE_KEEP,	  [T(SPAN)] = SANITIZE_KEEP,
	[T(STRIKE)] = SANITIZE_KEEP,	  [T(STRONG)] = SANITIZE_KEEP,
	[T(SUB)] = SANITIZE_KEEP,	  [T(SUP)] = SANITIZE_KEEP,
	[T(TABLE)] = SANITIZE_KEEP,	  [T(TBODY)] = SANITIZE_KEEP,
	[T(TD)] = SANITIZE_KEEP,	  [T(TFOOT)] = SANITIZE_KEEP,
	[T(TH)] = SANITIZE_KEEP,	  [T(THEAD)] = SANITIZE_KEEP,
	[T(TIME)] = SANITIZE_KEEP,	  [T(TR)] = SANITIZE_KEEP,
	[T(TT)] = SANITIZE_KEEP,	  [T(U)] = SANITIZE_KEEP,
	[T(UL)] = SANITIZE_KEEP,	  [T(VAR)] = SANITIZE_KEEP,
	[T(WBR)] = SANITIZE_KEEP_VOID,

	[T(SCRIPT)] = SANITIZE_DROP,	  [T(STYLE)] = SANITIZE_DROP,
	[T(HEAD)] = SANITIZE_DROP,	  [T(TITLE)] = SANITIZE_DROP,
	[T(IFRAME)] = SANITIZE_DROP,	  [T(FRAME)] = SANITIZE_DROP,
	[T(FRAMESET)] = SANITIZE_DROP,	  [T(NOFRAMES)] = SANITIZE_DROP,
	[T(OBJECT)] = SANITIZE_DROP,	  [T(EMBED)] = SANITIZE_DROP,
	[T(APPLET)] = SANITIZE_DROP,	  [T(PARAM)] = SANITIZE_DROP,
	[T(SVG)] = SANITIZE_DROP,	  [T(MATH)] = SANITIZE_DROP,
	[T(TEMPLATE)] = SANITIZE_DROP,	  [T(NOSCRIPT)] = SANITIZE_DROP,
	[T(SELECT)] = SANITIZE_DROP,	  [T(TEXTAREA)] = SANITIZE_DROP,
	[T(OPTION)] = SANITIZE_DROP,	  [T(OPTGROUP)] = SANITIZE_DROP,
	[T(DATALIST)] = SANITIZE_DROP,	  [T(INPUT)] = SANITIZE_DROP,
	[T(AUDIO)] = SANITIZE_DROP,	  [T(VIDEO)] = SANITIZE_DROP,
	[T(SOURCE)] = SANITIZE_DROP,	  [T(TRACK)] = SANITIZE_DROP,
	[T(CANVAS)] = SANITIZE_DROP,	  [T(MAP)] = SANITIZE_DROP,
	[T(AREA)] = SANITIZE_DROP,	  [T(BASE)] = SANITIZE_DROP,
	[T(LINK)] = SANITIZE_DROP,	  [T(META)] = SANITIZE_DROP,
	[T(KEYGEN)] = SANITIZE_DROP,	  [T(NOEMBED)] = SANITIZE_DROP,
	[T(PLAINTEXT)] = SANITIZE_UNWRAP,
};

enum sanitize_element sanitize_table_element(GumboTag tag)
{
	return (unsigned)tag <= GUMBO_TAG_LAST ? (enum sanitize_element)KINDS[tag]
					       : SANITIZE_UNWRAP;
}

bool sanitize_table_attribute(const char *name)
{
	static const char *const names[] = {
		"abbr",	    "align",   "alt",	 "bgcolor", "border",  "cellpadding", "cellspacing",
		"char",	    "charoff", "color",	 "cols",    "colspan", "compact",     "dir",
		"face",	    "headers", "height", "hspace",  "lang",    "noshade",     "nowrap",
		"reversed", "rowspan", "rules",	 "scope",   "size",    "span",	      "start",
		"summary",  "title",   "valign", "value",   "vspace",  "width",	      NULL};
	for (const char *const *n = names; *n; n++) {
		if (strcmp(*n, name) == 0)
			return true;
	}
	return false;
}
