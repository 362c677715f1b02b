#include "sender/lines.h"

#include <stdlib.h>

struct line {
	struct line *next;
	struct line_owner owner;
	struct smtp_conn *conn;
	int64_t kept_ms;
};

struct line_refusal {
	struct line_refusal *next;
	struct line_owner owner;
	struct err why;
	int64_t until_ms;
};

static bool same(const struct line_owner *a, const struct line_owner *b)
{
	return strcmp(a->account, b->account) == 0 && strcmp(a->revision, b->revision) == 0;
}

void lines_keep(struct lines *lines, const struct line_owner *owner, struct smtp_conn *conn,
		int64_t now_mono_ms)
{
	struct line *line;

	if (!smtp_conn_usable(conn)) {
		smtp_conn_free(&conn);
		return;
	}
	line = calloc(1, sizeof(*line));
	if (!line)
		abort();
	*line = (struct line){lines->kept, *owner, conn, now_mono_ms};
	lines->kept = line;
}

static struct smtp_conn *unlink_line(struct line **at)
{
	struct line *line = *at;
	struct smtp_conn *conn = line->conn;

	*at = line->next;
	free(line);
	return conn;
}

struct smtp_conn *lines_take(struct lines *lines, const struct line_owner *owner)
{
	struct line **at = &lines->kept;

	while (*at && !(same(&(*at)->owner, owner) && smtp_conn_usable((*at)->conn)))
		at = &(*at)->next;
	return *at ? unlink_line(at) : NULL;
}

void lines_tick(struct lines *lines, int64_t now_mono_ms, int64_t idle_ms)
{
	struct line **at = &lines->kept;
	struct line_refusal **old = &lines->refusals;

	while (*at) {
		struct smtp_conn *conn;

		if (now_mono_ms - (*at)->kept_ms < idle_ms && smtp_conn_usable((*at)->conn)) {
			at = &(*at)->next;
			continue;
		}
		conn = unlink_line(at);
		smtp_conn_free(&conn);
	}
	while (*old) {
		struct line_refusal *r = *old;

		if (r->until_ms > now_mono_ms) {
			old = &r->next;
			continue;
		}
		*old = r->next;
		free(r);
	}
}

size_t lines_count(const struct lines *lines)
{
	size_t n = 0;

	for (const struct line *line = lines->kept; line; line = line->next)
		n++;
	return n;
}

void lines_free(struct lines *lines)
{
	lines_tick(lines, INT64_MAX, 0);
}

void lines_refused(struct lines *lines, const struct line_owner *owner, const struct err *why,
		   int64_t now_mono_ms)
{
	struct line_refusal *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*r = (struct line_refusal){lines->refusals, *owner, *why, now_mono_ms + LINES_REFUSAL_MS};
	lines->refusals = r;
}

const struct err *lines_refusal(const struct lines *lines, const struct line_owner *owner,
				int64_t now_mono_ms)
{
	for (const struct line_refusal *r = lines->refusals; r; r = r->next)
		if (same(&r->owner, owner) && r->until_ms > now_mono_ms)
			return &r->why;
	return NULL;
}
