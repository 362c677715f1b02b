/* proposal: from a message's facts to the id keys that make its conversation (THR-01, THR-05). Pure. */
#ifndef MW_THREADER_PROPOSAL_H
#define MW_THREADER_PROPOSAL_H

#include "common/wire/wire.h"

#define PROPOSAL_KEYS_MAX 640

/*
 * All fields of the facts as they are, with keys (own id first, then In-Reply-To, then References; each once; ids that
 * are none left out) and derived. Lists live in the arena, the rest is shared with facts. A message has its own id from
 * Message-ID or, if that holds none, from content_hash (32 bytes; checked by the caller).
 */
void proposal_make(const struct wire_facts *facts, struct arena *arena,
		   struct wire_proposal *proposal_out);

#endif
