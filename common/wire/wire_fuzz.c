/* Fuzz target: any bytes as a frame of every message; what decodes must encode to a frame that decodes the same. */
#include <stdlib.h>

#include "common/wire/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message_try(const struct wire_def *def, struct span frame, struct arena *arena)
{
	void *m = arena_alloc(arena, def->struct_bytes),
	     *again = arena_alloc(arena, def->struct_bytes);
	struct buf first, second;
	buf_init(&first, 2 * WIRE_FRAME_MAX);
	buf_init(&second, 2 * WIRE_FRAME_MAX);
	if (wire_decode(def, frame, arena, m, NULL) == ERR_OK) {
		wire_encode(def, m, &first);
		if (first.n <= WIRE_FRAME_MAX) {
			if (wire_decode(def, buf_span(&first), arena, again, NULL) != ERR_OK)
				abort();
			wire_encode(def, again, &second);
			if (!span_eq(buf_span(&first), buf_span(&second)))
				abort();
		}
	}
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	unsigned number = wire_peek(span_make(data, size));
	if (number)
		message_try(wire_def(number), span_make(data, size), arena);
	else
		message_try(wire_def(WIRE_N_raw), span_make(data, size), arena);
	arena_free(&arena);
	return 0;
}
