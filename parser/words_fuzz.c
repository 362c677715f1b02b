/* Fuzz target: any bytes as encoded words, as parameters, and in each encoding of a body. */
#include <stdlib.h>

#include "parser/encoded_word.h"
#include "parser/param.h"
#include "parser/transfer.h"
#include "parser/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_utf8(struct span s)
{
	if (!utf8_valid(s))
		abort();
}

static void try_params(struct decode *d, struct span value)
{
	static const char *const names[] = {"name", "filename", "charset", "boundary", "format"};
	struct param_list params;
	param_parse(value, &params);
	if (params.count > PARAM_MAX)
		abort();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		must_be_utf8(param_get(d, &params, names[i]));
		param_bytes(d, &params, names[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	decode_init(&d, NULL, arena);
	struct span value = span_make(data, size);
	try_params(&d, value);
	must_be_utf8(encoded_word_text(&d, value));
	for (enum transfer t = TRANSFER_NONE; t <= TRANSFER_UU; t++) {
		d.bytes.n = 0;
		transfer_decode(t, value, &d.bytes);
		if (d.bytes.n > size)
			abort();
	}
	transfer_find(value);
	decode_fini(&d);
	arena_free(&arena);
	return 0;
}
