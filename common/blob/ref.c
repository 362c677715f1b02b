#include <stdlib.h>

#include "common/blob/record.h"
#include "common/blob/segment.h"

#define REF_VERSION 1
#define OFFSET_MAX ((uint64_t)1 << 40)

static size_t put_varint(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

static bool get_varint(struct span *in, uint64_t max, uint64_t *value_out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; in->n > 0 && shift < 63; shift += 7) {
		uint8_t c = in->p[0];

		*in = span_sub(*in, 1, in->n);
		v |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0) {
			*value_out = v;
			return v <= max && (c != 0 || shift == 0); /* one form only */
		}
	}
	return false;
}

_Static_assert(SEGMENT_WRITER_MAX + 1 == sizeof(((struct blob_ref *)NULL)->writer),
	       "a writer's name fits a reference");

size_t blob_ref_encode(const struct blob_ref *ref, uint8_t out[BLOB_REF_MAX])
{
	struct span writer = span_cstr(ref->writer);
	size_t n = 0;

	if (!segment_is_writer_name(writer) || ref->offset > OFFSET_MAX ||
	    ref->length > RECORD_BYTES_MAX)
		abort();
	out[n++] = REF_VERSION;
	n += put_varint(out + n, ref->offset);
	n += put_varint(out + n, ref->length);
	n += put_varint(out + n, ref->segment);
	memcpy(out + n, writer.p, writer.n);
	return n + writer.n;
}

enum err_code blob_ref_decode(struct span encoded, struct blob_ref *ref_out)
{
	struct blob_ref ref = {0};
	struct span rest = span_sub(encoded, 1, encoded.n);
	uint64_t segment = 0;

	if (encoded.n == 0 || encoded.n > BLOB_REF_MAX || encoded.p[0] != REF_VERSION)
		return ERR_PERM;
	if (!get_varint(&rest, OFFSET_MAX, &ref.offset) ||
	    !get_varint(&rest, RECORD_BYTES_MAX, &ref.length) ||
	    !get_varint(&rest, UINT32_MAX, &segment) || !segment_is_writer_name(rest))
		return ERR_PERM;
	ref.segment = (uint32_t)segment;
	memcpy(ref.writer, rest.p, rest.n);
	*ref_out = ref;
	return ERR_OK;
}
