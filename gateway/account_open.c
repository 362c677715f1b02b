#include "gateway/account_open.h"

#include "gateway/problem.h"

bool account_open(struct http_request *r, bool removed, struct account_entry *entry_out)
{
	if (!account_entry_get(r, r->ids[0], entry_out))
		return false;
	if (account_manages(&r->viewer, entry_out) && (removed || !entry_out->removed))
		return true;
	problem_not_found(r);
	return false;
}
