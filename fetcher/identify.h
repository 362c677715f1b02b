/*
 * identify: which messages of a mailbox are here already, by the id that the server itself gives them (EMAILID of RFC 8474,
 * X-GM-MSGID of Gmail): their bodies need not be fetched, whatever folder, UID or UIDVALIDITY they have now.
 *
 *   met_add for each FETCH response that names an id; identify_start; identify_done of the link, later, from the loop
 *
 * An id counts on its own host alone. A message with a known id and another size may have been rewritten by the server: it is
 * fetched, and keeps its id here if its Message-ID is that of before; else it is a message of its own.
 */
#ifndef MW_FETCHER_IDENTIFY_H
#define MW_FETCHER_IDENTIFY_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/code.h"
#include "fetcher/imap_resp.h"

struct account;
struct identify_job;
struct link;

#define IDENTIFY_MAX 1024u /* messages of one question; what is more is just fetched */

/* What the server's own names say of a message; kept with it. Borrowed bytes. */
struct source {
	struct span name; /* as identify_name makes it; n 0: the server has none */
	uint32_t size; /* as the server says, modulo 2^32 */
	uint32_t check; /* message_check; 0: none */
	struct span
		labels; /* packed list of mailbox numbers (labels_pack); n 0: nothing is known of labels */
};

enum identify_answer {
	IDENTIFY_UNKNOWN = 0, /* to be fetched */
	IDENTIFY_SAME, /* id: what it is here */
	IDENTIFY_REWRITTEN, /* the server's id is that of id, the size is not: fetch, then look at check */
	IDENTIFY_UNWANTED, /* a draft among all mail */
};

struct identify_met {
	uint32_t uid, size;
	unsigned flags;
	bool draft;
	struct span name, words, labels; /* of the list's arena */
	enum identify_answer answer;
	struct id id;
	uint32_t check; /* of the message of before */
};

struct identify_list {
	struct arena *arena; /* NULL: empty */
	struct identify_met *items; /* ascending, once sorted */
	size_t count, room;
	bool more; /* there were too many */
};

/* The items of FETCH that name messages, with a blank before; empty if the server has none. */
const char *identify_items(const struct link *link);
void identify_add(struct identify_list *list, struct link *link, const struct imap_resp *fetch);
void identify_clear(struct identify_list *list);
const struct identify_met *identify_find(const struct identify_list *list, uint32_t uid);
/* Asks Redis; done(ctx) follows unless identify_forget came first. The list belongs to the caller and stays as it is
 * until then. */
struct identify_job *identify_start(struct account *a, struct identify_list *list,
				    void (*done)(void *ctx), void *ctx);
void identify_forget(struct identify_job *job);
/* What is to be fetched of a set: all but what is known or unwanted. An open end (`n:*`) stays open only if the last message
 * met is to be fetched, for that is what it would bring again. */
void identify_rest(const struct identify_list *list, struct span set, struct buf *out);

/* What a whole message's FETCH response says of it; everything is empty on a server without such ids. */
struct link_source {
	struct source source;
	unsigned place; /* bits of the wire's `place`, by labels */
	struct buf name, labels;
};

void link_source_init(struct link_source *s, struct link *link, const struct imap_resp *fetch,
		      struct span raw);
void link_source_fini(struct link_source *s);

/* 32 bits of the header field Message-ID, folding and blanks aside; 0 if there is none. */
uint32_t message_check(struct span raw);

#endif
