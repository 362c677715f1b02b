#include "fetcher/imap_deflate.h"

#include <stdlib.h>
#include <zlib.h>

#define RAW_WINDOW (-15) /* the server's: the largest there is (negative: no header, RFC 1951) */
#define OUR_WINDOW (-10) /* ours: commands repeat within a kilobyte */
#define OUR_MEMORY 2
#define OUT_STEP 4096u

struct imap_deflate {
	z_stream in, out;
	uint8_t bytes[IMAP_DEFLATE_BYTES]; /* received; in.next_in points into it */
	bool broken;
};

struct imap_deflate *imap_deflate_new(void)
{
	struct imap_deflate *d = calloc(1, sizeof(*d));

	if (!d || inflateInit2(&d->in, RAW_WINDOW) != Z_OK ||
	    deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, OUR_WINDOW, OUR_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	d->in.next_in = d->bytes;
	return d;
}

void imap_deflate_free(struct imap_deflate **at)
{
	struct imap_deflate *d = *at;

	*at = NULL;
	if (!d)
		return;
	inflateEnd(&d->in);
	deflateEnd(&d->out);
	free(d);
}

uint8_t *imap_deflate_room(struct imap_deflate *d, size_t *n_out)
{
	if (d->in.avail_in == 0)
		d->in.next_in = d->bytes;
	else if (d->in.next_in + d->in.avail_in == d->bytes + sizeof(d->bytes)) {
		memmove(d->bytes, d->in.next_in, d->in.avail_in);
		d->in.next_in = d->bytes;
	}
	*n_out = (size_t)(d->bytes + sizeof(d->bytes) - d->in.next_in) - d->in.avail_in;
	return d->in.next_in + d->in.avail_in;
}

void imap_deflate_add(struct imap_deflate *d, size_t n)
{
	d->in.avail_in += (uInt)n;
}

bool imap_deflate_add_span(struct imap_deflate *d, struct span bytes)
{
	size_t room;
	uint8_t *to = imap_deflate_room(d, &room);

	if (bytes.n > room)
		return false;
	if (bytes.n)
		memcpy(to, bytes.p, bytes.n);
	imap_deflate_add(d, bytes.n);
	return true;
}

enum err_code imap_deflate_take(struct imap_deflate *d, uint8_t *p, size_t n, size_t *n_out)
{
	const uInt room = n < IMAP_DEFLATE_BYTES * 64 ? (uInt)n : IMAP_DEFLATE_BYTES * 64;
	int code;

	*n_out = 0;
	if (d->broken)
		return ERR_PEER;
	d->in.next_out = p;
	d->in.avail_out = room;
	code = inflate(&d->in, Z_SYNC_FLUSH);
	*n_out = room - d->in.avail_out;
	if (code == Z_MEM_ERROR)
		abort();
	d->broken = code != Z_OK && code != Z_BUF_ERROR; /* also a stream that ended */
	if (*n_out > 0)
		return ERR_OK;
	return d->broken ? ERR_PEER : ERR_AGAIN;
}

void imap_deflate_put(struct imap_deflate *d, struct buf *plain, struct buf *wire)
{
	if (plain->n == 0)
		return;
	d->out.next_in = plain->p;
	d->out.avail_in = (uInt)plain->n;
	do {
		uint8_t *to = buf_reserve(wire, OUT_STEP);

		if (!to)
			abort();
		d->out.next_out = to;
		d->out.avail_out = OUT_STEP;
		if (deflate(&d->out, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
			abort();
		wire->n += OUT_STEP - d->out.avail_out;
	} while (d->out.avail_out == 0);
	buf_clear(plain);
}
