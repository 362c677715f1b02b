#include "sender/outbox.h"

#include "common/store/keys.h"
#include "common/wire/pack.h"

enum { ARGS_MAX = 16, ACCOUNT_FIELDS = 9, LEASE_ANSWER = 10 };

/* ---- what is asked ---- */

struct args {
	struct span v[ARGS_MAX];
	size_t n;
};

static void put(struct args *a, struct span value)
{
	a->v[a->n++] = value;
}

static void put_number(struct args *a, struct arena *arena, int64_t n)
{
	put(a, span_cstr(arena_printf(arena, "%lld", (long long)n)));
}

static void put_take(struct args *a, const struct outbox *outbox, const struct outbox_call *call,
		     struct arena *arena)
{
	put_number(a, arena, (int64_t)call->max);
	put_number(a, arena, (int64_t)call->max_bulk);
	put_number(a, arena, (int64_t)call->ahead);
	put_number(a, arena, (int64_t)call->ahead_bulk);
	put(a, span_cstr(outbox->lease_ms));
	put(a, span_cstr(outbox->scale));
	put(a, call->word);
}

static struct span hex_of(struct arena *arena, struct span bytes)
{
	struct buf hex;
	struct span copy;

	buf_init(&hex, 64);
	hex_encode(bytes, &hex);
	copy = arena_span(arena, buf_span(&hex));
	buf_fini(&hex);
	return copy;
}

static void put_settlement(struct args *a, const struct outbox *outbox,
			   const struct outbox_settlement *s, struct arena *arena)
{
	put(a, span_cstr(s->status));
	put_number(a, arena, s->due_ms);
	put(a, span_cstr(outbox->scale));
	put(a, s->fields);
	if (!s->ledger.n)
		return;
	put(a, span_make(s->id.b, ID_BYTES));
	put(a, s->ledger);
	put(a, s->blob);
	put(a, s->append ? SPAN_LIT("1") : SPAN_LIT("0"));
}

static struct store_command command_of(const struct outbox *outbox, const struct outbox_call *call,
				       struct arena *arena)
{
	static const char *const functions[] = {"sender_1_take", "sender_1_extend",
						"sender_1_handed_over", "sender_1_release",
						"sender_1_settle"};
	struct args *a = arena_alloc(arena, sizeof(*a));

	a->n = 0;
	put(a, SPAN_LIT("FCALL"));
	put(a, span_cstr(functions[call->verb]));
	put(a, SPAN_LIT("1"));
	put(a, key_account_tag(arena, call->key.company, call->key.account));
	if (call->verb == OUTBOX_TAKE) {
		put_take(a, outbox, call, arena);
	} else {
		put(a, call->key.submission);
		put(a, call->key.token);
	}
	if (call->verb == OUTBOX_EXTEND)
		put(a, span_cstr(outbox->lease_ms));
	if (call->verb == OUTBOX_HAND_OVER)
		put(a, hex_of(arena, call->id_key));
	if (call->verb == OUTBOX_SETTLE)
		put_settlement(a, outbox, call->settlement, arena);
	return (struct store_command){a->v, a->n};
}

/* ---- what is answered ---- */

static bool is_word(const struct store_reply *reply, const char *word)
{
	return reply->type == STORE_STRING && span_eq(reply->string, span_cstr(word));
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

/* v: submission, lane, `ok`, token, attempts, messageId, firstAt, recipients, filed, entry; acct: fields of the account. */
static bool entry_read(const struct store_reply *v, const struct store_reply *acct,
		       struct outbox_entry *entry)
{
	uint64_t first;

	*entry = (struct outbox_entry){
		.attempts = v[4].integer,
		.message_id = v[5].string,
		.recipients = v[7].string,
		.filed = v[8].integer == 1,
		.email = acct[1].string,
		.own = acct[2].string,
		.config = acct[3].string,
		.cred = acct[4].string,
		.key = acct[5].string,
		.paused = is_word(&acct[6], "1"),
		.revision = acct[7].string,
		.state = acct[8].string,
	};
	if (!span_to_u64(v[6].string, INT64_MAX, &first))
		return false;
	entry->first_ms = (int64_t)first;
	return entry_unpack(v[9].string, entry);
}

static void taken_read(const struct store_reply *answer, const struct store_reply *acct,
		       struct outbox_taken *taken)
{
	const struct store_reply *v = answer->items;

	taken->what = OUTBOX_NOT_NOW;
	if (answer->count < 3)
		return;
	taken->key.submission = v[0].string;
	taken->bulk = v[1].integer == 1;
	if (is_word(&v[2], "checked") && answer->count >= 5)
		taken->what = v[4].integer == 1 ? OUTBOX_RESOLVED : OUTBOX_CHECKED;
	if (!is_word(&v[2], "ok"))
		return;
	taken->what = answer->count >= LEASE_ANSWER && entry_read(v, acct, &taken->entry)
			      ? OUTBOX_LEASED
			      : OUTBOX_DAMAGED;
	if (taken->what == OUTBOX_LEASED)
		taken->key.token = v[3].string;
}

static enum err_code not_understood(struct outbox_call *call)
{
	return err_set(&call->e, ERR_TEMP, ERR_ACCOUNT, "outbox_damaged",
		       "the outbox gave no answer that is understood");
}

static enum err_code take_read(struct outbox_call *call, const struct store_reply *reply,
			       struct arena *arena)
{
	const struct store_reply *acct = reply->items;

	call->taken_count = reply->count - 1;
	if (call->taken_count && (acct->type != STORE_ARRAY || acct->count != ACCOUNT_FIELDS)) {
		call->taken_count = 0;
		return not_understood(call);
	}
	call->taken = arena_array(arena, call->taken_count, sizeof(*call->taken));
	for (size_t i = 0; i < call->taken_count; i++) {
		call->taken[i].key = call->key;
		taken_read(&reply->items[i + 1], acct->items, &call->taken[i]);
	}
	return ERR_OK;
}

static enum err_code answer_read(struct outbox_call *call, const struct store_reply *reply,
				 struct arena *arena)
{
	if (reply->type == STORE_ERROR)
		return err_set(&call->e, ERR_TEMP, ERR_ITEM, "redis_refused", "%.*s",
			       (int)reply->string.n, (const char *)reply->string.p);
	if (reply->type != STORE_ARRAY || reply->count == 0)
		return not_understood(call);
	if (call->verb == OUTBOX_TAKE)
		return take_read(call, reply, arena);
	if (is_word(&reply->items[0], "ok"))
		return ERR_OK;
	if (is_word(&reply->items[0], "gone"))
		return err_set(&call->e, ERR_GONE, ERR_ACCOUNT, "account_gone",
			       "the account was erased");
	return err_set(&call->e, ERR_STALE, ERR_ITEM, "lease_lost",
		       "another process has the entry now");
}

void outbox_run(const struct outbox *outbox, struct outbox_call *const *calls, size_t count,
		struct arena *arena)
{
	struct store_command *commands = arena_array(arena, count, sizeof(*commands));
	struct store_reply *replies = arena_array(arena, count, sizeof(*replies));
	enum err_code code;
	struct err e = {0};

	for (size_t i = 0; i < count; i++)
		commands[i] = command_of(outbox, calls[i], arena);
	code = store_pipeline(outbox->store, commands, count, arena, replies, &e);
	for (size_t i = 0; i < count; i++) {
		calls[i]->taken_count = 0;
		calls[i]->e = e;
		calls[i]->code = code == ERR_OK ? answer_read(calls[i], &replies[i], arena) : code;
	}
}
