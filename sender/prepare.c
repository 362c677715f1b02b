#include "sender/prepare.h"

#include "common/blob/blob.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "sender/body_encode.h"
#include "sender/reference.h"
#include "sender/request.h"
#include "sender/track.h"

#define REQUEST_MAX ((size_t)96 << 20)

/* ---- the message that is answered ---- */

struct answered {
	struct span company, account;
	struct id id;
	uint64_t generation;
	struct secret_key data_key;
	struct blob_ref ref;
	struct span derived; /* the id it goes by if it has no usable Message-ID (THR-05) */
};

/* `d` of a record's card. */
static struct span card_derived_id(struct span card)
{
	struct pack_reader r = pack_reader_make(card);

	for (size_t n = pack_read_map(&r); n > 0 && !r.bad; n--) {
		if (span_eq(pack_read_bytes(&r), SPAN_LIT("d")))
			return pack_read_bytes(&r);
		pack_skip(&r);
	}
	return span_make(NULL, 0);
}

/* A message's record: [1, thread, n, received, sent, size, blob, bits, people, decision, card]. */
static bool record_read(struct span record, struct answered *a)
{
	struct pack_reader r = pack_reader_make(record);
	size_t n = pack_read_array(&r);
	struct span blob;

	pack_skip_n(&r, 6);
	blob = pack_read_bytes(&r);
	if (n <= 6 || r.bad || blob_ref_decode(blob, &a->ref) != ERR_OK)
		return false;
	pack_skip_n(&r, 3);
	if (n > 10)
		a->derived = card_derived_id(pack_read_bytes(&r));
	return true;
}

static enum err_code find_answered(const struct prepare_env *env, struct arena *arena,
				   struct answered *a, bool *found_out, struct err *e)
{
	struct span acct = key_account(arena, a->company, a->account, KEY_A_ACCOUNT);
	struct span messages = key_account(arena, a->company, a->account, KEY_A_MESSAGES);
	struct store_command commands[2];
	struct store_reply replies[2];
	enum err_code code;

	*found_out = false;
	commands[0] = store_command(arena, "HMGET %b gen key", acct);
	commands[1] = store_command(arena, "HGET %b %b", messages, span_make(a->id.b, ID_BYTES));
	code = store_pipeline(env->store, commands, 2, arena, replies, e);
	if (code != ERR_OK)
		return code;
	if (replies[0].count != 2 || replies[1].type != STORE_STRING ||
	    !span_to_u64(replies[0].items[0].string, UINT64_MAX, &a->generation) ||
	    !record_read(replies[1].string, a))
		return ERR_OK;
	*found_out = blob_data_key_open(&env->keys->mail, a->company, a->account,
					replies[0].items[1].string, &a->data_key, NULL) == ERR_OK;
	return ERR_OK;
}

/* An answered message that is gone meanwhile leaves the answer without references, which is still an answer. */
static enum err_code read_answered(const struct prepare_env *env, struct answered *a,
				   struct arena *arena, struct reference *reference_out,
				   struct err *e)
{
	struct blob_identity identity = {a->company, a->account, 0, a->id};
	enum err_code code;
	bool found;
	struct buf raw;

	code = find_answered(env, arena, a, &found, e);
	if (code != ERR_OK || !found)
		return code;
	identity.generation = a->generation;
	buf_init(&raw, BLOB_RAW_MAX);
	code = blob_read(env->blob_dir, &a->ref, &identity, &a->data_key, &raw, e);
	secret_wipe(&a->data_key, sizeof(a->data_key));
	if (code == ERR_OK)
		reference_read(buf_span(&raw), a->derived, arena, reference_out);
	buf_fini(&raw);
	return code == ERR_TEMP ? code : ERR_OK;
}

static enum err_code take_reference(const struct prepare_env *env, const struct outbox_key *key,
				    struct request *request, struct arena *arena, struct err *e)
{
	struct answered a = {.company = key->company};
	struct compose_message *m = &request->message;
	struct reference reference = {.count = 0};
	enum err_code code;

