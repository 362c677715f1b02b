/*
 * flowed: text/plain with format=flowed (RFC 3676): lines that end with a blank go on in the next one of the same quote depth.
 * Stuffed blanks are taken away; the line "-- " before a signature never flows.
 */
#ifndef MW_PARSER_FLOWED_H
#define MW_PARSER_FLOWED_H

#include "common/base/buf.h"

/* Appends the text with its paragraphs as one line each. delsp: the blank that a line ends with is taken away. */
void flowed_unwrap(struct span text, bool delsp, struct buf *out);

#endif
