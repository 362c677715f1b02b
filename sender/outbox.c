#include "sender/outbox.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"

enum { LEASE_ANSWER = 17 };

static enum err_code call(const struct outbox *outbox, struct arena *arena, const char *function,
			  const struct outbox_key *key, const struct span *args, size_t count,
			  struct store_reply *reply_out, struct err *e)
{
	struct span tag = key_account_tag(arena, key->company, key->account);
	enum err_code code =
		store_fcall(outbox->store, function, &tag, 1, args, count, arena, reply_out, e);

	if (code == ERR_OK && (reply_out->type != STORE_ARRAY || reply_out->count == 0))
		code = err_set(e, ERR_TEMP, ERR_ACCOUNT, "outbox_damaged",
			       "%s gave no answer that is understood", function);
	return code;
}

static bool says(const struct store_reply *reply, const char *word)
{
	return span_eq(reply->items[0].string, span_cstr(word));
}

/* For the functions that answer with a word alone. */
static enum err_code call_word(const struct outbox *outbox, const char *function,
			       const struct outbox_key *key, const struct span *args, size_t count,
			       struct err *e)
{
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	enum err_code code = call(outbox, arena, function, key, args, count, &reply, e);

	if (code == ERR_OK && says(&reply, "gone"))
		code = err_set(e, ERR_GONE, ERR_ACCOUNT, "account_gone", "the account was erased");
	else if (code == ERR_OK && !says(&reply, "ok"))
		code = err_set(e, ERR_STALE, ERR_ITEM, "lease_lost",
			       "another process has the entry now");
	arena_free(&arena);
	return code;
}

size_t outbox_due(const struct outbox *outbox, struct arena *arena, struct span company,
		  struct span account, size_t max, size_t max_bulk, struct outbox_due *due_out)
{
	struct span limits[] = {span_cstr(arena_printf(arena, "%zu", max)),
				span_cstr(arena_printf(arena, "%zu", max_bulk))};
	struct span tag = key_account_tag(arena, company, account);
	struct store_reply reply;
	size_t n = 0;

	if (store_fcall(outbox->store, "sender_1_due", &tag, 1, limits, 2, arena, &reply, NULL) !=
		    ERR_OK ||
	    reply.type != STORE_ARRAY)
		return 0;
	for (; n < reply.count / 2 && n < max + max_bulk; n++)
		due_out[n] = (struct outbox_due){reply.items[2 * n].string,
						 reply.items[2 * n + 1].integer == 1};
	return n;
}

static bool id_unpack(struct span packed, struct id *id_out)
{
	if (packed.n != ID_BYTES)
		return false;
	memcpy(id_out->b, packed.p, ID_BYTES);
	return true;
}

/* [blob, blob id, user, created, sendAt, sharing, Message-ID, generation, lane, recipients, shared blob, its id, …] */
static bool entry_unpack(struct span packed, struct outbox_entry *entry)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t n = pack_read_array(&r);
	bool good;

	entry->request = pack_read_bytes(&r);
	good = id_unpack(pack_read_bytes(&r), &entry->request_id);
	entry->user = pack_read_bytes(&r);
	pack_skip_n(&r, 4);
	entry->generation = pack_read_u64(&r);
	if (n < 12)
		return good && n >= 8 && !r.bad;
	pack_skip_n(&r, 2);
	entry->shared = pack_read_bytes(&r);
	if (!id_unpack(pack_read_bytes(&r), &entry->shared_id))
		entry->shared = span_make(NULL, 0);
	return good && !r.bad;
}

static bool entry_read(const struct store_reply *reply, struct outbox_entry *entry)
{
	const struct store_reply *v = reply->items;
	uint64_t first;

	*entry = (struct outbox_entry){
		.attempts = v[2].integer,
		.message_id = v[3].string,
		.recipients = v[5].string,
		.filed = v[6].integer == 1,
		.email = v[9].string,
		.own = v[10].string,
		.config = v[11].string,
		.cred = v[12].string,
		.key = v[13].string,
		.paused = span_eq(v[14].string, SPAN_LIT("1")),
		.revision = v[15].string,
		.state = v[16].string,
	};
	if (!span_to_u64(v[4].string, INT64_MAX, &first))
		return false;
	entry->first_ms = (int64_t)first;
	return entry_unpack(v[7].string, entry);
}

enum err_code outbox_lease(const struct outbox *outbox, struct arena *arena, struct outbox_key *key,
			   struct span word, struct outbox_entry *entry_out,
			   enum outbox_lease *what_out, struct err *e)
{
	struct span args[] = {key->submission, span_cstr(outbox->lease_ms),
			      span_cstr(outbox->scale), word};
	struct store_reply reply;
	enum err_code code = call(outbox, arena, "sender_1_lease", key, args, 4, &reply, e);

	*what_out = OUTBOX_NOT_NOW;
	if (code != ERR_OK)
		return code;
	if (says(&reply, "checked") && reply.count >= 3)
		*what_out = reply.items[2].integer == 1 ? OUTBOX_RESOLVED : OUTBOX_CHECKED;
	if (!says(&reply, "ok"))
		return ERR_OK;
	if (reply.count < LEASE_ANSWER || !entry_read(&reply, entry_out))
		return err_set(e, ERR_PERM, ERR_ITEM, "outbox_damaged", "the entry cannot be read");
	key->token = reply.items[1].string;
	*what_out = OUTBOX_LEASED;
	return ERR_OK;
}

enum err_code outbox_extend(const struct outbox *outbox, const struct outbox_key *key,
			    struct err *e)
{
	struct span args[] = {key->submission, key->token, span_cstr(outbox->lease_ms)};

	return call_word(outbox, "sender_1_extend", key, args, 3, e);
}

enum err_code outbox_handed_over(const struct outbox *outbox, const struct outbox_key *key,
				 struct span id_key, struct err *e)
{
	struct span args[3] = {key->submission, key->token};
	enum err_code code;
	struct buf hex;

	buf_init(&hex, 64);
	hex_encode(id_key, &hex);
	args[2] = buf_span(&hex);
	code = call_word(outbox, "sender_1_handed_over", key, args, 3, e);
	buf_fini(&hex);
	return code;
}

enum err_code outbox_release(const struct outbox *outbox, const struct outbox_key *key,
			     struct err *e)
{
	struct span args[] = {key->submission, key->token};

	return call_word(outbox, "sender_1_release", key, args, 2, e);
}

enum err_code outbox_settle(const struct outbox *outbox, const struct outbox_key *key,
			    const struct outbox_settlement *s, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct span args[] = {
		key->submission,
		key->token,
		span_cstr(s->status),
		span_cstr(arena_printf(arena, "%lld", (long long)s->due_ms)),
		span_cstr(outbox->scale),
		s->fields,
		span_make(s->id.b, ID_BYTES),
		s->ledger,
		s->blob,
		s->append ? SPAN_LIT("1") : SPAN_LIT("0"),
	};
	enum err_code code =
		call_word(outbox, "sender_1_settle", key, args, s->ledger.n ? 10 : 6, e);

	arena_free(&arena);
	return code;
}
