#include "linker/rebuild.h"

#include "common/base/clock.h"
#include "common/base/code.h"
#include "common/store/keys.h"
#include "linker/events.h"
#include "linker/scan.h"

#include <stdlib.h>

#define ACCOUNTS_MAX 100000u

struct rebuild {
	struct store *store;
	struct arena *arena, *step;
	struct span company;
	struct span *accounts;
	size_t count;
	struct events *events;
};

static enum err_code list_accounts(struct rebuild *r, struct err *e)
{
	struct store_reply reply;
	enum err_code code = store_do(r->store, r->arena, &reply, e, "HKEYS %b",
				      key_global(r->arena, KEY_G_ACCOUNTS));

	if (code != ERR_OK)
		return code;
	r->accounts = arena_array(r->arena, reply.count, sizeof(*r->accounts));
	for (size_t i = 0; i < reply.count; i++) {
		struct span name = reply.items[i].string;
		size_t slash = span_find_byte(name, '/');

		if (span_eq(span_sub(name, 0, slash), r->company))
			r->accounts[r->count++] = span_sub(name, slash + 1, name.n);
	}
	return ERR_OK;
}

static enum err_code mark(struct rebuild *r, struct err *e)
{
	struct span key = key_company_tag(r->arena, r->company);
	struct store_reply reply;

	return store_fcall(r->store, "linker_1_rebuild_begin", &key, 1, r->accounts, r->count,
			   r->arena, &reply, e);
}

static enum err_code drop_timeline(void *ctx, struct span name, struct span value, struct err *e)
{
	struct rebuild *r = ctx;
	struct store_reply reply;

	(void)value;
	arena_reset(r->step);
	return store_do(r->store, r->step, &reply, e, "UNLINK %b", name);
}

struct account {
	struct span id, number_text;
	uint64_t number, n;
};

static enum err_code read_account(struct rebuild *r, struct account *a, struct err *e)
{
	struct store_command command = store_command(r->arena, "FCALL linker_1_account 1 %b",
						     key_account_tag(r->arena, r->company, a->id));
	struct store_reply reply;
	enum err_code code = store_call(r->store, command.args, command.count, r->arena, &reply, e);

	if (code != ERR_OK)
		return code;
	if (reply.count < 4 || !span_to_u64(reply.items[1].string, UINT32_MAX, &a->number) ||
	    !span_to_u64(reply.items[3].string, UINT64_MAX, &a->n))
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "bad_account",
			       "account %.*s has no number", (int)a->id.n, (const char *)a->id.p);
	a->number_text = reply.items[1].string;
	return ERR_OK;
}

static enum err_code place(struct rebuild *r, const struct account *a,
			   const struct store_reply *snapshot, struct err *e)
{
	struct span key = key_company_tag(r->step, r->company);
	struct span *args = arena_array(r->step, snapshot->count, sizeof(*args));
	struct store_reply reply;

	args[0] = a->number_text;
	for (size_t i = 1; i < snapshot->count; i++)
		args[i] = snapshot->items[i].string;
	return store_fcall(r->store, "linker_1_place", &key, 1, args, snapshot->count, r->step,
			   &reply, e);
}

static enum err_code place_all(struct rebuild *r, const struct account *a, uint64_t *threads_out,
			       struct err *e)
{
	uint64_t cursor = 0;
	enum err_code code;

	*threads_out = 0;
	do {
		struct store_reply reply;
		struct span key, at;

		arena_reset(r->step);
		key = key_account_tag(r->step, r->company, a->id);
		at = span_cstr(arena_printf(r->step, "%llu", (unsigned long long)cursor));
		code = store_fcall(r->store, "linker_1_snapshot", &key, 1, &at, 1, r->step, &reply,
				   e);
		if (code != ERR_OK)
			return code;
		if (reply.count < 1 || !span_to_u64(reply.items[0].string, UINT64_MAX, &cursor))
			return err_set(e, ERR_PERM, ERR_ACCOUNT, "redis_answer", "no cursor");
		*threads_out += reply.count - 1;
		if (reply.count > 1)
			code = place(r, a, &reply, e);
	} while (code == ERR_OK && cursor != 0);
	return code;
}

static enum err_code end_account(struct rebuild *r, const struct account *a, struct err *e)
{
	struct span key, args[2] = {a->id, {0}};
	struct store_reply reply;

	arena_reset(r->step);
	key = key_company_tag(r->step, r->company);
	args[1] = span_cstr(arena_printf(r->step, "%llu", (unsigned long long)a->n));
	return store_fcall(r->store, "linker_1_rebuild_end", &key, 1, args, 2, r->step, &reply, e);
}

static enum err_code rebuild_account(struct rebuild *r, struct span id, FILE *out, struct err *e)
{
	struct account a = {.id = id};
	uint64_t threads = 0, events = 0;
	enum err_code code = read_account(r, &a, e);

	if (code == ERR_OK)
		code = place_all(r, &a, &threads, e);
	if (code == ERR_OK)
		code = events_mend(r->events, id, (uint32_t)a.number, a.n, &events, e);
	if (code == ERR_OK)
		code = end_account(r, &a, e);
	if (code == ERR_OK)
		fprintf(out, "%.*s/%.*s threads=%llu events=%llu applied=%llu\n", (int)r->company.n,
			(const char *)r->company.p, (int)id.n, (const char *)id.p,
			(unsigned long long)threads, (unsigned long long)events,
			(unsigned long long)a.n);
	return code;
}

enum err_code rebuild_company(struct store *store, struct span company, FILE *out, struct err *e)
{
	struct rebuild r = {.store = store, .company = company};
	enum err_code code;

	r.arena = arena_new(0);
	r.step = arena_new(0);
	r.events = events_new(store, company);
	code = list_accounts(&r, e);
	if (code == ERR_OK)
		code = mark(&r, e);
	if (code == ERR_OK)
		code = scan_keys(store, key_company(r.arena, company, KEY_C_TIMELINE),
				 drop_timeline, &r, e);
	if (code == ERR_OK)
		code = events_read(r.events, e);
	for (size_t i = 0; code == ERR_OK && i < r.count; i++)
		code = rebuild_account(&r, r.accounts[i], out, e);
	events_free(&r.events);
	arena_free(&r.step);
	arena_free(&r.arena);
	return code;
}
