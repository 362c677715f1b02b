#include "sender/settlement.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/pack.h"
#include "sender/retry.h"

#define SETTLE_AGAIN_MS 1000
#define PLACE_SENT_AND_SEEN (1u | 8u)
#define FIELDS_MAX ((size_t)2 << 20)

/* ---- to Redis ---- */

static void settle(struct delivery *d)
{
	delivery_set_phase(d, DELIVERY_ENDS);
	d->again = false;
	d->end.settlement = &d->settlement;
	delivery_call(d, &d->end, OUTBOX_SETTLE);
}

void settlement_again(struct delivery *d)
{
	settle(d);
}

void settlement_release(struct delivery *d)
{
	delivery_set_phase(d, DELIVERY_ENDS);
	delivery_call(d, &d->end, OUTBOX_RELEASE);
}

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

static void released(struct delivery *d, const struct outbox_call *call)
{
	d->over = true;
	if (call->code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "release_failed", "account", "s", d->owner.account,
			  "error", "e", &call->e, NULL);
}

void settlement_told(struct delivery *d, const struct outbox_call *call)
{
	enum err_code code = call->code;

	if (call->verb == OUTBOX_RELEASE) {
		released(d, call);
		return;
	}
	if (code != ERR_OK && code != ERR_STALE && code != ERR_GONE) {
		log_event(LOG_LEVEL_WARN, "settle_failed", "account", "s", d->owner.account,
			  "error", "e", &call->e, NULL);
		d->again = true;
		d->due_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		return;
	}
	if (code != ERR_OK)
		d->outcome = SENDER_STALE;
	log_event(LOG_LEVEL_INFO, "submission_settled", "account", "s", d->owner.account,
		  "submission", "p", &d->key.submission, "status", "s",
		  code == ERR_OK ? d->settlement.status : "stale", "attempts", "d",
		  d->entry.attempts, NULL);
	count(d);
	d->outgoing->rings |= OUTGOING_JOURNAL;
	d->outgoing->rings |= d->settlement.ledger.n ? OUTGOING_LEDGER : 0;
	d->outgoing->rings |= d->settlement.append ? OUTGOING_ACCOUNTS : 0;
	d->over = true;
}

static void set_fields(struct delivery *d, const char *reply, const char *filing)
{
	struct buf fields;

	buf_init(&fields, FIELDS_MAX);
	recipients_json(&d->prepared.recipients, reply, filing, &fields);
	d->settlement.fields = arena_span(d->arena, buf_span(&fields));
	buf_fini(&fields);
}

/* ---- refused, or without an answer ---- */

void settlement_refused(struct delivery *d, bool for_good, const char *words)
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

void settlement_ambiguous(struct delivery *d, const char *words)
{
	d->settlement.status = "checking";
	d->outcome = SENDER_UNKNOWN;
	set_fields(d, words, NULL);
	settle(d);
}

/* ---- what was sent enters the pipeline ---- */

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
	s->append = true;
	buf_fini(&value);
}

/* filing: the filing outcome. Whatever it is, the message was sent. */
static void conclude_taken(struct delivery *d, const char *filing)
{
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
	set_fields(d, d->words, filing);
	settle(d);
}

static void not_stored(const struct delivery *d, const struct err *e)
{
	log_event(LOG_LEVEL_ERROR, "sent_not_stored", "account", "s", d->owner.account, "error",
		  "e", e, NULL);
}

void settlement_store(void *ctx, void *const *items, size_t count)
{
	struct sender *sender = ctx;
	struct err e = {0};
	enum err_code code = blob_commit(sender->writer, &e);

	for (size_t i = 0; i < count; i++) {
		struct delivery *d = items[i];

		d->stored = code;
		d->end.e = e;
	}
}

void settlement_stored(void *ctx, void *item)
{
	struct delivery *d = item;
	uint8_t encoded[BLOB_REF_MAX];

	(void)ctx;
	d->calls--;
	if (d->stored != ERR_OK) {
		not_stored(d, &d->end.e);
		conclude_taken(d, "failed");
		return;
	}
	pack_ledger(d, arena_span(d->arena,
				  span_make(encoded, blob_ref_encode(&d->stored_ref, encoded))));
	conclude_taken(d, "queued");
}

void settlement_taken(struct delivery *d, const char *words)
{
	const struct blob_identity identity = {d->key.company, d->key.account, d->entry.generation,
					       d->prepared.id};
	struct sender *sender = d->sender;
	struct err e = {0};

	d->words = arena_printf(d->arena, "%s", words);
	delivery_set_phase(d, DELIVERY_ENDS);
	if (d->entry.filed) {
		conclude_taken(d, NULL);
	} else if (d->account.files_sent) {
		conclude_taken(d, "provider");
	} else if (blob_append(sender->writer, &identity, &d->account.data_key,
			       buf_span(&d->prepared.raw), &d->stored_ref, &e) == ERR_OK) {
		d->calls++;
		durable_put(&sender->storing, d);
	} else {
		not_stored(d, &e);
		conclude_taken(d, "failed");
	}
}
