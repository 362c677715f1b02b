/* Events: a page of them, waiting for the next (long poll), or a stream (server-sent events). */
#include <stdlib.h>

#include "common/base/clock.h"
#include "gateway/event_view.h"
#include "gateway/problem.h"
#include "gateway/routes.h"
#include "gateway/stream.h"

enum {
	LIMIT_DEFAULT = 50,
	LIMIT_MAX = 200,
	WAIT_DEFAULT_S = 25,
	WAIT_MAX_S = 25,
	HEARTBEAT_MS = 15000,
	POLL_EVERY_MS = 1000, /* also what a lost ring costs */
	STREAM_EVERY_MS = 3000,
};

/* One reader, for as long as its answer takes. */
struct reader {
	struct event_position at;
	struct event_types types;
	size_t limit;
	int64_t end_mono_ms; /* of a long poll */
	int64_t sent_mono_ms; /* of a stream: the last octet */
};

static void reader_free(void *ctx)
{
	free(ctx);
}

static struct reader *reader_new(const struct reader *from)
{
	struct reader *reader = malloc(sizeof(*reader));

	if (!reader)
		abort();
	*reader = *from;
	return reader;
}

static void events_drop(struct event_made *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(events[i].json);
}

/* {"data":[…],"nextAfter":"…"}; events are taken over. */
static json_t *page_json(struct http_request *r, const struct reader *reader,
			 const struct event_made *events, size_t count)
{
	json_t *data = json_array(), *next;
	struct buf text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(data, events[i].json);
	buf_init(&text, 256);
	event_position_format(r, &reader->at, &text);
	next = json_stringn((const char *)text.p, text.n);
	buf_fini(&text);
	return json_pack("{s:o s:o}", "data", data, "nextAfter", next);
}

static int json_write(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

/*
 * One turn of a waiting reader is a request of its own: with its own arena and clock, and asking anew who is asking, so
 * that a token that was deleted, or a user who left a group, is told nothing more.
 */
struct turn {
	struct http_request request;
	struct event_made events[LIMIT_MAX];
	size_t count;
	bool end; /* nothing is left to look at */
	bool refused; /* the viewer may no longer ask */
};

static struct turn *turn_begin(const struct http_request *r)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (!turn)
		abort();
	turn->request = *r;
	turn->request.arena = arena_new(0);
	turn->request.viewer = (struct viewer){0};
	turn->request.answer = (struct http_answer){0};
	turn->request.now_ms = clock_wall_ms();
	turn->request.deadline_mono_ms = clock_mono_ms() + r->app->conf->request_ms;
	buf_init(&turn->request.answer.body, HTTP_ANSWER_MAX);
	return turn;
}

static void turn_end(struct turn **turn)
{
	events_drop((*turn)->events, (*turn)->count);
	buf_fini(&(*turn)->request.answer.body);
	arena_free(&(*turn)->request.arena);
	free(*turn);
	*turn = NULL;
}

static void turn_run(struct turn *turn, struct reader *reader)
{
	struct http_request *r = &turn->request;
	struct err e;

	turn->end = true;
	if (!auth_check(r)) {
		turn->refused = r->answer.status < 500;
		return;
	}
	if (event_view_next(r, reader->types, reader->limit, &reader->at, turn->events,
			    &turn->count, &turn->end, &e) != ERR_OK)
		turn->end = true; /* looked at again in a while */
}

static enum stream_verdict poll_next(struct http_request *r, void *ctx, struct buf *out)
{
	struct reader *reader = ctx;
	struct turn *turn = turn_begin(r);
	enum stream_verdict verdict = STREAM_END;
	json_t *page;

	turn_run(turn, reader);
	if (!turn->count && !turn->refused && clock_mono_ms() < reader->end_mono_ms) {
		verdict = turn->end ? STREAM_MORE : STREAM_AGAIN;
		goto out;
	}
	page = page_json(r, reader, turn->events, turn->count);
	turn->count = 0;
	json_dump_callback(page, json_write, out, JSON_COMPACT);
	json_decref(page);
out:
	turn_end(&turn);
	return verdict;
}

static void frame_put(struct buf *out, const struct event_made *event)
{
	buf_printf(out, "id: %s\nevent: %s\ndata: ", event->id, event->name);
	json_dump_callback(event->json, json_write, out, JSON_COMPACT);
	buf_put_cstr(out, "\n\n");
}

/* Keeps the connection, and tells where the reader stands, so that coming back it need not look at all again. */
static void heartbeat_put(struct http_request *r, const struct reader *reader, struct buf *out)
{
	buf_put_cstr(out, ": heartbeat\nid: ");
	event_position_format(r, &reader->at, out);
	buf_put_cstr(out, "\n\n");
}

static enum stream_verdict stream_next(struct http_request *r, void *ctx, struct buf *out)
{
	struct reader *reader = ctx;
	struct turn *turn = turn_begin(r);
	int64_t now = clock_mono_ms();
	enum stream_verdict verdict = STREAM_MORE;

