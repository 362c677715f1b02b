/* worker: one sandboxed child, seen from its parent. See request.h. */
#ifndef MW_PARSER_WORKER_H
#define MW_PARSER_WORKER_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "parser/request.h"
#include "parser/spool_cache.h"

struct worker;

enum worker_state {
	WORKER_WORKING = 0, /* no answer yet */
	WORKER_ANSWERED,
	WORKER_DEAD, /* its end of the control socket is closed, or it said what it must not */
};

/* Starts `path --child`. */
MUST_USE enum err_code worker_start(const char *path, struct worker **worker_out, struct err *e);
/* Kills it by its id, waits for its end and frees all. */
void worker_stop(struct worker **worker);
int worker_fd(const struct worker *worker);
int worker_pid(const struct worker *worker);
/* Requests' items handled so far, for recycling. */
uint64_t worker_handled(const struct worker *worker);
/* The region for bodies, REQUEST_IN_BYTES, to be filled before worker_send. */
uint8_t *worker_in(struct worker *worker);
/* Resets the page and sends; spool files that this child has not seen yet go along. False: it is dead. */
MUST_USE bool worker_send(struct worker *worker, struct request *request,
			  const struct spool_cache *spools);
enum worker_state worker_poll(struct worker *worker);
/* The item in hand now, REQUEST_ITEMS_MAX between requests. */
uint32_t worker_at(const struct worker *worker);
/* Result i with its bytes, which stay until the next request; the child could still change them: copy, then check. A
 * result outside of the region counts as REQUEST_NOTHING. */
enum request_status worker_result(const struct worker *worker, uint32_t i, struct span *frame_out,
				  struct span *body_out);
/* Gives the pages of both regions back to the system. */
void worker_trim(struct worker *worker);

#endif
