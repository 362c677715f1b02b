#include "gateway/account.h"

#include <stdlib.h>

#include "common/blob/blob.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/json.h"
#include "gateway/problem.h"

/* Lua has one empty table, which packs as an empty map or array. */
static size_t pack_read_list(struct pack_reader *p)
{
	return pack_peek(p) == PACK_MAP ? pack_read_map(p) : pack_read_array(p);
}

/* [number, user, email, [member…], removed] */
static bool entry_decode(struct http_request *r, struct span id, struct span packed,
			 struct account_entry *entry_out)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t elements = pack_read_array(&p);
	struct account_entry *a = entry_out;

	memset(a, 0, sizeof(*a));
	a->id = id;
	if (elements < 3)
		return false;
	a->number = pack_read_u64(&p);
	a->user = pack_read_bytes(&p);
	a->email = pack_read_bytes(&p);
	a->member_count = elements > 3 ? pack_read_list(&p) : 0;
	a->members = arena_array(r->arena, a->member_count + 1, sizeof(*a->members));
	for (size_t i = 0; i < a->member_count; i++)
		a->members[i] = pack_read_bytes(&p);
	a->removed = elements > 4 && pack_read_u64(&p) == 1;
	pack_skip_n(&p, elements > 5 ? elements - 5 : 0);
	return pack_done(&p);
}

bool account_entry_find(struct http_request *r, struct span account,
			struct account_entry *entry_out)
{
	struct store_reply reply;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %b",
		     key_company(r->arena, r->viewer.company, KEY_C_ACCOUNTS), account) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (reply.type != STORE_STRING || !entry_decode(r, account, reply.string, entry_out))
		*entry_out = (struct account_entry){.id = account};
	return true;
}

bool account_entry_get(struct http_request *r, struct span account, struct account_entry *entry_out)
{
	if (!account_entry_find(r, account, entry_out))
		return false;
	if (entry_out->user.n)
		return true;
	problem_not_found(r);
	return false;
}

static int compare_entries(const void *a, const void *b)
{
	const struct account_entry *left = a, *right = b;

	return span_compare(left->id, right->id);
}

bool account_entry_list(struct http_request *r, struct account_entry **entries_out,
			size_t *count_out)
{
	struct store_reply reply;
	size_t count = 0;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HGETALL %b",
		     key_company(r->arena, r->viewer.company, KEY_C_ACCOUNTS)) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	*entries_out = arena_array(r->arena, reply.count / 2 + 1, sizeof(**entries_out));
	for (size_t i = 0; i + 1 < reply.count; i += 2)
		if (entry_decode(r, reply.items[i].string, reply.items[i + 1].string,
				 &(*entries_out)[count]))
			count++;
	qsort(*entries_out, count, sizeof(**entries_out), compare_entries);
	*count_out = count;
	return true;
}

json_t *account_members_json(const struct account_entry *entry)
{
	json_t *members = json_array();

	for (size_t i = 0; i < entry->member_count; i++)
		json_array_append_new(members, json_from_span(entry->members[i]));
	return members;
}

bool account_belongs(const struct viewer *viewer, const struct account_entry *entry)
{
	if (!viewer->user.n)
		return false;
	if (span_eq(viewer->user, entry->user))
		return true;
	for (size_t i = 0; i < entry->member_count; i++)
		if (span_eq(viewer->user, entry->members[i]))
			return true;
	return false;
}

bool account_manages(const struct viewer *viewer, const struct account_entry *entry)
{
	return (viewer->kind == VIEWER_COMPANY && !viewer->user.n) ||
	       account_belongs(viewer, entry);
}

enum err_code account_secrets_get(struct http_request *r, struct span account,
				  struct account_secrets *out, struct err *e)
{
	struct span company = r->viewer.company;
	struct store_reply reply;
	enum err_code code;

	code = store_do(r->store, r->arena, &reply, e, "HMGET %b gen key",
			key_account(r->arena, company, account, KEY_A_ACCOUNT));
	if (code != ERR_OK)
		return code;
	if (reply.count < 2 || reply.items[1].type != STORE_STRING ||
	    !span_to_u64(reply.items[0].string, INT64_MAX, &out->generation))
		return err_set(e, ERR_GONE, ERR_ACCOUNT, "account_erased",
			       "the account was erased");
	return blob_data_key_open(&r->app->mail_key, company, account, reply.items[1].string,
				  &out->data_key, e);
}
