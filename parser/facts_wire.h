/* facts_wire: the facts of one message as a frame of the bus. */
#ifndef MW_PARSER_FACTS_WIRE_H
#define MW_PARSER_FACTS_WIRE_H

#include "common/wire/wire.h"
#include "parser/facts.h"

/*
 * Appends a `facts` frame. The head is a placeholder: only the parent knows it and writes it over (facts_wire_finish).
 * Lists are cut to what the table of messages allows and to FACTS_WIRE_LISTS_BYTES together. card is scratch.
 */
#define FACTS_WIRE_LISTS_BYTES (512u << 10)
void facts_wire_encode(struct decode *d, const struct mime_message *m, struct facts *f,
		       uint64_t parse_us, struct buf *card, struct buf *out);
/*
 * The parent's half: checks the child's frame, puts the head of `raw` on it and appends the frame for the bus.
 * ERR_PEER if the child's frame is not one.
 */
MUST_USE enum err_code facts_wire_finish(struct span frame, const struct wire_raw *raw,
					 struct arena *arena, struct buf *out, struct err *e);

#endif
