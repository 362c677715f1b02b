#include "gateway/thread_state.h"

#include "common/wire/pack.h"

enum { HAS_RECEIVED = 1, HAS_SENT = 2, MERGED_ARCHIVED = 4 };

struct user_state {
	bool sharing_set, shared, archived_set, archived;
	uint64_t sharing_n, archived_n;
	struct thread_link link;
	struct thread_person person;
};

static struct span *read_names(struct pack_reader *r, struct arena *arena, size_t *count_out)
{
	size_t count = pack_read_array(r);
	struct span *names = arena_array(arena, count + 1, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = pack_read_bytes(r);
	*count_out = count;
	return names;
}

static struct thread_link read_link(struct pack_reader *r)
{
	struct thread_link link = {.decided = true};
	size_t count;

	if (pack_read_nil(r))
		return (struct thread_link){0};
	count = pack_read_array(r);
	link.kind = pack_read_bytes(r);
	link.id = pack_read_bytes(r);
	link.manual = span_eq(pack_read_bytes(r), SPAN_LIT("m"));
	link.at_ms = pack_read_i64(r);
	link.n = pack_read_u64(r);
	pack_skip_n(r, count > 5 ? count - 5 : 0);
	return link;
}

static struct thread_person read_person(struct pack_reader *r)
{
	struct thread_person person = {.decided = true};
	size_t count;

	if (pack_read_nil(r))
		return (struct thread_person){0};
	count = pack_read_array(r);
	person.id = pack_read_bytes(r);
	person.manual = span_eq(pack_read_bytes(r), SPAN_LIT("m"));
	person.n = pack_read_u64(r);
	pack_skip_n(r, count > 3 ? count - 3 : 0);
	return person;
}

/* One entry of the user's map: an array whose shape follows from its name. */
static void read_user_entry(struct span name, struct pack_reader *r, struct user_state *user,
			    struct thread_state *state)
{
	size_t count = pack_read_array(r), used = 2;

	if (span_eq(name, SPAN_LIT("sh"))) {
		user->sharing_set = true;
		user->shared = span_eq(pack_read_bytes(r), SPAN_LIT("s"));
		user->sharing_n = pack_read_u64(r);
	} else if (span_eq(name, SPAN_LIT("ar"))) {
		user->archived_set = true;
		user->archived = pack_read_u64(r) == 1;
		user->archived_n = pack_read_u64(r);
	} else if (span_eq(name, SPAN_LIT("rd"))) {
		state->read_set = true;
		state->read = pack_read_u64(r) == 1;
		state->read_n = pack_read_u64(r);
	} else if (span_eq(name, SPAN_LIT("lk"))) {
		user->link = (struct thread_link){.decided = true, .manual = true};
		user->link.kind = pack_read_bytes(r);
		user->link.id = pack_read_bytes(r);
		user->link.at_ms = pack_read_i64(r);
		user->link.n = pack_read_u64(r);
		used = 4;
	} else if (span_eq(name, SPAN_LIT("pe"))) {
		user->person = (struct thread_person){.decided = true, .manual = true};
		user->person.id = pack_read_bytes(r);
		user->person.n = pack_read_u64(r);
	} else {
		used = 0;
	}
	pack_skip_n(r, count > used ? count - used : 0);
}

static bool read_user(struct span packed, struct user_state *user, struct thread_state *state)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t pairs;

	if (!packed.n)
		return true;
	pairs = pack_read_map(&r);
	for (size_t i = 0; i < pairs && !r.bad; i++)
		read_user_entry(pack_read_bytes(&r), &r, user, state);
	return pack_done(&r);
}

static void settle(struct thread_state *state, const struct user_state *user, bool shared,
		   uint64_t sharing_n)
{
	state->shared = user->sharing_set && user->sharing_n > sharing_n ? user->shared : shared;
	state->archived = user->archived_set && user->archived_n > state->inbox_n
				  ? user->archived
				  : (state->bits & MERGED_ARCHIVED) != 0;
	state->in_inbox = (state->bits & HAS_RECEIVED) && !state->archived;
	if (user->link.decided &&
	    !(state->link.decided && state->link.manual && state->link.n >= user->link.n))
		state->link = user->link;
	if (user->person.decided &&
	    !(state->person.decided && state->person.manual && state->person.n >= user->person.n))
		state->person = user->person;
}

enum err_code thread_state_read(struct span record, struct span user_record, struct arena *arena,
				struct thread_state *state_out)
{
	struct pack_reader r = pack_reader_make(record);
	struct thread_state state = {0};
	struct user_state user = {0};
	size_t count = pack_read_array(&r);
	struct span last_id;
	bool shared;
	uint64_t sharing_n;

	if (count < 14)
		return ERR_PERM;
	pack_skip(&r); /* version */
	state.first_n = pack_read_u64(&r);
	state.last_ms = pack_read_i64(&r);
	state.count = pack_read_u64(&r);
	state.bits = pack_read_u64(&r);
	state.subject = pack_read_bytes(&r);
	shared = span_eq(pack_read_bytes(&r), SPAN_LIT("s"));
	sharing_n = pack_read_u64(&r);
	state.link = read_link(&r);
	if (!pack_read_nil(&r))
		state.skipped = pack_read_bytes(&r);
	state.person = read_person(&r);
	state.people = read_names(&r, arena, &state.people_count);
	last_id = pack_read_bytes(&r);
	state.inbox_n = pack_read_u64(&r);
	pack_skip_n(&r, count - 14);
	if (!pack_done(&r) || last_id.n != ID_BYTES || !read_user(user_record, &user, &state))
		return ERR_PERM;
	memcpy(state.last_id.b, last_id.p, ID_BYTES);
	settle(&state, &user, shared, sharing_n);
	*state_out = state;
	return ERR_OK;
}

bool thread_state_message_read(const struct thread_state *state, uint64_t n, bool newest, bool seen,
			       uint64_t seen_n)
{
	if (!state->read_set || n > state->read_n || seen_n > state->read_n)
		return seen;
	return state->read || (!newest && seen);
}
