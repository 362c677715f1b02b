#include "common/conf/table.h"

static int widest(const struct conf_table *table)
{
	size_t width = strlen("check-config");

	for (size_t i = 0; i < table->count; i++) {
		const struct conf_setting *s = table->entries[i].setting;
		size_t n = strlen(s->name) + 1 + strlen(conf_type_word(s->type));

		width = n > width ? n : width;
	}
	return (int)width;
}

static void put_option(const char *name, const char *word, const char *help, int width,
		       struct buf *out)
{
	int pad = width - (int)strlen(name) - (int)strlen(word) - (word[0] ? 1 : 0);

	buf_printf(out, "  --%s%s%s%*s  %s", name, word[0] ? " " : "", word, pad > 0 ? pad : 0, "",
		   help);
}

static void put_setting(const struct conf_setting *s, int width, struct buf *out)
{
	put_option(s->name, conf_type_word(s->type), s->help, width, out);
	buf_printf(out, " [%s", s->fallback[0] ? s->fallback : "empty");
	if (s->type != CONF_BOOL && (s->min != 0 || s->max != 0)) {
		buf_put_cstr(out, "; ");
		conf_value_range(s, out);
	}
	buf_put_cstr(out, "]\n");
}

void conf_show_help(const struct conf_table *table, struct buf *out)
{
	int width = widest(table);

	buf_printf(out, "usage: %s [--name value | --name=value ...]\n%s\n", table->program,
		   table->purpose);
	if (table->count > table->common_count)
		buf_printf(out, "\nSettings of %s [default; range]:\n", table->program);
	for (size_t i = table->common_count; i < table->count; i++)
		put_setting(table->entries[i].setting, width, out);
	buf_put_cstr(out, "\nSettings of every program:\n");
	for (size_t i = 0; i < table->common_count; i++)
		put_setting(table->entries[i].setting, width, out);
	buf_put_cstr(out, "\nOptions of every program:\n");
	put_option("config", "path",
		   "File with settings; otherwise the one named by MAILWEAVE_CONFIG.\n", width,
		   out);
	put_option("check-config", "", "Checks the settings and ends.\n", width, out);
	put_option("print-config", "", "Prints all settings and where each comes from, and ends.\n",
		   width, out);
	put_option("help", "", "Prints this and ends.\n", width, out);
	put_option("version", "", "Prints the version and ends.\n", width, out);
}

void conf_show_values(const struct conf_table *table, struct buf *out)
{
	buf_printf(out, "[%s]\n", table->program);
	for (size_t i = 0; i < table->count; i++) {
		const struct conf_entry *entry = &table->entries[i];

		buf_printf(out, "# %s\n%s = %s\n", entry->where, entry->setting->name, entry->text);
	}
}

/* Text of an mdoc line: a backslash is \e, and a line must not begin with a dot or a quote. */
static void put_mdoc(const char *s, struct buf *out)
{
	if (*s == '.' || *s == '\'')
		buf_put_cstr(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			buf_put_cstr(out, "\\e");
		else if (*s == '-')
			buf_put_cstr(out, "\\-");
		else
			buf_put_byte(out, (uint8_t)*s);
	}
}

static void put_item(const struct conf_setting *s, struct buf *out)
{
	static const char *const words[] = {
		[CONF_STRING] = "text", [CONF_INT] = "number", [CONF_BOOL] = "yes | no",
		[CONF_BYTES] = "bytes", [CONF_MS] = "time",    [CONF_PATH] = "path",
	};
	bool ranged = s->type != CONF_BOOL && (s->min != 0 || s->max != 0);

	buf_printf(out, ".It Cm %s No = Ar %s\n", s->name, words[s->type]);
	put_mdoc(s->help, out);
	buf_put_cstr(out, "\nDefault: ");
	if (s->fallback[0])
		put_mdoc(s->fallback, out);
	else
		buf_put_cstr(out, "empty");
	if (ranged) {
		struct buf range;

		buf_init(&range, 256);
		conf_value_range(s, &range);
		buf_put_cstr(out, "; ");
		put_mdoc(buf_cstr(&range), out);
		buf_fini(&range);
	}
	buf_put_cstr(out, ".\n");
}

void conf_show_man(const struct conf_table *table, bool common, struct buf *out)
{
	size_t first = common ? 0 : table->common_count,
	       end = common ? table->common_count : table->count;

	for (size_t i = first; i < end; i++)
		put_item(table->entries[i].setting, out);
}
