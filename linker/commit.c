#include "linker/commit.h"

#include "common/base/address.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"

#include <inttypes.h>

#define ARGUMENT_MAX (64u << 10)
#define SUBJECT_MAX 120u
#define RECORD_MAX 850u
#define RECORD_REST 36u /* version, thread, n, and what a decision by hand may take more */

/* Bits of the record (docs/data-model.md, m): traits of the facts are one bit lower. */
enum { RECORD_OUTGOING = 1, RECORD_PEOPLE_CUT = 128 };
enum { THREAD_RECEIVED = 1, THREAD_SENT = 2 };
enum { TRAITS = 31 };

const char *commit_status_name(enum commit_status status)
{
	static const char *const names[] = {"committed", "known",  "dead", "screened",
					    "reparsed",	 "absent", "gone", "failed"};

	return names[status];
}

/* At most max bytes, not in the middle of a UTF-8 character. */
static struct span cut_text(struct span text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && (text.p[max] & 0xc0) == 0x80)
		max--;
	return span_sub(text, 0, max);
}

/* Bits of the record; people_cut: it does not hold all people. */
static uint64_t record_bits(const struct wire_proposal *facts, const struct decide_result *decision,
			    bool people_cut)
{
	return (decision->outgoing ? RECORD_OUTGOING : 0u) | (facts->traits & TRAITS) << 1 |
	       (people_cut ? RECORD_PEOPLE_CUT : 0u);
}

static void put_people(struct buf *out, const struct decide_result *decision, size_t count)
{
	pack_put_array(out, count);
	for (size_t i = 0; i < count; i++)
		pack_put_str(out, decision->people[i]->id);
}

/* As in the record: the item, or the reason and the items that were open. */
static void put_decision(struct arena *arena, struct buf *out, const struct decide_result *decision)
{
	const struct decide_item *item = decision->item;

	pack_put_array(out, item ? 2 : 1 + decision->open_count);
	pack_put_str(out, item ? span_make(&item->kind, 1)
			       : span_cstr(decide_reason_name(decision->reason)));
	if (item)
		pack_put_str(out, item->id);
	for (size_t i = 0; !item && i < decision->open_count; i++)
		pack_put_cstr(out, arena_printf(arena, "%c:%.*s", decision->open[i]->kind,
						(int)decision->open[i]->id.n,
						(const char *)decision->open[i]->id.p));
}

/* The record's values from received_ms to people. */
static void put_head(struct buf *out, const struct wire_proposal *facts,
		     const struct decide_result *decision, size_t people)
{
	pack_put_i64(out, facts->received_ms);
	pack_put_i64(out, facts->sent_ms);
	pack_put_u64(out, facts->size);
	pack_put_str(out, facts->blob);
	pack_put_u64(out, record_bits(facts, decision, people < decision->people_count));
	put_people(out, decision, people);
}

/* The three parts of the record that are made here. The record stays within its maximum by leaving people out (the thread
 * has them all). */
static void put_record(struct arena *arena, struct buf *out, const struct wire_proposal *facts,
		       const struct decide_result *decision)
{
	size_t people = decision->people_count;
	struct buf head, choice, card;

	buf_init(&head, ARGUMENT_MAX);
	buf_init(&choice, ARGUMENT_MAX);
	buf_init(&card, ARGUMENT_MAX);
	put_decision(arena, &choice, decision);
	pack_put_str(&card, facts->card);
	put_head(&head, facts, decision, people);
	while (people > 0 && RECORD_REST + head.n + choice.n + card.n > RECORD_MAX) {
		people /= 2;
		buf_clear(&head);
		put_head(&head, facts, decision, people);
	}
	pack_put_str(out, buf_span(&head));
	pack_put_str(out, buf_span(&choice));
	pack_put_str(out, buf_span(&card));
	buf_fini(&head);
	buf_fini(&choice);
	buf_fini(&card);
}

/* When it passed the stages before, for whoever follows one message (OPS-03). */
static void put_way(struct buf *out, const struct wire_proposal *facts)
{
	pack_put_i64(out, facts->pushed_us / 1000);
	pack_put_i64(out, facts->proposed_us / 1000);
	pack_put_u64(out, facts->parse_us);
	pack_put_u64(out, facts->drive);
}

static void put_normalized(struct buf *out, struct span address)
{
	char normal[ADDRESS_MAX + 1];

	pack_put_cstr(out, address_normalize(address, normal) ? normal : "");
}

