#include "common/blob/record.h"

#include <stdlib.h>

#define MAGIC SPAN_LIT("MWB1")
#define VERSION 1
#define FRONT_BYTES 8u /* magic and header length */
#define FIXED_BYTES (1u + 1u + 8u + ID_BYTES + 8u + 1u + 1u)
#define ID_MAX 64u

static void put_u32(struct buf *out, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v};

	buf_put(out, b, sizeof(b));
}

static void put_u64(struct buf *out, uint64_t v)
{
	put_u32(out, (uint32_t)(v >> 32));
	put_u32(out, (uint32_t)v);
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

static size_t header_bytes(const struct blob_identity *identity)
{
	return FIXED_BYTES + identity->company.n + identity->account.n;
}

size_t record_bytes(const struct blob_identity *identity, size_t stored)
{
	return FRONT_BYTES + header_bytes(identity) + 4 + stored + RECORD_SEAL_BYTES;
}

void record_write(const struct record_header *header, const struct secret_key *data_key,
		  struct span stored, struct buf *out)
{
	const struct blob_identity *identity = &header->identity;
	size_t start = out->n;

	if (!id_is_client(identity->company) || !id_is_client(identity->account) ||
	    !buf_reserve(out, record_bytes(identity, stored.n)))
		abort();
	buf_put_span(out, MAGIC);
	put_u32(out, (uint32_t)header_bytes(identity));
	buf_put_byte(out, VERSION);
	buf_put_byte(out, header->flags);
	put_u64(out, identity->generation);
	buf_put(out, identity->id.b, ID_BYTES);
	put_u64(out, header->clear_bytes);
	buf_put_byte(out, (uint8_t)identity->company.n);
	buf_put_byte(out, (uint8_t)identity->account.n);
	buf_put_span(out, identity->company);
	buf_put_span(out, identity->account);
	size_t context = out->n - start;

	put_u32(out, (uint32_t)(stored.n + RECORD_SEAL_BYTES));
	/* The room was reserved above: the context does not move. */
	secret_seal(data_key, span_make(out->p + start, context), stored, out);
}

static bool parse_header(struct span h, struct record_header *header_out)
{
	const uint8_t *p = h.p;

	if (h.n < FIXED_BYTES || p[0] != VERSION)
		return false;
	size_t company = p[FIXED_BYTES - 2], account = p[FIXED_BYTES - 1];

	if (company > ID_MAX || account > ID_MAX || h.n != FIXED_BYTES + company + account)
		return false;
	*header_out = (struct record_header){.flags = p[1]};
	header_out->identity.generation = get_u64(p + 2);
	memcpy(header_out->identity.id.b, p + 10, ID_BYTES);
	header_out->clear_bytes = get_u64(p + 10 + ID_BYTES);
	header_out->identity.company = span_sub(h, FIXED_BYTES, company);
	header_out->identity.account = span_sub(h, FIXED_BYTES + company, account);
	return (header_out->flags & ~RECORD_FLAG_ZSTD) == 0;
}

bool record_parse(struct span record, struct record_header *header_out, struct span *context_out,
		  struct span *sealed_out)
{
	if (record.n < FRONT_BYTES || !span_eq(span_sub(record, 0, 4), MAGIC))
		return false;
	size_t header = get_u32(record.p + 4);

	if (header > FIXED_BYTES + 2 * ID_MAX || record.n < FRONT_BYTES + header + 4)
		return false;
	if (!parse_header(span_sub(record, FRONT_BYTES, header), header_out))
		return false;
	*context_out = span_sub(record, 0, FRONT_BYTES + header);
	struct span rest = span_sub(record, FRONT_BYTES + header + 4, record.n);

	if (get_u32(context_out->p + context_out->n) != rest.n || rest.n < RECORD_SEAL_BYTES)
		return false;
	*sealed_out = rest;
	return true;
}

_Static_assert(FRONT_BYTES + FIXED_BYTES + 2 * ID_MAX + 4 <= RECORD_HEAD_MAX, "a head fits");

bool record_frame_read(struct span head, struct record_frame *frame_out)
{
	if (head.n < FRONT_BYTES || !span_eq(span_sub(head, 0, 4), MAGIC))
		return false;
	size_t header = get_u32(head.p + 4);

	if (header > FIXED_BYTES + 2 * ID_MAX || head.n < FRONT_BYTES + header + 4 ||
	    !parse_header(span_sub(head, FRONT_BYTES, header), &frame_out->header))
		return false;
	frame_out->head_bytes = FRONT_BYTES + header + 4;
	frame_out->bytes = frame_out->head_bytes + get_u32(head.p + FRONT_BYTES + header);
	return frame_out->bytes <= RECORD_BYTES_MAX;
}

void record_frame_blank(uint8_t *head, const struct record_frame *frame)
{
	uint8_t *header = head + FRONT_BYTES;
	size_t names = frame->header.identity.company.n + frame->header.identity.account.n;

	memset(header + 1, 0, FIXED_BYTES - 3); /* all but version and the lengths of the names */
	memset(header + FIXED_BYTES, '-', names);
}
