#include "gateway/backfill_view.h"

#include <stdlib.h>

#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "common/base/utf7.h"

#define PATH_MAX_SHOWN 4096

bool backfill_boxes_load(struct http_request *r, const struct account_entry *entry,
			 struct store_reply *boxes_out)
{
	struct err e;

	if (store_do(r->store, r->arena, boxes_out, &e, "HGETALL %b",
		     key_account(r->arena, r->viewer.company, entry->id, KEY_A_MAILBOXES)) ==
	    ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

struct span backfill_box_path(struct http_request *r, struct span packed)
{
	struct pack_reader p = pack_reader_make(packed);
	const bool whole = pack_read_array(&p) > 0;
	const struct span path = pack_read_bytes(&p);
	struct span text;
	struct buf shown;

	if (!whole || p.bad)
		return SPAN_LIT("");
	buf_init(&shown, PATH_MAX_SHOWN);
	utf7_decode(path, &shown);
	text = arena_span(r->arena, buf_span(&shown));
	buf_fini(&shown);
	return text;
}

static struct span member(const struct store_reply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < pairs->count; i += 2)
		if (span_eq(pairs->items[i].string, span_cstr(name)))
			return pairs->items[i + 1].string;
	return SPAN_LIT("");
}

static int64_t number_of(struct span text)
{
	uint64_t value = 0;

	return span_to_u64(text, INT64_MAX, &value) ? (int64_t)value : 0;
}

static void take_request(struct backfill_shown *s, const struct store_reply *pairs)
{
	s->since = member(pairs, "since");
	s->until = member(pairs, "until");
	s->people = member(pairs, "people");
	s->mailboxes = member(pairs, "mailboxes");
	s->requested = member(pairs, "requested");
}

bool backfill_is_at_work(const struct backfill_shown *s)
{
	return span_eq(s->state, SPAN_LIT("queued")) || span_eq(s->state, SPAN_LIT("counting")) ||
	       span_eq(s->state, SPAN_LIT("running"));
}

/* What was asked and not done yet counts as done: who pauses sees it paused. */
static void take_command(struct backfill_shown *s, const struct store_reply *pairs)
{
	const struct span op = member(pairs, "op");

	if (!span_eq(member(pairs, "kind"), SPAN_LIT("backfill")))
		return;
	if (span_eq(op, SPAN_LIT("begin")) && !span_eq(s->id, member(pairs, "backfill"))) {
		s->id = member(pairs, "backfill");
		s->state = SPAN_LIT("queued");
		s->progress = NULL;
		take_request(s, pairs);
	} else if (span_eq(op, SPAN_LIT("pause")) && backfill_is_at_work(s)) {
		s->state = SPAN_LIT("paused");
	} else if (span_eq(op, SPAN_LIT("resume")) && span_eq(s->state, SPAN_LIT("paused"))) {
		s->state = SPAN_LIT("running");
	} else if (span_eq(op, SPAN_LIT("cancel")) &&
		   (backfill_is_at_work(s) || span_eq(s->state, SPAN_LIT("paused")))) {
		s->state = SPAN_LIT("cancelled");
	}
}

static void take_state(struct backfill_shown *s, const struct store_reply *bf)
{
	if (bf->count == 0) {
		s->state = SPAN_LIT("none");
		return;
	}
	s->progress = bf;
	s->id = member(bf, "id");
	s->state = member(bf, "state");
	if (span_eq(s->state, SPAN_LIT("running")) &&
	    !span_eq(member(bf, "counted"), SPAN_LIT("1")))
		s->state = SPAN_LIT("counting");
	take_request(s, bf);
}

bool backfill_shown_load(struct http_request *r, const struct account_entry *entry,
			 struct backfill_shown *s)
{
	const struct span company = r->viewer.company;
	const struct store_command commands[2] = {
		store_command(r->arena, "HGETALL %b",
			      key_account(r->arena, company, entry->id, KEY_A_BACKFILL)),
		store_command(r->arena, "XRANGE %b - +",
			      key_account(r->arena, company, entry->id, KEY_A_COMMANDS))};
	struct store_reply *replies = arena_array(r->arena, 2, sizeof(*replies));
	struct err e;

	memset(s, 0, sizeof(*s));
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	take_state(s, &replies[0]);
	for (size_t i = 0; i < replies[1].count; i++)
		if (replies[1].items[i].count == 2)
			take_command(s, &replies[1].items[i].items[1]);
	return true;
}

static json_t *folders_json(struct http_request *r, const struct store_reply *boxes,
			    struct span numbers)
{
	json_t *list;

	if (numbers.n == 0)
		return json_string("all");
	list = json_array();
	while (numbers.n > 0) {
		const size_t end = span_find_byte(numbers, ',');
		const struct span number = span_sub(numbers, 0, end);

		for (size_t i = 0; i + 1 < boxes->count; i += 2)
			if (span_eq(boxes->items[i].string, number))
				json_array_append_new(list,
						      json_from_span(backfill_box_path(
							      r, boxes->items[i + 1].string)));
		numbers = span_sub(numbers, end + 1, numbers.n);
	}
	return list;
}

static void put_progress(json_t *object, const struct backfill_shown *s)
{
	static const struct store_reply nothing;
	const struct store_reply *p = s->progress ? s->progress : &nothing;
	const bool counted = span_eq(member(p, "counted"), SPAN_LIT("1"));
	const int64_t total = number_of(member(p, "total")), done = number_of(member(p, "done"));
	const struct span rate_text = member(p, "rate");
	char text[32] = "";
	double rate;

	memcpy(text, rate_text.p ? (const char *)rate_text.p : "",
	       rate_text.n < 31 ? rate_text.n : 31);
	rate = backfill_is_at_work(s) ? strtod(text, NULL) : 0;
	json_object_set_new(object, "total",
			    counted ? json_integer((json_int_t)total) : json_null());
	json_object_set_new(object, "done", json_integer((json_int_t)done));
	json_object_set_new(object, "unknownPeople",
			    json_integer((json_int_t)number_of(member(p, "unknown"))));
	json_object_set_new(object, "refused",
			    json_integer((json_int_t)number_of(member(p, "refused"))));
	json_object_set_new(object, "rate", json_real(rate));
	json_object_set_new(object, "remainingSeconds",
			    counted && rate > 0.01 && total > done
				    ? json_integer((json_int_t)((double)(total - done) / rate) + 1)
				    : json_null());
	json_object_set_new(object, "startedAt", json_from_time(number_of(member(p, "started"))));
	json_object_set_new(object, "finishedAt", json_from_time(number_of(member(p, "finished"))));
}

static json_t *or_null(struct span text)
{
	return text.n ? json_from_span(text) : json_null();
}

void backfill_answer(struct http_request *r, const struct account_entry *entry, unsigned status)
{
	struct store_reply boxes = {.count = 0};
	struct backfill_shown s;
	json_t *object;

	if (!backfill_shown_load(r, entry, &s) ||
	    (s.mailboxes.n && !backfill_boxes_load(r, entry, &boxes)))
		return;
	object = json_pack("{s:o s:o s:o s:o s:o s:o}", "id", or_null(s.id), "state",
			   json_from_span(s.state), "since", json_from_time(number_of(s.since)),
			   "until", json_from_time(number_of(s.until)), "people", or_null(s.people),
			   "requestedAt", json_from_time(number_of(s.requested)));
	/* Names of folders are the mailbox's content. */
	if (account_belongs(&r->viewer, entry))
		json_object_set_new(object, "folders", folders_json(r, &boxes, s.mailboxes));
	put_progress(object, &s);
	http_answer_json(r, status, object);
}
