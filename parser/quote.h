/*
 * quote: the new words of a reply apart from quoted history and signature. Linear.
 *
 *     Hi,                                  new
 *     On Mon, Anna <a@b.example> wrote:    quoted: an attribution and the '>' lines under it
 *     > May I?
 *     Yes.                                 new: an answer below or between
 *     --                                   signature, up to what is quoted next
 *     Bert
 *     > older                              quoted, and from here on nothing is new: quoted_from
 */
#ifndef MW_PARSER_QUOTE_H
#define MW_PARSER_QUOTE_H

#include "common/base/buf.h"

struct quote_parts {
	struct span signature; /* within the text; n 0: none found */
	size_t quoted_from; /* bytes: behind it nothing new stands; text.n if no history ends the text */
};

/*
 * text: UTF-8. Appends its new words to fresh_out, pieces parted by an empty line. History is '>' lines; the attribution
 * above them; what follows an attribution that has none; and all from "-----Original Message-----" and its kind or an
 * Outlook header block ("From:" … "Sent:" …) on (quote_marks.h). A signature begins at "-- ", or is "Sent from my …" at the
 * end of a piece with the name above it.
 */
struct quote_parts quote_split_text(struct span text, struct buf *fresh_out);

#endif
