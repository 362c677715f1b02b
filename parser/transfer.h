/* transfer: content transfer encodings (RFC 2045 section 6) and uuencode. Tolerant: never fails, decodes what it can. */
#ifndef MW_PARSER_TRANSFER_H
#define MW_PARSER_TRANSFER_H

#include "common/base/buf.h"

enum transfer { TRANSFER_NONE = 0, TRANSFER_BASE64, TRANSFER_QUOTED, TRANSFER_UU };

/* From the value of Content-Transfer-Encoding; what we do not know is none. */
enum transfer transfer_find(struct span value);
const char *transfer_name(enum transfer encoding);
/* Appends the decoded octets. */
void transfer_decode(enum transfer encoding, struct span in, struct buf *out);
/* Is something in it that the encoding does not allow, or is its end missing? What is decoded is then a part of it. */
bool transfer_is_damaged(enum transfer encoding, struct span in);
/* base64: foreign characters are skipped, padding in the middle begins anew. */
void transfer_decode_base64(struct span in, struct buf *out);
/* header: the Q of encoded words, where '_' is a blank. */
void transfer_decode_quoted(struct span in, bool header, struct buf *out);
/* Value of a hexadecimal digit, -1 if it is none. */
int transfer_hex(uint8_t c);

#endif
