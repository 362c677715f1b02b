/* direction: HTML in a script that is written from right to left says so, or it is shown in a wrong order (SND-02). Pure. */
#ifndef MW_SENDER_DIRECTION_H
#define MW_SENDER_DIRECTION_H

#include "common/base/buf.h"

/* Letters of Hebrew, Arabic and their neighbours are in it, and no `dir` attribute is. */
bool direction_unmarked(struct span html);
/* The same HTML with dir="auto": on its body element if it has one, else on an element around it all. */
void direction_mark(struct span html, struct buf *out);

#endif
