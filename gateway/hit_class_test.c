/* TRK-06: opens by privacy proxies, scanners and the sender are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/hit_class.h"

#define BROWSER \
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"

static void test_classes(void **state)
{
	static const struct {
		struct hit_seen seen;
		const char *class;
	} rows[] = {
		{{BROWSER, "203.0.113.9", false}, "recipient"},
		{{"Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko)", "::1", false},
		 "recipient"},
		{{BROWSER, "203.0.113.9", true}, "scanner"},
		{{BROWSER, "192.0.2.77", false}, "sender"},
		{{BROWSER, "192.0.2.128", false}, "recipient"},
		{{BROWSER, "2001:db8:1::5", true}, "sender"},
		{{BROWSER, "2001:db8:2::5", false}, "recipient"},
		{{BROWSER, "198.51.100.7", false}, "sender"},
		{{"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
		  "GoogleImageProxy)",
		  "66.249.93.1", false},
		 "privacyProxy"},
		{{"YahooMailProxy; https://help.yahoo.example", "1.2.3.4", false}, "privacyProxy"},
		{{"Mozilla/5.0", "17.1.2.3", false}, "privacyProxy"},
		{{"Barracuda Sentinel (EE)", "1.2.3.4", false}, "scanner"},
		{{"Mozilla/5.0 (compatible; bingbot/2.0)", "1.2.3.4", false}, "scanner"},
		{{"", "1.2.3.4", false}, "unknown"},
		{{"curl/8.0", "1.2.3.4", false}, "unknown"},
		{{"curl/8.0", "no address", false}, "unknown"},
	};
	json_t *own = json_pack("[s,s,s,s]", "192.0.2.0/25", "2001:db8:1::/48", "198.51.100.7",
				"no network");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hit_class class = hit_class_find(&rows[i].seen, own);

		assert_string_equal(class.name, rows[i].class);
		assert_true(class.evidence[0]);
	}
	json_decref(own);
}

static void test_networks(void **state)
{
	(void)state;
	assert_true(hit_network_is("0.0.0.0/0") && hit_network_is("::/128") &&
		    hit_network_is("1.2.3.4"));
	assert_false(hit_network_is("1.2.3.4/33") || hit_network_is("1.2.3.4/") ||
		     hit_network_is("example") || hit_network_is("") || hit_network_is("::/129"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes),
					   cmocka_unit_test(test_networks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
