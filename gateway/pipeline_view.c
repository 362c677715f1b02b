#include "gateway/pipeline_view.h"

#include "common/stage/registry.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"

enum {
	ASKED = 4, /* commands an account */
	OLDEST_ENTRIES = 20000,
	ENTERED_AT = 7, /* element of a ledger entry */
};

struct sums {
	int64_t depth, aside, behind, committed, screened, oldest_ms;
};

static void commands_of(struct http_request *r, const struct pipeline_account *a,
			struct store_command *commands)
{
	commands[0] = store_command(r->arena, "HLEN %b",
				    key_account(r->arena, a->company, a->account, KEY_A_LEDGER));
	commands[1] = store_command(r->arena, "HLEN %b",
				    key_account(r->arena, a->company, a->account, KEY_A_ASIDE));
	commands[2] = store_command(r->arena, "HMGET %b j committed screened",
				    key_account(r->arena, a->company, a->account, KEY_A_COUNTS));
	commands[3] = store_command(r->arena, "HGET %b %b",
				    key_company(r->arena, a->company, KEY_C_APPLIED), a->account);
}

static int64_t number(const struct store_reply *reply)
{
	uint64_t value = 0;

	return reply->type == STORE_STRING && span_to_u64(reply->string, INT64_MAX, &value)
		       ? (int64_t)value
		       : 0;
}

static void sums_add(struct sums *sums, const struct store_reply *replies)
{
	const struct store_reply *counts = &replies[2];

	sums->depth += replies[0].integer;
	sums->aside += replies[1].integer;
	if (counts->count < 3)
		return;
	sums->committed += number(&counts->items[1]);
	sums->screened += number(&counts->items[2]);
	if (number(&counts->items[0]) > number(&replies[3]))
		sums->behind += number(&counts->items[0]) - number(&replies[3]);
}

static void oldest_add(struct sums *sums, struct span packed)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t count = pack_read_array(&p);
	int64_t entered_ms;

	if (count <= ENTERED_AT)
		return;
	pack_skip_n(&p, ENTERED_AT);
	entered_ms = pack_read_i64(&p);
	if (!p.bad && entered_ms && (!sums->oldest_ms || entered_ms < sums->oldest_ms))
		sums->oldest_ms = entered_ms;
}

/* Among the ledgers that hold something. */
static enum err_code oldest_find(struct http_request *r, const struct pipeline_account *accounts,
				 size_t count, const struct store_reply *depths, struct sums *sums,
				 struct err *e)
{
	struct store_command *commands = arena_array(r->arena, count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, count + 1, sizeof(*replies));
	int64_t entries = 0;
	size_t asked = 0;
	enum err_code code;

	for (size_t i = 0; i < count; i++) {
		int64_t depth = depths[ASKED * i].integer;

		if (!depth || entries + depth > OLDEST_ENTRIES)
			continue;
		entries += depth;
		commands[asked++] = store_command(r->arena, "HVALS %b",
						  key_account(r->arena, accounts[i].company,
							      accounts[i].account, KEY_A_LEDGER));
	}
	if (!asked)
		return ERR_OK;
	code = store_pipeline(r->store, commands, asked, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < asked; i++)
		for (size_t k = 0; k < replies[i].count; k++)
			oldest_add(sums, replies[i].items[k].string);
	return code;
}

json_t *pipeline_view_sums(struct http_request *r, const struct pipeline_account *accounts,
			   size_t count, struct err *e)
{
	struct store_command *commands =
		arena_array(r->arena, ASKED * count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, ASKED * count + 1, sizeof(*replies));
	struct sums sums = {0};
	enum err_code code = ERR_OK;
	json_t *object;

	for (size_t i = 0; i < count; i++)
		commands_of(r, &accounts[i], &commands[ASKED * i]);
	if (count)
		code = store_pipeline(r->store, commands, ASKED * count, r->arena, replies, e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		sums_add(&sums, &replies[ASKED * i]);
	if (code == ERR_OK)
		code = oldest_find(r, accounts, count, replies, &sums, e);
	if (code != ERR_OK)
		return NULL;
	object = json_pack("{s:I s:{s:I s:o} s:I s:{s:I}}", "accounts", (json_int_t)count, "ledger",
			   "depth", (json_int_t)sums.depth, "oldestAt",
			   json_from_time(sums.oldest_ms), "setAside", (json_int_t)sums.aside,
			   "journal", "behind", (json_int_t)sums.behind);
	/* Within a company they would tell of private mail. */
	if (r->viewer.kind == VIEWER_ROOT)
		json_object_set_new(object, "messages",
				    json_pack("{s:I s:I}", "committed", (json_int_t)sums.committed,
					      "screened", (json_int_t)sums.screened));
	return object;
}

static json_t *instance_json(const struct bus_entry *entry, bool all)
{
	json_t *object = json_pack("{s:s s:o}", "instance", entry->instance, "startedAt",
				   json_from_time((int64_t)entry->started_ms));

	if (!all)
		return object;
	json_object_set_new(object, "host", json_string(entry->host));
	json_object_set_new(object, "pid", json_integer((json_int_t)entry->pid));
	json_object_set_new(object, "metricsPort", json_integer((json_int_t)entry->metrics_port));
	return object;
}

json_t *pipeline_view_stages(struct http_request *r, bool all, struct err *e)
{
	static const char *const names[] = {"fetcher", "parser", "threader",
					    "linker",  "sender", "gateway"};
	struct bus_entry *entries;
	json_t *stages;
	size_t count;

	if (registry_exchange(r->store, NULL, r->arena, &entries, &count, e) != ERR_OK)
		return NULL;
	stages = json_array();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *instances = json_array();

		for (size_t k = 0; k < count; k++)
			if (strcmp(entries[k].stage, names[i]) == 0)
				json_array_append_new(instances, instance_json(&entries[k], all));
		json_array_append_new(
			stages, json_pack("{s:s s:o}", "stage", names[i], "instances", instances));
	}
	return stages;
}
