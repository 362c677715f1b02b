#include "sender/delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/pack.h"
#include "sender/hop.h"
#include "sender/prepare.h"
#include "sender/retry.h"

#define SETTLE_AGAIN_MS 1000
#define PLACE_SENT_AND_SEEN (1u | 8u)
#define FIELDS_MAX ((size_t)2 << 20)

struct delivery {
	struct delivery *next;
	struct sender *sender;
	struct arena *arena;
	struct outbox_key key;
	struct outbox_entry entry;
	struct account account;
	struct line_owner owner;
	struct prepared prepared;
	struct smtp_conn *conn;
	struct outbox_settlement settlement;
	enum sender_outcome outcome;
	int64_t started_us;
	int64_t due_ms; /* when to extend the lease, or to settle again */
	bool bulk, handed_over, settling;
	char ticket[ACCOUNT_TICKET_BYTES]; /* of the login under way */
};

/* ---- life ---- */

static struct delivery *new_delivery(struct sender *sender, struct span company,
				     struct span account, struct span submission)
{
	struct arena *arena = arena_new(0);
	struct delivery *d = arena_alloc(arena, sizeof(*d));

	d->arena = arena;
	d->sender = sender;
	d->key = (struct outbox_key){.company = arena_span(arena, company),
				     .account = arena_span(arena, account),
				     .submission = arena_span(arena, submission)};
	d->started_us = clock_mono_us();
	snprintf(d->owner.account, sizeof(d->owner.account), "%.*s/%.*s", (int)company.n,
		 (const char *)company.p, (int)account.n, (const char *)account.p);
	return d;
}

static void free_delivery(struct delivery *d)
{
	struct arena *arena = d->arena;

	smtp_conn_free(&d->conn);
	buf_fini(&d->prepared.raw);
	account_close(&d->account);
	arena_free(&arena);
}

static void remove_delivery(struct delivery *d)
{
	struct delivery **at = &d->sender->deliveries;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free_delivery(d);
}

/* ---- the end ---- */

static void count(struct delivery *d)
{
	static const enum metric_stage common[] = {METRIC_OUT, METRIC_RETRIED, METRIC_FAILED,
						   METRIC_FAILED, METRIC_FAILED};
	struct metrics *m = d->sender->metrics;

	metrics_add(m, SENDER_OUTCOMES, d->outcome, 1);
	metrics_add(m, common[d->outcome], WIRE_LANE_LIVE, 1);
	metrics_observe_us(m, METRIC_SECONDS_PER_MESSAGE, WIRE_LANE_LIVE,
			   clock_mono_us() - d->started_us, 1);
}

static void ring(struct delivery *d)
{
	const struct outbox_key *key = &d->key;

	hop_ring(d->sender, "linker", "journal", key->company, key->account);
	if (d->settlement.ledger.n)
		hop_ring(d->sender, "fetcher", "ledger", key->company, key->account);
	if (d->settlement.append)
		hop_ring(d->sender, "fetcher", "accounts", key->company, key->account);
}

/* True: the delivery is over and freed. */
static bool settle(struct delivery *d)
{
	struct err e = {0};
	enum err_code code = outbox_settle(&d->sender->outbox, &d->key, &d->settlement, &e);

	if (code != ERR_OK && code != ERR_STALE && code != ERR_GONE) {
		log_event(LOG_LEVEL_WARN, "settle_failed", "account", "s", d->owner.account,
			  "error", "e", &e, NULL);
		d->settling = true;
		d->due_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		return false;
	}
	if (code != ERR_OK)
		d->outcome = SENDER_STALE;
	log_event(LOG_LEVEL_INFO, "submission_settled", "account", "s", d->owner.account,
		  "submission", "p", &d->key.submission, "status", "s",
		  code == ERR_OK ? d->settlement.status : "stale", "attempts", "d",
		  d->entry.attempts, NULL);
	count(d);
	ring(d);
	sender_look(d->sender, d->key.company, d->key.account);
	remove_delivery(d);
	return true;
}

static void set_fields(struct delivery *d, const char *reply, const char *filing)
{
	struct buf fields;

	buf_init(&fields, FIELDS_MAX);
	recipients_json(&d->prepared.recipients, reply, filing, &fields);
	d->settlement.fields = arena_span(d->arena, buf_span(&fields));
	buf_fini(&fields);
}

