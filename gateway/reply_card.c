#include "gateway/reply_card.h"

#include "common/base/address.h"
#include "common/wire/pack.h"

static bool is_in(const json_t *addresses, struct span email)
{
	char normal[ADDRESS_MAX + 1];

	if (!address_normalize(email, normal))
		return false;
	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *own = json_string_value(json_array_get(addresses, i));

		if (own && strcmp(own, normal) == 0)
			return true;
	}
	return false;
}

/* A list of [name, email]. */
static bool list_names(struct pack_reader *p, const json_t *addresses)
{
	size_t count = pack_peek(p) == PACK_MAP ? pack_read_map(p) : pack_read_array(p);
	bool found = false;

	for (size_t i = 0; i < count && !p->bad; i++) {
		size_t elements = pack_read_array(p);

		if (elements < 2) {
			pack_skip_n(p, elements);
			continue;
		}
		pack_skip(p);
		found = is_in(addresses, pack_read_bytes(p)) || found;
		pack_skip_n(p, elements - 2);
	}
	return found;
}

bool reply_card_names(struct span card, const json_t *addresses)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);
	bool found = false;

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		struct span key = pack_read_bytes(&p);

		if (key.n == 1 && memchr("ftcbr", key.p[0], 5))
			found = list_names(&p, addresses) || found;
		else
			pack_skip(&p);
	}
	return found && !p.bad;
}
