/* export_keys: which things of one kind a mailbox has, in order of time, each once: a snapshot of names. */
#ifndef MW_GATEWAY_EXPORT_KEYS_H
#define MW_GATEWAY_EXPORT_KEYS_H

#include "gateway/account.h"

#define EXPORT_NAME_MAX 16

struct export_key {
	int64_t ms;
	uint8_t name[EXPORT_NAME_MAX];
};

struct export_keys {
	struct export_key *items;
	size_t count, room, at; /* at: the next to be taken */
	char cursor[24]; /* "": not begun */
	bool complete;
};

/* Reads a bounded part more of {a}:<family> (export.lua); names of name_bytes. Sorted when complete. */
MUST_USE enum err_code export_keys_read(struct http_request *r, struct span account,
					const char *family, size_t name_bytes,
					struct export_keys *keys, struct err *e);
void export_keys_reset(struct export_keys *keys);

#endif
