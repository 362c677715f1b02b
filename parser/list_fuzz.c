/* Fuzz target: any bytes as lists of addresses and of message ids. */
#include <stdlib.h>

#include "parser/address_list.h"
#include "parser/msg_id.h"
#include "parser/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_utf8(struct span s)
{
	if (!utf8_valid(s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	struct address_list addresses = {0};
	struct id_list ids;
	struct span value = span_make(data, size);
	decode_init(&d, NULL, arena);
	address_list_parse(&d, value, &addresses);
	for (size_t i = 0; i < addresses.count; i++) {
		must_be_utf8(addresses.items[i].name);
		must_be_utf8(addresses.items[i].email);
	}
	msg_id_parse(&d, value, MSG_ID_MAX, &ids);
	if (ids.count > MSG_ID_MAX)
		abort();
	decode_fini(&d);
	arena_free(&arena);
	return 0;
}
