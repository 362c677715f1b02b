#include "parser/charset.h"
#include "parser/name_list.h"
#include "parser/utf8.h"

#include <string.h>

#define NAME_MAX_BYTES 64
#define WINDOW_BYTES 4096
#define UNIT_BYTES 3 /* at most, of a character of a one-byte set */

/* Names without anything but letters and digits, lower case; one blank between them. */
struct charset_high {
	const char *iconv;
	uint16_t code[128]; /* of the bytes from 0x80 on */
};
#include "charset_tables.h"

struct row {
	const char *iconv;
	const char *names;
};

static const struct row TABLE[] = {
	[CHARSET_ASCII] = {NULL,
			   "usascii ascii ansix34 ansix341968 iso646us us iso646 cp367 ibm367"},
	[CHARSET_UTF8] = {NULL,
			  "utf8 unicode11utf8 unicode20utf8 xunicode20utf8 utf8mb4 utf08 xutf8"},
	[CHARSET_WINDOWS_1252] =
		{NULL, "iso88591 windows1252 cp1252 latin1 l1 iso885911987 isoir100 ibm819 cp819 "
		       "xcp1252 csisolatin1 win1252 iso1 xansi ansi 8859 iso8859 windowslatin1"},
	{"ISO-8859-2", "iso88592 latin2 l2 iso885921987 isoir101 csisolatin2"},
	{"ISO-8859-3", "iso88593 latin3 l3 iso885931988 isoir109 csisolatin3"},
	{"ISO-8859-4", "iso88594 latin4 l4 iso885941988 isoir110 csisolatin4"},
	{"ISO-8859-5", "iso88595 cyrillic isoir144 iso885951988 csisolatincyrillic"},
	{"ISO-8859-6", "iso88596 arabic iso88596e iso88596i asmo708 ecma114 isoir127 iso885961987"},
	{"ISO-8859-7", "iso88597 greek greek8 ecma118 elot928 isoir126 iso885971987 suneugreek"},
	{"ISO-8859-8", "iso88598 hebrew iso88598i iso88598e logical visual isoir138 iso885981988"},
	{"WINDOWS-1254",
	 "iso88599 latin5 l5 windows1254 cp1254 win1254 isoir148 iso885991989 xcp1254"},
	{"ISO-8859-10", "iso885910 latin6 l6 isoir157 iso8859101992"},
	{"CP874", "iso885911 tis620 windows874 cp874 dos874 tis6202533"},
	{"ISO-8859-13", "iso885913"},
	{"ISO-8859-14", "iso885914"},
	{"ISO-8859-15", "iso885915 latin9 l9"},
	{"ISO-8859-16", "iso885916 latin10 l10"},
	{"WINDOWS-1250", "windows1250 cp1250 win1250 xcp1250"},
	{"WINDOWS-1251", "windows1251 cp1251 win1251 xcp1251"},
	{"WINDOWS-1253", "windows1253 cp1253 win1253 xcp1253"},
	{"WINDOWS-1255", "windows1255 cp1255 win1255 xcp1255"},
	{"WINDOWS-1256", "windows1256 cp1256 win1256 xcp1256"},
	{"WINDOWS-1257", "windows1257 cp1257 win1257 xcp1257"},
	{"WINDOWS-1258", "windows1258 cp1258 win1258 xcp1258"},
	{"KOI8-R", "koi8r koi8 koi cskoi8r"},
	{"KOI8-U", "koi8u koi8ru"},
	{"KOI8-T", "koi8t"},
	{"IBM866", "ibm866 cp866 866 csibm866"},
	{"IBM437", "ibm437 cp437 437 cspc8codepage437"},
	{"IBM850", "ibm850 cp850 850 cspc850multilingual"},
	{"IBM852", "ibm852 cp852 852"},
	{"IBM855", "ibm855 cp855 855"},
	{"IBM857", "ibm857 cp857 857"},
	{"IBM858", "ibm858 cp858 ibm00858"},
	{"IBM860", "ibm860 cp860 860"},
	{"IBM862", "ibm862 cp862 862"},
	{"IBM863", "ibm863 cp863 863"},
	{"IBM865", "ibm865 cp865 865"},
	{"CP737", "ibm737 cp737 737"},
	{"CP775", "ibm775 cp775 775"},
	{"IBM037", "ibm037 cp037 ebcdiccpus ebcdicuscdn"},
	{"MACINTOSH", "macintosh mac macroman xmacroman csmacintosh applemacroman"},
	{"MAC-CENTRALEUROPE", "xmacce maccentraleurope maccentraleuropean xmaccentraleurroman"},
	{"MAC-CYRILLIC", "xmaccyrillic maccyrillic xmacukrainian"},
	{"GB18030", "gb2312 gbk gb18030 eucgb2312cn cp936 ms936 windows936 xgbk euccn xeuccn "
		    "gb231280 chinese csgb2312 "
		    "isoir58 gb18030 eucgbk"},
	{"ISO-2022-CN", "iso2022cn"},
	{"ISO-2022-CN-EXT", "iso2022cnext"},
	{"BIG5-HKSCS",
	 "big5 big5hkscs cnbig5 xxbig5 csbig5 big5eten bigfive cp950 ms950 windows950"},
	{"EUC-TW", "euctw xeuctw"},
	{"CP932", "shiftjis sjis xsjis mskanji windows31j cp932 csshiftjis ms932 xshiftjis "
		  "windows932 shift"},
	{"EUC-JP", "eucjp xeucjp cseucpkdfmtjapanese ujis"},
	{"ISO-2022-JP-3", "iso2022jp csiso2022jp iso2022jpms cp50220 cp50221 cp50222 iso2022jp3"},
	{"ISO-2022-JP-2", "iso2022jp1 iso2022jp2"},
	{"CP949", "euckr ksc56011987 ksc5601 ksc56011989 korean cp949 uhc windows949 cseuckr ms949 "
		  "isoir149 ksc56011992"},
	{"ISO-2022-KR", "iso2022kr csiso2022kr"},
	{"JOHAB", "johab"},
	{"VISCII", "viscii"},
	{"TCVN", "tcvn tcvn5712 tcvn57121"},
	{"UTF-7", "utf7 unicode11utf7 unicode20utf7 xunicode20utf7"},
	{"UTF-16", "utf16 ucs2 unicode iso10646ucs2"},
	{"UTF-16LE", "utf16le"},
	{"UTF-16BE", "utf16be"},
	{"UTF-32", "utf32 ucs4 iso10646ucs4"},
	{"UTF-32LE", "utf32le"},
	{"UTF-32BE", "utf32be"},
	{"ARMSCII-8", "armscii8"},
	{"GEORGIAN-PS", "georgianps"},
	{"PT154", "pt154 ptcp154 cp154"},
	{"T.61", "t61 t618bit isoir103"},
	{"HP-ROMAN8", "hproman8 roman8"},
	{"ISO_6937", "iso6937"},
	{"DEC-MCS", "decmcs dec"},
	{"NEXTSTEP", "nextstep"},
};
#define TABLE_ROWS (sizeof(TABLE) / sizeof(TABLE[0]))

