/*
 * blob: raw messages, durable. The directory back end: append-only segments, one open segment a writer, group commit.
 *
 *   <blob_dir>/<writer instance>-<segment number, 8 hex>.seg
 *   record: "MWB1" · u32 header length · header (msgpack: company, account, generation, id, clear length, flags zstd) ·
 *           u32 stored length · nonce ‖ cipher text ‖ tag (AES-256-GCM, account's data key; header authenticated)
 *
 * Append is a write; nothing counts until blob_commit returned. Readers use pread on the reference alone. A torn record
 * at the end of a segment is never referred to, because the ledger is written after the commit.
 */
#ifndef MW_BLOB_BLOB_H
#define MW_BLOB_BLOB_H

#include "common/base/buf.h"
#include "common/base/code.h"
#include "common/base/err.h"
#include "common/secret/secret.h"

/* Where a blob is. Encoded form (blob_ref_encode): 1 version ‖ varint offset ‖ varint length ‖ varint segment ‖ writer
 * name; at most 64 bytes; opaque to everybody else. */
struct blob_ref {
	char writer[40];
	uint32_t segment;
	uint64_t offset;
	uint64_t length; /* octets of the whole record in the segment */
};

#define BLOB_REF_MAX 64
size_t blob_ref_encode(const struct blob_ref *ref, uint8_t out[BLOB_REF_MAX]);
MUST_USE enum err_code blob_ref_decode(struct span encoded, struct blob_ref *ref_out);

/* An account's data key, wrapped by the mail key; made by the gateway with the account, kept in its record. */
void blob_data_key_new(const struct secret_key *mail_key, struct span company, struct span account, struct buf *wrapped_out);
MUST_USE enum err_code blob_data_key_open(const struct secret_key *mail_key, struct span company, struct span account,
					  struct span wrapped, struct secret_key *key_out, struct err *e);

struct blob_identity {
	struct span company, account;
	uint64_t generation;
	struct id id;
};

struct blob_writer;
/* One a process (and thread). Starts a new segment after what is there of this writer's name. */
MUST_USE enum err_code blob_writer_open(const char *blob_dir, const char *instance, struct blob_writer **writer_out,
					struct err *e);
/* Compresses (where it pays), seals, appends. ERR_LIMIT if the disk has less than 5 % or 512 MiB free, whichever is
 * less: stop taking mail and say so. ERR_TEMP: the write failed; the segment is abandoned, the next append starts anew. */
MUST_USE enum err_code blob_append(struct blob_writer *writer, const struct blob_identity *identity,
				   const struct secret_key *data_key, struct span raw, struct blob_ref *ref_out, struct err *e);
/* Makes durable everything appended so far (one fdatasync; the directory too after a new segment). May be called from
 * another thread than blob_append, one at a time; covers what was appended before the call. */
MUST_USE enum err_code blob_commit(struct blob_writer *writer, struct err *e);
void blob_writer_close(struct blob_writer **writer);

/* Any process that has the mail key and may read the directory. Checks identity against the header: ERR_PERM if it is
 * another account's or message's, or damaged; ERR_GONE if the segment is not there. */
MUST_USE enum err_code blob_read(const char *blob_dir, const struct blob_ref *ref, const struct blob_identity *identity,
				 const struct secret_key *data_key, struct buf *raw_out, struct err *e);

#endif
