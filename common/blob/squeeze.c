#include "common/blob/squeeze.h"

#include <stdlib.h>

#include <zstd.h>

#define LEVEL 1
#define WHOLE_MAX ((size_t)64 << 10) /* compressed without asking */
#define SAMPLE_BYTES 4096u
#define SAMPLES 3u
#define SAMPLE_PAYS_PERCENT 60u
#define STORE_PAYS_PERCENT 90u
#define KEPT_BYTES ((size_t)4 << 20)

struct squeeze {
	ZSTD_CCtx *zstd;
	struct buf out;
};

struct squeeze *squeeze_new(void)
{
	struct squeeze *s = malloc(sizeof(*s));

	if (!s)
		abort();
	s->zstd = ZSTD_createCCtx();
	if (!s->zstd)
		abort();
	buf_init(&s->out, SIZE_MAX / 2);
	return s;
}

void squeeze_free(struct squeeze **squeeze)
{
	if (!*squeeze)
		return;
	ZSTD_freeCCtx((*squeeze)->zstd);
	buf_fini(&(*squeeze)->out);
	free(*squeeze);
	*squeeze = NULL;
}

/* Compressed size; 0 if zstd has refused, which only lack of memory makes it do. */
static size_t compress(struct squeeze *s, struct span in)
{
	size_t bound = ZSTD_compressBound(in.n);

	buf_clear(&s->out);
	size_t n =
		ZSTD_compressCCtx(s->zstd, buf_reserve(&s->out, bound), bound, in.p, in.n, LEVEL);

	if (ZSTD_isError(n))
		abort();
	return n;
}

/* A few pieces spread over the message. */
static bool looks_worthwhile(struct squeeze *s, struct span raw)
{
	size_t packed = 0;

	for (size_t i = 1; i <= SAMPLES; i++)
		packed += compress(s, span_sub(raw, raw.n / (SAMPLES + 1) * i, SAMPLE_BYTES));
	return packed * 100 <= (size_t)SAMPLES * SAMPLE_BYTES * (size_t)SAMPLE_PAYS_PERCENT;
}

bool squeeze_pack(struct squeeze *squeeze, struct span raw, struct span *stored_out)
{
	*stored_out = raw;
	if (squeeze->out.cap > KEPT_BYTES)
		buf_fini(&squeeze->out);
	if (raw.n == 0 || (raw.n > WHOLE_MAX && !looks_worthwhile(squeeze, raw)))
		return false;
	size_t n = compress(squeeze, raw);

	if (n * 100 > raw.n * STORE_PAYS_PERCENT)
		return false;
	*stored_out = span_make(squeeze->out.p, n);
	return true;
}

enum err_code squeeze_unpack(struct span frame, uint64_t clear_bytes, struct buf *out,
			     struct err *e)
{
	uint8_t *p = clear_bytes > SIZE_MAX ? NULL : buf_reserve(out, (size_t)clear_bytes);

	if (!p)
		return err_set(e, ERR_LIMIT, ERR_ITEM, "blob_too_large",
			       "%llu octets are over the maximum", (unsigned long long)clear_bytes);
	size_t n = ZSTD_decompress(p, (size_t)clear_bytes, frame.p, frame.n);

	if (ZSTD_isError(n) || n != clear_bytes)
		return err_set(e, ERR_PERM, ERR_ITEM, "blob_damaged", "does not decompress");
	out->n += n;
	return ERR_OK;
}
