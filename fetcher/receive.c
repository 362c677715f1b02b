/* A message comes in over a link: into the spool, through the digest, to the blob, into the queue of what is entered. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/pack.h"
#include "fetcher/account.h"
#include "fetcher/identify.h"
#include "fetcher/numbering.h"

#define DATE_MIN_MS 315532800000 /* 1980: before that a server's date is an accident (FAULTS F15) */

static void begin(struct link *link, struct flight *f, uint64_t bytes)
{
	struct buf prefix;

	link->coming = f;
	link->got = 0;
	link->announced = bytes;
	buf_init(&prefix, 256);
	buf_put(&prefix, "mailweave message 1", 20); /* with its NUL */
	buf_printf(&prefix, "%s/%s", link->account->company, link->account->name);
	buf_put_byte(&prefix, 0);
	if (!link->digest)
		link->digest = secret_digest_new();
	secret_digest_add(link->digest, buf_span(&prefix));
	buf_fini(&prefix);
}

bool receive_begin(struct link *link, uint64_t bytes)
{
	struct fetcher *f = link->account->fetcher;
	struct flight *flight = NULL;

	if (f->draining)
		return false;
	link->too_large = bytes > (uint64_t)f->conf->max_message_bytes;
	if (!link->too_large) {
		flight = window_admit(&f->window, link->account, link->lane, bytes);
		if (!flight)
			return false;
	}
	begin(link, flight, bytes);
	return true;
}

uint8_t *receive_place(struct link *link, uint64_t *n_out)
{
	const struct flight *f = link->coming;

	if (!f || link->got >= f->region.bytes)
		return NULL;
	*n_out = f->region.bytes - link->got;
	return spool_bytes(link->account->fetcher->spool, &f->region) + link->got;
}

void receive_data(struct link *link, struct span data)
{
	uint64_t room = 0;
	uint8_t *place = receive_place(link, &room);

	secret_digest_add(link->digest, data);
	if (place && place != data.p && data.n <= room)
		memcpy(place, data.p, data.n);
	link->got += data.n;
}

void receive_abort(struct link *link)
{
	if (link->coming)
		window_leave(&link->account->fetcher->window, &link->coming);
	secret_digest_free(&link->digest);
}

static unsigned place_bits(const struct mailbox *mailbox, unsigned flags)
{
	return mailbox_place_bits(mailbox) | (flags & 1u ? 8u : 0u) | (flags & 2u ? 16u : 0u);
}

static void put_ledger(struct buf *out, const struct flight *f)
{
	pack_put_array(out, 9);
	pack_put_u64(out, f->lane);
	pack_put_i64(out, f->received_ms);
	pack_put_u64(out, f->size);
	pack_put_str(out, span_make(f->blob, f->blob_bytes));
	pack_put_u64(out, f->place);
	pack_put_u64(out, 0);
	pack_put_u64(out, 0);
	pack_put_i64(out, clock_wall_ms());
	pack_put_cstr(out, "");
}

static void put_aside(struct buf *out, uint64_t size, int64_t received_ms, unsigned place)
{
	buf_put_byte(out, 'A');
	pack_put_array(out, 8);
	pack_put_cstr(out, "too_large");
	pack_put_cstr(out, "");
	pack_put_u64(out, 0);
	pack_put_i64(out, received_ms);
	pack_put_u64(out, size);
	pack_put_cstr(out, "");
	pack_put_u64(out, place);
	pack_put_i64(out, clock_wall_ms());
}

static enum err_code store_blob(struct link *link, struct flight *f, struct span raw, struct err *e)
{
	struct account *a = link->account;
	const struct blob_identity identity = {span_cstr(a->company), span_cstr(a->name),
					       a->generation_number, f->id};
	struct blob_ref ref;
	enum err_code code =
		blob_append(a->fetcher->writer, &identity, &a->config.data_key, raw, &ref, e);

	if (code == ERR_OK)
		f->blob_bytes = blob_ref_encode(&ref, f->blob);
	return code;
}

