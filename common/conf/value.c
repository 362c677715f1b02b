#include "common/conf/table.h"

#include <inttypes.h>

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit units_bytes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};
static const struct unit units_ms[] = {{"d", 86400000}, {"h", 3600000}, {"ms", 1},
				       {"m", 60000},	{"s", 1000},	{"", 1}};
static const struct unit units_none[] = {{"", 1}};

static const struct unit *units_of(enum conf_type type)
{
	return type == CONF_BYTES ? units_bytes : type == CONF_MS ? units_ms : units_none;
}

/* The first unit whose suffix ends the text; the last, without a suffix, always does. */
static const struct unit *unit_of_text(const struct unit *units, struct span text)
{
	while (units->suffix[0]) {
		struct span suffix = span_cstr(units->suffix);

		if (text.n > suffix.n &&
		    span_ieq(span_sub(text, text.n - suffix.n, suffix.n), suffix))
			break;
		units++;
	}
	return units;
}

static bool number_parse(const struct conf_setting *setting, struct span text, int64_t *value_out)
{
	const struct unit *unit = unit_of_text(units_of(setting->type), text);
	bool minus = text.n && text.p[0] == '-', bounded = setting->min != 0 || setting->max != 0;
	uint64_t digits;
	int64_t value;

	text = span_sub(text, minus ? 1 : 0, text.n);
	text.n -= strlen(unit->suffix);
	if (!span_to_u64(span_trim(text), (uint64_t)(INT64_MAX / unit->factor), &digits))
		return false;
	value = (int64_t)digits * unit->factor * (minus ? -1 : 1);
	if (bounded && (value < setting->min || value > setting->max))
		return false;
	*value_out = value;
	return true;
}

static bool bool_parse(struct span text, int64_t *value_out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_ieq(text, span_cstr(words[i])))
			continue;
		*value_out = (int64_t)(i % 2);
		return true;
	}
	return false;
}

bool conf_value_parse(const struct conf_setting *setting, struct span text, int64_t *value_out)
{
	switch (setting->type) {
	case CONF_INT:
	case CONF_BYTES:
	case CONF_MS:
		return number_parse(setting, text, value_out);
	case CONF_BOOL:
		return bool_parse(text, value_out);
	case CONF_STRING:
	case CONF_PATH:
		break;
	}
	*value_out = 0;
	return text.n == 0 || !memchr(text.p, 0, text.n);
}

/* With the largest unit that divides the value. */
static void put_number(enum conf_type type, int64_t value, struct buf *out)
{
	static const struct unit ms[] = {
		{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	const struct unit *unit = type == CONF_MS ? ms : units_of(type);

	if (value == 0) {
		buf_put_cstr(out, "0");
		return;
	}
	while (unit->factor > 1 && value % unit->factor != 0)
		unit++;
	buf_printf(out, "%" PRId64 "%s", value / unit->factor, unit->suffix);
}

void conf_value_range(const struct conf_setting *setting, struct buf *out)
{
	if (setting->type == CONF_BOOL)
		buf_put_cstr(out, "yes or no");
	if (setting->type == CONF_BOOL || setting->type == CONF_STRING ||
	    setting->type == CONF_PATH || (setting->min == 0 && setting->max == 0))
		return;
	buf_put_cstr(out, "from ");
	put_number(setting->type, setting->min, out);
	buf_put_cstr(out, " to ");
	put_number(setting->type, setting->max, out);
}

const char *conf_type_word(enum conf_type type)
{
	static const char *const words[] = {
		[CONF_STRING] = "text", [CONF_INT] = "number", [CONF_BOOL] = "yes|no",
		[CONF_BYTES] = "bytes", [CONF_MS] = "time",    [CONF_PATH] = "path",
	};

	return words[type];
}
