#include "common/wire/pack.h"

/* What the first byte of a value and the bytes of its size say. */
struct head {
	enum pack_type type;
	bool negative;
	uint64_t
		value; /* integer (two's complement when negative), bits of a float, length or count */
	size_t payload; /* bytes that follow and belong to this value alone */
};

/* First bytes 0xc0 to 0xdf: type, bytes of the number behind it, and for an ext the bytes beside its payload. */
struct form {
	uint8_t type, width, is_signed, fixed, extra;
};

static const struct form forms[32] = {
	[0x00] = {.type = PACK_NIL},
	[0x01] = {.type = PACK_END}, /* never used by msgpack */
	[0x02] = {.type = PACK_BOOL},
	[0x03] = {.type = PACK_BOOL, .fixed = 1},
	[0x04] = {.type = PACK_BYTES, .width = 1},
	[0x05] = {.type = PACK_BYTES, .width = 2},
	[0x06] = {.type = PACK_BYTES, .width = 4},
	[0x07] = {.type = PACK_EXT, .width = 1, .extra = 1},
	[0x08] = {.type = PACK_EXT, .width = 2, .extra = 1},
	[0x09] = {.type = PACK_EXT, .width = 4, .extra = 1},
	[0x0a] = {.type = PACK_FLOAT, .width = 4},
	[0x0b] = {.type = PACK_FLOAT, .width = 8},
	[0x0c] = {.type = PACK_INT, .width = 1},
	[0x0d] = {.type = PACK_INT, .width = 2},
	[0x0e] = {.type = PACK_INT, .width = 4},
	[0x0f] = {.type = PACK_INT, .width = 8},
	[0x10] = {.type = PACK_INT, .width = 1, .is_signed = 1},
	[0x11] = {.type = PACK_INT, .width = 2, .is_signed = 1},
	[0x12] = {.type = PACK_INT, .width = 4, .is_signed = 1},
	[0x13] = {.type = PACK_INT, .width = 8, .is_signed = 1},
	[0x14] = {.type = PACK_EXT, .fixed = 1, .extra = 1},
	[0x15] = {.type = PACK_EXT, .fixed = 2, .extra = 1},
	[0x16] = {.type = PACK_EXT, .fixed = 4, .extra = 1},
	[0x17] = {.type = PACK_EXT, .fixed = 8, .extra = 1},
	[0x18] = {.type = PACK_EXT, .fixed = 16, .extra = 1},
	[0x19] = {.type = PACK_BYTES, .width = 1},
	[0x1a] = {.type = PACK_BYTES, .width = 2},
	[0x1b] = {.type = PACK_BYTES, .width = 4},
	[0x1c] = {.type = PACK_ARRAY, .width = 2},
	[0x1d] = {.type = PACK_ARRAY, .width = 4},
	[0x1e] = {.type = PACK_MAP, .width = 2},
	[0x1f] = {.type = PACK_MAP, .width = 4},
};

static size_t left(const struct pack_reader *r)
{
	return (size_t)(r->end - r->p);
}

static enum pack_type byte_type(uint8_t c)
{
	if (c < 0x80 || c >= 0xe0)
		return PACK_INT;
	if (c < 0x90)
		return PACK_MAP;
	if (c < 0xa0)
		return PACK_ARRAY;
	return c < 0xc0 ? PACK_BYTES : (enum pack_type)forms[c - 0xc0].type;
}

/* The big-endian number behind the first byte, sign-extended to 64 bits if the form is signed. */
static bool number_take(struct pack_reader *r, const struct form *form, uint64_t *value_out)
{
	uint64_t value = 0;
	if (left(r) < form->width)
		return false;
	for (unsigned i = 0; i < form->width; i++)
		value = value << 8 | *r->p++;
	if (form->is_signed && form->width < 8 && value >> (form->width * 8 - 1))
		value |= UINT64_MAX << (form->width * 8);
	*value_out = value;
	return true;
}

/* Sets what the size demands and refuses what the bytes left cannot hold. */
static bool head_check(const struct pack_reader *r, struct head *head, size_t extra)
{
	size_t rest = left(r);
	switch (head->type) {
	case PACK_BYTES:
	case PACK_EXT:
		if (rest < extra || head->value > rest - extra)
			return false;
		head->payload = (size_t)head->value + extra;
		return true;
	case PACK_ARRAY:
		return head->value <= rest;
	case PACK_MAP:
		return head->value <= rest / 2;
	default:
		return head->type != PACK_END;
	}
}