/* It never works, or not now: the words say why. */
static void settle_refused(struct delivery *d, bool for_good, const char *words)
{
	int64_t now_ms = clock_wall_ms();
	uint32_t random;

	random_bytes(&random, sizeof(random));
	if (!for_good && retry_next(d->entry.attempts, d->entry.first_ms, now_ms, random,
				    d->sender->conf->clock_scale, &d->settlement.due_ms)) {
		d->settlement.status = "delayed";
		d->outcome = SENDER_DELAYED;
	} else {
		bool any;

		recipients_give_up(&d->prepared.recipients);
		any = recipients_any(&d->prepared.recipients, RECIPIENT_SENT);
		d->settlement.status = any ? "sent" : "failed";
		d->outcome = any ? SENDER_SENT : SENDER_FAILED;
	}
	set_fields(d, words, NULL);
	settle(d);
}

/* ---- what was sent enters the pipeline ---- */

static enum err_code store_blob(struct delivery *d, struct blob_ref *ref_out, struct err *e)
{
	struct blob_identity identity = {d->key.company, d->key.account, d->entry.generation,
					 d->prepared.id};
	enum err_code code = blob_append(d->sender->writer, &identity, &d->account.data_key,
					 buf_span(&d->prepared.raw), ref_out, e);

	return code == ERR_OK ? blob_commit(d->sender->writer, e) : code;
}

static void pack_ledger(struct delivery *d, struct span blob)
{
	struct outbox_settlement *s = &d->settlement;
	int64_t now_ms = clock_wall_ms();
	struct buf value;

	buf_init(&value, 512);
	pack_put_array(&value, 9);
	pack_put_u64(&value, WIRE_LANE_LIVE);
	pack_put_i64(&value, now_ms);
	pack_put_u64(&value, d->prepared.raw.n);
	pack_put_str(&value, blob);
	pack_put_u64(&value, PLACE_SENT_AND_SEEN);
	pack_put_u64(&value, 0);
	pack_put_u64(&value, 0);
	pack_put_i64(&value, now_ms);
	pack_put_str(&value, d->key.submission);
	s->id = d->prepared.id;
	s->blob = blob;
	s->ledger = arena_span(d->arena, buf_span(&value));
	buf_fini(&value);
}

/* The filing outcome. Whatever it is, the message was sent. */
static const char *file_sent(struct delivery *d)
{
	uint8_t encoded[BLOB_REF_MAX];
	struct blob_ref ref;
	struct err e = {0};
	size_t n;

	if (d->entry.filed)
		return NULL;
	if (d->account.files_sent)
		return "provider";
	if (store_blob(d, &ref, &e) != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "sent_not_stored", "account", "s", d->owner.account,
			  "error", "e", &e, NULL);
		return "failed";
	}
	n = blob_ref_encode(&ref, encoded);
	pack_ledger(d, arena_span(d->arena, span_make(encoded, n)));
	d->settlement.append = true;
	return "queued";
}

static void settle_taken(struct delivery *d, const char *words)
{
	const char *filing = file_sent(d);
	int64_t due_ms;

	if (!recipients_any(&d->prepared.recipients, RECIPIENT_PENDING)) {
		d->settlement.status = "sent";
		d->outcome = SENDER_SENT;
	} else if (retry_next(d->entry.attempts, d->entry.first_ms, clock_wall_ms(), 0,
			      d->sender->conf->clock_scale, &due_ms)) {
		d->settlement.status = "delayed"; /* for those who were refused for now */
		d->settlement.due_ms = due_ms;
		d->outcome = SENDER_DELAYED;
	} else {
		recipients_give_up(&d->prepared.recipients);
		d->settlement.status = "sent";
		d->outcome = SENDER_SENT;
	}
	set_fields(d, words, filing);
	settle(d);
}

static void settle_ambiguous(struct delivery *d, const char *words)
{
	d->settlement.status = "checking";
	d->outcome = SENDER_UNKNOWN;
	set_fields(d, words, NULL);
	settle(d);
}

/* ---- sending ---- */

