/*
 * embedded: files within a part that MIME knows nothing of: those of a winmail.dat, of uuencoded text, of an AppleSingle. They
 * have ids of their own: the k-th file in the leaf "2" is "2.k", which no part has, since a leaf has no parts.
 */
#ifndef MW_PARSER_EMBEDDED_H
#define MW_PARSER_EMBEDDED_H

#include "parser/mime.h"

#define EMBEDDED_MAX 1000u /* of a part */

struct embedded_file {
	struct span name, type, cid; /* UTF-8; n 0: none */
	struct span charset; /* of a text; n 0: none told */
	struct span body; /* in the message for TRANSFER_UU, in the arena else */
	enum transfer encoding; /* TRANSFER_NONE or TRANSFER_UU */
};

struct embedded_list {
	struct embedded_file *files;
	unsigned count;
};

/* The files within a leaf, in order; uses d->bytes and d->text. Results live in the arena and the message. */
void embedded_find(struct decode *d, const struct mime_part *part, struct embedded_list *out);
/* Their octets, borrowed until d is used again. */
struct span embedded_octets(struct decode *d, const struct embedded_file *file);
/* The file with that id; false if there is none. */
bool embedded_by_id(struct decode *d, const struct mime_message *m, struct span id,
		    struct embedded_file *file_out);
/* Is there uuencoded text in a plain text without transfer encoding? Costs a search, no memory. */
bool embedded_in_text(const struct mime_part *part);

#endif
