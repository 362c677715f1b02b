#include "common/conf/table.h"

#include "common/base/code.h"

#include <stdlib.h>

#define COMMON(name, type, field, fallback, min, max, help)                               \
	{                                                                                 \
		name, type, offsetof(struct conf_common, field), fallback, min, max, help \
	}

static const struct conf_setting common_settings[] = {
	COMMON("dir", CONF_STRING, dir, "var", 0, 0,
	       "State directory; relative paths of other settings begin there."),
	COMMON("redis", CONF_STRING, redis, "unix:redis/redis.sock", 0, 0,
	       "Where Redis listens: unix:PATH or tcp:HOST:PORT."),
	COMMON("redis_password_file", CONF_PATH, redis_password_file, "", 0, 0,
	       "File with the password of Redis; empty: none."),
	COMMON("redis_cluster", CONF_BOOL, redis_cluster, "no", 0, 0,
	       "Redis is a cluster: follow its redirections."),
	COMMON("bus", CONF_STRING, bus, "ipc", 0, 0,
	       "How programs reach each other: ipc on one machine, or tcp:ADDRESS, the address of "
	       "this one."),
	COMMON("name", CONF_STRING, name, "", 0, 0,
	       "Name of this instance; empty: the program's name and process number."),
	COMMON("log_level", CONF_STRING, log_level, "info", 0, 0,
	       "Least level that is logged: debug, info, warn or error."),
	COMMON("blob_dir", CONF_PATH, blob_dir, "blobs", 0, 0,
	       "Where the segments of raw messages lie."),
	COMMON("keys_dir", CONF_PATH, keys_dir, "keys", 0, 0,
	       "Where the master keys lie, in files of mode 0600."),
	COMMON("metrics_port", CONF_INT, metrics_port, "0", 0, 65535,
	       "Port on 127.0.0.1 of metrics and health; 0: any free one, named in the log and the "
	       "registry."),
	COMMON("drain_ms", CONF_MS, drain_ms, "10s", 0, 3600000,
	       "How long a stop waits for work in hand."),
	COMMON("ready_fd", CONF_INT, ready_fd, "-1", -1, 1 << 20,
	       "Descriptor that gets a line once the program is ready; -1: none."),
	{NULL, CONF_STRING, 0, NULL, 0, 0, NULL},
};

const struct conf_setting *conf_common_settings(void)
{
	return common_settings;
}

static size_t settings_count(const struct conf_setting *settings)
{
	size_t n = 0;

	while (settings && settings[n].name)
		n++;
	return n;
}

void conf_table_init(struct conf_table *table, struct arena *arena, const char *program,
		     const char *purpose, const struct conf_setting *own)
{
	size_t common = settings_count(common_settings), more = settings_count(own);

	*table = (struct conf_table){.arena = arena, .program = program, .purpose = purpose};
	table->entries = arena_array(arena, common + more, sizeof(*table->entries));
	table->common_count = common;
	table->count = common + more;
	for (size_t i = 0; i < table->count; i++) {
		const struct conf_setting *setting = i < common ? &common_settings[i]
								: &own[i - common];
		int64_t value;

		if (!conf_value_parse(setting, span_cstr(setting->fallback), &value))
			abort(); /* a default out of its own range: our own bug */
		table->entries[i] = (struct conf_entry){setting, setting->fallback, "default"};
	}
}

static uint8_t name_byte(uint8_t c)
{
	return c == '-' ? '_' : c;
}

static bool name_eq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (name_byte(a.p[i]) != name_byte(b.p[i]))
			return false;
	return true;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions and replacements that turn a into b; both are cut at 63 bytes. */
static size_t edit_distance(struct span a, struct span b)
{
	size_t row[64];

	a = span_sub(a, 0, 63);
	b = span_sub(b, 0, 63);
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.n; j++) {
			size_t same = diagonal + (name_byte(a.p[i]) != name_byte(b.p[j]) ? 1 : 0);

			diagonal = row[j + 1];
			row[j + 1] = least(same, least(row[j], row[j + 1]) + 1);
		}
	}
	return row[b.n];
}

static enum err_code unknown(const struct conf_table *table, struct span name, const char *where,
			     struct err *e)
{
	size_t best = name.n / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < table->count; i++) {
		size_t distance = edit_distance(name, span_cstr(table->entries[i].setting->name));

		if (distance >= best)
			continue;
		best = distance;
		nearest = table->entries[i].setting->name;
	}
	if (!nearest)
		return err_set(e, ERR_PERM, ERR_PROCESS, "setting_unknown",
			       "%s: %s has no setting %.*s", where, table->program,
			       (int)least(name.n, 63), (const char *)name.p);
	return err_set(e, ERR_PERM, ERR_PROCESS, "setting_unknown",
		       "%s: %s has no setting %.*s; did you mean %s?", where, table->program,
		       (int)least(name.n, 63), (const char *)name.p, nearest);
}