static bool hand_over(void *ctx)
{
	struct delivery *d = ctx;
	struct err e = {0};
	enum err_code code = outbox_handed_over(&d->sender->outbox, &d->key,
						span_make(d->prepared.id_key, 8), &e);

	d->handed_over = true; /* it may be so in Redis even if we were not told */
	if (code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "hand_over_refused", "account", "s", d->owner.account,
			  "error", "e", &e, NULL);
	return code == ERR_OK;
}

static void logged_in(void *ctx)
{
	struct delivery *d = ctx;

	account_login_told(d->sender->store, &d->key, d->ticket, NULL);
}

static void login_failed(struct delivery *d, const struct err *login)
{
	char words[SMTP_WORDS];

	account_login_told(d->sender->store, &d->key, d->ticket, login);
	snprintf(words, sizeof(words), "%s: %.180s", login->name, login->text);
	if (login->code == ERR_AUTH) {
		lines_refused(&d->sender->lines, &d->owner, login, clock_mono_ms());
		metrics_add(d->sender->metrics, SENDER_LOGINS_REFUSED, 0, 1);
	}
	settle_refused(d, login->code == ERR_AUTH, words);
}

static void sent(void *ctx, const struct smtp_result *result, const struct err *login)
{
	struct delivery *d = ctx;
	struct sender *sender = d->sender;

	lines_keep(&sender->lines, &d->owner, d->conn, clock_mono_ms());
	d->conn = NULL;
	if (login) {
		login_failed(d, login);
		return;
	}
	recipients_apply(&d->prepared.recipients, result->outcome, d->arena);
	switch (result->outcome) {
	case SMTP_TAKEN:
		metrics_add(sender->metrics, SENDER_OCTETS, 0, (int64_t)d->prepared.raw.n);
		settle_taken(d, result->reply);
		break;
	case SMTP_AMBIGUOUS:
		settle_ambiguous(d, result->reply);
		break;
	case SMTP_LATER:
	case SMTP_NEVER:
		settle_refused(d, result->outcome == SMTP_NEVER, result->reply);
		break;
	}
}

/* False: the delivery is over and freed, or given back for a moment. */
static bool may_log_in(struct delivery *d)
{
	struct sender *sender = d->sender;
	struct err e = {0};
	enum err_code code = account_login_ask(sender->store, &d->key, &sender->account_options,
					       d->arena, d->ticket, &e);

	if (code == ERR_OK)
		return true;
	if (code == ERR_AUTH) {
		settle_refused(d, true, arena_printf(d->arena, "%s: %.180s", e.name, e.text));
	} else {
		if (outbox_release(&sender->outbox, &d->key, NULL) != ERR_OK)
			log_event(LOG_LEVEL_WARN, "release_failed", "account", "s",
				  d->owner.account, NULL);
		remove_delivery(d);
	}
	return false;
}

static void begin(struct delivery *d)
{
	struct sender *sender = d->sender;
	const struct smtp_limits limits = {sender->conf->reply_ms, sender->conf->final_ms};
	const struct smtp_conn_handlers handlers = {d, hand_over, logged_in, sent};

	d->conn = lines_take(&sender->lines, &d->owner);
	if (!d->conn && !may_log_in(d))
		return;
	if (!d->conn)
		d->conn = smtp_conn_open(&sender->net, &d->account.target, &limits);
	smtp_conn_send(d->conn, &d->prepared.envelope, &handlers);
}

/* ---- the beginning ---- */

/* Why nothing can be sent for this account now; NULL: it can. */
static const char *blocked(const struct delivery *d)
{
	const struct err *refusal = lines_refusal(&d->sender->lines, &d->owner, clock_mono_ms());

	if (d->entry.paused)
		return "The account is paused.";
	if (span_eq(d->entry.state, SPAN_LIT("authenticationError")))
		return "The mail server refuses the account's credentials.";
	return refusal ? arena_printf(d->arena, "%s: %.180s", refusal->name, refusal->text) : NULL;
}

