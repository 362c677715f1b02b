/* card: what a list of messages shows of one, packed (docs/data-model.md): a msgpack map of at most 600 bytes. */
#ifndef MW_PARSER_CARD_H
#define MW_PARSER_CARD_H

#include "parser/facts.h"

#define CARD_BYTES_MAX 600u

/* Replaces what is in out. derived: the id of a message without a usable Message-ID; else empty. Cuts subject, preview and address lists until it fits; then f->traits gets FACTS_CARD_CUT. */
void card_pack(struct facts *f, const struct mime_message *m, struct span derived, struct buf *out);

#endif
