/* text_flow: plain text whose long lines a reader may wrap to its own width (RFC 3676, format=flowed). Pure. */
#ifndef MW_SENDER_TEXT_FLOW_H
#define MW_SENDER_TEXT_FLOW_H

#include "common/base/buf.h"

#define TEXT_FLOW_WIDTH 76 /* octets of a line, its soft break included */

/* Is there a line that needs it: longer than TEXT_FLOW_WIDTH, and not a quoted one? */
bool text_flow_wanted(struct span text);
/*
 * Long lines broken behind a blank (a word is never cut), blanks at the ends of the others taken off (`-- ` excepted), lines
 * that begin with a blank or `From ` stuffed. Quoted lines (`>`) stay whole. Lines end with LF.
 */
void text_flow(struct span text, struct buf *out);

#endif
