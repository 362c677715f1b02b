#include "gateway/mail_message.h"

#include <stdlib.h>

#include "common/blob/blob.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/bus_client.h"
#include "gateway/problem.h"
#include "gateway/ranked.h"

enum { RECORD_ELEMENTS = 11 };

enum err_code mail_record_read(const struct id *id, struct span packed,
			       struct mail_record *record_out)
{
	struct pack_reader p = pack_reader_make(packed);
	struct mail_record record = {.id = *id};
	size_t elements = pack_read_array(&p);
	struct span home;

	if (elements < RECORD_ELEMENTS)
		return ERR_PERM;
	pack_skip(&p); /* version */
	home = pack_read_bytes(&p);
	record.n = pack_read_u64(&p);
	record.received_ms = pack_read_i64(&p);
	record.sent_ms = pack_read_i64(&p);
	record.size = pack_read_u64(&p);
	record.blob = pack_read_bytes(&p);
	record.bits = pack_read_u64(&p);
	pack_skip(&p); /* people: the thread has them */
	record.decision = pack_read_value(&p);
	record.card = pack_read_bytes(&p);
	pack_skip_n(&p, elements - RECORD_ELEMENTS);
	if (!pack_done(&p) || home.n != ID_BYTES)
		return ERR_PERM;
	memcpy(record.home.b, home.p, ID_BYTES);
	*record_out = record;
	return ERR_OK;
}

void mail_card_address(struct pack_reader *p, struct span *name_out, struct span *email_out)
{
	size_t elements = pack_read_array(p);

	*name_out = elements > 0 ? pack_read_bytes(p) : span_make(NULL, 0);
	*email_out = elements > 1 ? pack_read_bytes(p) : span_make(NULL, 0);
	pack_skip_n(p, elements > 2 ? elements - 2 : 0);
}

bool mail_places_seen(struct span places, uint64_t *n_out)
{
	struct pack_reader p = pack_reader_make(places);
	const size_t parts = places.n ? pack_read_array(&p) : 0;
	size_t count;
	bool seen = false;

	*n_out = 0;
	if (parts < 2)
		return false;
	pack_skip(&p);
	count = pack_read_array(&p);
	for (size_t i = 0; i < count; i++)
		seen |= span_eq(pack_read_bytes(&p), SPAN_LIT("$seen"));
	if (parts > 2)
		*n_out = pack_read_u64(&p);
	return seen && !p.bad;
}

static struct store_command hmget(struct http_request *r, struct span key, const struct id *ids,
				  size_t count)
{
	struct span *args = arena_array(r->arena, count + 2, sizeof(*args));

	args[0] = SPAN_LIT("HMGET");
	args[1] = key;
	for (size_t i = 0; i < count; i++)
		args[i + 2] = arena_span(r->arena, span_make(ids[i].b, ID_BYTES));
	return (struct store_command){args, count + 2};
}

/* Of those that are there, in the order asked. */
static void take_records(const struct store_reply *records, const struct store_reply *places,
			 struct mail_group *group)
{
	group->found = 0;
	for (size_t i = 0; i < group->count && i < records->count; i++) {
		struct mail_message *m = &group->messages[group->found];

		if (records->items[i].type != STORE_STRING ||
		    mail_record_read(&group->ids[i], records->items[i].string, &m->record) !=
			    ERR_OK)
			continue;
		m->places = i < places->count && places->items[i].type == STORE_STRING
				    ? places->items[i].string
				    : span_make(NULL, 0);
		group->found++;
	}
}

enum err_code mail_groups_load(struct http_request *r, struct mail_group *groups, size_t count,
			       struct err *e)
{
	struct store_command *commands = arena_array(r->arena, 2 * count + 1, sizeof(*commands));
	struct store_reply *replies = arena_array(r->arena, 2 * count + 1, sizeof(*replies));
	size_t n = 0;
	enum err_code code;

	for (size_t i = 0; i < count; i++) {
		const struct mail_group *g = &groups[i];

		if (!g->count)
			continue;
		commands[n++] = hmget(r, mail_key(r, g->account, KEY_A_MESSAGES), g->ids, g->count);
		commands[n++] = hmget(r, mail_key(r, g->account, KEY_A_PLACES), g->ids, g->count);
	}
	code = n ? store_pipeline(r->store, commands, n, r->arena, replies, e) : ERR_OK;
	n = 0;
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		groups[i].found = 0;
		if (!groups[i].count)
			continue;
		take_records(&replies[n], &replies[n + 1], &groups[i]);
		n += 2;
	}
	return code;
}

enum err_code mail_messages_load(struct http_request *r, const struct account_entry *account,
				 const struct id *ids, size_t count,
				 struct mail_message *messages_out, size_t *count_out,
				 struct err *e)
{
	struct mail_group group = {account, ids, count, messages_out, 0};
	enum err_code code = mail_groups_load(r, &group, 1, e);

	*count_out = code == ERR_OK ? group.found : 0;
	return code;
}

bool mail_message_get(struct http_request *r, struct span public_id,
		      struct mail_message *message_out, struct mail_thread *thread_out)
{
	struct account_entry *account = arena_alloc(r->arena, sizeof(*account));
	struct mail_ref ref = {.account = account};
	struct span account_id;
	enum err_code code;
	struct id id;
	size_t found;
	struct err e;

	if (!id_parse_public(public_id, &account_id, &id)) {
		problem_not_found(r);
		return false;
	}
	if (!account_entry_find(r, account_id, account))
		return false;
	code = mail_messages_load(r, account, &id, 1, message_out, &found, &e);
	ref.id = found ? message_out->record.home : id; /* the same way for what is not there */
	if (code == ERR_OK)
		code = mail_threads_load(r, &ref, 1, thread_out, &e);
	if (code == ERR_OK && found && thread_out->visibility != VISIBLE_NONE)
		return true;
	if (code == ERR_OK)
		problem_not_found(r);
	else
		problem_from_err(r, &e);
	return false;
}

