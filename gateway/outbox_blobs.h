/* outbox_blobs: the gateway's own blob writer: requests to send, durable before they are acknowledged. Any thread. */
#ifndef MW_GATEWAY_OUTBOX_BLOBS_H
#define MW_GATEWAY_OUTBOX_BLOBS_H

#include "common/blob/blob.h"

struct outbox_blobs;

MUST_USE enum err_code outbox_blobs_open(const char *blob_dir, const char *instance,
					 struct outbox_blobs **blobs_out, struct err *e);
void outbox_blobs_close(struct outbox_blobs **blobs);
/* Durable when it returns ERR_OK. */
MUST_USE enum err_code outbox_blobs_put(struct outbox_blobs *blobs,
					const struct blob_identity *identity,
					const struct secret_key *data_key, struct span raw,
					struct blob_ref *ref_out, struct err *e);

#endif
