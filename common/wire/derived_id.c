#include "common/wire/derived_id.h"

#include "common/base/code.h"

#define HASH_BYTES_USED 16

void derived_id(const uint8_t content_hash[32], struct buf *out)
{
	base32_encode(span_make(content_hash, HASH_BYTES_USED), out);
	buf_put_cstr(out, "@derived.mailweave");
}

bool derived_id_not_needed(struct span message_id)
{
	size_t visible = 0;
	bool at = false;

	for (size_t i = 0; i < message_id.n; i++) {
		visible += message_id.p[i] > ' ' && message_id.p[i] != 0x7f;
		at |= message_id.p[i] == '@';
	}
	return at && visible > 1;
}
