#include "sender/delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "sender/settlement.h"

/* ---- life ---- */

static struct span keep(struct delivery *d, struct span s)
{
	return arena_span(d->arena, s);
}

static void copy_entry(struct delivery *d, const struct outbox_entry *from)
{
	struct outbox_entry *e = &d->entry;

	*e = *from;
	e->message_id = keep(d, from->message_id);
	e->recipients = keep(d, from->recipients);
	e->request = keep(d, from->request);
	e->shared = keep(d, from->shared);
	e->user = keep(d, from->user);
	e->email = keep(d, from->email);
	e->own = keep(d, from->own);
	e->config = keep(d, from->config);
	e->cred = keep(d, from->cred);
	e->key = keep(d, from->key);
	e->revision = keep(d, from->revision);
	e->state = keep(d, from->state);
}

static struct delivery *new_delivery(struct sender *sender, struct outgoing *outgoing,
				     const struct outbox_taken *taken)
{
	struct arena *arena = arena_new(0);
	struct delivery *d = arena_alloc(arena, sizeof(*d)), **at = &sender->deliveries;

	d->arena = arena;
	d->sender = sender;
	d->outgoing = outgoing;
	d->bulk = taken->bulk;
	d->key = (struct outbox_key){span_cstr(outgoing->company), span_cstr(outgoing->account),
				     keep(d, taken->key.submission), keep(d, taken->key.token)};
	copy_entry(d, &taken->entry);
	d->started_us = clock_mono_us();
	d->due_ms = clock_mono_ms() + sender->conf->lease_ms / 3;
	snprintf(d->owner.account, sizeof(d->owner.account), "%s/%s", outgoing->company,
		 outgoing->account);
	snprintf(d->owner.revision, sizeof(d->owner.revision), "%.*s", (int)d->entry.revision.n,
		 (const char *)d->entry.revision.p);
	while (*at)
		at = &(*at)->next;
	*at = d;
	outgoing->deliveries++;
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
	d->outgoing->deliveries--;
	d->outgoing->look = true; /* there is room */
	free_delivery(d);
}

static void add_load(struct outgoing_load *load, const struct delivery *d, size_t by)
{
	load->sending += d->phase == DELIVERY_SENDS ? by : 0;
	load->sending_bulk += d->phase == DELIVERY_SENDS && d->bulk ? by : 0;
	load->waiting += d->phase == DELIVERY_WAITS ? by : 0;
	load->waiting_bulk += d->phase == DELIVERY_WAITS && d->bulk ? by : 0;
}

static void count_phase(struct delivery *d, size_t by)
{
	add_load(&d->sender->load, d, by);
	add_load(&d->outgoing->load, d, by);
}

void delivery_set_phase(struct delivery *d, enum delivery_phase phase)
{
	count_phase(d, (size_t)-1);
	d->phase = phase;
	count_phase(d, 1);
	d->outgoing->look |= phase == DELIVERY_ENDS;
}

/* ---- calls ---- */

void delivery_call(struct delivery *d, struct outbox_call *call, enum outbox_verb verb)
{
	call->verb = verb;
	call->owner = d;
	call->key = d->key;
	d->calls++;
	durable_put(&d->sender->recording, call);
}

static void handed_over(struct delivery *d, const struct outbox_call *call)
{
	if (call->code != ERR_OK)
		log_event(LOG_LEVEL_WARN, "hand_over_refused", "account", "s", d->owner.account,
			  "error", "e", &call->e, NULL);
	if (d->conn)
		smtp_conn_hand_over(d->conn, call->code == ERR_OK);
}

void delivery_told(struct delivery *d, const struct outbox_call *call)
{
	d->calls--;
	if (call == &d->hand_over) {
		handed_over(d, call);
	} else if (call == &d->end) {
		settlement_told(d, call);
	} else {
		d->extending = false;
		/* Whether it is still ours is asked again before the hand-over. */
		if (call->code != ERR_OK)
			log_event(LOG_LEVEL_WARN, "lease_not_extended", "account", "s",
				  d->owner.account, NULL);
	}
	if (d->over && d->calls == 0)
		remove_delivery(d);
}

/* ---- sending ---- */

