/* Fuzz target: any bytes as each kind of header value: addresses, ids, encoded words, parameters, dates, types of encoding. */
#include <stdlib.h>

#include "parser/address_list.h"
#include "parser/date.h"
#include "parser/encoded_word.h"
#include "parser/msg_id.h"
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

static void try_lists(struct decode *d, struct span value)
{
	struct address_list addresses = {0};
	struct id_list ids;
	address_list_parse(d, value, &addresses);
	for (size_t i = 0; i < addresses.count; i++) {
		must_be_utf8(addresses.items[i].name);
		must_be_utf8(addresses.items[i].email);
	}
	msg_id_parse(d, value, MSG_ID_MAX, &ids);
	if (ids.count > MSG_ID_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	struct date date;
	decode_init(&d, NULL, arena);
	struct span value = span_make(data, size);
	try_lists(&d, value);
	try_params(&d, value);
	must_be_utf8(encoded_word_text(&d, value));
	if (size > 0)
		date_parse(value, &date);
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
