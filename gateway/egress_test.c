/* F132: what somebody names is connected to only if its address is public, in whatever form the address comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "gateway/egress.h"

static bool is_public(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return egress_is_public((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return egress_is_public((const struct sockaddr *)&v6);
}

static void test_public_addresses(void **state)
{
	static const char *const addresses[] = {
		"1.1.1.1",	 "9.255.255.255",    "11.0.0.0",	"100.63.255.255",
		"100.128.0.0",	 "126.255.255.255",  "128.0.0.0",	"169.253.255.255",
		"169.255.0.0",	 "172.15.255.255",   "172.32.0.0",	"192.0.1.0",
		"192.167.255.1", "192.169.0.0",	     "198.17.255.255",	"198.20.0.0",
		"203.0.112.255", "223.255.255.255",  "2606:4700::1111", "2a01:4f8::1",
		"2001:200::1",	 "64:ff9b::101:101", "2002:101:101::1", "::ffff:8.8.8.8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		if (!is_public(addresses[i]))
			fail_msg("%s is public", addresses[i]);
}

static void test_other_addresses(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0",
		"0.1.2.3",
		"10.0.0.1",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.255.255",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.8",
		"192.0.2.1",
		"192.168.1.1",
		"198.18.0.1",
		"198.19.255.255",
		"198.51.100.1",
		"203.0.113.1",
		"224.0.0.1",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"::127.0.0.1",
		"::ffff:127.0.0.1",
		"::ffff:10.1.2.3",
		"64:ff9b::7f00:1",
		"64:ff9b:1::1",
		"100::1",
		"2001::1",
		"2001:db8::1",
		"2002:7f00:1::1",
		"2002:a00:1::1",
		"fc00::1",
		"fdff::1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"ff02::1",
		"3fff::1",
	};
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		if (is_public(addresses[i]))
			fail_msg("%s is not public", addresses[i]);
	assert_false(egress_is_public((const struct sockaddr *)&local));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_addresses),
		cmocka_unit_test(test_other_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
