#include "common/blob/shred.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/blob/record.h"

#define ZEROS ((size_t)64 << 10)

struct shred {
	const struct shred_account *account;
	struct shred_counts *counts;
	const char *name; /* of the segment */
	int fd;
	uint64_t found;
};

static enum err_code failed(const struct shred *s, struct err *e)
{
	return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_shred", "%s: %s", s->name, strerror(errno));
}

static bool write_at(int fd, const uint8_t *p, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t written = pwrite(fd, p, n, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		p += written;
		n -= (size_t)written;
		offset += (uint64_t)written;
	}
	return true;
}

/* The disk gets the room back where the file system can; elsewhere zeros are written. */
static bool clear(int fd, uint64_t offset, uint64_t bytes)
{
	static const uint8_t zeros[ZEROS];

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)bytes) == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	for (uint64_t n; bytes > 0; offset += n, bytes -= n) {
		n = bytes < ZEROS ? bytes : ZEROS;
		if (!write_at(fd, zeros, (size_t)n, offset))
			return false;
	}
	return true;
}

static bool is_meant(const struct shred *s, const struct blob_identity *identity)
{
	return identity->generation > 0 && identity->generation <= s->account->generation_max &&
	       span_eq(identity->company, s->account->company) &&
	       (!s->account->account.n || span_eq(identity->account, s->account->account));
}

static ssize_t read_at(int fd, uint8_t *p, size_t n, uint64_t offset)
{
	ssize_t got;

	do {
		got = pread(fd, p, n, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* The content of a record that is meant, or (blank) the names in its head. */
static bool shred_record(struct shred *s, uint64_t offset, const struct record_frame *frame,
			 uint8_t *head, bool blank)
{
	if (!blank) {
		s->found++;
		return clear(s->fd, offset + frame->head_bytes, frame->bytes - frame->head_bytes);
	}
	record_frame_blank(head, frame);
	s->counts->records++;
	s->counts->bytes += frame->bytes;
	return write_at(s->fd, head, frame->head_bytes, offset);
}

static enum err_code go_over(struct shred *s, bool blank, struct err *e)
{
	uint8_t head[RECORD_HEAD_MAX];
	struct record_frame frame;
	uint64_t offset = 0;
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return failed(s, e);
	for (;; offset += frame.bytes) {
		ssize_t got = read_at(s->fd, head, sizeof(head), offset);

		if (got < 0)
			return failed(s, e);
		if (!record_frame_read(span_make(head, (size_t)got), &frame) ||
		    frame.bytes > (uint64_t)st.st_size - offset)
			break;
		if (is_meant(s, &frame.header.identity) &&
		    !shred_record(s, offset, &frame, head, blank))
			return failed(s, e);
	}
	return s->found && fdatasync(s->fd) < 0 ? failed(s, e) : ERR_OK;
}

/* The contents first: as long as the names stand, what was not finished is found again. */
static enum err_code shred_segment(struct shred *s, struct err *e)
{
	enum err_code code = go_over(s, false, e);

	return code == ERR_OK && s->found ? go_over(s, true, e) : code;
}

static bool is_segment(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".seg") == 0;
}

static enum err_code shred_file(int dir_fd, const char *name, const struct shred_account *account,
				struct shred_counts *counts, struct err *e)
{
	struct shred s = {.account = account, .counts = counts, .name = name};
	enum err_code code;

	s.fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s.fd < 0)
		return errno == ENOENT ? ERR_OK : failed(&s, e);
	code = shred_segment(&s, e);
	close(s.fd);
	counts->segments++;
	return code;
}

enum err_code shred_blobs(const char *blob_dir, const struct shred_account *account,
			  struct shred_counts *counts_out, struct err *e)
{
	enum err_code code = ERR_OK;
	struct dirent *entry;
	DIR *d = opendir(blob_dir);

	*counts_out = (struct shred_counts){0};
	if (!d)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_dir", "%s: %s", blob_dir,
			       strerror(errno));
	while (code == ERR_OK && (entry = readdir(d)) != NULL)
		if (is_segment(entry->d_name))
			code = shred_file(dirfd(d), entry->d_name, account, counts_out, e);
	closedir(d);
	return code;
}
