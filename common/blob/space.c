#include "common/blob/space.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/base/clock.h"

#define CHECK_MS 1000
#define LEAST_BYTES ((uint64_t)512 << 20)
#define LEAST_PART 20u

static enum err_code check(struct space *space, int dir_fd, struct err *e)
{
	struct statvfs fs;

	if (fstatvfs(dir_fd, &fs) < 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_dir", "%s", strerror(errno));
	uint64_t part = (uint64_t)fs.f_blocks * fs.f_frsize / LEAST_PART;

	space->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	space->least_bytes = part < LEAST_BYTES ? part : LEAST_BYTES;
	space->checked_ms = clock_mono_ms();
	return ERR_OK;
}

enum err_code space_take(struct space *space, int dir_fd, size_t n, struct err *e)
{
	if (space->checked_ms == 0 || clock_mono_ms() - space->checked_ms >= CHECK_MS) {
		enum err_code code = check(space, dir_fd, e);

		if (code != ERR_OK)
			return code;
	}
	if (space->free_bytes < n || space->free_bytes - n < space->least_bytes)
		return err_set(e, ERR_LIMIT, ERR_PROCESS, "disk_full",
			       "only %llu MiB are free on the disk of the blobs, %llu must stay so",
			       (unsigned long long)(space->free_bytes >> 20),
			       (unsigned long long)(space->least_bytes >> 20));
	space->free_bytes -= n;
	return ERR_OK;
}
