#include "parser/entity.h"
#include "parser/transfer.h"

#define NAME_MAX_BYTES 10

struct entity {
	const char *name;
	uint16_t code;
};

/* Those of Latin-1 from U+00A0 on, in order. */
static const char LATIN[] = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not "
			    "shy reg macr deg plusmn sup2 sup3 acute "
			    "micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest "
			    "Agrave Aacute Acirc Atilde Auml Aring AElig "
			    "Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde "
			    "Ograve Oacute Ocirc Otilde Ouml times "
			    "Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute "
			    "acirc atilde auml aring aelig ccedil egrave "
			    "eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute "
			    "ocirc otilde ouml divide oslash ugrave "
			    "uacute ucirc uuml yacute thorn yuml ";

static const struct entity OTHERS[] = {
	{"amp", '&'},	    {"lt", '<'},	{"gt", '>'},	    {"quot", '"'},
	{"apos", '\''},	    {"ndash", 0x2013},	{"mdash", 0x2014},  {"lsquo", 0x2018},
	{"rsquo", 0x2019},  {"sbquo", 0x201a},	{"ldquo", 0x201c},  {"rdquo", 0x201d},
	{"bdquo", 0x201e},  {"bull", 0x2022},	{"hellip", 0x2026}, {"euro", 0x20ac},
	{"trade", 0x2122},  {"zwnj", 0x200c},	{"zwj", 0x200d},    {"lrm", 0x200e},
	{"rlm", 0x200f},    {"ensp", 0x2002},	{"emsp", 0x2003},   {"thinsp", 0x2009},
	{"lsaquo", 0x2039}, {"rsaquo", 0x203a}, {"larr", 0x2190},   {"rarr", 0x2192},
	{"uarr", 0x2191},   {"darr", 0x2193},	{"OElig", 0x152},   {"oelig", 0x153},
	{"Scaron", 0x160},  {"scaron", 0x161},	{"Yuml", 0x178},    {"dagger", 0x2020},
	{"permil", 0x2030}, {"prime", 0x2032},	{"minus", 0x2212},  {"tilde", 0x2dc},
	{"circ", 0x2c6},    {"fnof", 0x192},	{"infin", 0x221e},  {"ne", 0x2260},
	{"le", 0x2264},	    {"ge", 0x2265},	{"hearts", 0x2665}, {"spades", 0x2660},
	{"check", 0x2713},
};

static uint32_t named(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
		if (strlen(OTHERS[i].name) == n && memcmp(OTHERS[i].name, name, n) == 0)
			return OTHERS[i].code;
	}
	uint32_t code = 0xa0;
	for (const char *at = LATIN; *at; code++) {
		const char *end = strchr(at, ' ');
		if (!end)
			break;
		if ((size_t)(end - at) == n && memcmp(at, name, n) == 0)
			return code;
		at = end + 1;
	}
	return 0;
}

static uint32_t numeric(struct span s, size_t *n_out)
{
	bool hex = s.n > 2 && (s.p[2] | 0x20) == 'x';
	uint32_t v = 0;
	size_t i = hex ? 3 : 2, first = i;
	for (; i < s.n && i < first + 8; i++) {
		int digit = transfer_hex(s.p[i]);
		if (digit < 0 || (!hex && digit > 9))
			break;
		v = v * (hex ? 16 : 10) + (uint32_t)digit;
	}
	if (i == first)
		return 0;
	*n_out = i < s.n && s.p[i] == ';' ? i + 1 : i;
	return v == 0 || v > 0x10ffff ? 0xfffd : v;
}

uint32_t entity_read(struct span s, size_t *n_out)
{
	if (s.n < 3)
		return 0;
	if (s.p[1] == '#')
		return numeric(s, n_out);
	size_t i = 1;
	while (i < s.n && i <= NAME_MAX_BYTES &&
	       ((s.p[i] | 0x20) >= 'a' || (s.p[i] >= '0' && s.p[i] <= '9')) &&
	       (s.p[i] | 0x20) <= 'z')
		i++;
	if (i >= s.n || s.p[i] != ';')
		return 0;
	*n_out = i + 1;
	return named((const char *)s.p + 1, i - 1);
}
