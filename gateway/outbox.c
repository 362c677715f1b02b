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
#define UNDO_SECONDS 10

static void own_read(struct http_request *r, struct span packed, struct outbox_account *out)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t n = pack_read_array(&p);

	out->own = arena_array(r->arena, n, sizeof(*out->own));
	out->own_count = 0;
	while (out->own_count < n && !p.bad)
		out->own[out->own_count++] = pack_read_bytes(&p);
}

bool outbox_account_get(struct http_request *r, struct span account, struct outbox_account *out)
{
	struct span company = r->viewer.company;
	struct store_command commands[2];
	struct store_reply replies[2], *acct = &replies[0];
	json_t *config;
	struct err e;

	commands[0] = store_command(r->arena, "HMGET %b email config paused own",
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
	own_read(r, acct->items[3].string, out);
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

bool outbox_undo_ms(struct http_request *r, int64_t *undo_ms_out)
{
	static const char name[] = "undoSeconds";
	struct span user = r->viewer.user_json;
	struct store_reply reply;
	json_t *stored;
	struct err e;

	*undo_ms_out = json_get_int(r->json, name, -1) * 1000;
	if (*undo_ms_out >= 0)
		return true;
	stored = json_loadb((const char *)user.p, user.n, 0, NULL);
	*undo_ms_out = json_get_int(json_object_get(stored, "preferences"), name, -1) * 1000;
	json_decref(stored);
	if (*undo_ms_out >= 0)
		return true;
	if (store_do(r->store, r->arena, &reply, &e, "HGET %b settings",
		     key_company(r->arena, r->viewer.company, KEY_C_COMPANY)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	stored = reply.type == STORE_STRING
			 ? json_loadb((const char *)reply.string.p, reply.string.n, 0, NULL)
			 : NULL;
	*undo_ms_out = json_get_int(stored, name, UNDO_SECONDS) * 1000;
	json_decref(stored);
	return true;
}

struct span outbox_message_id(struct http_request *r, const struct outbox_account *account,
			      struct span submission)
{
	const char *domain = strrchr(account->email, '@');

	return span_cstr(arena_printf(r->arena, "%.*s.mw%s", (int)submission.n,
				      (const char *)submission.p, domain ? domain : "@localhost"));
}

void outbox_submissions_make(struct http_request *r, struct outbox_item *items, size_t count)
{
	struct span first = idempotency_id(r, "");

	for (size_t i = 0; i < count; i++)
		items[i].submission = i ? idempotency_id_nth(r, first, i) : first;
}

static int64_t due_ms(const struct http_request *r, const struct outbox_batch *batch)
{
	int64_t undone = r->now_ms + batch->undo_ms;

	return batch->send_at_ms > undone ? batch->send_at_ms : undone;
}

/* A blob of the batch: where it is, and the id it is sealed with. */
struct part {
	struct blob_ref ref;
	struct id id;
};

static void pack_part(struct buf *b, const struct part *part)
{
	uint8_t encoded[BLOB_REF_MAX];

	if (part) {
		pack_put_str(b, span_make(encoded, blob_ref_encode(&part->ref, encoded)));
		pack_put_str(b, span_make(part->id.b, ID_BYTES));
	} else {
		pack_put_cstr(b, "");
		pack_put_cstr(b, "");
	}
}

/* [blob, blob id, user, created, sendAt, sharing, Message-ID without <>, generation, lane, recipients, shared blob, its id,
 * undoUntil] */
static struct span entry_pack(struct http_request *r, const struct outbox_account *account,
			      const struct outbox_batch *batch, const struct outbox_item *item,
			      const struct part *part, const struct part *shared)
{
	int64_t send_at = batch->send_at_ms > r->now_ms ? batch->send_at_ms : r->now_ms;
	struct span packed;
	struct buf b;

	buf_init(&b, ENTRY_MAX);
	pack_put_array(&b, 13);
	pack_part(&b, part);
	pack_put_str(&b, r->viewer.user);
	pack_put_i64(&b, r->now_ms);
	pack_put_i64(&b, send_at);
	pack_put_str(&b, json_get_span(r->json, "sharing"));
	pack_put_str(&b, outbox_message_id(r, account, item->submission));
	pack_put_u64(&b, account->secrets.generation);
	pack_put_u64(&b, batch->bulk);
	pack_put_u64(&b, item->recipients);
	pack_part(&b, shared);
	pack_put_i64(&b, due_ms(r, batch) > send_at ? due_ms(r, batch) : 0);
	packed = arena_span(r->arena, buf_span(&b));
	buf_fini(&b);
	return packed;
}

static struct span number_text(struct arena *arena, int64_t n)
{
	return span_cstr(arena_printf(arena, "%lld", (long long)n));
}

static bool entries_add(struct http_request *r, const struct account_entry *entry,
			const struct outbox_account *account, const struct outbox_batch *batch,
			const struct part *parts, const struct part *shared)
{
	struct span key = key_account_tag(r->arena, r->viewer.company, entry->id);
	struct span *args = arena_array(r->arena, 5 + 2 * batch->count, sizeof(*args));
	struct store_reply reply;
	struct err e;
	size_t n = 0;

	args[n++] = number_text(r->arena, (int64_t)account->secrets.generation);
	args[n++] = number_text(r->arena, r->now_ms);
	args[n++] = number_text(r->arena, due_ms(r, batch));
	args[n++] = batch->send_at_ms > r->now_ms ? SPAN_LIT("scheduled") : SPAN_LIT("queued");
	args[n++] = batch->bulk ? SPAN_LIT("1") : SPAN_LIT("0");
	for (size_t i = 0; i < batch->count; i++) {
		args[n++] = batch->items[i].submission;
		args[n++] = entry_pack(r, account, batch, &batch->items[i], &parts[i], shared);
	}
	if (store_fcall(r->store, "gateway_1_outbox_add", &key, 1, args, n, r->arena, &reply, &e) !=
	    ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.count && span_eq(reply.items[0].string, SPAN_LIT("ok")))
		return true;
	problem_not_found(r);
	return false;
}

/* All parts of a batch in one go: with one fsync. */
static bool blobs_put(struct http_request *r, const struct account_entry *entry,
		      const struct outbox_account *account, const struct outbox_batch *batch,
		      struct part *parts)
{
	size_t count = batch->count + (batch->shared.n ? 1 : 0);
	struct outbox_blob *blobs = arena_array(r->arena, count, sizeof(*blobs));
	const struct blob_identity identity = {.company = r->viewer.company,
					       .account = entry->id,
					       .generation = account->secrets.generation};
	struct err e;

	for (size_t i = 0; i < count; i++) {
		bool shared = i == batch->count;
		struct span first = batch->items[0].submission;

		blobs[i].raw = shared ? batch->shared : batch->items[i].request;
		blob_id(r, entry->id,
			shared ? span_cstr(arena_printf(r->arena, "%.*s shared", (int)first.n,
							(const char *)first.p))
			       : batch->items[i].submission,
			&blobs[i].id);
	}
	if (outbox_blobs_put(r->app->blobs, &identity, &account->secrets.data_key, blobs, count,
			     &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		parts[i] = (struct part){blobs[i].ref, blobs[i].id};
	return true;
}

bool outbox_put(struct http_request *r, const struct account_entry *entry,
		const struct outbox_account *account, const struct outbox_batch *batch)
{
	struct part *parts = arena_array(r->arena, batch->count + 1, sizeof(*parts));

	if (!blobs_put(r, entry, account, batch, parts) ||
	    !entries_add(r, entry, account, batch, parts,
			 batch->shared.n ? &parts[batch->count] : NULL))
		return false;
	bus_client_ring(r->app->bus, "outbox", r->viewer.company, entry->id);
	bus_client_ring(r->app->bus, "journal", r->viewer.company, entry->id);
	return true;
}
