#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/blob/record.h"
#include "common/blob/segment.h"
#include "common/blob/space.h"
#include "common/blob/squeeze.h"

#define BUFFER_BYTES ((size_t)1 << 20) /* then written, committed or not */
#define BUFFER_KEPT ((size_t)4 << 20)
#define RETIRED_MAX 16u

/* What a commit makes durable. The lock guards what both threads touch; nobody waits for the disk while holding it,
 * but for a full buffer's way into the page cache. */
struct blob_writer {
	char name[SEGMENT_WRITER_MAX + 1];
	int dir_fd;
	struct squeeze *squeeze; /* the appending thread's */
	struct space space; /* the appending thread's */

	pthread_mutex_t lock;
	uint32_t next_number;
	struct segment *segment; /* NULL: none open */
	struct buf filling; /* appended to the segment, not yet written: its last octets */
	struct buf spare; /* the other buffer, while no commit has it */
	bool unsynced; /* the segment has octets written by append since the last commit */
	bool dir_unsynced; /* a segment was created since the last commit */
	bool lost; /* octets appended since the last commit are lost */
	struct segment *retired[RETIRED_MAX]; /* full, written, not yet durable */
	size_t retired_count;
};

enum err_code blob_writer_open(const char *blob_dir, const char *instance,
			       struct blob_writer **writer_out, struct err *e)
{
	struct span name = span_cstr(instance);
	uint32_t number = 0;

	if (!segment_is_writer_name(name))
		return err_set(e, ERR_PERM, ERR_PROCESS, "instance_name",
			       "%s cannot be the name of a writer", instance);
	int dir_fd = open(blob_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return err_set(e, ERR_PERM, ERR_PROCESS, "blob_dir", "%s: %s", blob_dir,
			       strerror(errno));
	enum err_code code = segment_next_number(blob_dir, instance, &number, e);

	if (code != ERR_OK) {
		close(dir_fd);
		return code;
	}
	struct blob_writer *w = calloc(1, sizeof(*w));

	if (!w || pthread_mutex_init(&w->lock, NULL) != 0)
		abort();
	memcpy(w->name, name.p, name.n);
	w->dir_fd = dir_fd;
	w->next_number = number;
	w->squeeze = squeeze_new();
	buf_init(&w->filling, RECORD_BYTES_MAX + BUFFER_BYTES);
	buf_init(&w->spare, RECORD_BYTES_MAX + BUFFER_BYTES);
	*writer_out = w;
	return ERR_OK;
}

static void lock(struct blob_writer *w)
{
	if (pthread_mutex_lock(&w->lock) != 0)
		abort();
}

static void unlock(struct blob_writer *w)
{
	if (pthread_mutex_unlock(&w->lock) != 0)
		abort();
}

static void empty_buffer(struct buf *b)
{
	if (b->cap > BUFFER_KEPT)
		buf_fini(b);
	buf_clear(b);
}

/* Under the lock. Nothing of this writer since the last commit can be trusted; committed blobs are as they were. */
static void abandon(struct blob_writer *w)
{
	w->lost |= w->filling.n > 0 || w->unsynced || w->retired_count > 0;
	empty_buffer(&w->filling);
	w->unsynced = false;
	segment_release(&w->segment);
	while (w->retired_count > 0)
		segment_release(&w->retired[--w->retired_count]);
}

/* Under the lock: the buffer into the file. */
static enum err_code write_out(struct blob_writer *w, struct err *e)
{
	if (w->filling.n == 0)
		return ERR_OK;
	enum err_code code =
		segment_write(w->segment, buf_span(&w->filling), w->segment->end - w->filling.n, e);

	if (code != ERR_OK) {
		abandon(w);
		return code;
	}
	w->unsynced = true;
	empty_buffer(&w->filling);
	return ERR_OK;
}

/* Under the lock: the full segment waits for its commit. */
static enum err_code retire(struct blob_writer *w, struct err *e)
{
	enum err_code code = write_out(w, e);

	if (code != ERR_OK)
		return code;
	if (w->retired_count == RETIRED_MAX) {
		abandon(w);
		return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_write",
			       "%u segments were never committed", RETIRED_MAX);
	}
	w->retired[w->retired_count++] = w->segment;
	w->segment = NULL;
	w->unsynced = false;
	return ERR_OK;
}

/* Under the lock: an open segment with room for n octets more. */
static enum err_code make_room(struct blob_writer *w, size_t n, struct err *e)
{
	enum err_code code = ERR_OK;

	if (w->segment && w->segment->end + n > RECORD_BYTES_MAX)
		code = retire(w, e);
	if (code != ERR_OK || w->segment)
		return code;
	struct segment *segment = NULL;

	code = segment_create(w->dir_fd, w->name, w->next_number, &segment, e);
	if (code != ERR_OK)
		return code;
	w->segment = segment;
	w->next_number = segment->number + 1;
	w->dir_unsynced = true;
	return ERR_OK;
}

