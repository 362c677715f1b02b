#include "threader/proposal.h"

#include "common/wire/derived_id.h"
#include "threader/ids.h"

static bool has_key(const struct wire_list *keys, const uint8_t key[IDS_KEY_BYTES])
{
	for (size_t i = 0; i < keys->count; i++)
		if (memcmp(keys->items[i].p, key, IDS_KEY_BYTES) == 0)
			return true;
	return false;
}

static void add_key(struct wire_list *keys, struct arena *arena, const struct buf *id)
{
	uint8_t key[IDS_KEY_BYTES];

	ids_key(buf_span(id), key);
	if (keys->count < PROPOSAL_KEYS_MAX && !has_key(keys, key))
		keys->items[keys->count++] =
			span_make(arena_copy(arena, key, sizeof(key)), sizeof(key));
}

static void add_list(struct wire_list *keys, struct arena *arena, const struct wire_list *ids)
{
	struct buf id;

	buf_init(&id, WIRE_ITEM_MAX);
	for (size_t i = 0; i < ids->count; i++) {
		buf_clear(&id);
		if (ids_normalize(ids->items[i], &id))
			add_key(keys, arena, &id);
	}
	buf_fini(&id);
}

/* A parser that saw a usable id sent no hash: then the message's own id stands in, so that nothing is joined by chance. */
static void add_derived(const struct wire_facts *facts, struct wire_list *keys, struct arena *arena)
{
	static const uint8_t none[32];
	uint8_t hash[32] = {0};
	struct buf id;

	if (facts->content_hash.n == sizeof(hash))
		memcpy(hash, facts->content_hash.p, sizeof(hash));
	if (memcmp(hash, none, sizeof(hash)) == 0)
		memcpy(hash, facts->id.p, facts->id.n < sizeof(hash) ? facts->id.n : sizeof(hash));
	buf_init(&id, DERIVED_ID_MAX);
	derived_id(hash, &id);
	add_key(keys, arena, &id);
	buf_fini(&id);
}

void proposal_make(const struct wire_facts *facts, struct arena *arena,
		   struct wire_proposal *proposal_out)
{
	const struct wire_facts *src = facts;
	struct wire_proposal *dst = proposal_out;
	size_t most =
		facts->message_id.count + facts->in_reply_to.count + facts->references.count + 1;

	*dst = (struct wire_proposal){0};
	WIRE_FACTS(WIRE_COPY)
	if (most > PROPOSAL_KEYS_MAX)
		most = PROPOSAL_KEYS_MAX;
	dst->keys.items = arena_array(arena, most, sizeof(*dst->keys.items));
	add_list(&dst->keys, arena, &facts->message_id);
	if (dst->keys.count == 0) {
		add_derived(facts, &dst->keys, arena);
		dst->derived = 1;
	}
	add_list(&dst->keys, arena, &facts->in_reply_to);
	add_list(&dst->keys, arena, &facts->references);
}
