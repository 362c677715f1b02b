#include "common/wire/pack.h"

#include <msgpack/pack.h>

static int put(void *out, const char *p, size_t n)
{
	buf_put(out, p, n);
	return 0; /* overflow is the buffer's to remember */
}

static msgpack_packer packer(struct buf *out)
{
	return (msgpack_packer){.data = out, .callback = put};
}

void pack_put_nil(struct buf *out)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_nil(&pk);
}

void pack_put_bool(struct buf *out, bool value)
{
	msgpack_packer pk = packer(out);
	if (value)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void pack_put_u64(struct buf *out, uint64_t value)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_uint64(&pk, value);
}

void pack_put_i64(struct buf *out, int64_t value)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_int64(&pk, value);
}

void pack_put_double(struct buf *out, double value)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_double(&pk, value);
}

void pack_put_str(struct buf *out, struct span s)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_str(&pk, s.n);
	buf_put_span(out, s);
}

void pack_put_cstr(struct buf *out, const char *s)
{
	pack_put_str(out, span_cstr(s));
}

void pack_put_bin(struct buf *out, struct span s)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_bin(&pk, s.n);
	buf_put_span(out, s);
}

void pack_put_array(struct buf *out, size_t count)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_array(&pk, count);
}

void pack_put_map(struct buf *out, size_t count)
{
	msgpack_packer pk = packer(out);
	msgpack_pack_map(&pk, count);
}
