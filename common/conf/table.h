/* table: the settings of one program while they are read: which exist, what was given, and by whom. For this library alone. */
#ifndef MW_CONF_TABLE_H
#define MW_CONF_TABLE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/conf/conf.h"

/* One setting and the text it has so far. */
struct conf_entry {
	const struct conf_setting *setting;
	const char *text; /* as written; in the arena or in the table of settings */
	const char *where; /* "default", "<file>:<line>", "command line" */
};

struct conf_table {
	struct arena *arena;
	const char *program, *purpose;
	struct conf_entry *entries; /* common ones first */
	size_t count, common_count;
};

/* The table that every program has, ended by a NULL name. */
const struct conf_setting *conf_common_settings(void);
void conf_table_init(struct conf_table *table, struct arena *arena, const char *program,
		     const char *purpose, const struct conf_setting *own);
/*
 * Gives a setting a text, checked against its type and range. '-' in name stands for '_'. ERR_PERM with where, the name,
 * and the nearest known name or the range.
 */
MUST_USE enum err_code conf_table_set(struct conf_table *table, struct span name, struct span text,
				      const char *where, struct err *e);
/* Writes all values into the program's struct (paths made relative to `dir`), then checks those of the common table. */
MUST_USE enum err_code conf_table_store(const struct conf_table *table, void *conf, struct err *e);

/* Reads the lines of a file that count for the program. */
MUST_USE enum err_code conf_file_read(struct conf_table *table, const char *path, struct err *e);
/* The same from memory; path is for errors. */
MUST_USE enum err_code conf_file_parse(struct conf_table *table, struct span text, const char *path,
				       struct err *e);

/* Text → number of the setting's type: milliseconds, bytes, 0 or 1. False if it is none or out of range. */
bool conf_value_parse(const struct conf_setting *setting, struct span text, int64_t *value_out);
/* "from 0 to 65535", "yes or no", …: what a value may be; empty for texts. */
void conf_value_range(const struct conf_setting *setting, struct buf *out);
const char *conf_type_word(enum conf_type type);

void conf_show_help(const struct conf_table *table, struct buf *out);
void conf_show_values(const struct conf_table *table, struct buf *out);
/* mdoc list items of the program's own settings, or of the common ones. */
void conf_show_man(const struct conf_table *table, bool common, struct buf *out);

#endif
