#include "common/wire/table.h"

#include "common/wire/pack.h"

/* Levels that may lie below a value of the map: array 1, map 2, then the field. */
#define LEVELS_BELOW (PACK_DEPTH_MAX - 2)

static struct span bytes_get(struct pack_reader *r, size_t max)
{
	struct span s = pack_read_bytes(r);
	if (s.n > max)
		r->bad = true;
	return s;
}

/* Elements of an array that may hold max: 0 and bad if over. */
static size_t count_get(struct pack_reader *r, size_t max)
{
	size_t count = pack_read_array(r);
	if (count <= max)
		return count;
	r->bad = true;
	return 0;
}

static struct wire_list list_get(struct pack_reader *r, size_t max, struct arena *arena)
{
	struct wire_list list = {.count = count_get(r, max)};
	if (list.count)
		list.items = arena_array(arena, list.count, sizeof(list.items[0]));
	for (size_t i = 0; i < list.count; i++)
		list.items[i] = bytes_get(r, WIRE_ITEM_MAX);
	return list;
}

static struct wire_addr addr_get(struct pack_reader *r)
{
	struct wire_addr addr = {0};
	size_t n = pack_read_array(r);
	if (n < 2) {
		r->bad = true;
		return addr;
	}
	addr.name = bytes_get(r, WIRE_ITEM_MAX);
	addr.email = bytes_get(r, WIRE_ITEM_MAX);
	while (n-- > 2 && !r->bad)
		pack_skip_within(r, 0);
	return addr;
}

static struct wire_addrs addrs_get(struct pack_reader *r, size_t max, struct arena *arena)
{
	struct wire_addrs addrs = {.count = count_get(r, max)};
	if (addrs.count)
		addrs.items = arena_array(arena, addrs.count, sizeof(addrs.items[0]));
	for (size_t i = 0; i < addrs.count && !r->bad; i++)
		addrs.items[i] = addr_get(r);
	return addrs;
}

static void field_get(const struct wire_field *field, struct pack_reader *r, struct arena *arena,
		      void *value_out)
{
	switch (field->type) {
	case WIRE_U64:
		*(uint64_t *)value_out = pack_read_u64(r);
		break;
	case WIRE_I64:
		*(int64_t *)value_out = pack_read_i64(r);
		break;
	case WIRE_BYTES:
	case WIRE_TEXT:
		*(struct span *)value_out = bytes_get(r, field->max);
		break;
	case WIRE_LIST:
		*(struct wire_list *)value_out = list_get(r, field->max, arena);
		break;
	case WIRE_ADDRS:
		*(struct wire_addrs *)value_out = addrs_get(r, field->max, arena);
		break;
	}
}

/* Writers put keys in the order of the table, so the row wanted is nearly always the next: start there. */
static const struct wire_field *field_find(const struct wire_def *def, size_t start, uint64_t key)
{
	for (size_t i = 0; i < def->count; i++) {
		const struct wire_field *field = &def->fields[(start + i) % def->count];
		if (field->key == key)
			return field;
	}
	return NULL;
}

/* Takes the key of a pair. NULL if no field has it: a key of a newer version, of whatever type. */
static const struct wire_field *key_get(const struct wire_def *def, struct pack_reader *r,
					size_t start)
{
	struct pack_reader probe = *r;
	uint64_t key = pack_read_u64(&probe);
	if (probe.bad) {
		pack_skip_within(r, LEVELS_BELOW);
		return NULL;
	}
	*r = probe;
	return field_find(def, start, key);
}

static enum err_code refuse(struct err *e, const struct wire_def *def, const char *what,
			    const char *field)
{
	return err_set(e, ERR_PEER, ERR_ITEM, "bad_frame", "%s frame: %s%s%s", def->name, what,
		       *field ? " " : "", field);
}

static enum err_code fields_get(const struct wire_def *def, struct pack_reader *r,
				struct arena *arena, char *m_out, struct err *e)
{
	uint64_t seen = 0;
	size_t next = 0;
	for (size_t pairs = pack_read_map(r); pairs > 0 && !r->bad; pairs--) {
		const struct wire_field *field = key_get(def, r, next);
		if (!field) {
			pack_skip_within(r, LEVELS_BELOW);
			continue;
		}
		size_t row = (size_t)(field - def->fields);
		if (seen >> row & 1)
			return refuse(e, def, "twice", field->name);
		seen |= (uint64_t)1 << row;
		next = row + 1;
		field_get(field, r, arena, m_out + field->offset);
		if (r->bad)
			return refuse(e, def, "cut, of another type or too long:", field->name);
	}
	for (size_t i = 0; i < def->count && !r->bad; i++)
		if (def->fields[i].required && !(seen >> i & 1))
			return refuse(e, def, "without", def->fields[i].name);
	return ERR_OK;
}

enum err_code wire_decode(const struct wire_def *def, struct span frame, struct arena *arena,
			  void *m_out, struct err *e)
{
	struct pack_reader r = pack_reader_make(frame);
	memset(m_out, 0, def->struct_bytes);
	if (frame.n > WIRE_FRAME_MAX)
		return refuse(e, def, "over the maximum", "");
	size_t elements = pack_read_array(&r);
	uint64_t version = pack_read_u64(&r);
	uint64_t number = pack_read_u64(&r);
	if (r.bad || elements != 3 || version == 0 || number != def->number)
		return refuse(e, def, "not one", "");
	enum err_code code = fields_get(def, &r, arena, m_out, e);
	if (code == ERR_OK && !pack_done(&r))
		code = refuse(e, def, r.bad ? "cut or nested too deep" : "bytes behind it", "");
	if (code != ERR_OK)
		memset(m_out, 0, def->struct_bytes);
	return code;
}

unsigned wire_peek(struct span frame)
{
	struct pack_reader r = pack_reader_make(frame);
	size_t elements = pack_read_array(&r);
	uint64_t version = pack_read_u64(&r);
	uint64_t number = pack_read_u64(&r);
	if (r.bad || elements != 3 || version == 0 || number > UINT16_MAX)
		return 0;
	return wire_def((unsigned)number) ? (unsigned)number : 0;
}

#define DECODE(number, message, fields)                                                  \
	enum err_code wire_decode_##message(struct span frame, struct arena *arena,      \
					    struct wire_##message *m_out, struct err *e) \
	{                                                                                \
		return wire_decode(wire_def(WIRE_N_##message), frame, arena, m_out, e);  \
	}
WIRE_MESSAGES(DECODE)