/* 0x80 to 0x9f in windows-1252; what is not assigned stays a C1 control. */
static const uint16_t C1[32] = {
	0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

unsigned charset_end(void)
{
	return (unsigned)TABLE_ROWS;
}

const char *charset_iconv_name(unsigned charset)
{
	return charset < TABLE_ROWS ? TABLE[charset].iconv : NULL;
}

static const uint16_t *high_of(unsigned charset)
{
	const char *name = charset_iconv_name(charset);
	for (size_t i = 0; name && i < sizeof(HIGH) / sizeof(HIGH[0]); i++) {
		if (strcmp(HIGH[i].iconv, name) == 0)
			return HIGH[i].code;
	}
	return NULL;
}

bool charset_is_built_in(unsigned charset)
{
	return charset < CHARSET_TABLE || high_of(charset);
}

unsigned charset_find(struct span name)
{
	char plain[NAME_MAX_BYTES];
	size_t n = 0;
	for (size_t i = 0; i < name.n && n < sizeof(plain); i++) {
		uint8_t c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c | 0x20);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			plain[n++] = (char)c;
	}
	if (n == 0 || n == sizeof(plain))
		return CHARSET_UNKNOWN;
	for (unsigned i = CHARSET_ASCII; i < TABLE_ROWS; i++) {
		if (name_in_list(TABLE[i].names, (struct span){(uint8_t *)plain, n}))
			return i;
	}
	return CHARSET_UNKNOWN;
}

/* The UTF-8 of a code point of the basic plane that is no surrogate. */
static uint8_t *put_unit(uint8_t *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (uint8_t)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (uint8_t)(0xc0 | c >> 6);
	} else {
		*to++ = (uint8_t)(0xe0 | c >> 12);
		*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (uint8_t)(0x80 | (c & 0x3f));
	return to;
}

/* One-byte sets: ASCII below 0x80, high above. Room for a window is made at once. */
static void put_one_byte(const uint16_t *high, struct span in, struct buf *out)
{
	while (in.n > 0) {
		struct span window = span_sub(in, 0, WINDOW_BYTES);
		uint8_t *start = buf_reserve(out, UNIT_BYTES * window.n), *to = start;
		if (!start)
			return;
		for (size_t i = 0; i < window.n;) {
			size_t n = utf8_ascii_prefix(span_sub(window, i, window.n));
			memcpy(to, window.p + i, n);
			to += n;
			for (i += n; i < window.n && window.p[i] >= 0x80; i++)
				to = put_unit(to, high[window.p[i] - 0x80]);
		}
		out->n += (size_t)(to - start);
		in = span_sub(in, window.n, in.n);
	}
}

static void put_windows_1252(struct span in, struct buf *out)
{
	uint16_t high[128];
	for (unsigned i = 0; i < 128; i++)
		high[i] = i < 32 ? C1[i] : (uint16_t)(0x80 + i);
	put_one_byte(high, in, out);
}

static void put_guessed(struct span in, struct buf *out)
{
	if (utf8_valid(in))
		buf_put_span(out, in);
	else
		put_windows_1252(in, out);
}

void charset_decode(const struct charset_set *set, unsigned charset, struct span in,
		    struct buf *out)
{
	const uint16_t *high;
	if (charset == CHARSET_UTF8)
		utf8_put_lossy(in, out);
	else if (charset == CHARSET_WINDOWS_1252)
		put_windows_1252(in, out);
	else if ((high = high_of(charset)))
		put_one_byte(high, in, out);
	else if (charset < CHARSET_TABLE || charset >= TABLE_ROWS || !set)
		put_guessed(in, out);
	else
		set->convert(set->ctx, charset, in, out);
}
