#include "common/wire/table.h"

#define NEED_REQ true
#define NEED_OPT false
#define ROW(wire_key, field, wire_type, wire_max, need) \
	{.name = #field,                                \
	 .max = (wire_max),                             \
	 .offset = (uint16_t)offsetof(self, field),     \
	 .key = (wire_key),                             \
	 .type = WIRE_##wire_type,                      \
	 .required = NEED_##need},

/* One function a message, because only inside one can its struct be called `self` for ROW. */
#define TABLE(wire_number, message, message_fields)                                              \
	static const struct wire_def *def_##message(void)                                        \
	{                                                                                        \
		typedef struct wire_##message self;                                              \
		static const struct wire_field fields[] = {message_fields(ROW)};                 \
		static const struct wire_def def = {.name = #message,                            \
						    .fields = fields,                            \
						    .count = sizeof(fields) / sizeof(fields[0]), \
						    .struct_bytes = sizeof(self),                \
						    .number = (wire_number)};                    \
		_Static_assert(sizeof(fields) / sizeof(fields[0]) <= WIRE_FIELDS_MAX,            \
			       "too many fields");                                               \
		_Static_assert(sizeof(self) <= UINT16_MAX, "offset does not fit");               \
		return &def;                                                                     \
	}
WIRE_MESSAGES(TABLE)

#define CASE(wire_number, message, message_fields) \
	case wire_number:                          \
		return def_##message();

const struct wire_def *wire_def(unsigned number)
{
	switch (number) {
		WIRE_MESSAGES(CASE)
	default:
		return NULL;
	}
}

const char *wire_name(unsigned number)
{
	const struct wire_def *def = wire_def(number);
	return def ? def->name : "unknown";
}
