/*
 * facts: what the rest of the system knows about a message: its decoded header, its preview, and what kind of mail it
 * is. Everything is UTF-8, in the arena or borrowed from the message.
 */
#ifndef MW_PARSER_FACTS_H
#define MW_PARSER_FACTS_H

#include "parser/address_list.h"
#include "parser/date.h"
#include "parser/mime.h"
#include "parser/msg_id.h"

#define FACTS_PREVIEW_CHARS 256

/* Bits of facts.traits, as in common/wire/messages.h. */
enum {
	FACTS_ATTACHMENT = 1,
	FACTS_AUTO_REPLY = 2,
	FACTS_BOUNCE = 4,
	FACTS_LIST = 8,
	FACTS_CALENDAR = 16,
	FACTS_CARD_CUT = 64, /* set by the card when it had to leave something out */
};

struct facts {
	struct address_list from, sender, to, cc, bcc, reply_to;
	struct id_list message_id, in_reply_to, references;
	struct span subject; /* p NULL: no such field */
	struct span preview;
	struct date date;
	bool has_date;
	unsigned traits;
};

void facts_read(struct decode *d, const struct mime_message *m, struct facts *facts_out);
/* At most FACTS_PREVIEW_CHARS characters of the text (else of the HTML), white space as one blank. Looks at no more of
 * the body than it needs. */
struct span facts_preview(struct decode *d, const struct mime_message *m);
/* RFC 8621 hasAttachment: something a person would call an attachment (no inline images, signatures or reports);
 * uuencoded files in the text too. */
bool facts_has_attachment(const struct mime_message *m);

#endif
