/*
 * window: what was fetched and is not committed: at most so many messages and octets a lane, over all accounts of the
 * process (an empty lane admits any message). The truth is the ledger; this is its reading. Also says which message is to
 * be driven again (DESIGN "Driving again"). Pure: the time is handed in.
 */
#ifndef MW_FETCHER_WINDOW_H
#define MW_FETCHER_WINDOW_H

#include "common/base/code.h"
#include "common/blob/blob.h"
#include "common/wire/wire.h"
#include "fetcher/spool.h"

#define WINDOW_BUCKETS 1024u

enum flight_state {
	FLIGHT_COMING = 0, /* being received, or appended and not yet entered */
	FLIGHT_DUE, /* in the ledger, to be driven by a job */
	FLIGHT_DRIVING, /* that job runs */
	FLIGHT_PUSHED, /* on the bus */
};

/* One message between the mail server and its commit. */
struct flight {
	struct flight *next, *previous; /* all, oldest first */
	struct flight *chain; /* bucket */
	const void *owner; /* the account */
	struct id id;
	enum flight_state state;
	unsigned lane;
	uint64_t size;
	int64_t received_ms;
	unsigned place;
	uint8_t blob[BLOB_REF_MAX];
	size_t blob_bytes;
	char submission[65];
	struct spool_region region;
	uint64_t drives;
	uint64_t order; /* of pushing, in its lane */
	int64_t pushed_ms; /* mono; 0: never */
	int64_t pushed_at; /* the pipeline's clock, which stands while a stage has no instance */
	int64_t passed_ms; /* since when later ones have been committed; 0: not */
	uint64_t looked; /* the last look that saw it in the ledger */
	bool hashed;
};

struct window {
	struct spool *spool;
	struct flight *first, *last;
	struct flight *buckets[WINDOW_BUCKETS];
	size_t count[WIRE_LANES];
	uint64_t bytes[WIRE_LANES];
	size_t max_messages;
	uint64_t max_bytes;
	uint64_t order[WIRE_LANES];
	bool freed; /* something left since the owner cleared this */
};

void window_init(struct window *w, struct spool *spool, size_t max_messages, uint64_t max_bytes);
void window_fini(struct window *w);
/* A new flight with a region of the spool; NULL if the lane is full or the spool has no gap. */
struct flight *window_admit(struct window *w, const void *owner, unsigned lane, uint64_t bytes);
/* The same without asking and without region: what is in the ledger already, or small. */
struct flight *window_force(struct window *w, const void *owner, unsigned lane, uint64_t bytes);
/* Makes it findable by its id. */
void window_name(struct window *w, struct flight *f, const struct id *id);
struct flight *window_find(const struct window *w, const void *owner, const struct id *id);
void window_leave(struct window *w, struct flight **f);
void window_leave_all(struct window *w, const void *owner);
void window_pushed(struct window *w, struct flight *f, int64_t now_ms, int64_t pipeline_ms);
/* f was committed: earlier ones of its lane have been passed. */
void window_committed(struct window *w, struct flight **f, int64_t now_ms);
/* Is it to be driven again? left_ms: when an instance downstream was last seen to leave, 0 never. */
bool window_overdue(const struct flight *f, int64_t now_ms, int64_t pipeline_ms, int64_t left_ms);

#endif
