/* Detail views: the conversations of a person, deal, lead or project, for who may see them (LNK-07, SHR-02). */
#include "common/store/keys.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/timeline.h"

/* The shared threads, and the viewer's own private ones: tl:<letter>:<id> and tl:<letter>:<id>:<user>. */
static void answer_timeline(struct http_request *r, char letter)
{
	struct span company = r->viewer.company, id = r->ids[0], user = r->viewer.user;
	struct timeline_source sources[2] = {0};
	struct timeline timeline = {.sources = sources, .source_count = 2};
	struct account_entry *accounts;

	if (!account_entry_list(r, &accounts, &timeline.account_count))
		return;
	timeline.accounts = accounts;
	sources[0].key = key_company_part(r->arena, company, KEY_C_TIMELINE,
					  span_cstr(arena_printf(r->arena, "%c:%.*s", letter,
								 (int)id.n, (const char *)id.p)));
	sources[1].key = key_company_part(
		r->arena, company, KEY_C_TIMELINE,
		span_cstr(arena_printf(r->arena, "%c:%.*s:%.*s", letter, (int)id.n,
				       (const char *)id.p, (int)user.n, (const char *)user.p)));
	timeline_answer(r, &timeline);
	http_answer_header(r, "Cache-Control", "no-store");
}

static void detail(struct http_request *r, enum mirror_kind kind, char letter)
{
	struct err e;
	json_t *object = mirror_get(r, kind, r->ids[0], &e);

	if (object)
		answer_timeline(r, letter);
	else if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else
		problem_not_found(r);
	json_decref(object);
}

static void person_threads(struct http_request *r)
{
	detail(r, MIRROR_PERSON, 'c');
}

static void deal_threads(struct http_request *r)
{
	detail(r, MIRROR_DEAL, 'd');
}

static void lead_threads(struct http_request *r)
{
	detail(r, MIRROR_LEAD, 'l');
}

static void project_threads(struct http_request *r)
{
	detail(r, MIRROR_PROJECT, 'p');
}

#define DETAIL(path, handler, what)                                                            \
	{                                                                                      \
		.method = HTTP_GET, .pattern = path, .need = NEED_USER, .scope = SCOPE_MAIL,   \
		.flags = ROUTE_PAGED, .handle = handler, .status = 200,                        \
		.summary = "Conversations of a " what " that the user may see, newest first.", \
	}

static const struct route routes[] = {
	DETAIL("/v1/people/{id}/threads", person_threads, "person"),
	DETAIL("/v1/deals/{id}/threads", deal_threads, "deal"),
	DETAIL("/v1/leads/{id}/threads", lead_threads, "lead"),
	DETAIL("/v1/projects/{id}/threads", project_threads, "project"),
};

ROUTE_TABLE(route_detail_table, "detail views", routes);
