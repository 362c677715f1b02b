/* Detail views: the conversations of a person, deal, lead or project, for who may see them (LNK-07, SHR-02). */
#include "common/store/keys.h"
#include "gateway/mirror.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/timeline.h"

/* tl:<letter>:<id>:<owner>: an owner's private threads; without an owner the shared ones. */
static struct span timeline_key(struct http_request *r, char letter, struct span owner)
{
	struct span id = r->ids[0];
	const char *part = arena_printf(r->arena, "%c:%.*s%s%.*s", letter, (int)id.n,
					(const char *)id.p, owner.n ? ":" : "", (int)owner.n,
					(const char *)owner.p);

	return key_company_part(r->arena, r->viewer.company, KEY_C_TIMELINE, span_cstr(part));
}

static void source_add(struct timeline *timeline, struct timeline_source *sources, struct span key)
{
	for (size_t i = 0; i < timeline->source_count; i++)
		if (span_eq(sources[i].key, key))
			return;
	sources[timeline->source_count++].key = key;
}

/* The shared threads, the viewer's own private ones, and those of the owners of the teams that the viewer is in. */
static void answer_timeline(struct http_request *r, char letter)
{
	struct timeline_source *sources;
	struct timeline timeline = {0};
	struct account_entry *accounts;

	if (!account_entry_list(r, &accounts, &timeline.account_count))
		return;
	sources = arena_array(r->arena, timeline.account_count + 2, sizeof(*sources));
	timeline.sources = sources;
	timeline.accounts = accounts;
	source_add(&timeline, sources, timeline_key(r, letter, span_make(NULL, 0)));
	source_add(&timeline, sources, timeline_key(r, letter, r->viewer.user));
	for (size_t i = 0; i < timeline.account_count; i++)
		if (account_belongs(&r->viewer, &accounts[i]))
			source_add(&timeline, sources, timeline_key(r, letter, accounts[i].user));
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