static void prepare_and_begin(struct delivery *d)
{
	struct sender *sender = d->sender;
	struct prepare_env env = {sender->conf->common.blob_dir, sender->store, &sender->keys};
	const char *why = blocked(d);
	struct err e = {0};
	enum err_code code;

	if (why) {
		settle_refused(d, true, why);
		return;
	}
	code = account_open(&sender->keys, &sender->account_options, &d->key, &d->entry, d->arena,
			    &d->account, &e);
	if (code == ERR_OK)
		code = prepare(&env, &d->key, &d->entry, &d->account, d->arena, &d->prepared, &e);
	if (code == ERR_OK)
		begin(d);
	else
		settle_refused(d, code != ERR_TEMP, e.text);
}

static void leased(struct delivery *d)
{
	struct sender *sender = d->sender;
	struct span revision = d->entry.revision;

	snprintf(d->owner.revision, sizeof(d->owner.revision), "%.*s", (int)revision.n,
		 (const char *)revision.p);
	d->due_ms = clock_mono_ms() + sender->conf->lease_ms / 3;
	d->next = sender->deliveries;
	sender->deliveries = d;
	metrics_add(sender->metrics, METRIC_IN, WIRE_LANE_LIVE, 1);
	prepare_and_begin(d);
}

/* Left of the @ of a Message-ID, for an entry that has none. */
static struct span random_word(struct arena *arena)
{
	uint8_t random[16];
	struct span id;
	struct buf text;

	random_bytes(random, sizeof(random));
	buf_init(&text, 64);
	base32_encode(span_make(random, sizeof(random)), &text);
	id = arena_span(arena, buf_span(&text));
	buf_fini(&text);
	return id;
}

bool delivery_start(struct sender *sender, struct span company, struct span account,
		    const struct outbox_due *due)
{
	struct delivery *d = new_delivery(sender, company, account, due->submission);
	enum outbox_lease what;
	struct err e = {0};
	enum err_code code;

	d->bulk = due->bulk;
	code = outbox_lease(&sender->outbox, d->arena, &d->key, random_word(d->arena), &d->entry,
			    &what, &e);

	if (code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "lease_failed", "account", "s", d->owner.account, "error",
			  "e", &e, NULL);
	if (code == ERR_OK && what == OUTBOX_LEASED) {
		leased(d);
		return true;
	}
	if (what == OUTBOX_RESOLVED)
		hop_ring(sender, "linker", "journal", company, account);
	free_delivery(d);
	return code != ERR_TEMP;
}

bool delivery_is_running(const struct sender *sender, struct span company, struct span account,
			 struct span submission)
{
	for (const struct delivery *d = sender->deliveries; d; d = d->next)
		if (span_eq(d->key.submission, submission) && span_eq(d->key.account, account) &&
		    span_eq(d->key.company, company))
			return true;
	return false;
}

struct delivery_load delivery_load(const struct sender *sender, struct span company,
				   struct span account)
{
	struct delivery_load load = {.all = 0};

	for (const struct delivery *d = sender->deliveries; d; d = d->next) {
		bool here = span_eq(d->key.account, account) && span_eq(d->key.company, company);

		load.all++;
		load.bulk += d->bulk;
		load.account += here;
		load.account_bulk += here && d->bulk;
	}
	return load;
}

void delivery_tick(struct sender *sender, int64_t now_mono_ms)
{
	struct delivery *d = sender->deliveries, *next;

	for (; d; d = next) {
		next = d->next;
		if (now_mono_ms < d->due_ms)
			continue;
		d->due_ms = now_mono_ms + sender->conf->lease_ms / 3;
		if (d->settling) {
			settle(d);
		} else if (outbox_extend(&sender->outbox, &d->key, NULL) != ERR_OK) {
			/* Whether it is still ours is asked again before the hand-over. */
			log_event(LOG_LEVEL_WARN, "lease_not_extended", "account", "s",
				  d->owner.account, NULL);
		}
	}
}

void delivery_stop_all(struct sender *sender)
{
	while (sender->deliveries) {
		struct delivery *d = sender->deliveries;

		if (!d->handed_over && !d->settling &&
		    outbox_release(&sender->outbox, &d->key, NULL) != ERR_OK)
			log_event(LOG_LEVEL_WARN, "release_failed", "account", "s",
				  d->owner.account, NULL);
		remove_delivery(d);
	}
}