static void hand_over(void *ctx)
{
	struct delivery *d = ctx;

	d->handed_over = true; /* it may be so in Redis even if we are not told */
	d->hand_over.id_key = span_make(d->prepared.id_key, sizeof(d->prepared.id_key));
	delivery_call(d, &d->hand_over, OUTBOX_HAND_OVER);
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
	settlement_refused(d, login->code == ERR_AUTH, words);
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
		settlement_taken(d, result->reply);
		break;
	case SMTP_AMBIGUOUS:
		settlement_ambiguous(d, result->reply);
		break;
	case SMTP_LATER:
	case SMTP_NEVER:
		settlement_refused(d, result->outcome == SMTP_NEVER, result->reply);
		break;
	}
}

/* False: the delivery ends, or is given back for a moment. */
static bool may_log_in(struct delivery *d)
{
	struct sender *sender = d->sender;
	struct err e = {0};
	enum err_code code = account_login_ask(sender->store, &d->key, &sender->account_options,
					       d->arena, d->ticket, &e);

	if (code == ERR_AUTH)
		settlement_refused(d, true, arena_printf(d->arena, "%s: %.180s", e.name, e.text));
	else if (code != ERR_OK)
		settlement_release(d);
	return code == ERR_OK;
}

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

static void begin(struct delivery *d)
{
	struct sender *sender = d->sender;
	const struct smtp_limits limits = {sender->conf->reply_ms, sender->conf->final_ms};
	const struct smtp_conn_handlers handlers = {d, hand_over, logged_in, sent};
	const char *why = blocked(d);

	if (why) {
		settlement_refused(d, true, why);
		return;
	}
	d->conn = lines_take(&sender->lines, &d->owner);
	if (!d->conn && !may_log_in(d))
		return;
	if (!d->conn)
		d->conn = smtp_conn_open(&sender->net, &d->account.target, &limits);
	delivery_set_phase(d, DELIVERY_SENDS);
	smtp_conn_send(d->conn, &d->prepared.envelope, &handlers);
}

void delivery_begin_all(struct sender *sender)
{
	for (int bulk = 0; bulk <= 1 && sender->load.waiting; bulk++)
		for (struct delivery *d = sender->deliveries; d; d = d->next)
			if (d->phase == DELIVERY_WAITS && d->bulk == bulk &&
			    outgoing_may_send(sender, d->outgoing, d->bulk))
				begin(d);
}

/* ---- the beginning ---- */

void delivery_start(struct sender *sender, struct outgoing *outgoing,
		    const struct outbox_taken *taken)
{
	const struct prepare_env env = {sender->conf->common.blob_dir, sender->store,
					&sender->keys};
	struct delivery *d = new_delivery(sender, outgoing, taken);
	struct err e = {0};
	enum err_code code;

	metrics_add(sender->metrics, METRIC_IN, WIRE_LANE_LIVE, 1);
	count_phase(d, 1);
	if (sender->draining) {
		settlement_release(d);
		return;
	}
	code = account_open(&sender->keys, &sender->account_options, &d->key, &d->entry, d->arena,
			    &d->account, &e);
	if (code == ERR_OK)
		code = prepare(&env, &d->key, &d->entry, &d->account, d->arena, &d->prepared, &e);
	if (code != ERR_OK)
		settlement_refused(d, code != ERR_TEMP, e.text);
}

/* ---- time, and the end ---- */

void delivery_tick(struct sender *sender, int64_t now_mono_ms)
{
	for (struct delivery *d = sender->deliveries; d; d = d->next) {
		if (now_mono_ms < d->due_ms)
			continue;
		d->due_ms = now_mono_ms + sender->conf->lease_ms / 3;
		if (d->again) {
			settlement_again(d);
		} else if (d->phase != DELIVERY_ENDS && !d->extending) {
			d->extending = true;
			delivery_call(d, &d->extend, OUTBOX_EXTEND);
		}
	}
}

void delivery_drain(struct sender *sender)
{
	for (struct delivery *d = sender->deliveries; d; d = d->next)
		if (d->phase == DELIVERY_WAITS)
			settlement_release(d);
}

void delivery_stop_all(struct sender *sender)
{
	delivery_drain(sender);
	for (struct delivery *d = sender->deliveries; d; d = d->next) {
		smtp_conn_free(&d->conn);
		if (d->phase == DELIVERY_SENDS && !d->handed_over)
			settlement_release(d);
	}
}

void delivery_free_all(struct sender *sender)
{
	while (sender->deliveries) {
		struct delivery *d = sender->deliveries;

		sender->deliveries = d->next;
		free_delivery(d);
	}
}
