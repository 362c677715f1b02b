/*
 * compose_quote: what an answer or a forward takes over from the message it is about: recipients, subject, the quoted
 * original. Pure: JSON in, the new message's members changed. facts: RFC 8621 members of the original; body: its `text`
 * and safe `html`, as a parser renders them.
 */
#ifndef MW_GATEWAY_COMPOSE_QUOTE_H
#define MW_GATEWAY_COMPOSE_QUOTE_H

#include <jansson.h>
#include <stdbool.h>

enum compose_action { COMPOSE_REPLY, COMPOSE_REPLY_ALL, COMPOSE_FORWARD };

/* `to` and `cc` where none of to, cc and bcc is given: of an answer to received mail its replyTo, else its from; of one to
 * own mail its to; with all the others in cc. own: the account's address, which is left out. A forward gets none. */
void compose_quote_recipients(json_t *message, const json_t *facts, enum compose_action action,
			      const char *own);
/* `Re: …` or `Fwd: …` where no subject is given; never twice. */
void compose_quote_subject(json_t *message, const json_t *facts, enum compose_action action);
/*
 * The original below what is written: `> ` lines in the text, a blockquote in the HTML; of a forward with its header fields.
 * A message without HTML that forwards HTML gets some made from its text.
 */
void compose_quote_body(json_t *message, const json_t *facts, const json_t *body,
			enum compose_action action);

#endif
