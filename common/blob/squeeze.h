/* squeeze: compresses a message where it pays. zstd level 1: what text gains most for least. */
#ifndef MW_BLOB_SQUEEZE_H
#define MW_BLOB_SQUEEZE_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct squeeze;

struct squeeze *squeeze_new(void);
void squeeze_free(struct squeeze **squeeze);
/*
 * True: *out_stored is a zstd frame of raw, in the squeeze's own memory until the next call. False: it is raw itself,
 * because compression would save less than a tenth, or samples of a long message say that it is mostly encoded
 * attachments, which cost 3 µs a KB to make a quarter smaller.
 */
bool squeeze_pack(struct squeeze *squeeze, struct span raw, struct span *stored_out);
/* Exactly clear_bytes are appended, or ERR_PERM; ERR_LIMIT if they are over out's maximum. */
MUST_USE enum err_code squeeze_unpack(struct span frame, uint64_t clear_bytes, struct buf *out,
				      struct err *e);

#endif
