#include "gateway/egress.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range_v4 {
	uint32_t base;
	unsigned bits;
};

struct range_v6 {
	uint8_t base[16];
	unsigned bits;
};

/* The registries of special-purpose addresses (RFC 6890 and what followed). */
static const struct range_v4 special_v4[] = {
	{0x00000000, 8}, /* this network */
	{0x0a000000, 8}, /* private */
	{0x64400000, 10}, /* shared by carriers */
	{0x7f000000, 8}, /* loopback */
	{0xa9fe0000, 16}, /* link-local */
	{0xac100000, 12}, /* private */
	{0xc0000000, 24}, /* protocol assignments */
	{0xc0000200, 24}, /* documentation */
	{0xc0586300, 24}, /* 6to4 relays */
	{0xc0a80000, 16}, /* private */
	{0xc6120000, 15}, /* benchmarks */
	{0xc6336400, 24}, /* documentation */
	{0xcb007100, 24}, /* documentation */
	{0xe0000000, 3}, /* multicast, reserved, broadcast */
};

static const struct range_v6 special_v6[] = {
	{{0}, 8}, /* unspecified, loopback, 64:ff9b:… is seen to before */
	{{0x01}, 8}, /* discard */
	{{0x20, 0x01, 0x00}, 23}, /* protocol assignments, Teredo */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x3f, 0xff, 0x00}, 20}, /* documentation */
	{{0x5f}, 8}, /* segment routing */
	{{0xfc}, 7}, /* private */
	{{0xfe, 0x80}, 10}, /* link-local */
	{{0xfe, 0xc0}, 10}, /* site-local */
	{{0xff}, 8}, /* multicast */
};

static bool public_v4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(special_v4) / sizeof(*special_v4); i++) {
		unsigned shift = 32 - special_v4[i].bits;

		if (address >> shift == special_v4[i].base >> shift)
			return false;
	}
	return true;
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool has_prefix(const uint8_t address[16], const struct range_v6 *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;
	unsigned mask = rest ? 0xffu << (8 - rest) & 0xff : 0;

	return memcmp(address, range->base, whole) == 0 &&
	       (!rest || (address[whole] & mask) == (range->base[whole] & mask));
}

/* The IPv4 address inside: mapped, NAT64, 6to4. False: none. */
static bool embedded_v4(const uint8_t address[16], uint32_t *v4_out)
{
	static const struct range_v6 mapped = {{[10] = 0xff, [11] = 0xff}, 96};
	static const struct range_v6 nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
	static const struct range_v6 six_to_four = {{0x20, 0x02}, 16};

	if (has_prefix(address, &mapped) || has_prefix(address, &nat64))
		*v4_out = read_u32(address + 12);
	else if (has_prefix(address, &six_to_four))
		*v4_out = read_u32(address + 2);
	else
		return false;
	return true;
}

static bool public_v6(const uint8_t address[16])
{
	uint32_t v4;

	if (embedded_v4(address, &v4))
		return public_v4(v4);
	for (size_t i = 0; i < sizeof(special_v6) / sizeof(*special_v6); i++)
		if (has_prefix(address, &special_v6[i]))
			return false;
	return true;
}

bool egress_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof(v4));
		return public_v4(ntohl(v4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof(v6));
		return public_v6(v6.sin6_addr.s6_addr);
	}
	return false;
}
