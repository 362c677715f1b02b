/* mbox: the three header fields that make threads, from a mailbox file (mboxrd). For `threader --json`; mail that is
 * synced is read by the parser. */
#ifndef MW_THREADER_MBOX_H
#define MW_THREADER_MBOX_H

#include "common/base/buf.h"

#include <stdio.h>

#define MBOX_FIELD_MAX (1u << 20)

/* Fields of one message, unfolded; of a field that occurs more than once all, one after the other. */
struct mbox_message {
	struct buf message_id, in_reply_to, references;
};

struct mbox {
	FILE *file;
	char *line;
	size_t line_room, line_bytes;
	bool pending; /* line holds a "From " line that was not used yet */
};

void mbox_init(struct mbox *mbox, FILE *file); /* the file stays the caller's */
void mbox_fini(struct mbox *mbox);
void mbox_message_init(struct mbox_message *message);
void mbox_message_fini(struct mbox_message *message);
/* The next message; false at the end of the file (or when it cannot be read: see ferror). */
bool mbox_next(struct mbox *mbox, struct mbox_message *message);

#endif
