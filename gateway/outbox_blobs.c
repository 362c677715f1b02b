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
			       const struct secret_key *data_key, struct span raw,
			       struct blob_ref *ref_out, struct err *e)
{
	enum err_code code;

	pthread_mutex_lock(&blobs->lock);
	code = blob_append(blobs->writer, identity, data_key, raw, ref_out, e);
	if (code == ERR_OK)
		code = blob_commit(blobs->writer, e);
	pthread_mutex_unlock(&blobs->lock);
	return code;
}
