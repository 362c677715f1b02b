#include "gateway/outbox.h"

#include "common/base/code.h"
#include "common/blob/blob.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/bus_client.h"
#include "gateway/idempotency.h"
#include "gateway/json.h"
#include "gateway/outbox_blobs.h"
#include "gateway/problem.h"

#define ENTRY_MAX 1024

bool outbox_account_get(struct http_request *r, struct span account, struct outbox_account *out)
{
	struct span company = r->viewer.company;
	struct store_command commands[2];
	struct store_reply replies[2], *acct = &replies[0];
	json_t *config;
	struct err e;

	commands[0] = store_command(r->arena, "HMGET %b email config paused",
				    key_account(r->arena, company, account, KEY_A_ACCOUNT));
	commands[1] = store_command(r->arena, "HGET %b state",
				    key_account(r->arena, company, account, KEY_A_STATE));
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK ||
	    account_secrets_get(r, account, &out->secrets, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	config =
		json_loadb((const char *)acct->items[1].string.p, acct->items[1].string.n, 0, NULL);
	out->email = arena_cstr(r->arena, acct->items[0].string);
	out->provider = json_get_text(config, "provider")
				? arena_cstr(r->arena, json_get_span(config, "provider"))
				: NULL;
	out->sender_name = arena_span(r->arena, json_get_span(config, "senderName"));
	out->paused = span_eq(acct->items[2].string, SPAN_LIT("1"));
	out->state = replies[1].string;
	json_decref(config);
	return true;
}

/* Not a message's id: its own kind of digest, so that it never is one by chance. */
static void blob_id(struct http_request *r, struct span account, struct span submission,
		    struct id *id_out)
{
	struct span company = r->viewer.company;
	const char *text = arena_printf(r->arena, "mailweave submission 1\n%.*s/%.*s\n%.*s",
					(int)company.n, (const char *)company.p, (int)account.n,
					(const char *)account.p, (int)submission.n,
					(const char *)submission.p);
	uint8_t digest[32];

	secret_sha256(span_cstr(text), digest);
	memcpy(id_out->b, digest, ID_BYTES);
}

static int64_t due_ms(const struct http_request *r)
{
	int64_t at = json_get_time_ms(r->json, "sendAt", r->now_ms);

	return at > r->now_ms ? at : r->now_ms;
}

struct span outbox_message_id(struct http_request *r, const struct outbox_account *account,
			      struct span submission)
{
	const char *domain = strrchr(account->email, '@');

	return span_cstr(arena_printf(r->arena, "%.*s.mw%s", (int)submission.n,
				      (const char *)submission.p, domain ? domain : "@localhost"));
}

struct span outbox_submission_make(struct http_request *r)
{
	char text[ID_CHARS + 1];
	uint8_t digest[32];
	struct id id;

	if (idempotency_digest(r, digest))
		memcpy(id.b, digest, ID_BYTES);
	else
		random_bytes(id.b, ID_BYTES);
	id_format(&id, text);
	return span_cstr(arena_printf(r->arena, "%s", text));
}

/* [blob, blob id, user, created, sendAt, sharing, Message-ID without <>, generation] */
static struct span entry_pack(struct http_request *r, const struct outbox_account *account,
			      struct span submission, const struct blob_ref *ref,
			      const struct id *id)
{
	uint8_t encoded[BLOB_REF_MAX];
	struct span packed;
	struct buf b;

	buf_init(&b, ENTRY_MAX);
	pack_put_array(&b, 8);
	pack_put_str(&b, span_make(encoded, blob_ref_encode(ref, encoded)));
	pack_put_str(&b, span_make(id->b, ID_BYTES));
	pack_put_str(&b, r->viewer.user);
	pack_put_i64(&b, r->now_ms);
	pack_put_i64(&b, due_ms(r));
	pack_put_str(&b, json_get_span(r->json, "sharing"));
	pack_put_str(&b, outbox_message_id(r, account, submission));
	pack_put_u64(&b, account->secrets.generation);
	packed = arena_span(r->arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

static bool entry_add(struct http_request *r, const struct account_entry *entry,
		      const struct outbox_account *account, struct span submission,
		      struct span packed)
{
	struct span key = key_account_tag(r->arena, r->viewer.company, entry->id);
	const char *status = due_ms(r) > r->now_ms ? "scheduled" : "queued";
	struct span args[] = {
		span_cstr(arena_printf(r->arena, "%llu",
				       (unsigned long long)account->secrets.generation)),
		span_cstr(arena_printf(r->arena, "%lld", (long long)r->now_ms)),
		submission,
		packed,
		span_cstr(arena_printf(r->arena, "%lld", (long long)due_ms(r))),
		span_cstr(status),
	};
	struct store_reply reply;
	struct err e;

	if (store_fcall(r->store, "gateway_1_outbox_add", &key, 1, args, 6, r->arena, &reply, &e) !=
	    ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.count && span_eq(reply.items[0].string, SPAN_LIT("ok")))
		return true;
	problem_not_found(r);
	return false;
}

bool outbox_put(struct http_request *r, const struct account_entry *entry,
		const struct outbox_account *account, struct span submission, struct span request)
{
	struct blob_identity identity = {.company = r->viewer.company,
					 .account = entry->id,
					 .generation = account->secrets.generation};
	struct blob_ref ref;
	struct err e;

	blob_id(r, entry->id, submission, &identity.id);
	if (outbox_blobs_put(r->app->blobs, &identity, &account->secrets.data_key, request, &ref,
			     &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (!entry_add(r, entry, account, submission,
		       entry_pack(r, account, submission, &ref, &identity.id)))
		return false;
	bus_client_ring(r->app->bus, "outbox", r->viewer.company, entry->id);
	bus_client_ring(r->app->bus, "journal", r->viewer.company, entry->id);
	return true;
}

/* What the sender wrote, with what is ours alone left out. */
static void state_merge(json_t *object, struct span state)
{
	static const char *const SHOWN[] = {"status", "attempts", "serverReply", "filing",
					    "recipients"};
	json_t *stored = state.n ? json_loadb((const char *)state.p, state.n, 0, NULL) : NULL;
	const json_t *next = json_object_get(stored, "nextAttemptAt");

	if (!json_is_array(json_object_get(stored, "recipients")))
		json_object_del(stored, "recipients"); /* Lua's empty list */
	for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++)
		if (json_object_get(stored, SHOWN[i]))
			json_object_set(object, SHOWN[i], json_object_get(stored, SHOWN[i]));
	if (json_is_integer(next))
		json_object_set_new(object, "nextAttemptAt",
				    json_from_time(json_integer_value(next)));
	else if (json_is_string(next))
		json_object_set(object, "nextAttemptAt", (json_t *)(uintptr_t)next);
	json_decref(stored);
}

json_t *outbox_json(struct http_request *r, struct span account, struct span submission,
		    struct span entry, struct span state, int64_t *created_ms_out)
{
	struct pack_reader p = pack_reader_make(entry);
	size_t elements = pack_read_array(&p);
	int64_t created, send_at;
	json_t *object;

	pack_skip_n(&p, 3);
	created = pack_read_i64(&p);
	send_at = pack_read_i64(&p);
	if (elements < 5 || p.bad)
		return NULL;
	*created_ms_out = created;
	object = json_pack(
		"{s:s s:o s:s s:i s:n s:n s:n s:[] s:o s:o}", "id",
		arena_printf(r->arena, "%.*s~%.*s", (int)account.n, (const char *)account.p,
			     (int)submission.n, (const char *)submission.p),
		"accountId", json_from_span(account), "status",
		send_at > r->now_ms ? "scheduled" : "queued", "attempts", 0, "nextAttemptAt",
		"serverReply", "filing", "recipients", "createdAt", json_from_time(created),
		"sendAt", send_at > created ? json_from_time(send_at) : json_null());
	state_merge(object, state);
	return object;
}
