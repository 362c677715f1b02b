#include "common/stage/sweep.h"

#include "common/base/log.h"
#include "common/store/keys.h"

#include <stdlib.h>

#define PEERS_MAX 256
#define RETRY_MS 1000

struct sweep {
	struct stage *stage;
	int64_t period_ms, next_ms;
	struct arena *arena; /* of the list */
	struct sweep_account *accounts;
	size_t count, position;
	struct bus_entry *peers;
};

struct sweep *sweep_new(struct stage *stage, int64_t period_ms)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		abort();
	sweep->stage = stage;
	sweep->period_ms = period_ms;
	sweep->arena = arena_new(0);
	sweep->peers = calloc(PEERS_MAX, sizeof(*sweep->peers));
	if (!sweep->peers)
		abort();
	return sweep;
}

void sweep_free(struct sweep **sweep)
{
	if (!*sweep)
		return;
	arena_free(&(*sweep)->arena);
	free((*sweep)->peers);
	free(*sweep);
	*sweep = NULL;
}

bool sweep_split(struct span name, struct sweep_account *account_out)
{
	size_t slash = span_find_byte(name, '/');

	account_out->company = span_sub(name, 0, slash);
	account_out->account = span_sub(name, slash + 1, name.n);
	return id_is_client(account_out->company) && id_is_client(account_out->account);
}

static uint64_t mix(uint64_t h, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ s.p[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

uint64_t sweep_weight(struct span instance, struct span account)
{
	uint64_t h = mix(mix(0xcbf29ce484222325u, instance), account);

	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu; /* FNV alone spreads its last bytes badly */
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

static bool is_mine(const struct sweep *sweep, size_t peers, struct span name)
{
	struct span self = span_cstr(stage_instance(sweep->stage));
	uint64_t own = sweep_weight(self, name);

	for (size_t i = 0; i < peers; i++) {
		struct span peer = span_cstr(sweep->peers[i].instance);

		if (!span_eq(peer, self) && sweep_weight(peer, name) > own)
			return false;
	}
	return true;
}

static enum err_code begin(struct sweep *sweep, struct err *e)
{
	struct store_reply reply;
	struct bus_entry self;
	enum err_code code;

	sweep->count = sweep->position = 0;
	arena_reset(sweep->arena);
	code = store_do(stage_store(sweep->stage), sweep->arena, &reply, e, "HKEYS %b",
			key_global(sweep->arena, KEY_G_ACCOUNTS));
	if (code != ERR_OK || reply.count == 0)
		return code;
	bus_self(stage_bus(sweep->stage), &self);
	size_t peers = bus_peers(stage_bus(sweep->stage), self.stage, sweep->peers, PEERS_MAX);

	sweep->accounts = arena_array(sweep->arena, reply.count, sizeof(*sweep->accounts));
	for (size_t i = 0; i < reply.count; i++) {
		struct span name = reply.items[i].string;

		if (is_mine(sweep, peers, name) &&
		    sweep_split(name, &sweep->accounts[sweep->count]))
			sweep->count++;
	}
	return ERR_OK;
}

size_t sweep_next(struct sweep *sweep, int64_t now_mono_ms, struct sweep_account *accounts_out,
		  size_t max)
{
	struct err e = {0};
	size_t n = 0;

	if (sweep->position == sweep->count) {
		if (now_mono_ms < sweep->next_ms)
			return 0;
		sweep->next_ms = now_mono_ms + sweep->period_ms;
		if (begin(sweep, &e) != ERR_OK) {
			sweep->next_ms = now_mono_ms + RETRY_MS;
			log_event(LOG_LEVEL_WARN, "sweep_failed", "error", "e", &e, NULL);
		}
	}
	while (n < max && sweep->position < sweep->count)
		accounts_out[n++] = sweep->accounts[sweep->position++];
	return n;
}
