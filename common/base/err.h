/*
 * err: one small enum cut by what the caller must do, with the scope of the damage and a text for people.
 * Functions return enum err_code and fill a struct err that the caller may pass as NULL.
 */
#ifndef MW_BASE_ERR_H
#define MW_BASE_ERR_H

#include <stdint.h>

enum err_code {
	ERR_OK = 0,
	ERR_AGAIN, /* nothing now; wait for readiness and call again */
	ERR_TEMP, /* failed for now: retry later with back-off */
	ERR_PERM, /* this item never works: set it aside */
	ERR_PEER, /* the other side broke the protocol: drop the connection */
	ERR_AUTH, /* credentials refused: stop the account, tell the user */
	ERR_STALE, /* the state moved under us (lease, generation, cursor): read it anew */
	ERR_LIMIT, /* over a stated maximum */
	ERR_GONE, /* what this is about was erased: drop it, write nothing */
};

enum err_scope { ERR_ITEM = 0, ERR_MAILBOX, ERR_ACCOUNT, ERR_PROCESS };

struct err {
	enum err_code code;
	enum err_scope scope;
	char name[48]; /* stable machine code, snake case: "host_not_found"; empty: none */
	char text[256]; /* for people; never holds a secret, cut at the end if longer */
};

#define MUST_USE __attribute__((warn_unused_result))

/* Fills e (if not NULL) and returns code, so that `return err_set(e, ERR_TEMP, ERR_ACCOUNT, "x", "…")` reads well. */
enum err_code err_set(struct err *e, enum err_code code, enum err_scope scope, const char *name,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));
void err_clear(struct err *e);
const char *err_code_name(enum err_code code);

#endif
