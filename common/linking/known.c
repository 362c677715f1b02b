#include "common/linking/known.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"

#define LIST_MAX 4096u

void known_init(struct known *known, struct arena *arena, struct span company)
{
	*known = (struct known){.arena = arena, .company = company};
}

static size_t slot_of(const struct known *known, struct span email)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < email.n; i++)
		h = (h ^ email.p[i]) * 0x100000001b3u;
	h ^= h >> 32;
	for (h &= known->slot_count - 1; known->slots[h] != 0;
	     h = (h + 1) & (known->slot_count - 1))
		if (span_eq(known->addresses[known->slots[h] - 1]->email, email))
			break;
	return h;
}

static void grow(struct known *known)
{
	size_t room = known->address_room ? known->address_room * 4 : 256;
	struct decide_address **addresses =
		arena_array(known->arena, room, sizeof(struct decide_address *));

	if (known->address_count > 0)
		memcpy(addresses, known->addresses,
		       known->address_count * sizeof(struct decide_address *));
	known->addresses = addresses;
	known->address_room = room;
	known->slot_count = room * 2;
	known->slots = arena_array(known->arena, known->slot_count, sizeof(*known->slots));
	for (size_t i = 0; i < known->address_count; i++)
		known->slots[slot_of(known, addresses[i]->email)] = (uint32_t)i + 1;
}

struct decide_address *known_address(struct known *known, struct span email)
{
	if (known->address_count == known->address_room)
		grow(known);
	size_t slot = slot_of(known, email);

	if (known->slots[slot] != 0)
		return known->addresses[known->slots[slot] - 1];
	struct decide_address *a = arena_alloc(known->arena, sizeof(*a));

	a->email = arena_span(known->arena, email);
	known->addresses[known->address_count++] = a;
	known->slots[slot] = (uint32_t)known->address_count;
	return a;
}

void known_user(struct known *known, struct span user)
{
	for (size_t i = 0; i < known->user_count; i++)
		if (span_eq(known->users[i], user))
			return;
	if (known->user_count < KNOWN_USERS_MAX)
		known->users[known->user_count++] = user;
}

struct span known_user_sharing(const struct known *known, struct span user)
{
	for (size_t i = 0; i < known->user_count; i++)
		if (span_eq(known->users[i], user))
			return known->sharing[i];
	return SPAN_LIT("");
}

size_t known_calls(const struct known *known)
{
	size_t calls = (known->address_count + KNOWN_ADDRESSES_A_CALL - 1) / KNOWN_ADDRESSES_A_CALL;

	return calls ? calls : 1;
}

static size_t first_of(size_t call)
{
	return call * KNOWN_ADDRESSES_A_CALL;
}

static size_t count_of(const struct known *known, size_t call)
{
	size_t left = known->address_count - first_of(call);

	return left < KNOWN_ADDRESSES_A_CALL ? left : KNOWN_ADDRESSES_A_CALL;
}

struct store_command known_call(const struct known *known, size_t i)
{
	size_t addresses = count_of(known, i), n = 0;
	struct span *args =
		arena_array(known->arena, 5 + known->user_count + addresses, sizeof(*args));

	args[n++] = SPAN_LIT("FCALL");
	args[n++] = SPAN_LIT("linker_1_facts");
	args[n++] = SPAN_LIT("1");
	args[n++] = key_company_tag(known->arena, known->company);
	args[n++] = span_cstr(arena_printf(known->arena, "%zu", known->user_count));
	for (size_t u = 0; u < known->user_count; u++)
		args[n++] = known->users[u];
	for (size_t a = 0; a < addresses; a++)
		args[n++] = known->addresses[first_of(i) + a]->email;
	return (struct store_command){args, n};
}

static struct span *spans_of(struct arena *arena, const struct store_reply *list)
{
	struct span *spans = arena_array(arena, list->count, sizeof(*spans));

	for (size_t i = 0; i < list->count; i++)
		spans[i] = list->items[i].string;
	return spans;
}

static bool has_shape(const struct known *known, size_t call, const struct store_reply *reply)
{
	size_t addresses = count_of(known, call);

	if (reply->type != STORE_ARRAY || reply->count < 7)
		return false;
	for (size_t i = 0; i < 7; i++)
		if (reply->items[i].type != STORE_ARRAY)
			return false;
	return reply->items[0].count >= 3 && reply->items[2].count == known->user_count &&
	       reply->items[3].count == addresses && reply->items[4].count == addresses &&
	       reply->items[5].count == reply->items[6].count;
}

static void read_items(struct arena *arena, struct span packed, struct decide_person *person)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t count = packed.n > 0 ? pack_read_array(&r) : 0;

	if (count > LIST_MAX)
		count = LIST_MAX;
	person->items = arena_array(arena, count, sizeof(*person->items));
	for (size_t i = 0; i < count && !r.bad; i++) {
		struct decide_item *item = &person->items[person->item_count];
		size_t fields = pack_read_array(&r);
		struct span kind = pack_read_bytes(&r);

		item->id = pack_read_bytes(&r);
		item->created_ms = pack_read_i64(&r);
		pack_skip_n(&r, fields > 3 ? fields - 3 : 0);
		item->kind = kind.n > 0 ? kind.p[0] : 0;
		person->item_count += !r.bad && kind.n > 0;
	}
}

static struct decide_person *find_person(struct decide_person *people, size_t count, struct span id)
{
	for (size_t i = 0; i < count; i++)
		if (span_eq(people[i].id, id))
			return &people[i];
	return NULL;
}

static void read_address(struct arena *arena, struct span packed, struct decide_person *people,
			 size_t people_count, struct decide_address *a)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t count = packed.n > 0 ? pack_read_array(&r) : 0;

	if (count > LIST_MAX)
		count = LIST_MAX;
	a->people = arena_array(arena, count, sizeof(struct decide_person *));
	a->people_count = 0;
	for (size_t i = 0; i < count && !r.bad; i++) {
		struct decide_person *person =
			find_person(people, people_count, pack_read_bytes(&r));

		if (person)
			a->people[a->people_count++] = person;
	}
}

bool known_read(struct known *known, size_t i, const struct store_reply *reply)
{
	if (!has_shape(known, i, reply))
		return false;
	const struct store_reply *part = reply->items;
	size_t people_count = part[5].count;
	struct decide_person *people = arena_array(known->arena, people_count, sizeof(*people));

	known->settings.automatic = span_eq(part[0].items[0].string, SPAN_LIT("automatic"));
	known->settings.kinds = part[0].items[1].string;
	known->settings.sharing = part[0].items[2].string;
	known->settings.blocked = spans_of(known->arena, &part[1]);
	known->settings.blocked_count = part[1].count;
	for (size_t u = 0; u < known->user_count; u++)
		known->sharing[u] = part[2].items[u].string;
	for (size_t p = 0; p < people_count; p++) {
		people[p].id = part[5].items[p].string;
		read_items(known->arena, part[6].items[p].string, &people[p]);
	}
	for (size_t a = 0; a < count_of(known, i); a++) {
		struct decide_address *address = known->addresses[first_of(i) + a];

		address->is_user = span_eq(part[3].items[a].string, SPAN_LIT("1"));
		read_address(known->arena, part[4].items[a].string, people, people_count, address);
	}
	return true;
}
