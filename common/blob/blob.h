/*
 * blob: raw messages, durable. The directory back end: append-only segments, one open segment a writer, group commit.
 *
 *   <blob_dir>/<writer instance>-<segment number, 8 hex>.seg
 *   record, numbers big-endian:
 *     "MWB1" · u32 header length · header · u32 sealed length · nonce (12) ‖ cipher text ‖ tag (16)
 *     header: u8 version 1 · u8 flags (1: zstd) · u64 generation · id (10) · u64 clear length ·
 *             u8 company length · u8 account length · company · account
 *   AES-256-GCM with the account's data key; everything up to the end of the header is authenticated with it.
 *
 * Appended blobs lie in a buffer of 1 MB until it is full or committed: nothing counts until blob_commit returned, and
 * blob_read may not find it before. Readers use pread on the reference alone. A torn record at the end of a segment is
 * never referred to, because the ledger is written after the commit. A segment ends at 256 MiB.
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
void blob_data_key_new(const struct secret_key *mail_key, struct span company, struct span account,
		       struct buf *wrapped_out);
MUST_USE enum err_code blob_data_key_open(const struct secret_key *mail_key, struct span company,
					  struct span account, struct span wrapped,
					  struct secret_key *key_out, struct err *e);

struct blob_identity {
	struct span company, account;
	uint64_t generation;
	struct id id;
};

/* Octets of a message. */
#define BLOB_RAW_MAX ((size_t)255 << 20)

struct blob_writer;
/* One a process (and thread). Starts a new segment after what is there of this writer's name. The instance's name has at
 * most 39 of A-Za-z0-9_.- and does not begin with a dot; the folder must be there: ERR_PERM. */
MUST_USE enum err_code blob_writer_open(const char *blob_dir, const char *instance,
					struct blob_writer **writer_out, struct err *e);
/* Compresses (where it pays), seals, appends. ERR_LIMIT if the disk has less than 5 % or 512 MiB free, whichever is
 * less ("disk_full": stop taking mail and say so), or raw is over BLOB_RAW_MAX ("blob_too_large"). ERR_TEMP: the write
 * failed; the segment is abandoned, the next append starts anew, and the next commit fails too if anything appended since
 * the last one is lost. */
MUST_USE enum err_code blob_append(struct blob_writer *writer, const struct blob_identity *identity,
				   const struct secret_key *data_key, struct span raw,
				   struct blob_ref *ref_out, struct err *e);
/* Makes durable everything appended so far (one fdatasync; the directory too after a new segment). May be called from
 * another thread than blob_append, one at a time; covers what was appended before the call.
 * ERR_TEMP: of what this call should have covered nothing counts: append it again. What was appended meanwhile is the next
 * commit's matter, which may fail for the same reason. */
MUST_USE enum err_code blob_commit(struct blob_writer *writer, struct err *e);
/* Drops what was not committed. */
void blob_writer_close(struct blob_writer **writer);

/* Any process that has the mail key and may read the directory. Checks identity against the header: ERR_PERM if it is
 * another account's or message's, or damaged; ERR_GONE if the segment is not there; ERR_LIMIT if it is over raw_out's
 * maximum; ERR_TEMP if the disk cannot be read now. raw_out is appended to, and unchanged after any error. */
MUST_USE enum err_code blob_read(const char *blob_dir, const struct blob_ref *ref,
				 const struct blob_identity *identity,
				 const struct secret_key *data_key, struct buf *raw_out,
				 struct err *e);

#endif
