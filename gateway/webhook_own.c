#include "gateway/webhook_own.h"

#include "gateway/bus_client.h"
#include "gateway/problem.h"

bool webhook_own_load(struct http_request *r, struct webhook_own *own)
{
	struct err e;

	if (webhook_load(r, r->ids[0], &own->webhook, &own->state, &own->json, &e) &&
	    span_eq(own->webhook.user, r->viewer.user))
		return true;
	if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
	return false;
}

bool webhook_own_call(struct http_request *r, const char *function, const struct span *args,
		      size_t count, struct span *answer_out)
{
	struct err e;

	if (webhook_call(r, function, args, count, answer_out, &e) == ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

void webhook_own_ring(struct http_request *r)
{
	bus_client_ring(r->app->bus, "events", r->viewer.company, SPAN_LIT(""));
}
