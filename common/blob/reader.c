#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/blob/record.h"
#include "common/blob/segment.h"
#include "common/blob/squeeze.h"

static enum err_code damaged(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, ERR_ITEM, "blob_damaged", "%s", what);
}

static enum err_code open_segment(const char *blob_dir, const struct blob_ref *ref, int *fd_out,
				  struct err *e)
{
	char name[SEGMENT_NAME_BYTES], path[PATH_MAX];

	segment_name(ref->writer, ref->segment, name);
	int n = snprintf(path, sizeof(path), "%s/%s", blob_dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_PERM, ERR_PROCESS, "blob_dir", "path too long");
	*fd_out = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd_out >= 0)
		return ERR_OK;
	if (errno == ENOENT)
		return err_set(e, ERR_GONE, ERR_ITEM, "blob_gone", "%s is not there", name);
	return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_read", "%s: %s", name, strerror(errno));
}

static enum err_code read_record(int fd, const struct blob_ref *ref, struct buf *record,
				 struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_read", "%s", strerror(errno));
	uint64_t size = (uint64_t)st.st_size;

	if (ref->length > RECORD_BYTES_MAX || ref->offset > size ||
	    ref->length > size - ref->offset)
		return damaged(e, "the reference leads past the end of its segment");
	uint8_t *p = buf_reserve(record, (size_t)ref->length);

	while (p && record->n < ref->length) {
		ssize_t n = pread(fd, p + record->n, (size_t)ref->length - record->n,
				  (off_t)(ref->offset + record->n));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_read", "%s",
				       strerror(errno));
		if (n == 0)
			return damaged(e, "the segment ends within the blob");
		record->n += (size_t)n;
	}
	return ERR_OK;
}

static bool same_identity(const struct blob_identity *a, const struct blob_identity *b)
{
	return span_eq(a->company, b->company) && span_eq(a->account, b->account) &&
	       a->generation == b->generation && id_eq(&a->id, &b->id);
}

static enum err_code open_record(struct span record, const struct blob_identity *identity,
				 const struct secret_key *data_key, struct buf *raw_out,
				 struct err *e)
{
	struct record_header header;
	struct span context, sealed;
	struct buf packed;

	if (!record_parse(record, &header, &context, &sealed))
		return damaged(e, "no blob begins there");
	if (!same_identity(&header.identity, identity))
		return err_set(e, ERR_PERM, ERR_ITEM, "blob_of_another",
			       "the blob belongs to another account or message");
	if (header.clear_bytes > BLOB_RAW_MAX)
		return damaged(e, "its length cannot be");
	if ((header.flags & RECORD_FLAG_ZSTD) == 0) {
		if (header.clear_bytes != sealed.n - RECORD_SEAL_BYTES)
			return damaged(e, "its lengths differ");
		return secret_open(data_key, context, sealed, raw_out, e);
	}
	buf_init(&packed, sealed.n);
	enum err_code code = secret_open(data_key, context, sealed, &packed, e);

	if (code == ERR_OK)
		code = squeeze_unpack(buf_span(&packed), header.clear_bytes, raw_out, e);
	buf_fini(&packed);
	return code;
}

enum err_code blob_read(const char *blob_dir, const struct blob_ref *ref,
			const struct blob_identity *identity, const struct secret_key *data_key,
			struct buf *raw_out, struct err *e)
{
	struct buf record;
	int fd = -1;
	enum err_code code = open_segment(blob_dir, ref, &fd, e);

	if (code != ERR_OK)
		return code;
	buf_init(&record, RECORD_BYTES_MAX);
	code = read_record(fd, ref, &record, e);
	close(fd);
	if (code == ERR_OK)
		code = open_record(buf_span(&record), identity, data_key, raw_out, e);
	buf_fini(&record);
	return code;
}
