/* segment: one file of blobs that is being written. Shared by the thread that appends and the one that commits. */
#ifndef MW_BLOB_SEGMENT_H
#define MW_BLOB_SEGMENT_H

#include "common/base/err.h"
#include "common/base/span.h"

#define SEGMENT_NAME_BYTES 64
#define SEGMENT_WRITER_MAX 39u

struct segment {
	int fd;
	uint32_t number;
	uint64_t end; /* octets given away, written or not yet */
	unsigned holders;
};

/* 1 to SEGMENT_WRITER_MAX of A-Za-z0-9_.- , no dot in front: fit for a file's name. */
bool segment_is_writer_name(struct span name);
/* "<writer>-<8 hex>.seg" */
void segment_name(const char *writer, uint32_t number, char out[SEGMENT_NAME_BYTES]);
/* One more than the highest number of this writer in the folder, 1 if there is none. */
MUST_USE enum err_code segment_next_number(const char *dir, const char *writer,
					   uint32_t *number_out, struct err *e);
/* A new, empty file, held once by the caller; takes the next number that is free. */
MUST_USE enum err_code segment_create(int dir_fd, const char *writer, uint32_t first,
				      struct segment **segment_out, struct err *e);
/* Everything at that offset; ERR_TEMP otherwise ("disk_full" or "blob_write"). */
MUST_USE enum err_code segment_write(const struct segment *segment, struct span bytes,
				     uint64_t offset, struct err *e);
/* One holder less; the last one closes the file. Holders are counted under the writer's lock. */
void segment_release(struct segment **segment);

#endif
