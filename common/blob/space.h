/* space: is there room on the disk for more mail? */
#ifndef MW_BLOB_SPACE_H
#define MW_BLOB_SPACE_H

#include <stddef.h>

#include "common/base/err.h"

struct space {
	int64_t checked_ms; /* 0: never */
	uint64_t free_bytes, least_bytes;
};

/*
 * ERR_LIMIT if less than 5 % or 512 MiB, whichever is less, would be free after n more octets. Asks the file system of
 * dir_fd at most once a second and counts down in between.
 */
MUST_USE enum err_code space_take(struct space *space, int dir_fd, size_t n, struct err *e);

#endif
