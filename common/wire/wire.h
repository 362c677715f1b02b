/*
 * wire: structs, encoder and decoder of the table in messages.h. One frame is
 *
 *     msgpack array of 3: [WIRE_VERSION, message number, map{key: value}]
 *
 * Unknown keys are ignored, absent optional ones have their zero value (OPS-06). The decoder refuses trailing bytes, a
 * field over its maximum, nesting over 4, and counts that the bytes left cannot hold, before it allocates.
 */
#ifndef MW_WIRE_WIRE_H
#define MW_WIRE_WIRE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/code.h"
#include "common/base/err.h"
#include "common/wire/messages.h"

#define WIRE_ITEM_MAX 998u
#define WIRE_FRAME_MAX (2u << 20)
#define WIRE_RENDER_MAX (64u << 20)

enum { WIRE_LANE_LIVE = 0, WIRE_LANE_BULK = 1, WIRE_LANES = 2 };

struct wire_list {
	struct span *items;
	size_t count;
};

struct wire_addr {
	struct span name; /* decoded, UTF-8, may be empty */
	struct span email; /* as in the header, decoded domain not normalized */
};

struct wire_addrs {
	struct wire_addr *items;
	size_t count;
};

#define WIRE_TYPE_U64 uint64_t
#define WIRE_TYPE_I64 int64_t
#define WIRE_TYPE_BYTES struct span
#define WIRE_TYPE_TEXT struct span
#define WIRE_TYPE_LIST struct wire_list
#define WIRE_TYPE_ADDRS struct wire_addrs
#define WIRE_FIELD(key, name, type, max, need) WIRE_TYPE_##type name;
#define WIRE_STRUCT(number, message, fields) \
	struct wire_##message {              \
		fields(WIRE_FIELD)           \
	};
WIRE_MESSAGES(WIRE_STRUCT)
#undef WIRE_STRUCT
#undef WIRE_FIELD

/* Common fields of raw, facts and proposal are the same prefix of the struct: facts_out may be made from raw by copying
 * them one by one with this macro: WIRE_HEAD(WIRE_COPY_HEAD) expands to assignments dst->x = src->x. */
#define WIRE_COPY(key, name, type, max, need) dst->name = src->name;

enum wire_number {
#define WIRE_NUMBER(number, message, fields) WIRE_N_##message = number,
	WIRE_MESSAGES(WIRE_NUMBER)
#undef WIRE_NUMBER
};

/* The number of the message in a frame, or 0 if it is not one of ours. Reads the first bytes only. */
unsigned wire_peek(struct span frame);
const char *wire_name(unsigned number);

/*
 * wire_encode_raw(&m, &buf) … appends one frame. Aborts on a field over its maximum: our own bug (check before). Fields
 * within their maxima can still make a frame over WIRE_FRAME_MAX, which every decoder refuses: give a buf of that
 * maximum and ask buf_ok, and cut the lists if it says no.
 * wire_decode_raw(frame, arena, &m, &e): spans point into frame, lists into arena; both must outlive m.
 * ERR_PEER with what is wrong otherwise, nothing allocated that arena_reset does not free; m is then zeroed. TEXT is not
 * checked to be UTF-8.
 */
#define WIRE_DECLARE(number, message, fields)                                                \
	void wire_encode_##message(const struct wire_##message *m, struct buf *out);         \
	MUST_USE enum err_code wire_decode_##message(struct span frame, struct arena *arena, \
						     struct wire_##message *m_out, struct err *e);
WIRE_MESSAGES(WIRE_DECLARE)
#undef WIRE_DECLARE

/* A BYTES field or a list's item that should be an id. False if it has another length. */
static inline bool wire_id(struct span s, struct id *id_out)
{
	if (s.n != ID_BYTES)
		return false;
	memcpy(id_out->b, s.p, ID_BYTES);
	return true;
}

#endif
