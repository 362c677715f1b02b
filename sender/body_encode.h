/* body_encode: bodies of a message to be sent, in a transfer encoding; and a text made from HTML. Pure. */
#ifndef MW_SENDER_BODY_ENCODE_H
#define MW_SENDER_BODY_ENCODE_H

#include "common/base/buf.h"

/* base64 in lines of 76 characters, each ended by CRLF. */
void body_base64(struct buf *out, struct span content);
/* Quoted-printable of text: line ends of any kind become CRLF; lines of at most 76; ends with CRLF. */
void body_quoted_printable(struct buf *out, struct span text);
/* What a plain-text reader gets of an HTML body: tags out, blocks as lines, list items marked, links in brackets,
 * character references decoded (the common ones and numeric), style and script left out. */
void body_text_from_html(struct buf *out, struct span html);

#endif