	if (m->in_reply_to.n || m->reference_count ||
	    !id_parse_public(request->reference, &a.account, &a.id))
		return ERR_OK;
	code = read_answered(env, &a, arena, &reference, e);
	m->references = reference.ids;
	m->reference_count = reference.count;
	if (!request->forward)
		m->in_reply_to = reference.message_id;
	return code;
}

/* ---- the message ---- */

static enum err_code take_from(const struct outbox_entry *entry, const struct account *account,
			       struct compose_message *m, struct err *e)
{
	if (!m->from.email.n)
		m->from.email = entry->email;
	if (!m->from.name.n)
		m->from.name = account->sender_name;
	if (account_may_send_as(entry, m->from.email))
		return ERR_OK;
	return err_set(e, ERR_PERM, ERR_ITEM, "from_not_allowed",
		       "The account cannot send as the address in From.");
}

/* Who gets it, if it is one address alone. */
static struct span only_recipient(const struct compose_message *m)
{
	const struct compose_addresses *lists[] = {&m->to, &m->cc, &m->bcc};
	struct span only = {NULL, 0};

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->count; i++) {
			if (only.p && !span_ieq(only, lists[l]->items[i].email))
				return (struct span){NULL, 0};
			only = lists[l]->items[i].email;
		}
	return only;
}

static void take_unsubscribe(const struct track *track, struct arena *arena,
			     struct compose_message *m)
{
	struct compose_unsubscribe *u = &m->unsubscribe;
	struct buf url;

	u->email = m->from.email;
	u->subject = span_cstr(arena_printf(arena, "unsubscribe%%20%.*s", (int)track->submission.n,
					    (const char *)track->submission.p));
	if (!track->recipient.n || !span_istarts(track->base, SPAN_LIT("https://")))
		return; /* who it is tells the mail's From */
	buf_init(&url, TRACK_TOKEN_MAX);
	track_unsubscribe_url(track, &url);
	u->url = arena_span(arena, buf_span(&url));
	buf_fini(&url);
}

/* What was asked for beside the message itself. The text is made of the HTML as the author wrote it (TRK-02). */
static void take_tracking(const struct prepare_env *env, const struct outbox_key *key,
			  const struct request *request, struct arena *arena,
			  struct compose_message *m)
{
	struct track track = {NULL,	      request->tracking_base, key->company,
			      key->account,   key->submission,	      only_recipient(m),
			      request->opens, request->clicks};
	bool tracked = (track.opens || track.clicks) && track.base.n && m->html.n;
	struct secret_key tracking_key;
	struct buf text;

	track_key_make(&env->keys->mail, &tracking_key);
	track.key = &tracking_key;
	buf_init(&text, PREPARE_MESSAGE_MAX);
	if (request->unsubscribe)
		take_unsubscribe(&track, arena, m);
	if (tracked && !m->text.n) {
		body_text_from_html(&text, m->html);
		m->text = arena_span(arena, buf_span(&text));
		buf_clear(&text);
	}
	if (tracked) {
		track_html(&track, m->html, &text);
		m->html = arena_span(arena, buf_span(&text));
	}
	buf_fini(&text);
	secret_wipe(&tracking_key, sizeof(tracking_key));
}

static void identify(const struct outbox_key *key, const struct outbox_entry *entry,
		     struct prepared *p)
{
	struct secret_digest *d = secret_digest_new();
	uint8_t digest[32];

	secret_digest_add(d, SPAN_LIT("mailweave message 1\0"));
	secret_digest_add(d, key->company);
	secret_digest_add(d, SPAN_LIT("/"));
	secret_digest_add(d, key->account);
	secret_digest_add(d, SPAN_LIT("\0"));
	secret_digest_add(d, buf_span(&p->raw));
	secret_digest_end(d, digest);
	secret_digest_free(&d);
	memcpy(p->id.b, digest, ID_BYTES);
	secret_sha256(entry->message_id, digest);
	memcpy(p->id_key, digest, sizeof(p->id_key));
}

