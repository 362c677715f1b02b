#include "common/store/route.h"

#include <stdlib.h>

static uint16_t crc16(struct span s)
{
	unsigned crc = 0;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned)s.p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
	}
	return (uint16_t)(crc & 0xffffu);
}

static struct span tag_of(struct span key)
{
	size_t open = span_find_byte(key, '{');

	if (open == key.n)
		return key;
	struct span rest = span_sub(key, open + 1, key.n);
	size_t close = span_find_byte(rest, '}');

	return close == rest.n || close == 0 ? key : span_sub(rest, 0, close);
}

int route_key_slot(struct span key)
{
	return crc16(tag_of(key)) % ROUTE_SLOTS;
}

static bool is_function_call(const struct store_command *command)
{
	return command->count >= 3 && (span_ieq(command->args[0], SPAN_LIT("FCALL")) ||
				       span_ieq(command->args[0], SPAN_LIT("FCALL_RO")));
}

static bool begins_with_tag(struct span key)
{
	return key.n > 2 && key.p[0] == '{' && tag_of(key).n < key.n;
}

int route_command_slot(const struct store_command *command)
{
	size_t i = is_function_call(command) ? 3 : 1;

	for (; i < command->count; i++)
		if (begins_with_tag(command->args[i]))
			return route_key_slot(command->args[i]);
	return ROUTE_NO_SLOT;
}

void route_check(const struct store_command *command)
{
	uint64_t keys = 0;

	if (command->count == 0)
		abort();
	if (!is_function_call(command))
		return;
	if (!span_to_u64(command->args[2], command->count - 3, &keys))
		abort();
	for (size_t i = 0; i < keys; i++) {
		struct span key = command->args[3 + i];

		if (!begins_with_tag(key) || !span_eq(tag_of(key), tag_of(command->args[3])))
			abort();
	}
}

bool route_parse_redirect(struct span error, struct route_redirect *redirect_out)
{
	struct route_redirect r = {0};
	uint64_t slot, port;

	if (span_istarts(error, SPAN_LIT("MOVED ")))
		error = span_sub(error, 6, error.n);
	else if (span_istarts(error, SPAN_LIT("ASK ")))
		error = span_sub(error, 4, error.n);
	else
		return false;
	r.ask = error.p[-2] == 'K';
	size_t blank = span_find_byte(error, ' ');

	if (!span_to_u64(span_sub(error, 0, blank), ROUTE_SLOTS - 1, &slot))
		return false;
	struct span address = span_sub(error, blank + 1, error.n);
	size_t colon = address.n;

	while (colon > 0 &&
	       address.p[colon - 1] != ':') /* the last one: an IPv6 host has its own */
		colon--;
	if (colon == 0 || !span_to_u64(span_sub(address, colon, address.n), UINT16_MAX, &port) ||
	    port == 0)
		return false;
	r.slot = (uint16_t)slot;
	r.host = span_sub(address, 0, colon - 1);
	r.port = (uint16_t)port;
	*redirect_out = r;
	return true;
}
