/* ACC-03: the table of presets is that of the rules; a domain, a hoster's MX and a name lead to the same servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/presets.h"

/* Provider, an address's domain (NULL: own domains), the MX of a customer's domain (NULL: none), and what is published. */
static const struct {
	const char *provider, *domain, *mx, *imap, *smtp;
	unsigned port;
} RULES[] = {
	{"gmail", "gmail.com", "aspmx.l.google.com", "imap.gmail.com", "smtp.gmail.com", 465},
	{"microsoft", "hotmail.com", "x-example.mail.protection.outlook.com",
	 "outlook.office365.com", "smtp.office365.com", 587},
	{"icloud", "me.com", "mx01.mail.icloud.com", "imap.mail.me.com", "smtp.mail.me.com", 587},
	{"aol", "aol.com", NULL, "imap.aol.com", "smtp.aol.com", 587},
	{"yahoo", "yahoo.com", "mta5.am0.yahoodns.net", "imap.mail.yahoo.com",
	 "smtp.mail.yahoo.com", 587},
	{"verizon", "verizon.net", NULL, "imap.verizon.net", "smtp.verizon.net", 465},
	{"att", "att.net", NULL, "imap.mail.att.net", "smtp.mail.att.net", 587},
	{"ovh", NULL, "mx1.mail.ovh.net", "ssl0.ovh.net", "ssl0.ovh.net", 465},
	{"ionos", NULL, "mx00.ionos.com", "imap.ionos.com", "smtp.ionos.com", 465},
	{"ionos.de", NULL, "mx00.kundenserver.de", "imap.ionos.de", "smtp.ionos.de", 587},
	{"strato", NULL, "smtpin.rzone.de", "imap.strato.de", "smtp.strato.de", 465},
	{"rackspace", NULL, "mx1.emailsrvr.com", "secure.emailsrvr.com", "secure.emailsrvr.com",
	 465},
	{"godaddy", NULL, "mailstore1.secureserver.net", "imap.secureserver.net",
	 "smtpout.secureserver.net", 465},
	{"fastmail", "fastmail.com", "in1-smtp.messagingengine.com", "imap.fastmail.com",
	 "smtp.fastmail.com", 465},
	{"gandi", NULL, "spool.mail.gandi.net", "mail.gandi.net", "mail.gandi.net", 465},
	{"gmx", "gmx.de", NULL, "imap.gmx.net", "mail.gmx.net", 465},
	{"gmx.com", "gmx.com", NULL, "imap.gmx.com", "mail.gmx.com", 465},
	{"yandex", "yandex.ru", "mx.yandex.net", "imap.yandex.com", "smtp.yandex.com", 465},
	{"namecheap", NULL, "mx1.privateemail.com", "mail.privateemail.com",
	 "mail.privateemail.com", 465},
	{"bluehost", NULL, NULL, "mail.own.example", "mail.own.example", 465},
	{"soverin", NULL, "mx.soverin.net", "imap.soverin.net", "smtp.soverin.net", 465},
	{"123-reg", NULL, "mx0.123-reg.co.uk", "imap.123-reg.co.uk", "smtp.123-reg.co.uk", 465},
	{"126", "126.com", NULL, "imap.126.com", "smtp.126.com", 465},
	{"qq", "qq.com", NULL, "imap.qq.com", "smtp.qq.com", 465},
	{"exmail", NULL, "mxbiz1.qq.com", "imap.exmail.qq.com", "smtp.exmail.qq.com", 465},
	{"aliyun", "aliyun.com", NULL, "imap.aliyun.com", "smtp.aliyun.com", 465},
	{"aliyun.qiye", NULL, "mx1.qiye.aliyun.com", "imap.qiye.aliyun.com", "smtp.qiye.aliyun.com",
	 465},
	{"163", "163.com", NULL, "imap.163.com", "smtp.163.com", 465},
	{"yeah", "yeah.net", NULL, "imap.yeah.net", "smtp.yeah.net", 465},
	{"139", "139.com", NULL, "imap.139.com", "smtp.139.com", 465},
	{"mailru", "bk.ru", "mxs.mail.ru", "imap.mail.ru", "smtp.mail.ru", 465},
	{"hover", NULL, "mx.hover.com.cust.hostedemail.com", "mail.hover.com", "mail.hover.com",
	 465},
	{"workmail.eu-west-1", NULL, "inbound-smtp.eu-west-1.amazonaws.com",
	 "imap.mail.eu-west-1.awsapps.com", "smtp.mail.eu-west-1.awsapps.com", 465},
};

#define COUNT (sizeof(RULES) / sizeof(RULES[0]))

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		const struct preset *p = preset_by_provider(RULES[i].provider);
		char imap[256], smtp[256];

		assert_non_null(p);
		preset_host(p->imap_host, "anna@own.example", imap);
		preset_host(p->smtp_host, "anna@own.example", smtp);
		assert_string_equal(imap, RULES[i].imap);
		assert_string_equal(smtp, RULES[i].smtp);
		assert_int_equal(p->imap_port, 993);
		assert_int_equal(p->smtp_port, RULES[i].port);
		if (RULES[i].domain)
			assert_ptr_equal(preset_by_domain(span_cstr(RULES[i].domain)), p);
		if (RULES[i].mx)
			assert_ptr_equal(preset_by_mx(RULES[i].mx), p);
	}
	assert_null(preset_by_mx("mx.example"));
	assert_null(preset_by_mx("google.com.example"));
	assert_null(preset_by_mx("xmxbiz1.qq.com.example"));
	assert_null(preset_by_domain(SPAN_LIT("notgmail.com")));
}

/* What the API takes as a provider's name: every preset, and those whose servers are one's own. */
static void names(void **state)
{
	size_t with = 0, without = 0;

	(void)state;
	for (const char *const *name = preset_names; *name; name++) {
		for (const char *const *other = preset_names; other < name; other++)
			assert_string_not_equal(*name, *other);
		if (preset_by_provider(*name))
			with++;
		else
			without++;
	}
	assert_true(with >= COUNT);
	assert_int_equal(without, 3); /* zimbra, imap, exchange */
	for (size_t i = 0; i < COUNT; i++) {
		const char *const *name = preset_names;

		while (*name && strcmp(*name, RULES[i].provider) != 0)
			name++;
		assert_non_null(*name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
