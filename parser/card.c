#include "parser/card.h"
#include "common/wire/pack.h"
#include "parser/utf8.h"

/* How much of each a card of one size takes; tried from the largest. */
struct cut {
	size_t subject, preview, addresses, name, email, id;
};
static const struct cut CUTS[] = {
	{300, 400, 16, 80, 254, 250}, {250, 256, 8, 64, 200, 250}, {200, 180, 4, 48, 120, 200},
	{160, 120, 2, 40, 100, 160},  {120, 60, 1, 24, 60, 100},   {60, 30, 1, 0, 0, 0},
};
#define CUT_COUNT (sizeof(CUTS) / sizeof(CUTS[0]))

struct packer {
	struct buf *out;
	const struct cut *cut;
	bool lost;
};

static void put_text(struct packer *p, struct span s, size_t max)
{
	size_t n = utf8_cut(s, max);
	p->lost |= n < s.n;
	pack_put_str(p->out, (struct span){s.p, n});
}

static void put_addresses(struct packer *p, const char *key, const struct address_list *list)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count && count < p->cut->addresses; i++)
		count += list->items[i].email.n <= p->cut->email;
	p->lost |= count < list->count;
	if (count == 0)
		return;
	pack_put_cstr(p->out, key);
	pack_put_array(p->out, count);
	for (size_t i = 0; count > 0; i++) {
		const struct mail_address *a = &list->items[i];
		if (a->email.n > p->cut->email)
			continue;
		pack_put_array(p->out, 2);
		put_text(p, a->name, p->cut->name);
		pack_put_str(p->out, a->email);
		count--;
	}
}

static bool any_fits(const struct cut *cut, const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].email.n <= cut->email)
			return true;
	}
	return false;
}

static void pack_with(struct packer *p, const struct facts *f, const struct mime_message *m,
		      struct span derived)
{
	static const char *const keys[] = {"f", "t", "c", "b", "r", "e"};
	const struct address_list *lists[] = {&f->from, &f->to,	      &f->cc,
					      &f->bcc,	&f->reply_to, &f->sender};
	struct span id = f->message_id.count ? f->message_id.items[0] : (struct span){0};
	bool has_id = id.n > 0 && id.n <= p->cut->id && utf8_valid(id);
	size_t pairs = 4u + has_id + (derived.n > 0);
	for (int i = 0; i < 6; i++)
		pairs += any_fits(p->cut, lists[i]);
	p->lost |= id.n > 0 && !has_id;
	pack_put_map(p->out, pairs);
	pack_put_cstr(p->out, "s");
	put_text(p, f->subject, p->cut->subject);
	pack_put_cstr(p->out, "p");
	put_text(p, f->preview, p->cut->preview);
	for (int i = 0; i < 6; i++)
		put_addresses(p, keys[i], lists[i]);
	if (has_id) {
		pack_put_cstr(p->out, "i");
		pack_put_str(p->out, id);
	}
	if (derived.n > 0) {
		pack_put_cstr(p->out, "d");
		pack_put_str(p->out, derived);
	}
	pack_put_cstr(p->out, "h");
	pack_put_u64(p->out, f->traits & FACTS_ATTACHMENT ? 1 : 0);
	pack_put_cstr(p->out, "n");
	pack_put_u64(p->out, m->part_count);
}

void card_pack(struct facts *f, const struct mime_message *m, struct span derived, struct buf *out)
{
	for (size_t i = 0; i < CUT_COUNT; i++) {
		struct packer p = {out, &CUTS[i], false};
		buf_clear(out);
		pack_with(&p, f, m, derived);
		if (p.lost)
			f->traits |= FACTS_CARD_CUT;
		if (out->n <= CARD_BYTES_MAX)
			return;
	}
}