static enum err_code make(const struct outbox_entry *entry, struct compose_message *m,
			  struct arena *arena, struct prepared *p, struct err *e)
{
	uint8_t *seed = arena_alloc(arena, 32);
	enum err_code code;

	secret_sha256(entry->message_id, seed); /* the same boundaries at every attempt */
	m->boundary_seed = seed;
	m->message_id = entry->message_id;
	m->date_ms = entry->first_ms;
	code = compose(m, &p->raw, e);
	if (code != ERR_OK)
		return code == ERR_LIMIT ? ERR_PERM : code;
	recipients_collect(m, entry->recipients, arena, &p->recipients);
	p->envelope = (struct smtp_envelope){.from = arena_span(arena, m->from.email),
					     .recipients = p->recipients.pending,
					     .recipient_count = p->recipients.pending_count,
					     .message = buf_span(&p->raw),
					     .utf8 = compose_needs_utf8(m)};
	if (p->envelope.recipient_count == 0)
		return err_set(e, ERR_PERM, ERR_ITEM, "no_recipient", "Nobody is left to send to.");
	return ERR_OK;
}

static enum err_code read_part(const struct prepare_env *env, const struct outbox_key *key,
			       const struct outbox_entry *entry, const struct account *account,
			       struct span blob, const struct id *id, struct buf *json,
			       struct err *e)
{
	struct blob_identity identity = {key->company, key->account, entry->generation, *id};
	struct blob_ref ref;
	enum err_code code = blob_ref_decode(blob, &ref);

	if (code != ERR_OK)
		return err_set(e, ERR_PERM, ERR_ITEM, "request_damaged",
			       "The request cannot be found.");
	code = blob_read(env->blob_dir, &ref, &identity, &account->data_key, json, e);
	return code == ERR_OK || code == ERR_TEMP ? code : ERR_PERM;
}

/* The request, and what all copies of it have in common. */
static enum err_code read_request(const struct prepare_env *env, const struct outbox_key *key,
				  const struct outbox_entry *entry, const struct account *account,
				  struct arena *arena, struct request *request_out, struct err *e)
{
	struct buf json, shared;
	enum err_code code;

	buf_init(&json, REQUEST_MAX);
	buf_init(&shared, REQUEST_MAX);
	code = read_part(env, key, entry, account, entry->request, &entry->request_id, &json, e);
	if (code == ERR_OK && entry->shared.n)
		code = read_part(env, key, entry, account, entry->shared, &entry->shared_id,
				 &shared, e);
	if (code == ERR_OK)
		code = request_read(buf_span(&json), buf_span(&shared), arena, request_out, e);
	buf_fini(&json);
	buf_fini(&shared);
	return code;
}

enum err_code prepare(const struct prepare_env *env, const struct outbox_key *key,
		      const struct outbox_entry *entry, const struct account *account,
		      struct arena *arena, struct prepared *prepared_out, struct err *e)
{
	struct request request = {.json = NULL};
	enum err_code code;

	*prepared_out = (struct prepared){.recipients = {.count = 0}};
	buf_init(&prepared_out->raw, PREPARE_MESSAGE_MAX);
	code = read_request(env, key, entry, account, arena, &request, e);
	if (code == ERR_OK)
		code = take_from(entry, account, &request.message, e);
	if (code == ERR_OK)
		code = take_reference(env, key, &request, arena, e);
	if (code == ERR_OK)
		take_tracking(env, key, &request, arena, &request.message);
	if (code == ERR_OK)
		code = make(entry, &request.message, arena, prepared_out, e);
	if (code == ERR_OK)
		identify(key, entry, prepared_out);
	request_free(&request);
	return code;
}