	turn_run(turn, reader);
	if (turn->refused)
		verdict = STREAM_END;
	else if (!turn->end)
		verdict = STREAM_AGAIN;
	for (size_t i = 0; i < turn->count; i++)
		frame_put(out, &turn->events[i]);
	if (!turn->count && !turn->refused && now - reader->sent_mono_ms >= HEARTBEAT_MS)
		heartbeat_put(&turn->request, reader, out);
	if (out->n)
		reader->sent_mono_ms = now;
	turn_end(&turn);
	return verdict;
}

static const struct http_stream_def poll_def = {poll_next, reader_free, POLL_EVERY_MS};
static const struct http_stream_def stream_def = {stream_next, reader_free, STREAM_EVERY_MS};

/* A number in a query parameter. False: 400 is answered. */
static bool number_read(struct http_request *r, const char *name, uint64_t min, uint64_t max,
			uint64_t fallback, uint64_t *out)
{
	const char *text = http_query(r, name);

	*out = fallback;
	if (!text || (span_to_u64(span_cstr(text), max, out) && *out >= min))
		return true;
	problem_answer(r, PROBLEM_INVALID_PARAMETER, "%s must be from %u to %u.", name,
		       (unsigned)min, (unsigned)max);
	return false;
}

static bool types_read(struct http_request *r, struct event_types *types)
{
	const char *text = http_query(r, "types"), *unknown;

	if (!text || event_types_parse(r, text, types, &unknown))
		return true;
	problem_answer(r, PROBLEM_INVALID_PARAMETER, "types: `%s` is no event.", unknown);
	return false;
}

/* Where to begin: behind an event, or at a position that was given out. */
static bool after_read(struct http_request *r, struct event_position *at)
{
	const char *header = http_header(r, "Last-Event-ID");
	struct span text = span_cstr(header && *header ? header : http_query(r, "after"));
	struct event_accounts accounts;
	struct event_ref ref;
	struct err e;
	bool found;

	if (!text.n || event_position_parse(r, text, at))
		return true;
	if (!event_id_parse(&r->app->token_key, r->viewer.company, text, &ref)) {
		problem_answer(r, PROBLEM_INVALID_PARAMETER, "after is no event's id.");
		return false;
	}
	if (!account_entry_list(r, &accounts.entries, &accounts.count))
		return false;
	if (event_feed_find(r, &accounts, &ref, at, &found, &e) == ERR_OK)
		return true;
	problem_from_err(r, &e);
	return false;
}

static bool wants_stream(const struct http_request *r)
{
	const char *accept = http_header(r, "Accept");

	return accept && strstr(accept, "text/event-stream");
}

/* What is there already is answered at once; else the connection waits. */
static void poll_answer(struct http_request *r, struct reader *reader, uint64_t wait_s)
{
	struct event_made *events = arena_array(r->arena, LIMIT_MAX, sizeof(*events));
	size_t count;
	struct err e;
	bool end;

	if (event_view_next(r, reader->types, reader->limit, &reader->at, events, &count, &end,
			    &e) != ERR_OK) {
		problem_from_err(r, &e);
		return;
	}
	if (count || !wait_s) {
		http_answer_json(r, 200, page_json(r, reader, events, count));
		return;
	}
	reader->end_mono_ms = clock_mono_ms() + (int64_t)wait_s * 1000;
	http_answer_stream(r, 200, "application/json", &poll_def, reader_new(reader));
}

static void list_events(struct http_request *r)
{
	struct reader reader = {.sent_mono_ms = clock_mono_ms() - HEARTBEAT_MS};
	uint64_t limit, wait_s;

	if (!number_read(r, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit) ||
	    !number_read(r, "wait", 0, WAIT_MAX_S, WAIT_DEFAULT_S, &wait_s) ||
	    !types_read(r, &reader.types) || !after_read(r, &reader.at))
		return;
	reader.limit = (size_t)limit;
	if (!wants_stream(r)) {
		poll_answer(r, &reader, wait_s);
		return;
	}
	http_answer_stream(r, 200, "text/event-stream", &stream_def, reader_new(&reader));
	http_answer_header(r, "X-Accel-Buffering", "no");
}

static const struct json_field events_query[] = {
	{.name = "after",
	 .type = FIELD_TEXT,
	 .help = "The id of the last event the reader has, or the `nextAfter` of the last answer; "
		 "without it the oldest kept event comes first. The header Last-Event-ID does the "
		 "same."},
	{.name = "types",
	 .type = FIELD_TEXT,
	 .help = "Names of the events wanted, with commas between; without it all."},
	{.name = "limit",
	 .type = FIELD_INT,
	 .min = 1,
	 .max = LIMIT_MAX,
	 .help = "50 if not given."},
	{.name = "wait",
	 .type = FIELD_INT,
	 .min = 0,
	 .max = WAIT_MAX_S,
	 .help = "Seconds to wait for an event if there is none; 25 if not given."},
	{.name = NULL}};

static const struct route routes[] = {
	{.method = HTTP_GET,
	 .pattern = "/v1/events",
	 .need = NEED_COMPANY,
	 .scope = SCOPE_EVENTS,
	 .handle = list_events,
	 .query = events_query,
	 .status = 200,
	 .summary = "What happened, as CloudEvents: a page, a long poll, or with Accept: "
		    "text/event-stream a stream. Kept 7 days; each account's events in order."},
};

ROUTE_TABLE(route_events_table, "events", routes);