static enum err_code place(struct blob_writer *w, const struct record_header *header,
			   const struct secret_key *data_key, struct span stored,
			   struct blob_ref *ref_out, struct err *e)
{
	size_t n = record_bytes(&header->identity, stored.n);
	enum err_code code = make_room(w, n, e);

	if (code != ERR_OK || !w->segment)
		return code;
	struct blob_ref ref = {
		.segment = w->segment->number, .offset = w->segment->end, .length = n};

	memcpy(ref.writer, w->name, sizeof(ref.writer));
	record_write(header, data_key, stored, &w->filling);
	w->segment->end += n;
	if (w->filling.n >= BUFFER_BYTES)
		code = write_out(w, e);
	if (code == ERR_OK)
		*ref_out = ref;
	return code;
}

enum err_code blob_append(struct blob_writer *writer, const struct blob_identity *identity,
			  const struct secret_key *data_key, struct span raw,
			  struct blob_ref *ref_out, struct err *e)
{
	struct record_header header = {.identity = *identity, .clear_bytes = raw.n};
	struct span stored;

	if (raw.n > BLOB_RAW_MAX)
		return err_set(e, ERR_LIMIT, ERR_ITEM, "blob_too_large",
			       "a message of %zu octets is over the maximum", raw.n);
	if (squeeze_pack(writer->squeeze, raw, &stored))
		header.flags = RECORD_FLAG_ZSTD;
	enum err_code code =
		space_take(&writer->space, writer->dir_fd, record_bytes(identity, stored.n), e);

	if (code != ERR_OK)
		return code;
	lock(writer);
	code = place(writer, &header, data_key, stored, ref_out, e);
	unlock(writer);
	return code;
}

/* What one commit has taken over from the writer. */
struct taken {
	struct buf bytes;
	struct segment *segment; /* held; NULL if there is nothing of the open one to do */
	uint64_t offset;
	struct segment *retired[RETIRED_MAX];
	size_t retired_count;
	bool dir;
};

/* Under the lock. */
static void take(struct blob_writer *w, struct taken *t)
{
	*t = (struct taken){.dir = w->dir_unsynced, .retired_count = w->retired_count};
	memcpy(t->retired, w->retired, sizeof(t->retired));
	w->retired_count = 0;
	w->dir_unsynced = false;
	if (w->segment && (w->filling.n > 0 || w->unsynced)) {
		t->segment = w->segment;
		t->segment->holders++;
		t->offset = t->segment->end - w->filling.n;
		w->unsynced = false;
	}
	t->bytes = w->filling;
	w->filling = w->spare;
	buf_init(&w->spare, t->bytes.max);
}

static enum err_code make_durable(int fd, bool is_dir, struct err *e)
{
	if ((is_dir ? fsync(fd) : fdatasync(fd)) < 0)
		return err_set(e, ERR_TEMP, ERR_PROCESS,
			       errno == ENOSPC ? "disk_full" : "blob_write",
			       "blobs cannot be made durable: %s", strerror(errno));
	return ERR_OK;
}

static enum err_code commit_taken(const struct blob_writer *w, const struct taken *t, struct err *e)
{
	enum err_code code = ERR_OK;

	if (t->segment)
		code = segment_write(t->segment, buf_span(&t->bytes), t->offset, e);
	for (size_t i = 0; i < t->retired_count && code == ERR_OK; i++)
		code = make_durable(t->retired[i]->fd, false, e);
	if (code == ERR_OK && t->segment)
		code = make_durable(t->segment->fd, false, e);
	if (code == ERR_OK && t->dir)
		code = make_durable(w->dir_fd, true, e);
	return code;
}

/* Under the lock. After a failed write or sync, what lies behind it in the same file is not trusted either. */
static void give_back(struct blob_writer *w, struct taken *t, enum err_code code)
{
	empty_buffer(&t->bytes);
	w->spare = t->bytes;
	if (code != ERR_OK) {
		abandon(w);
		w->dir_unsynced |= t->dir;
	}
	segment_release(&t->segment);
	while (t->retired_count > 0)
		segment_release(&t->retired[--t->retired_count]);
}

enum err_code blob_commit(struct blob_writer *writer, struct err *e)
{
	struct taken taken;

	lock(writer);
	bool lost = writer->lost;

	if (lost)
		abandon(writer);
	writer->lost = false;
	if (!lost)
		take(writer, &taken);
	unlock(writer);
	if (lost)
		return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_write",
			       "blobs appended since the last commit are lost: append them again");
	enum err_code code = commit_taken(writer, &taken, e);

	lock(writer);
	give_back(writer, &taken, code);
	unlock(writer);
	return code;
}

void blob_writer_close(struct blob_writer **writer)
{
	struct blob_writer *w = *writer;

	if (!w)
		return;
	abandon(w);
	close(w->dir_fd);
	squeeze_free(&w->squeeze);
	buf_fini(&w->filling);
	buf_fini(&w->spare);
	pthread_mutex_destroy(&w->lock);
	free(w);
	*writer = NULL;
}
