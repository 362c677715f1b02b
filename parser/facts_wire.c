#include "parser/facts_wire.h"
#include "parser/bounce.h"
#include "parser/card.h"
#include "common/wire/derived_id.h"
#include "parser/content_hash.h"
#include "parser/utf8.h"

#define SUBJECT_BYTES_MAX 998u
#define BOUNCES_MAX 64u /* as in the table of messages */
#define BOUNCED_ID_MAX 998u

/* The first half and the last half of what is over max; over-long ids are left out. */
static struct wire_list ids(struct arena *arena, const struct id_list *list, size_t max,
			    size_t *budget)
{
	struct wire_list out = {
		arena_array(arena, list->count ? list->count : 1, sizeof(struct span)), 0};
	size_t skip_from = list->count > max ? max / 2 : list->count;
	size_t skip_to = list->count > max ? list->count - (max - max / 2) : list->count;
	for (size_t i = 0; i < list->count; i++) {
		struct span id = list->items[i];
		if ((i >= skip_from && i < skip_to) || id.n > WIRE_ITEM_MAX || id.n > *budget)
			continue;
		*budget -= id.n;
		out.items[out.count++] = id;
	}
	return out;
}

static struct wire_addrs addresses(struct arena *arena, const struct address_list *list, size_t max,
				   size_t *budget)
{
	struct wire_addrs out = {
		arena_array(arena, list->count ? list->count : 1, sizeof(struct wire_addr)), 0};
	for (size_t i = 0; i < list->count && out.count < max; i++) {
		struct wire_addr a = {list->items[i].name, list->items[i].email};
		a.name.n = utf8_cut(a.name, WIRE_ITEM_MAX);
		if (a.email.n > WIRE_ITEM_MAX || a.name.n + a.email.n > *budget)
			continue;
		*budget -= a.name.n + a.email.n;
		out.items[out.count++] = a;
	}
	return out;
}

static void fill_lists(struct arena *arena, const struct facts *f, struct wire_facts *w)
{
	size_t budget = FACTS_WIRE_LISTS_BYTES;
	w->message_id = ids(arena, &f->message_id, 8, &budget);
	w->in_reply_to = ids(arena, &f->in_reply_to, 64, &budget);
	w->references = ids(arena, &f->references, 512, &budget);
	w->from = addresses(arena, &f->from, 64, &budget);
	w->sender = addresses(arena, &f->sender, 8, &budget);
	w->to = addresses(arena, &f->to, 512, &budget);
	w->cc = addresses(arena, &f->cc, 512, &budget);
	w->bcc = addresses(arena, &f->bcc, 512, &budget);
	w->reply_to = addresses(arena, &f->reply_to, 64, &budget);
}

/* The decoder refuses a frame without these. */
static void fill_placeholder(struct wire_facts *w)
{
	w->company = w->account = w->origin = w->owner = w->blob = SPAN_LIT("-");
	w->id = SPAN_LIT("----------");
}

static bool has_usable_id(const struct id_list *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		if (derived_id_not_needed(ids->items[i]))
			return true;
	return false;
}

/* "<status> <address>": what came back, of a bounce or complaint. */
static void fill_bounces(struct decode *d, const struct mime_message *m, const struct facts *f,
			 struct wire_facts *w)
{
	struct bounce bounce;
	bounce_read(d, m, f, &bounce);
	w->bounces.items = arena_array(d->arena, BOUNCES_MAX, sizeof(struct span));
	for (size_t i = 0; i < bounce.count && w->bounces.count < BOUNCES_MAX; i++) {
		const struct bounce_recipient *r = &bounce.items[i];
		if (r->address.n + r->status.n + 1 < WIRE_ITEM_MAX)
			w->bounces.items[w->bounces.count++] = span_cstr(arena_printf(
				d->arena, "%.*s %.*s", (int)r->status.n,
				(const char *)(r->status.n ? r->status.p : (const uint8_t *)""),
				(int)r->address.n, (const char *)r->address.p));
	}
	if (bounce.message_id.n <= BOUNCED_ID_MAX)
		w->bounced_id = bounce.message_id;
}

void facts_wire_encode(struct decode *d, const struct mime_message *m, struct facts *f,
		       uint64_t parse_us, struct buf *card, struct buf *out)
{
	struct wire_facts w = {0};
	uint8_t hash[32] = {0};
	struct buf derived;
	fill_placeholder(&w);
	fill_lists(d->arena, f, &w);
	buf_init(&derived, DERIVED_ID_MAX);
	if (!has_usable_id(&f->message_id)) {
		content_hash(m, hash);
		derived_id(hash, &derived);
	}
	card_pack(f, m, buf_span(&derived), card);
	buf_fini(&derived);
	w.subject = (struct span){f->subject.p, utf8_cut(f->subject, SUBJECT_BYTES_MAX)};
	w.sent_ms = f->has_date ? f->date.unix_s * 1000 : 0;
	w.content_hash = span_make(hash, sizeof(hash));
	w.card = buf_span(card);
	w.traits = f->traits;
	fill_bounces(d, m, f, &w);
	w.parse_us = parse_us;
	wire_encode_facts(&w, out);
}

enum err_code facts_wire_finish(struct span frame, const struct wire_raw *src, struct arena *arena,
				struct buf *out, struct err *e)
{
	struct wire_facts w, *dst = &w;
	enum err_code code = wire_decode_facts(frame, arena, &w, e);
	if (code != ERR_OK)
		return code;
	if (w.card.n > CARD_BYTES_MAX || w.content_hash.n != 32)
		return err_set(e, ERR_PEER, ERR_ITEM, "bad_facts", "card or hash of a wrong size");
	WIRE_HEAD(WIRE_COPY)
	wire_encode_facts(dst, out);
	return ERR_OK;
}