/* [[address, status]…], the Message-ID of what came back, and who wrote (linker/back.lua). */
static void put_back(struct buf *out, const struct wire_proposal *facts)
{
	pack_put_array(out, facts->bounces.count);
	for (size_t i = 0; i < facts->bounces.count; i++) {
		struct span s = facts->bounces.items[i];
		size_t blank = span_find_byte(s, ' ');

		pack_put_array(out, 2);
		put_normalized(out, span_sub(s, blank + 1, s.n));
		pack_put_str(out, span_sub(s, 0, blank));
	}
	pack_put_str(out, facts->bounced_id);
	put_normalized(out, facts->from.count ? facts->from.items[0].email : SPAN_LIT(""));
}

struct span commit_argument(struct arena *arena, const struct wire_proposal *facts,
			    const struct decide_result *decision)
{
	const struct decide_item *item = decision->item;
	struct buf b;

	buf_init(&b, ARGUMENT_MAX);
	pack_put_array(&b, 25);
	pack_put_str(&b, facts->id);
	pack_put_u64(&b, facts->mode == 1);
	pack_put_u64(&b, decision->screened);
	pack_put_i64(&b, facts->received_ms);
	pack_put_u64(&b, record_bits(facts, decision, false));
	pack_put_u64(&b, (decision->received ? THREAD_RECEIVED : 0u) |
				 (decision->sent ? THREAD_SENT : 0u));
	put_people(&b, decision, decision->people_count);
	pack_put_str(&b, decision->person ? decision->person->id : SPAN_LIT(""));
	pack_put_str(&b, item ? span_make(&item->kind, 1) : SPAN_LIT(""));
	pack_put_str(&b, item ? item->id : SPAN_LIT(""));
	pack_put_cstr(&b, decide_reason_name(decision->reason));
	pack_put_cstr(&b, decision->is_private ? "p" : "s");
	pack_put_str(&b, cut_text(facts->subject, SUBJECT_MAX));
	pack_put_array(&b, facts->keys.count);
	for (size_t i = 0; i < facts->keys.count; i++)
		pack_put_str(&b, facts->keys.items[i]);
	pack_put_str(&b, facts->submission);
	put_record(arena, &b, facts, decision);
	put_way(&b, facts);
	put_back(&b, facts);
	struct span argument = arena_span(arena, buf_span(&b));

	buf_fini(&b);
	return argument;
}

struct store_command commit_call(struct arena *arena, struct span company, struct span account,
				 uint64_t generation, int64_t now_ms, const struct span *messages,
				 size_t count)
{
	struct span *args = arena_array(arena, 6 + count, sizeof(*args));
	size_t n = 0;

	args[n++] = SPAN_LIT("FCALL");
	args[n++] = SPAN_LIT("linker_1_commit");
	args[n++] = SPAN_LIT("1");
	args[n++] = key_account_tag(arena, company, account);
	args[n++] = span_cstr(arena_printf(arena, "%" PRIu64, generation));
	args[n++] = span_cstr(arena_printf(arena, "%" PRId64, now_ms));
	for (size_t i = 0; i < count; i++)
		args[n++] = messages[i];
	return (struct store_command){args, n};
}

static enum commit_status status_of(struct span word)
{
	for (unsigned s = 0; s < COMMIT_FAILED; s++)
		if (span_eq(word, span_cstr(commit_status_name(s))))
			return (enum commit_status)s;
	return COMMIT_FAILED;
}

bool commit_read(const struct store_reply *reply, size_t count, struct arena *arena,
		 struct commit_answer *answer_out)
{
	const struct store_reply *part = reply->items;

	*answer_out = (struct commit_answer){0};
	if (reply->type != STORE_ARRAY || reply->count == 0)
		return false;
	answer_out->gone = span_eq(part[0].string, SPAN_LIT("gone"));
	if (answer_out->gone)
		return true;
	if (reply->count < 5 || part[1].count != count || part[2].type != STORE_INT)
		return false;
	for (size_t i = 0; i < count; i++)
		answer_out->status[i] = status_of(part[1].items[i].string);
	answer_out->first_n = (uint64_t)part[2].integer;
	answer_out->entry_count = part[3].count;
	answer_out->entries = arena_array(arena, part[3].count, sizeof(struct span));
	for (size_t i = 0; i < part[3].count; i++)
		answer_out->entries[i] = part[3].items[i].string;
	answer_out->merges = (uint64_t)part[4].integer;
	return true;
}