static bool head_parse(struct pack_reader *r, struct head *head)
{
	uint8_t c = *r->p++;
	*head = (struct head){.type = byte_type(c)};
	if (c < 0x80) {
		head->value = c;
	} else if (c >= 0xe0) {
		head->value = UINT64_MAX << 8 | c;
		head->negative = true;
	} else if (c < 0xc0) {
		head->value = c & (c < 0xa0 ? 0x0f : 0x1f);
		return head_check(r, head, 0);
	} else {
		const struct form *form = &forms[c - 0xc0];
		head->value = form->fixed;
		if (form->width && !number_take(r, form, &head->value))
			return false;
		head->negative = form->is_signed && head->value >> 63;
		return head_check(r, head, form->extra);
	}
	return true;
}

/* Takes the head of the next value. Bad, and nothing taken, if there is none or it cannot be true. */
static bool head_take(struct pack_reader *r, struct head *head)
{
	const uint8_t *start = r->p;
	if (!r->bad && r->p < r->end && head_parse(r, head))
		return true;
	r->p = start;
	r->bad = true;
	return false;
}

static bool head_expect(struct pack_reader *r, enum pack_type type, struct head *head)
{
	if (pack_peek(r) == type)
		return head_take(r, head);
	r->bad = true;
	return false;
}

enum pack_type pack_peek(const struct pack_reader *r)
{
	return r->bad || r->p >= r->end ? PACK_END : byte_type(*r->p);
}

bool pack_read_nil(struct pack_reader *r)
{
	if (pack_peek(r) != PACK_NIL)
		return false;
	r->p++;
	return true;
}

bool pack_read_bool(struct pack_reader *r)
{
	struct head head;
	return head_expect(r, PACK_BOOL, &head) && head.value;
}

uint64_t pack_read_u64(struct pack_reader *r)
{
	struct head head;
	if (!head_expect(r, PACK_INT, &head))
		return 0;
	if (!head.negative)
		return head.value;
	r->bad = true;
	return 0;
}

int64_t pack_read_i64(struct pack_reader *r)
{
	struct head head;
	if (!head_expect(r, PACK_INT, &head))
		return 0;
	if (head.negative || head.value <= INT64_MAX)
		return (int64_t)head.value;
	r->bad = true;
	return 0;
}

double pack_read_double(struct pack_reader *r)
{
	struct head head;
	if (pack_peek(r) == PACK_INT)
		return (double)pack_read_i64(r);
	bool narrow = r->p < r->end && *r->p == 0xca;
	if (!head_expect(r, PACK_FLOAT, &head))
		return 0;
	if (narrow) {
		uint32_t bits = (uint32_t)head.value;
		float value;
		memcpy(&value, &bits, sizeof(value));
		return (double)value;
	}
	double value;
	memcpy(&value, &head.value, sizeof(value));
	return value;
}

struct span pack_read_bytes(struct pack_reader *r)
{
	struct head head;
	if (!head_expect(r, PACK_BYTES, &head))
		return (struct span){0};
	struct span s = {r->p, head.payload};
	r->p += head.payload;
	return s;
}

size_t pack_read_array(struct pack_reader *r)
{
	struct head head;
	return head_expect(r, PACK_ARRAY, &head) ? (size_t)head.value : 0;
}

size_t pack_read_map(struct pack_reader *r)
{
	struct head head;
	if (pack_peek(r) != PACK_ARRAY)
		return head_expect(r, PACK_MAP, &head) ? (size_t)head.value : 0;
	if (pack_read_array(r) > 0)
		r->bad = true;
	return 0;
}

void pack_skip_within(struct pack_reader *r, unsigned levels)
{
	uint64_t todo[PACK_DEPTH_MAX + 1] = {1}; /* values still to come, at each level */
	unsigned level = 0;
	while (todo[level] > 0 || level > 0) {
		struct head head;
		if (todo[level] == 0) {
			level--;
			continue;
		}
		todo[level]--;
		if (!head_take(r, &head))
			return;
		r->p += head.payload;
		if (head.type != PACK_ARRAY && head.type != PACK_MAP)
			continue;
		if (level == levels || level == PACK_DEPTH_MAX) {
			r->bad = true;
			return;
		}
		todo[++level] = head.type == PACK_MAP ? head.value * 2 : head.value;
	}
}

void pack_skip(struct pack_reader *r)
{
	pack_skip_within(r, PACK_DEPTH_MAX);
}

void pack_skip_n(struct pack_reader *r, size_t count)
{
	while (count-- > 0 && !r->bad)
		pack_skip(r);
}

struct span pack_read_value(struct pack_reader *r)
{
	const uint8_t *start = r->p;
	pack_skip(r);
	return span_make(start, r->bad ? 0 : (size_t)(r->p - start));
}

bool pack_done(const struct pack_reader *r)
{
	return !r->bad && r->p == r->end;
}
