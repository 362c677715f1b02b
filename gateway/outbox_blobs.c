#include "gateway/outbox_blobs.h"

#include <pthread.h>
#include <stdlib.h>

struct outbox_blobs {
	pthread_mutex_t lock;
	struct blob_writer *writer;
};

enum err_code outbox_blobs_open(const char *blob_dir, const char *instance,
				struct outbox_blobs **blobs_out, struct err *e)
{
	struct outbox_blobs *blobs = calloc(1, sizeof(*blobs));
	enum err_code code;

	if (!blobs)
		abort();
	pthread_mutex_init(&blobs->lock, NULL);
	code = blob_writer_open(blob_dir, instance, &blobs->writer, e);
	if (code != ERR_OK)
		outbox_blobs_close(&blobs);
	*blobs_out = blobs;
	return code;
}

void outbox_blobs_close(struct outbox_blobs **blobs)
{
	if (!*blobs)
		return;
	blob_writer_close(&(*blobs)->writer);
	pthread_mutex_destroy(&(*blobs)->lock);
	free(*blobs);
	*blobs = NULL;
}

enum err_code outbox_blobs_put(struct outbox_blobs *blobs, const struct blob_identity *identity,
			       const struct secret_key *data_key, struct outbox_blob *list,
			       size_t count, struct err *e)
{
	struct blob_identity of = *identity;
	enum err_code code = ERR_OK;

	pthread_mutex_lock(&blobs->lock);
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		of.id = list[i].id;
		code = blob_append(blobs->writer, &of, data_key, list[i].raw, &list[i].ref, e);
	}
	if (code == ERR_OK)
		code = blob_commit(blobs->writer, e);
	pthread_mutex_unlock(&blobs->lock);
	return code;
}
