/* msg_id: Message-ID, In-Reply-To and References (RFC 5322 section 3.6.4) to ids without their brackets. */
#ifndef MW_PARSER_MSG_ID_H
#define MW_PARSER_MSG_ID_H

#include "parser/decode.h"

#define MSG_ID_MAX 10000u

struct id_list {
	struct span *items;
	size_t count;
};

/*
 * All `<…>` of raw, blanks inside dropped. Where there are none, words with an '@' count (some senders leave the
 * brackets out); in_reply_to text like `"Anna's message of Monday"` gives nothing. At most `max`; when there are more,
 * the first and the last ones are kept.
 */
void msg_id_parse(struct decode *d, struct span raw, size_t max, struct id_list *list_out);

#endif
