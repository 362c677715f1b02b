#include "common/stage/registry.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"

#define ENTRY_BYTES_MAX 2048
#define ENTRIES_MAX 4096

/*
 * KEYS: the set of names, the beginning of an entry's key. ARGV: own name (empty: only read), own value, time to live.
 * Answers the living entries. A script and not a function, so that it needs nothing loaded before.
 */
static const char exchange_script[] =
	"if ARGV[1] ~= '' then"
	"  redis.call('SET', KEYS[2] .. ARGV[1], ARGV[2], 'PX', ARGV[3])"
	"  redis.call('SADD', KEYS[1], ARGV[1]) "
	"end "
	"local found = {} "
	"for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do"
	"  local value = redis.call('GET', KEYS[2] .. name)"
	"  if value then found[#found + 1] = value else redis.call('SREM', KEYS[1], name) end "
	"end "
	"return found";

static void put_text(const char *key, const char *value, struct buf *out)
{
	pack_put_cstr(out, key);
	pack_put_cstr(out, value);
}

static void put_number(const char *key, uint64_t value, struct buf *out)
{
	pack_put_cstr(out, key);
	pack_put_u64(out, value);
}

static void entry_encode(const struct bus_entry *entry, struct buf *out)
{
	pack_put_map(out, 9);
	put_text("stage", entry->stage, out);
	put_text("instance", entry->instance, out);
	put_text("hop", entry->hop_endpoint, out);
	put_text("bell", entry->bell_endpoint, out);
	put_text("host", entry->host, out);
	put_number("pid", entry->pid, out);
	put_number("wire", entry->wire_version, out);
	put_number("metrics", entry->metrics_port, out);
	put_number("started", entry->started_ms, out);
}

static void read_text(struct pack_reader *r, char *out, size_t out_bytes)
{
	struct span s = pack_read_bytes(r);

	if (s.n >= out_bytes || (s.n && memchr(s.p, 0, s.n)))
		r->bad = true;
	else if (s.n)
		memcpy(out, s.p, s.n);
}

static void entry_field(struct pack_reader *r, struct span key, struct bus_entry *entry)
{
	if (span_eq(key, SPAN_LIT("stage")))
		read_text(r, entry->stage, sizeof(entry->stage));
	else if (span_eq(key, SPAN_LIT("instance")))
		read_text(r, entry->instance, sizeof(entry->instance));
	else if (span_eq(key, SPAN_LIT("hop")))
		read_text(r, entry->hop_endpoint, sizeof(entry->hop_endpoint));
	else if (span_eq(key, SPAN_LIT("bell")))
		read_text(r, entry->bell_endpoint, sizeof(entry->bell_endpoint));
	else if (span_eq(key, SPAN_LIT("host")))
		read_text(r, entry->host, sizeof(entry->host));
	else if (span_eq(key, SPAN_LIT("pid")))
		entry->pid = pack_read_u64(r);
	else if (span_eq(key, SPAN_LIT("wire")))
		entry->wire_version = pack_read_u64(r);
	else if (span_eq(key, SPAN_LIT("metrics")))
		entry->metrics_port = pack_read_u64(r);
	else if (span_eq(key, SPAN_LIT("started")))
		entry->started_ms = pack_read_u64(r);
	else
		pack_skip(r); /* of a newer version */
}

static bool entry_decode(struct span value, struct bus_entry *entry_out)
{
	struct pack_reader r = pack_reader_make(value);
	struct bus_entry entry = {.pid = 0};

	for (size_t pairs = pack_read_map(&r); pairs && !r.bad; pairs--)
		entry_field(&r, pack_read_bytes(&r), &entry);
	if (!pack_done(&r) || !entry.stage[0] || !entry.instance[0])
		return false;
	*entry_out = entry;
	return true;
}

enum err_code registry_exchange(struct store *store, const struct bus_entry *self,
				struct arena *arena, struct bus_entry **entries_out,
				size_t *count_out, struct err *e)
{
	struct store_reply reply;
	struct bus_entry *entries;
	enum err_code code;
	struct buf value;
	size_t count = 0;

	buf_init(&value, ENTRY_BYTES_MAX);
	if (self)
		entry_encode(self, &value);
	code = store_do(store, arena, &reply, e, "EVAL %s 2 %b %b %s %b %d", exchange_script,
			key_global(arena, KEY_G_INSTANCES), key_global(arena, KEY_G_REGISTRY),
			self ? self->instance : "", buf_span(&value), (int64_t)REGISTRY_TTL_MS);
	buf_fini(&value);
	if (code != ERR_OK)
		return code;
	if (reply.type != STORE_ARRAY || reply.count > ENTRIES_MAX)
		return err_set(e, ERR_PEER, ERR_PROCESS, "registry_answer",
			       "the registry's answer is not a list of entries");
	entries = arena_array(arena, reply.count, sizeof(*entries));
	for (size_t i = 0; i < reply.count; i++) {
		const struct store_reply *item = &reply.items[i];

		if (item->type == STORE_STRING && entry_decode(item->string, &entries[count]) &&
		    !(self && strcmp(entries[count].instance, self->instance) == 0))
			count++;
	}
	*entries_out = entries;
	*count_out = count;
	return ERR_OK;
}

enum err_code registry_leave(struct store *store, const struct bus_entry *self, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct span name = span_cstr(self->instance);
	struct store_reply replies[2];
	struct store_command commands[2];
	enum err_code code;

	commands[0] = store_command(arena, "DEL %b", key_global_part(arena, KEY_G_REGISTRY, name));
	commands[1] = store_command(arena, "SREM %b %b", key_global(arena, KEY_G_INSTANCES), name);
	code = store_pipeline(store, commands, 2, arena, replies, e);
	arena_free(&arena);
	return code;
}
