#include "gateway/find_ask.h"

#include <time.h>

#include "common/base/clock.h"
#include "common/store/keys.h"
#include "gateway/bus_client.h"
#include "gateway/problem.h"

#define WAITING_MAX 64 /* commands of an account */
#define WAIT_MS 20000
#define SPARE_MS 1000 /* of the request's time, for the answer */
#define PAUSE_MS 50

static bool is_same(const struct store_reply *entry, const struct span *fields, size_t count)
{
	const struct store_reply *has = entry->count == 2 ? &entry->items[1] : NULL;

	if (!has || has->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!span_eq(has->items[i].string, fields[i]))
			return false;
	return true;
}

static bool is_read(struct span state)
{
	return span_eq(state, SPAN_LIT("connected")) || span_eq(state, SPAN_LIT("syncing"));
}

/* What waits is not asked twice, and a heap of questions does not grow. */
static enum find_asked look(struct http_request *r, const struct account_entry *account,
			    const struct span *fields, size_t count, struct span *id_out)
{
	struct store_reply replies[2];
	struct store_command commands[2] = {
		store_command(r->arena, "HGET %b state",
			      key_account(r->arena, r->viewer.company, account->id, KEY_A_STATE)),
		store_command(r->arena, "XRANGE %b - + COUNT %d",
			      key_account(r->arena, r->viewer.company, account->id, KEY_A_COMMANDS),
			      (int64_t)WAITING_MAX)};
	struct err e;

	*id_out = SPAN_LIT("");
	if (store_pipeline(r->store, commands, 2, r->arena, replies, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return FIND_ASK_FAILED;
	}
	if (replies[0].type != STORE_STRING || !is_read(replies[0].string))
		return FIND_ASK_IDLE;
	for (size_t i = 0; i < replies[1].count; i++)
		if (is_same(&replies[1].items[i], fields, count))
			*id_out = replies[1].items[i].items[0].string;
	if (!id_out->n && replies[1].count >= WAITING_MAX) {
		problem_answer(r, PROBLEM_UNAVAILABLE,
			       "Too much waits to be done for the account.");
		problem_retry_after(r, 5);
		return FIND_ASK_FAILED;
	}
	return FIND_ASKED;
}

enum find_asked find_ask(struct http_request *r, const struct account_entry *account,
			 const struct span *fields, size_t count, struct span *id_out)
{
	struct span args[3 + 2 * FIND_ASK_PAIRS_MAX] = {
		SPAN_LIT("XADD"),
		key_account(r->arena, r->viewer.company, account->id, KEY_A_COMMANDS),
		SPAN_LIT("*")};
	enum find_asked asked = look(r, account, fields, count, id_out);
	struct store_reply reply;
	struct err e;

	if (asked != FIND_ASKED)
		return asked;
	for (size_t i = 0; i < count; i++)
		args[3 + i] = fields[i];
	if (!id_out->n) {
		if (store_call(r->store, args, 3 + count, r->arena, &reply, &e) != ERR_OK) {
			problem_from_err(r, &e);
			return FIND_ASK_FAILED;
		}
		*id_out = reply.string;
	}
	bus_client_ring(r->app->bus, "accounts", r->viewer.company, account->id);
	return FIND_ASKED;
}

int64_t find_ask_until(const struct http_request *r)
{
	const int64_t left_ms = http_left_ms(r) - SPARE_MS;

	return clock_mono_ms() + (left_ms < WAIT_MS ? left_ms : WAIT_MS);
}

bool find_ask_pause(int64_t until_mono_ms)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

	if (clock_mono_ms() >= until_mono_ms)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* The id of a stream's entry is two numbers. */
static void id_parts(struct span id, uint64_t out[2])
{
	const size_t dash = span_find_byte(id, '-');

	if (!span_to_u64(span_sub(id, 0, dash), UINT64_MAX, &out[0]))
		out[0] = 0;
	if (!span_to_u64(span_sub(id, dash + 1, id.n), UINT64_MAX, &out[1]))
		out[1] = 0;
}

bool find_ask_reached(struct span a, struct span b)
{
	uint64_t left[2], right[2];

	id_parts(a, left);
	id_parts(b, right);
	return left[0] > right[0] || (left[0] == right[0] && left[1] >= right[1]);
}
