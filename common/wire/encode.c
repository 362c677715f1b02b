#include "common/wire/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/wire/pack.h"

static void check(bool fits, const struct wire_def *def, const struct wire_field *field)
{
	if (fits)
		return;
	fprintf(stderr, "wire: %s.%s is over its maximum of %u\n", def->name, field->name,
		(unsigned)field->max);
	abort();
}

static bool list_fits(const struct wire_list *list, size_t max)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].n > WIRE_ITEM_MAX)
			return false;
	return list->count <= max;
}

static bool addrs_fit(const struct wire_addrs *addrs, size_t max)
{
	for (size_t i = 0; i < addrs->count; i++)
		if (addrs->items[i].name.n > WIRE_ITEM_MAX ||
		    addrs->items[i].email.n > WIRE_ITEM_MAX)
			return false;
	return addrs->count <= max;
}

static void list_put(const struct wire_list *list, struct buf *out)
{
	pack_put_array(out, list->count);
	for (size_t i = 0; i < list->count; i++)
		pack_put_bin(out, list->items[i]);
}

static void addrs_put(const struct wire_addrs *addrs, struct buf *out)
{
	pack_put_array(out, addrs->count);
	for (size_t i = 0; i < addrs->count; i++) {
		pack_put_array(out, 2);
		pack_put_str(out, addrs->items[i].name);
		pack_put_str(out, addrs->items[i].email);
	}
}

static bool field_is_zero(const struct wire_field *field, const void *value)
{
	switch (field->type) {
	case WIRE_U64:
		return *(const uint64_t *)value == 0;
	case WIRE_I64:
		return *(const int64_t *)value == 0;
	case WIRE_BYTES:
	case WIRE_TEXT:
		return ((const struct span *)value)->n == 0;
	case WIRE_LIST:
		return ((const struct wire_list *)value)->count == 0;
	case WIRE_ADDRS:
		return ((const struct wire_addrs *)value)->count == 0;
	}
	abort();
}

static bool field_fits(const struct wire_field *field, const void *value)
{
	switch (field->type) {
	case WIRE_U64:
	case WIRE_I64:
		return true;
	case WIRE_BYTES:
	case WIRE_TEXT:
		return ((const struct span *)value)->n <= field->max;
	case WIRE_LIST:
		return list_fits(value, field->max);
	case WIRE_ADDRS:
		return addrs_fit(value, field->max);
	}
	abort();
}

static void field_put(const struct wire_field *field, const void *value, struct buf *out)
{
	pack_put_u64(out, field->key);
	switch (field->type) {
	case WIRE_U64:
		pack_put_u64(out, *(const uint64_t *)value);
		break;
	case WIRE_I64:
		pack_put_i64(out, *(const int64_t *)value);
		break;
	case WIRE_BYTES:
		pack_put_bin(out, *(const struct span *)value);
		break;
	case WIRE_TEXT:
		pack_put_str(out, *(const struct span *)value);
		break;
	case WIRE_LIST:
		list_put(value, out);
		break;
	case WIRE_ADDRS:
		addrs_put(value, out);
		break;
	}
}

static bool field_travels(const struct wire_field *field, const void *value)
{
	return field->required || !field_is_zero(field, value);
}

void wire_encode(const struct wire_def *def, const void *m, struct buf *out)
{
	size_t count = 0;
	for (size_t i = 0; i < def->count; i++) {
		const struct wire_field *field = &def->fields[i];
		const void *value = (const char *)m + field->offset;
		check(field_fits(field, value), def, field);
		count += field_travels(field, value);
	}
	pack_put_array(out, 3);
	pack_put_u64(out, WIRE_VERSION);
	pack_put_u64(out, def->number);
	pack_put_map(out, count);
	for (size_t i = 0; i < def->count; i++) {
		const void *value = (const char *)m + def->fields[i].offset;
		if (field_travels(&def->fields[i], value))
			field_put(&def->fields[i], value, out);
	}
}

#define ENCODE(number, message, fields)                                             \
	void wire_encode_##message(const struct wire_##message *m, struct buf *out) \
	{                                                                           \
		wire_encode(wire_def(WIRE_N_##message), m, out);                    \
	}
WIRE_MESSAGES(ENCODE)
