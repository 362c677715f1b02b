/*
 * shown_text: the plain text of a message as a person is to read it: flowed lines joined, uuencoded files left out. (RFC 8621's
 * values of body parts are message_json_text.)
 */
#ifndef MW_PARSER_SHOWN_TEXT_H
#define MW_PARSER_SHOWN_TEXT_H

#include "parser/mime.h"

/* One text/plain part, of max_raw bytes of its body. Uses d->bytes and d->words. */
void shown_part(struct decode *d, const struct mime_part *part, size_t max_raw, struct buf *out);
/* All text/plain parts of the message's textBody, joined by line ends. False if there are none. */
bool shown_text(struct decode *d, const struct mime_message *m, struct buf *out);

#endif