static const char *type_phrase(enum conf_type type)
{
	static const char *const phrases[] = {
		[CONF_STRING] = "a text", [CONF_INT] = "a number ",
		[CONF_BOOL] = "",	  [CONF_BYTES] = "a number of bytes ",
		[CONF_MS] = "a time ",	  [CONF_PATH] = "a path",
	};

	return phrases[type];
}

static enum err_code bad_value(const struct conf_setting *setting, const char *where,
			       struct span text, struct err *e)
{
	enum err_code code;
	struct buf range;

	buf_init(&range, 256);
	conf_value_range(setting, &range);
	code = err_set(e, ERR_PERM, ERR_PROCESS, "setting_bad", "%s: %s takes %s%s, not \"%.*s\"",
		       where, setting->name, type_phrase(setting->type), buf_cstr(&range),
		       (int)least(text.n, 63), text.n ? (const char *)text.p : "");
	buf_fini(&range);
	return code;
}

enum err_code conf_table_set(struct conf_table *table, struct span name, struct span text,
			     const char *where, struct err *e)
{
	for (size_t i = 0; i < table->count; i++) {
		struct conf_entry *entry = &table->entries[i];
		int64_t value;

		if (!name_eq(name, span_cstr(entry->setting->name)))
			continue;
		if (!conf_value_parse(entry->setting, text, &value))
			return bad_value(entry->setting, where, text, e);
		entry->text = arena_cstr(table->arena, text);
		entry->where = where;
		return ERR_OK;
	}
	return unknown(table, name, where, e);
}

static char *copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

static bool is_redis_path(const struct conf_entry *entry)
{
	return entry->setting == &common_settings[1] && strncmp(entry->text, "unix:", 5) == 0;
}

/* Paths, also the one in `redis`, begin at the state directory. */
static char *text_resolve(const struct conf_table *table, const struct conf_entry *entry)
{
	const char *dir = table->entries[0].text, *scheme = is_redis_path(entry) ? "unix:" : "";
	const char *path = entry->text + strlen(scheme);

	if (entry->setting->type != CONF_PATH && !scheme[0])
		return copy(entry->text);
	if (!path[0] || path[0] == '/')
		return copy(entry->text);
	return copy(arena_printf(table->arena, "%s%s/%s", scheme, dir, path));
}

static void entry_store(const struct conf_table *table, const struct conf_entry *entry, char *conf)
{
	void *field = conf + entry->setting->offset;
	int64_t value = 0;

	if (!conf_value_parse(entry->setting, span_cstr(entry->text), &value))
		abort(); /* was checked when it was set */
	switch (entry->setting->type) {
	case CONF_STRING:
	case CONF_PATH:
		*(char **)field = text_resolve(table, entry);
		break;
	case CONF_BOOL:
		*(bool *)field = value != 0;
		break;
	case CONF_INT:
	case CONF_BYTES:
	case CONF_MS:
		*(int64_t *)field = value;
		break;
	}
}

static bool starts(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 && s[n];
}

static bool is_tcp(const char *s)
{
	const char *port = strrchr(s, ':');
	uint64_t number;

	return starts(s, "tcp:") && port > s + 4 &&
	       span_to_u64(span_cstr(port + 1), 65535, &number) && number > 0;
}

/* What is wrong with a text of the common table; NULL if nothing. */
static const char *common_fault(const char *name, const char *text)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	size_t level = 0;

	if (strcmp(name, "dir") == 0)
		return text[0] ? NULL : "a directory";
	if (strcmp(name, "redis") == 0)
		return starts(text, "unix:") || is_tcp(text) ? NULL : "unix:PATH or tcp:HOST:PORT";
	if (strcmp(name, "bus") == 0)
		return strcmp(text, "ipc") == 0 || starts(text, "tcp:") ? NULL
									: "ipc or tcp:ADDRESS";
	if (strcmp(name, "name") == 0)
		return !text[0] || (strlen(text) < 64 && id_is_client(span_cstr(text)))
			       ? NULL
			       : "1 to 63 letters, digits, '_', '.' or '-'";
	if (strcmp(name, "log_level") != 0)
		return NULL;
	while (level < 4 && strcmp(text, levels[level]) != 0)
		level++;
	return level < 4 ? NULL : "debug, info, warn or error";
}

enum err_code conf_table_store(const struct conf_table *table, void *conf, struct err *e)
{
	for (size_t i = 0; i < table->count; i++)
		entry_store(table, &table->entries[i], conf);
	for (size_t i = 0; i < table->common_count; i++) {
		const struct conf_entry *entry = &table->entries[i];
		const char *fault = common_fault(entry->setting->name, entry->text);

		if (fault)
			return err_set(e, ERR_PERM, ERR_PROCESS, "setting_bad",
				       "%s: %s takes %s, not \"%.63s\"", entry->where,
				       entry->setting->name, fault, entry->text);
	}
	return ERR_OK;
}
