#include "common/store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/store/pipeline.h"

#define CALL_MS_DEFAULT 10000
#define CHUNK_BYTES_MAX ((size_t)8 << 20) /* a chunk ends at the command that passes this */
#define LIBRARIES_MAX 16u

struct store {
	char *address, *password_file, *client_name;
	int64_t call_ms;
	struct metrics *metrics;
	struct nodes nodes;
	struct span sources[LIBRARIES_MAX];
	struct pipeline_libraries libraries;
};

static char *copy_string(const char *s)
{
	char *copy = strdup(s ? s : "");

	if (!copy)
		abort();
	return copy;
}

struct store *store_new(const struct store_options *options)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		abort();
	store->address = copy_string(options->address);
	store->password_file = copy_string(options->password_file);
	store->client_name = copy_string(options->client_name);
	store->call_ms = options->call_ms > 0 ? options->call_ms : CALL_MS_DEFAULT;
	store->metrics = options->metrics;
	store->libraries.sources = store->sources;
	nodes_init(&store->nodes, store->address, store->password_file, store->client_name);
	return store;
}

void store_free(struct store **store)
{
	if (!*store)
		return;
	nodes_fini(&(*store)->nodes);
	free((*store)->address);
	free((*store)->password_file);
	free((*store)->client_name);
	free(*store);
	*store = NULL;
}

static size_t chunk_of(const struct store_command *commands, size_t count)
{
	size_t n = 0, bytes = 0;

	while (n < count && n < PIPELINE_COMMANDS_MAX && bytes < CHUNK_BYTES_MAX) {
		for (size_t i = 0; i < commands[n].count; i++)
			bytes += commands[n].args[i].n;
		n++;
	}
	return n;
}

enum err_code store_pipeline(struct store *store, const struct store_command *commands,
			     size_t count, struct arena *arena, struct store_reply *replies_out,
			     struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + store->call_ms;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < count; i++)
		route_check(&commands[i]);
	nodes_trim(&store->nodes);
	for (size_t at = 0, n; at < count && code == ERR_OK; at += n) {
		n = chunk_of(commands + at, count - at);
		code = pipeline_run(
			&(struct pipeline){
				.nodes = &store->nodes,
				.libraries = &store->libraries,
				.metrics = store->metrics,
				.commands = commands + at,
				.count = n,
				.arena = arena,
				.replies = replies_out + at,
				.deadline_ms = deadline_ms,
			},
			e);
	}
	return code;
}

enum err_code store_call(struct store *store, const struct span *args, size_t count,
			 struct arena *arena, struct store_reply *reply_out, struct err *e)
{
	const struct store_command command = {args, count};
	enum err_code code = store_pipeline(store, &command, 1, arena, reply_out, e);

	if (code == ERR_OK && reply_out->type == STORE_ERROR)
		return err_set(e, ERR_PERM, ERR_ITEM, "redis_refused", "%.*s",
			       (int)reply_out->string.n, (const char *)reply_out->string.p);
	return code;
}

enum err_code store_fcall(struct store *store, const char *function, const struct span *keys,
			  size_t key_count, const struct span *args, size_t arg_count,
			  struct arena *arena, struct store_reply *reply_out, struct err *e)
{
	if (key_count == 0)
		abort(); /* nobody could say which server of a cluster to ask */
	size_t count = 3 + key_count + arg_count;
	struct span *all = arena_array(arena, count, sizeof(*all));

	all[0] = SPAN_LIT("FCALL");
	all[1] = span_cstr(function);
	all[2] = span_cstr(arena_printf(arena, "%zu", key_count));
	for (size_t i = 0; i < key_count; i++)
		all[3 + i] = keys[i];
	for (size_t i = 0; i < arg_count; i++)
		all[3 + key_count + i] = args[i];
	return store_call(store, all, count, arena, reply_out, e);
}

/* The first line, "#!lua name=…", which names the library. */
static struct span first_line(struct span source)
{
	return span_sub(source, 0, span_find_byte(source, '\n'));
}

static void remember(struct store *store, struct span source)
{
	for (size_t i = 0; i < store->libraries.count; i++) {
		if (span_eq(first_line(store->sources[i]), first_line(source))) {
			store->sources[i] = source;
			return;
		}
	}
	if (store->libraries.count == LIBRARIES_MAX)
		abort();
	store->sources[store->libraries.count++] = source;
}

enum err_code store_load_library(struct store *store, struct span source, struct err *e)
{
	const struct span args[] = {SPAN_LIT("FUNCTION"), SPAN_LIT("LOAD"), SPAN_LIT("REPLACE"),
				    source};
	struct arena *arena = arena_new(0);
	struct store_reply reply;

	remember(store, source);
	enum err_code code = store_call(store, args, 4, arena, &reply, e);

	arena_free(&arena);
	return code;
}
