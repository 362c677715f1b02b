/* record: the bytes of one blob in a segment, as blob.h draws them. Pure: no files. */
#ifndef MW_BLOB_RECORD_H
#define MW_BLOB_RECORD_H

#include "common/blob/blob.h"

#define RECORD_BYTES_MAX ((size_t)256 << 20) /* also of a segment */
#define RECORD_FLAG_ZSTD 1u
#define RECORD_SEAL_BYTES (SECRET_NONCE_BYTES + SECRET_TAG_BYTES)

struct record_header {
	struct blob_identity identity; /* borrows the record's bytes when parsed */
	uint64_t clear_bytes;
	uint8_t flags;
};

/* Octets of a record that stores `stored` octets (compressed or not, before sealing). */
size_t record_bytes(const struct blob_identity *identity, size_t stored);
/* Appends the whole record. Aborts if the identity's ids are none. */
void record_write(const struct record_header *header, const struct secret_key *data_key,
		  struct span stored, struct buf *out);
/*
 * Takes a record apart: context is what the seal authenticates, sealed the cipher text. False: damaged.
 */
bool record_parse(struct span record, struct record_header *header_out, struct span *context_out,
		  struct span *sealed_out);

/* A record's beginning, for who goes over a segment: everything before the sealed bytes. */
#define RECORD_HEAD_MAX 192u

struct record_frame {
	struct record_header header; /* borrows the head's bytes */
	size_t head_bytes;
	uint64_t bytes; /* of the whole record */
};

/* False: no record begins there, or the head is not whole. */
bool record_frame_read(struct span head, struct record_frame *frame_out);
/* Overwrites all that names somebody in the head that the frame was read from; its lengths stay. */
void record_frame_blank(uint8_t *head, const struct record_frame *frame);

#endif
