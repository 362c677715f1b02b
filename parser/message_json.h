/* message_json: a message as RFC 8621 has it, in JSON. */
#ifndef MW_PARSER_MESSAGE_JSON_H
#define MW_PARSER_MESSAGE_JSON_H

#include "parser/facts.h"
#include "parser/json.h"

/*
 * The properties of RFC 8621 section 4.1 that the bytes of a message give: headers, messageId … bodyStructure, textBody,
 * htmlBody, attachments, hasAttachment, preview. Writes pairs into an open object. Beyond it: "embedded", the files of
 * embedded.h, if there are any; and when extended is set, for each part the "sha256" of its octets, the "offset" and "length" of its
 * body in the message and its "encoding" there.
 */
void message_json_properties(struct json *j, struct decode *d, const struct mime_message *m,
			     const struct facts *f, bool extended);
/* All text/plain (kind MIME_TEXT_PLAIN) or text/html parts of a list, decoded, joined by line ends, into out. False if
 * there are none. */
bool message_json_text(struct decode *d, const struct mime_message *m, const struct mime_list *list,
		       enum mime_kind kind, struct buf *out);

#endif
