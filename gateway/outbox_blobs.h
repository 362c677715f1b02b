/* outbox_blobs: the gateway's own blob writer: requests to send, durable before they are acknowledged. Any thread. */
#ifndef MW_GATEWAY_OUTBOX_BLOBS_H
#define MW_GATEWAY_OUTBOX_BLOBS_H

#include "common/blob/blob.h"

struct outbox_blobs;

MUST_USE enum err_code outbox_blobs_open(const char *blob_dir, const char *instance,
					 struct outbox_blobs **blobs_out, struct err *e);
void outbox_blobs_close(struct outbox_blobs **blobs);
/* What is put, and where it is then. */
struct outbox_blob {
	struct id id;
	struct span raw;
	struct blob_ref ref;
};
/* All durable when it returns ERR_OK, with one commit. identity: of all, its id is not looked at. */
MUST_USE enum err_code outbox_blobs_put(struct outbox_blobs *blobs,
					const struct blob_identity *identity,
					const struct secret_key *data_key, struct outbox_blob *list,
					size_t count, struct err *e);

#endif