static int newest_first(const void *a, const void *b)
{
	const struct mail_member *left = a, *right = b;

	if (left->ms != right->ms)
		return left->ms < right->ms ? 1 : -1;
	return memcmp(right->id.b, left->id.b, ID_BYTES);
}

/* Absorbed threads whose members still stand under their old name, and lead to this thread. */
static enum err_code member_keys(struct http_request *r, const struct mail_thread *thread,
				 struct span **keys_out, size_t *count_out, struct err *e)
{
	struct store_reply moving;
	enum err_code code = store_do(r->store, r->arena, &moving, e, "HGETALL %b",
				      mail_key(r, thread->account, KEY_A_REHOME));
	struct span *keys;

	if (code != ERR_OK)
		return code;
	keys = arena_array(r->arena, moving.count / 2 + 1, sizeof(*keys));
	*count_out = 0;
	keys[(*count_out)++] =
		key_account_part(r->arena, r->viewer.company, thread->account->id, KEY_A_MEMBERS,
				 arena_span(r->arena, span_make(thread->id.b, ID_BYTES)));
	for (size_t i = 0; i + 1 < moving.count; i += 2) {
		struct mail_ref ref = {.account = thread->account};
		struct mail_thread survivor;

		if (moving.items[i + 1].string.n != ID_BYTES)
			continue;
		memcpy(ref.id.b, moving.items[i + 1].string.p, ID_BYTES);
		code = mail_threads_load(r, &ref, 1, &survivor, e);
		if (code != ERR_OK)
			return code;
		if (id_eq(&survivor.id, &thread->id))
			keys[(*count_out)++] = key_account_part(r->arena, r->viewer.company,
								thread->account->id, KEY_A_MEMBERS,
								moving.items[i].string);
	}
	*keys_out = keys;
	return ERR_OK;
}

/* Those behind `after`, in any order. */
static size_t collect(const struct ranked_entry *found, size_t found_count,
		      const struct mail_member *after, struct mail_member *members)
{
	size_t count = 0;

	for (size_t i = 0; i < found_count; i++) {
		struct mail_member *m = &members[count];

		if (found[i].member.n != ID_BYTES)
			continue;
		m->ms = found[i].ms;
		memcpy(m->id.b, found[i].member.p, ID_BYTES);
		count += !after || newest_first(after, m) < 0;
	}
	return count;
}

enum err_code mail_members(struct http_request *r, const struct mail_thread *thread,
			   const struct mail_member *after, size_t limit,
			   struct mail_member **members_out, size_t *count_out, struct err *e)
{
	const struct mail_member single = {thread->state.last_ms, thread->state.last_id};
	struct span *keys = NULL;
	struct ranked_entry *found = NULL;
	struct mail_member *members;
	size_t key_count = 0, found_count = 0, count;
	enum err_code code = member_keys(r, thread, &keys, &key_count, e);

	if (code == ERR_OK)
		code = ranked_read(r, keys, key_count, after ? &after->ms : NULL, limit, &found,
				   &found_count, e);
	if (code != ERR_OK)
		return code;
	members = arena_array(r->arena, found_count + 1, sizeof(*members));
	count = collect(found, found_count, after, members);
	/* A thread of one message has no list. */
	if (thread->state.count == 1 && !found_count &&
	    (!after || newest_first(after, &single) < 0))
		members[count++] = single;
	qsort(members, count, sizeof(*members), newest_first);
	*members_out = members;
	*count_out = count < limit ? count : limit;
	return ERR_OK;
}

enum err_code mail_member_ids(struct http_request *r, const struct mail_thread *thread,
			      size_t limit, struct id **ids_out, size_t *count_out, struct err *e)
{
	struct mail_member *members = NULL;
	enum err_code code = mail_members(r, thread, NULL, limit, &members, count_out, e);

	if (code != ERR_OK)
		return code;
	*ids_out = arena_array(r->arena, *count_out + 1, sizeof(**ids_out));
	for (size_t i = 0; i < *count_out; i++)
		(*ids_out)[i] = members[i].id;
	return ERR_OK;
}

enum err_code mail_message_raw(struct http_request *r, const struct account_entry *account,
			       const struct mail_record *record, struct buf *raw_out, struct err *e)
{
	struct blob_identity identity = {
		.company = r->viewer.company, .account = account->id, .id = record->id};
	struct account_secrets secrets;
	struct blob_ref ref;
	enum err_code code = account_secrets_get(r, account->id, &secrets, e);

	if (code != ERR_OK)
		return code;
	identity.generation = secrets.generation;
	code = blob_ref_decode(record->blob, &ref);
	if (code == ERR_OK)
		code = blob_read(r->app->conf->common.blob_dir, &ref, &identity, &secrets.data_key,
				 raw_out, e);
	else
		err_set(e, code, ERR_ITEM, "bad_blob_ref",
			"the message's blob reference is damaged");
	secret_wipe(&secrets, sizeof(secrets));
	return code;
}

enum err_code mail_message_render(struct http_request *r, const struct account_entry *account,
				  const struct mail_record *record, struct wire_render *ask,
				  struct wire_rendered *answer_out, struct buf *bytes_out,
				  struct err *e)
{
	enum err_code code;
	struct buf raw;

	buf_init(&raw, WIRE_RENDER_MAX);
	code = mail_message_raw(r, account, record, &raw, e);
	if (code == ERR_OK)
		code = bus_client_request(r->app->bus, ask, buf_span(&raw), http_left_ms(r),
					  r->arena, answer_out, bytes_out, e);
	buf_fini(&raw);
	return code;
}
