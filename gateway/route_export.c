/* Export of a mailbox (INB-04), by its people alone. */
#include "gateway/export.h"
#include "gateway/json.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

static void export_get(struct http_request *r)
{
	const char *format = http_query(r, "format");
	bool mbox = format && strcmp(format, "mbox") == 0;
	struct account_entry entry;

	if (!account_entry_get(r, r->ids[0], &entry))
		return;
	if (!account_belongs(&r->viewer, &entry)) {
		problem_not_found(r);
		return;
	}
	http_answer_header(r, "Content-Disposition",
			   arena_printf(r->arena, "attachment; filename=\"%.*s.%s\"",
					(int)entry.id.n, (const char *)entry.id.p,
					mbox ? "mbox" : "ndjson"));
	export_answer(r, &entry, mbox);
}

static const char *const FORMATS[] = {"json", "mbox", NULL};
static const struct json_field QUERY[] = {
	{.name = "format",
	 .type = FIELD_ENUM,
	 .values = FORMATS,
	 .help = "json (default): one object a line, by `kind`: account, thread, message, "
		 "submission, setAside, and `end` with the counts as the last. mbox: the "
		 "messages."},
	{.name = NULL},
};

static const struct route ROUTES[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/accounts/{id}/export",
	 .need = NEED_USER,
	 .scope = SCOPE_MAIL,
	 .handle = export_get,
	 .query = QUERY,
	 .status = 200,
	 .summary = "All that is stored of the mailbox, oldest first, also of one that was taken "
		    "away with its mail kept."},
};

ROUTE_TABLE(route_export_table, "accounts", ROUTES);