/* All of it is here: durable soon, known soon. */
static void keep(struct link *link, const struct imap_resp *fetch, struct span raw,
		 const struct id *id)
{
	struct account *a = link->account;
	struct flight *f = link->coming;
	struct link_source from;
	struct id before;
	unsigned flags;
	struct buf words, ledger;
	struct err e;

	buf_init(&words, 4096);
	buf_init(&ledger, 512);
	flags = enter_flag_bits(fetch->has & IMAP_HAS_FLAGS	? fetch->attributes
				: link->flags_uid == fetch->uid ? buf_span(&link->flags)
								: SPAN_LIT(""),
				&words);
	link->coming = NULL;
	link_source_init(&from, link, fetch, raw);
	if (f && link_was(link, fetch->uid, from.source.check, &before)) {
		window_leave(&a->fetcher->window, &f);
		id = &before;
	} else if (f) {
		f->id = *id;
		f->place = place_bits(link->mailbox, flags) | from.place;
		f->received_ms = fetch->has & IMAP_HAS_DATE && fetch->date_ms > DATE_MIN_MS
					 ? fetch->date_ms
					 : clock_wall_ms();
		if (store_blob(link, f, raw, &e) != ERR_OK) {
			window_leave(&a->fetcher->window, &f);
			account_fail(a, &e);
			goto out;
		}
		put_ledger(&ledger, f);
	} else {
		put_aside(&ledger, link->got,
			  fetch->has & IMAP_HAS_DATE ? fetch->date_ms : clock_wall_ms(),
			  place_bits(link->mailbox, flags));
		metrics_add(a->fetcher->metrics, FETCHER_ASIDE, 0, 1);
		log_event(LOG_LEVEL_WARN, "message_too_large", "account", "s", a->tag, "id", "i",
			  id, "bytes", "u", link->got, NULL);
	}
	enter_message(a, link->mailbox, fetch->uid, flags, buf_span(&words), id, f,
		      buf_span(&ledger), &from.source);
out:
	link_source_fini(&from);
	buf_fini(&words);
	buf_fini(&ledger);
}

/* A body without literal: short, so it is taken without asking for room. */
static void take_inline(struct link *link, const struct imap_resp *fetch)
{
	const struct span raw = fetch->inline_body;

	link->too_large = false;
	begin(link, window_force(&link->account->fetcher->window, link->account, link->lane, raw.n),
	      raw.n);
	receive_data(link, raw);
}

void receive_end(struct link *link, const struct imap_resp *fetch)
{
	uint8_t digest[32];
	struct span raw = fetch->inline_body;
	bool hollow;
	struct id id;

	if (fetch->body == IMAP_BODY_INLINE || fetch->body == IMAP_BODY_NIL)
		take_inline(link, fetch);
	if (!link->digest || (!link->coming && !link->too_large))
		return;
	secret_digest_end(link->digest, digest);
	memcpy(id.b, digest, ID_BYTES);
	if (fetch->body == IMAP_BODY_STREAMED && link->coming && link->coming->region.bytes)
		raw = span_make(spool_bytes(link->account->fetcher->spool, &link->coming->region),
				link->coming->region.bytes);
	if (numbering_takes(link, fetch->uid, &id)) {
		if (link->coming)
			window_leave(&link->account->fetcher->window, &link->coming);
		link->too_large = false;
		return;
	}
	hollow = raw.n == 0 && !link->too_large && !link_asks_again(link, fetch->uid);
	if (hollow)
		link_doubt(link); /* F17: perhaps there is more of it the next time */
	if (!(fetch->has & IMAP_HAS_UID) || !link->mailbox || !link->selected || hollow) {
		if (link->coming)
			window_leave(&link->account->fetcher->window, &link->coming);
		return; /* F19: without a UID we cannot say what it is */
	}
	link_arrived(link, fetch->uid);
	link->account->done += link->lane == WIRE_LANE_BULK;
	if (fetch->uid > link->last_uid)
		link->last_uid = fetch->uid;
	link->too_large = false;
	keep(link, fetch, raw, &id); /* last: it may end the link */
}
