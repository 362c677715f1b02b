/*
 * pack: reading and writing single msgpack values, for frames on the bus and for the packed values in Redis.
 *
 *     struct pack_reader r = pack_reader_make(value);
 *     size_t n = pack_read_array(&r);
 *     uint64_t lane = n > 0 ? pack_read_u64(&r) : 0;
 *     struct span blob = n > 1 ? pack_read_bytes(&r) : SPAN_LIT("");
 *     pack_skip_n(&r, n > 2 ? n - 2 : 0);        // what a newer version appended
 *     if (!pack_done(&r)) …                       // truncated, of another type, or bytes behind it
 *
 * The reader is sticky: after the first thing that is not what was asked for, `bad` is set and every further read gives
 * zero or an empty span. So a sequence is checked once, at its end. Lengths and counts are checked against the bytes that
 * are left before they are believed; nothing is allocated. Spans point into the value.
 */
#ifndef MW_WIRE_PACK_H
#define MW_WIRE_PACK_H

#include "common/base/buf.h"

#define PACK_DEPTH_MAX 4

enum pack_type {
	PACK_END, /* no bytes left, or the reader is bad */
	PACK_NIL,
	PACK_BOOL,
	PACK_INT,
	PACK_FLOAT,
	PACK_BYTES, /* str or bin: Redis's cmsgpack writes and reads str alone, so the two are one for us */
	PACK_EXT,
	PACK_ARRAY,
	PACK_MAP,
};

struct pack_reader {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct pack_reader pack_reader_make(struct span s)
{
	return (struct pack_reader){.p = s.p, .end = s.n ? s.p + s.n : s.p};
}
/* What comes next; takes nothing. */
enum pack_type pack_peek(const struct pack_reader *r);
/* Takes a nil and says true; anything else is left where it is (and is not bad). For values that may be absent. */
bool pack_read_nil(struct pack_reader *r);
bool pack_read_bool(struct pack_reader *r);
uint64_t pack_read_u64(struct pack_reader *r); /* bad if negative */
int64_t pack_read_i64(struct pack_reader *r); /* bad if over INT64_MAX */
double pack_read_double(struct pack_reader *r); /* floats and integers */
struct span pack_read_bytes(struct pack_reader *r);
/* Number of elements that follow: each takes at least one byte, so never more than the bytes left. */
size_t pack_read_array(struct pack_reader *r);
/* Number of pairs that follow. An empty array is an empty map too: Lua has one empty table. */
size_t pack_read_map(struct pack_reader *r);
/* One value of any type, with all it holds, nested at most PACK_DEPTH_MAX deep (below: at most levels, 0 for none). */
void pack_skip(struct pack_reader *r);
void pack_skip_within(struct pack_reader *r, unsigned levels);
void pack_skip_n(struct pack_reader *r, size_t count);
/* The bytes of one whole value, to be read later or copied as they are. */
struct span pack_read_value(struct pack_reader *r);
/* All bytes taken and nothing bad. */
bool pack_done(const struct pack_reader *r);

/* Writers append to out; overflow is asked for once, with buf_ok. */
void pack_put_nil(struct buf *out);
void pack_put_bool(struct buf *out, bool value);
void pack_put_u64(struct buf *out,
		  uint64_t value); /* Lua reads what is over INT64_MAX as negative */
void pack_put_i64(struct buf *out, int64_t value);
void pack_put_double(struct buf *out, double value);
/* Text or bytes as msgpack str. For every value that goes to Redis. */
void pack_put_str(struct buf *out, struct span s);
void pack_put_cstr(struct buf *out, const char *s);
/* As msgpack bin: only for frames on the bus. Redis's cmsgpack.unpack refuses it ("Bad data format in input"). */
void pack_put_bin(struct buf *out, struct span s);
/* Followed by count values, or count pairs of values. At most UINT32_MAX. */
void pack_put_array(struct buf *out, size_t count);
void pack_put_map(struct buf *out, size_t count);

#endif
