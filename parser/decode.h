/* decode: what every reader of a header needs: converters, an arena for what it makes, and scratch buffers. */
#ifndef MW_PARSER_DECODE_H
#define MW_PARSER_DECODE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "parser/charset.h"

#define DECODE_TEXT_MAX (96u << 20)

struct decode {
	const struct charset_set *charsets; /* may be NULL; borrowed */
	struct arena
		*arena; /* results live here; borrowed; the caller resets it between messages */
	struct buf text, bytes, words; /* scratch, empty between calls */
};

static inline void decode_init(struct decode *d, const struct charset_set *charsets,
			       struct arena *arena)
{
	d->charsets = charsets;
	d->arena = arena;
	buf_init(&d->text, DECODE_TEXT_MAX);
	buf_init(&d->bytes, DECODE_TEXT_MAX);
	buf_init(&d->words, DECODE_TEXT_MAX);
}

static inline void decode_fini(struct decode *d)
{
	buf_fini(&d->text);
	buf_fini(&d->bytes);
	buf_fini(&d->words);
}

#endif
