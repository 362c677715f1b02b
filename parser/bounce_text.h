/* bounce_text: failed recipients in the words of a report that is not (only) of RFC 3464's form. A guess by rules. */
#ifndef MW_PARSER_BOUNCE_TEXT_H
#define MW_PARSER_BOUNCE_TEXT_H

#include "common/base/arena.h"

#define BOUNCE_RECIPIENTS_MAX 50u
#define BOUNCE_TEXT_BYTES_MAX (64u << 10)

struct bounce_recipient {
	struct span address, status; /* status: "5.1.1"; n 0 if nothing tells */
};

/*
 * text: the report's own words, UTF-8, and what follows; it is read up to where the returned message begins. sender: who
 * the report is to; not a recipient that failed unless no other address is there. Returns how many were found.
 */
size_t bounce_text_find(struct arena *arena, struct span text, struct span sender,
			struct bounce_recipient found[BOUNCE_RECIPIENTS_MAX]);
/* The enhanced status code (RFC 3463) in s, else the class of an SMTP reply code as "5.0.0"; n 0: none. */
struct span bounce_text_status(struct span s);

#endif
