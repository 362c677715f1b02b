/* entity: HTML character references (`&amp;`, `&#233;`, `&#xe9;`), the ones that mail uses. */
#ifndef MW_PARSER_ENTITY_H
#define MW_PARSER_ENTITY_H

#include "common/base/buf.h"

/* The reference at the start of s ('&'): its code point, and its length in *n_out. 0 if it is none. */
uint32_t entity_read(struct span s, size_t *n_out);

#endif
