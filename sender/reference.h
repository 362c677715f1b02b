/* reference: the ids by which an answer names the message it answers (RFC 5322 section 3.6.4). Pure. */
#ifndef MW_SENDER_REFERENCE_H
#define MW_SENDER_REFERENCE_H

#include "common/base/arena.h"

#define REFERENCE_IDS_MAX 40 /* a longer list keeps its first and its last ones */

struct reference {
	struct span message_id; /* of the answered message, without <>; empty: it has none */
	struct span *ids; /* its References (or its In-Reply-To), then its own id */
	size_t count;
};

/* raw: the answered message. What is no id is passed over. derived: the id it goes by if its own is not usable (THR-02,
 * THR-05), else empty. Everything lives in the arena. */
void reference_read(struct span raw, struct span derived, struct arena *arena,
		    struct reference *reference_out);

#endif
