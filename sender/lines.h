/* lines: connections to mail servers that are kept open for an account's next message, and logins that were refused. */
#ifndef MW_SENDER_LINES_H
#define MW_SENDER_LINES_H

#include "sender/smtp_conn.h"

/* Whose connection: "<company>/<account>", and the account's revision, so that changed credentials count at once. */
struct line_owner {
	char account[132], revision[24];
};

struct line;
struct line_refusal;

struct lines {
	struct line *kept;
	struct line_refusal *refusals;
};

/* Takes over a usable connection; any other is freed. */
void lines_keep(struct lines *lines, const struct line_owner *owner, struct smtp_conn *conn,
		int64_t now_mono_ms);
/* A usable connection of that owner, no longer kept; NULL if there is none. */
struct smtp_conn *lines_take(struct lines *lines, const struct line_owner *owner);
/* Closes what is older than idle_ms or was closed by its server. */
void lines_tick(struct lines *lines, int64_t now_mono_ms, int64_t idle_ms);
size_t lines_count(const struct lines *lines);
void lines_free(struct lines *lines);

/* A login that a server refused is not tried again for LINES_REFUSAL_MS with the same credentials: no lock-outs (ACC-06). */
#define LINES_REFUSAL_MS (20 * INT64_C(60000))
void lines_refused(struct lines *lines, const struct line_owner *owner, const struct err *why,
		   int64_t now_mono_ms);
/* Why it was refused, if that still holds; NULL: try. */
const struct err *lines_refusal(const struct lines *lines, const struct line_owner *owner,
				int64_t now_mono_ms);

#endif
