/*
 * nodes: the servers that a store knows, and which of them answers for a hash slot. One server needs no table: that of
 * slots appears with the first MOVED. A slot that nobody claimed is asked of the seed, the first address; when that
 * cannot be reached, of the next server known.
 */
#ifndef MW_STORE_NODES_H
#define MW_STORE_NODES_H

#include "common/store/conn.h"
#include "common/store/route.h"

#define NODES_MAX 64u
#define NODES_NONE UINT8_MAX

struct nodes_item {
	struct conn *conn;
	int64_t retry_at_ms; /* no attempt to connect before */
	unsigned failures; /* in a row */
};

struct nodes {
	struct nodes_item items[NODES_MAX];
	uint8_t count;
	uint8_t seed;
	uint8_t *slots; /* ROUTE_SLOTS indexes, NODES_NONE: unknown; NULL: all unknown */
	const char *password_file, *client_name;
};

void nodes_init(struct nodes *nodes, const char *address, const char *password_file,
		const char *client_name);
void nodes_fini(struct nodes *nodes);
/* Between calls: if the table is full (servers come and go), forgets all but the first address. */
void nodes_trim(struct nodes *nodes);
uint8_t nodes_for(const struct nodes *nodes, const struct store_command *command);
/* Connects if need be. ERR_TEMP while it fails or its pause lasts. */
MUST_USE enum err_code nodes_ready(struct nodes *nodes, uint8_t node, int64_t deadline_ms,
				   struct err *e);
/* The server a redirection by `from` names (known from now on); after MOVED the slot is its. `from` if it names none or
 * the table is full. */
uint8_t nodes_redirect(struct nodes *nodes, uint8_t from, const struct route_redirect *redirect);
/* That server is none to write to any more: its connection ends, its slots are unknown, another one is the seed. */
void nodes_distrust(struct nodes *nodes, uint8_t node);
/* 20 ms doubling to 1 s with the number of failures (from 1), of which a random half is left out. */
int64_t nodes_backoff_ms(unsigned failures);

#endif
