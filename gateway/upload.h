/* upload: a request body that is read while it arrives; the sender is held back when the reader is slow. */
#ifndef MW_GATEWAY_UPLOAD_H
#define MW_GATEWAY_UPLOAD_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct http_upload;

#define UPLOAD_ROOM (256u << 10)
#define UPLOAD_LINE_MAX (128u << 10)

struct upload_line {
	struct span text; /* without its line end; lives until the next call */
	bool too_long; /* it was over UPLOAD_LINE_MAX and was skipped */
};

/* The handler's side: the next line. False: the end, the sender went away or deadline_mono_ms passed (see upload_whole). */
bool upload_next_line(struct http_upload *upload, int64_t deadline_mono_ms,
		      struct upload_line *line_out);
/* After the last line: did all of the body arrive? */
bool upload_whole(struct http_upload *upload);

/*
 * The server's side. put takes up to n bytes and says how many; on 0 the upload is full: `room` is called once, from the
 * reader's thread, as soon as there is place again. put and the setting of room are one step, so none is missed;
 * `full`, if not NULL, is called inside that step.
 */
struct http_upload *upload_new(void (*room)(void *ctx), void (*full)(void *ctx), void *ctx);
void upload_free(struct http_upload **upload);
size_t upload_put(struct http_upload *upload, const void *p, size_t n);
/* No more bytes; whole: the body ended as it should. */
void upload_end(struct http_upload *upload, bool whole);
/* The reader is done: what comes further is swallowed by put. */
void upload_ignore(struct http_upload *upload);

#endif
