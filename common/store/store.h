/*
 * store: Redis, for programs. Blocking, pipelined, one thread a store; every wait has a deadline. Reconnects by itself
 * with back-off and jitter and knows LOADING, BUSY, MOVED, ASK, READONLY, TRYAGAIN, CLUSTERDOWN, NOSCRIPT-like answers
 * of a restarted server ("Function not found": loads the libraries it was given again). A time-out means that the
 * outcome is unknown, so every call must be safe to run twice: the library repeats calls after such answers until the
 * deadline, then gives ERR_TEMP.
 *
 * All keys of one call lie in one hash slot (asserted for FCALL): build them with keys.h, because a command goes to the
 * server of the first argument that begins with a tag in braces; MOVED and ASK are followed and remembered.
 * An answer of OOM, MISCONF or NOREPLICAS gives ERR_TEMP at once: the server is full, slow down.
 * A blocking command (XREAD BLOCK) must wait for less than half of call_ms. A host name is looked up by the system's
 * resolver, whose own time-outs count.
 */
#ifndef MW_STORE_STORE_H
#define MW_STORE_STORE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/span.h"

struct store;
struct metrics;

struct store_options {
	const char *address; /* "unix:/path" or "tcp:host:port" */
	const char *password_file; /* "" or NULL: none */
	const char *client_name; /* for CLIENT LIST; "" or NULL: none */
	int64_t call_ms; /* deadline of a call or pipeline, retries included; 0: 10,000 */
	struct metrics *metrics; /* may be NULL; counts METRIC_REDIS_CALLS once a round trip */
};

/* Does not connect yet: the first call does. */
struct store *store_new(const struct store_options *options);
void store_free(struct store **store);

enum store_type { STORE_NIL, STORE_INT, STORE_STRING, STORE_ARRAY, STORE_ERROR };

/* A reply; everything in it lives in the arena handed to the call. */
struct store_reply {
	enum store_type type;
	int64_t integer;
	struct span string; /* also the error's text */
	struct store_reply *items;
	size_t count;
};

struct store_command {
	const struct span *args;
	size_t count;
};

/* One command. STORE_ERROR replies of the server that no retry mends come back as ERR_PERM with the server's words;
 * a function's own refusals come as data, not errors. */
MUST_USE enum err_code store_call(struct store *store, const struct span *args, size_t count,
				  struct arena *arena, struct store_reply *reply_out,
				  struct err *e);
/* Many commands, one round trip (chunks of at most 512). replies_out[count]. Each may be STORE_ERROR by itself. Commands
 * may be of different slots (each one of one slot); on a single server they go as one pipeline. Order: as given among the
 * commands of one slot, except that one which a server refuses for now (LOADING, a lost function) is repeated after the
 * others. After an error nothing is known of any of them. */
MUST_USE enum err_code store_pipeline(struct store *store, const struct store_command *commands,
				      size_t count, struct arena *arena,
				      struct store_reply *replies_out, struct err *e);

/*
 * FCALL name keys… args…  name has the library's version at the end of the library, not of the function: libraries are
 * `<stage>_<WIRE_VERSION>` and their functions `<stage>_<version>_<verb>`: store_fcall(store, "linker_1_commit", …).
 */
MUST_USE enum err_code store_fcall(struct store *store, const char *function,
				   const struct span *keys, size_t key_count,
				   const struct span *args, size_t arg_count, struct arena *arena,
				   struct store_reply *reply_out, struct err *e);

/* Loads a function library (source begins "#!lua name=<library>"), replacing one of that name. Kept by reference:
 * source must live as long as the store, which loads it again when a server has lost it. */
MUST_USE enum err_code store_load_library(struct store *store, struct span source, struct err *e);

/* A printf-like builder of one command's arguments in an arena, for plain commands:
 *   store_do(store, arena, &reply, &e, "HGET %b %b", key, field)      %b struct span · %s const char * · %d int64_t
 * A conversion is a whole argument (mixtures abort). Arguments are borrowed, not copied: they must live until the call. */
MUST_USE enum err_code store_do(struct store *store, struct arena *arena,
				struct store_reply *reply_out, struct err *e, const char *format,
				...);
/* The same as an element of a pipeline. */
struct store_command store_command(struct arena *arena, const char *format, ...);

#endif
