/* charset_iconv: the converters of the C library for every set of the table, all opened at once. */
#ifndef MW_PARSER_CHARSET_ICONV_H
#define MW_PARSER_CHARSET_ICONV_H

#include "parser/charset.h"

/* Loads the library's modules from files: call before the sandbox closes. Sets it cannot open are read as unknown.
 * Costs some 10 ms and 1 MB. The set is freed by charset_iconv_close; not for two threads at once. */
struct charset_set *charset_iconv_open(void);
void charset_iconv_close(struct charset_set **set);

#endif
