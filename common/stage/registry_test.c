/* Proves: OPS-06 the registry's entries expire, are read by versions one apart, and never trusted; on a cluster too. */
#include "common/stage/registry.h"

#include "common/store/keys.h"
#include "common/store/store_testbed.h"
#include "common/wire/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

static struct bus_entry entry_named(const char *instance)
{
	struct bus_entry entry = {.stage = "parser",
				  .hop_endpoint = "facts@ipc:///x/hop",
				  .bell_endpoint = "ipc:///x/bell",
				  .host = "h",
				  .pid = 12,
				  .wire_version = 1,
				  .metrics_port = 9000,
				  .started_ms = 1795526320000};

	snprintf(entry.instance, sizeof(entry.instance), "%s", instance);
	return entry;
}

struct bed {
	struct testbed redis;
	struct store *store;
	struct arena *arena;
	struct bus_entry *entries;
	size_t count;
};

static void bed_open(struct bed *bed, bool cluster)
{
	struct store_reply reply;
	struct err e;

	if (cluster)
		testbed_start_cluster_node(&bed->redis);
	else
		testbed_start(&bed->redis);
	bed->store =
		store_new(&(struct store_options){.address = bed->redis.address, .call_ms = 5000});
	bed->arena = arena_new(0);
	if (cluster)
		assert_int_equal(store_do(bed->store, bed->arena, &reply, &e,
					  "CLUSTER ADDSLOTSRANGE 0 16383"),
				 ERR_OK);
}

static void bed_close(struct bed *bed)
{
	arena_free(&bed->arena);
	store_free(&bed->store);
	testbed_stop(&bed->redis);
}

static void exchange(struct bed *bed, const struct bus_entry *self)
{
	struct err e = {.code = ERR_OK};

	if (registry_exchange(bed->store, self, bed->arena, &bed->entries, &bed->count, &e) !=
	    ERR_OK)
		fail_msg("%s", e.text);
}

/* Writes any value where an entry belongs. */
static void write_entry(struct bed *bed, const char *instance, struct span value)
{
	struct span name = span_cstr(instance),
		    key = key_global_part(bed->arena, KEY_G_REGISTRY, name);
	struct store_reply reply;
	struct err e;

	assert_int_equal(
		store_do(bed->store, bed->arena, &reply, &e, "SET %b %b PX 60000", key, value),
		ERR_OK);
	assert_int_equal(store_do(bed->store, bed->arena, &reply, &e, "SADD %b %b",
				  key_global(bed->arena, KEY_G_INSTANCES), name),
			 ERR_OK);
}

static int64_t names(struct bed *bed)
{
	struct store_reply reply;
	struct err e;

	assert_int_equal(store_do(bed->store, bed->arena, &reply, &e, "SCARD %b",
				  key_global(bed->arena, KEY_G_INSTANCES)),
			 ERR_OK);
	return reply.integer;
}

static void entries_come_back(struct bed *bed)
{
	struct bus_entry a = entry_named("parser-1"), b = entry_named("parser-2");
	struct err e;

	exchange(bed, NULL);
	assert_int_equal(bed->count, 0);
	exchange(bed, &a);
	assert_int_equal(bed->count, 0); /* not oneself */
	exchange(bed, &b);
	assert_int_equal(bed->count, 1);
	assert_memory_equal(&bed->entries[0], &a, sizeof(a));
	exchange(bed, NULL);
	assert_int_equal(bed->count, 2);
	assert_int_equal(registry_leave(bed->store, &a, &e), ERR_OK);
	assert_int_equal(registry_leave(bed->store, &a, &e), ERR_OK); /* twice is safe */
	exchange(bed, NULL);
	assert_int_equal(bed->count, 1);
	assert_string_equal(bed->entries[0].instance, "parser-2");
	assert_int_equal(names(bed), 1);
}

static void one_server(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, false);
	entries_come_back(&bed);
	usleep((REGISTRY_TTL_MS + 200) * 1000);
	exchange(&bed, NULL);
	assert_int_equal(bed.count, 0);
	assert_int_equal(names(&bed), 0); /* the name of an expired entry is taken out */
	bed_close(&bed);
}

static void cluster(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	entries_come_back(&bed);
	bed_close(&bed);
}

static void other_versions_and_garbage(void **state)
{
	char long_name[100];
	struct buf value;
	struct bed bed;

	(void)state;
	bed_open(&bed, false);
	buf_init(&value, 4096);
	pack_put_map(&value, 3); /* one with a key of tomorrow, and without some of today's */
	pack_put_cstr(&value, "future");
	pack_put_array(&value, 1);
	pack_put_u64(&value, 1);
	pack_put_cstr(&value, "stage");
	pack_put_cstr(&value, "linker");
	pack_put_cstr(&value, "instance");
	pack_put_cstr(&value, "linker-9");
	write_entry(&bed, "linker-9", buf_span(&value));
	write_entry(&bed, "cut", span_sub(buf_span(&value), 0, value.n - 1));
	write_entry(&bed, "text", SPAN_LIT("hello"));
	write_entry(&bed, "empty", SPAN_LIT(""));
	buf_clear(&value);
	memset(long_name, 'x', sizeof(long_name));
	pack_put_map(&value, 2);
	pack_put_cstr(&value, "stage");
	pack_put_cstr(&value, "linker");
	pack_put_cstr(&value, "instance");
	pack_put_str(&value, span_make(long_name, sizeof(long_name)));
	write_entry(&bed, "long", buf_span(&value));
	exchange(&bed, NULL);
	assert_int_equal(bed.count, 1);
	assert_string_equal(bed.entries[0].stage, "linker");
	assert_string_equal(bed.entries[0].instance, "linker-9");
	assert_int_equal(bed.entries[0].pid, 0);
	buf_fini(&value);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_server),
		cmocka_unit_test(cluster),
		cmocka_unit_test(other_versions_and_garbage),
	};

	if (!testbed_has_redis()) {
		puts("registry_test: skipped: no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
