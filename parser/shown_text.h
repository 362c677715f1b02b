/*
 * shown_text: the plain text of a message as a person is to read it: flowed lines joined, uuencoded files left out. (RFC 8621's
 * values of body parts are message_json_text.)
 */
#ifndef MW_PARSER_SHOWN_TEXT_H
#define MW_PARSER_SHOWN_TEXT_H

#include "parser/mime.h"

/* All text/plain parts of the message's textBody, joined by line ends. False if there are none. */
bool shown_text(struct decode *d, const struct mime_message *m, struct buf *out);

#endif
