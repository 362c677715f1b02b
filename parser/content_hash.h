/* content_hash: what makes two copies of a message without Message-ID the same (THR-05). */
#ifndef MW_PARSER_CONTENT_HASH_H
#define MW_PARSER_CONTENT_HASH_H

#include "parser/mime.h"

/* SHA-256 over From, Date, Subject (as written, folds taken out) and body, without CR and without line ends at its end,
 * so that copies by way of LF and CRLF are one. */
void content_hash(const struct mime_message *m, uint8_t out[32]);

#endif
