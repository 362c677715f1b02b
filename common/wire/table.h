/* table: messages.h as data, for the codec, the log and the tests. */
#ifndef MW_WIRE_TABLE_H
#define MW_WIRE_TABLE_H

#include "common/wire/wire.h"

#define WIRE_FIELDS_MAX 64 /* of one message: what has been seen is one 64-bit set */

enum wire_type { WIRE_U64, WIRE_I64, WIRE_BYTES, WIRE_TEXT, WIRE_LIST, WIRE_ADDRS };

struct wire_field {
	const char *name;
	uint32_t max; /* bytes or items, as in messages.h */
	uint16_t offset; /* in the message's struct */
	uint16_t key;
	enum wire_type type;
	bool required;
};

struct wire_def {
	const char *name;
	const struct wire_field *fields;
	size_t count;
	size_t struct_bytes;
	unsigned number;
};

/* NULL for a number that is none of ours. */
const struct wire_def *wire_def(unsigned number);
/* m is the struct of that message. As wire_encode_x and wire_decode_x, which are made from these. */
void wire_encode(const struct wire_def *def, const void *m, struct buf *out);
MUST_USE enum err_code wire_decode(const struct wire_def *def, struct span frame,
				   struct arena *arena, void *m_out, struct err *e);

#endif
