#include "gateway/presets.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define APP_PASSWORD \
	"Use an app password, made in the provider's security settings, in place of your own."

#define ALLOW_IMAP "Allow IMAP in the settings of your mailbox first."
#define AUTHORIZATION_CODE \
	"Use the authorization code from the mailbox's settings in place of the password."

#define CLIENT_PASSWORD                                                                         \
	"If your company asks for it, use a password for mail programs, made in the mailbox's " \
	"settings, in place of your own."
#define WORKMAIL \
	"Amazon WorkMail is read over IMAP: it cannot be reached over the Exchange protocol."

#define DOMAINS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct preset PRESETS[] = {
	{"gmail", "imap.gmail.com", "smtp.gmail.com", 993, 465,
	 DOMAINS("gmail.com", "googlemail.com"), APP_PASSWORD},
	{"icloud", "imap.mail.me.com", "smtp.mail.me.com", 993, 587,
	 DOMAINS("icloud.com", "me.com", "mac.com"), APP_PASSWORD},
	{"microsoft", "outlook.office365.com", "smtp.office365.com", 993, 587,
	 DOMAINS("outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr",
		 "hotmail.de", "hotmail.it", "hotmail.es", "live.co.uk", "live.fr", "live.de",
		 "live.it", "outlook.de", "outlook.fr", "outlook.it", "outlook.es"),
	 "Microsoft takes passwords over IMAP only where the tenant still allows it."},
	{"aol", "imap.aol.com", "smtp.aol.com", 993, 587, DOMAINS("aol.com", "aim.com"),
	 APP_PASSWORD},
	{"yahoo", "imap.mail.yahoo.com", "smtp.mail.yahoo.com", 993, 587,
	 DOMAINS("yahoo.com", "ymail.com", "rocketmail.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr"),
	 APP_PASSWORD},
	{"verizon", "imap.verizon.net", "smtp.verizon.net", 993, 465, DOMAINS("verizon.net"), NULL},
	{"att", "imap.mail.att.net", "smtp.mail.att.net", 993, 587,
	 DOMAINS("att.net", "sbcglobal.net", "bellsouth.net", "ameritech.net", "pacbell.net",
		 "swbell.net", "nvbell.net", "snet.net", "prodigy.net", "flash.net"),
	 NULL},
	{"ovh", "ssl0.ovh.net", "ssl0.ovh.net", 993, 465, DOMAINS("ovh.net"), NULL},
	{"ionos", "imap.ionos.com", "smtp.ionos.com", 993, 465, DOMAINS("ionos.com"), NULL},
	{"ionos.de", "imap.ionos.de", "smtp.ionos.de", 993, 587, DOMAINS("ionos.de"), NULL},
	{"strato", "imap.strato.de", "smtp.strato.de", 993, 465, DOMAINS("strato.de"), NULL},
	{"rackspace", "secure.emailsrvr.com", "secure.emailsrvr.com", 993, 465,
	 DOMAINS("emailsrvr.com"), NULL},
	{"godaddy", "imap.secureserver.net", "smtpout.secureserver.net", 993, 465,
	 DOMAINS("secureserver.net"), NULL},
	{"fastmail", "imap.fastmail.com", "smtp.fastmail.com", 993, 465,
	 DOMAINS("fastmail.com", "fastmail.fm"), APP_PASSWORD},
	{"gmx", "imap.gmx.net", "mail.gmx.net", 993, 465,
	 DOMAINS("gmx.net", "gmx.de", "gmx.at", "gmx.ch"), ALLOW_IMAP},
	{"gmx.com", "imap.gmx.com", "mail.gmx.com", 993, 465, DOMAINS("gmx.com"), ALLOW_IMAP},
	{"yandex", "imap.yandex.com", "smtp.yandex.com", 993, 465,
	 DOMAINS("yandex.com", "yandex.ru", "ya.ru", "yandex.by", "yandex.kz", "yandex.ua"),
	 APP_PASSWORD},
	{"mailru", "imap.mail.ru", "smtp.mail.ru", 993, 465,
	 DOMAINS("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"), APP_PASSWORD},
	{"qq", "imap.qq.com", "smtp.qq.com", 993, 465, DOMAINS("qq.com", "foxmail.com"),
	 AUTHORIZATION_CODE},
	{"exmail", "imap.exmail.qq.com", "smtp.exmail.qq.com", 993, 465, DOMAINS("exmail.qq.com"),
	 CLIENT_PASSWORD},
	{"163", "imap.163.com", "smtp.163.com", 993, 465, DOMAINS("163.com"), AUTHORIZATION_CODE},
	{"yeah", "imap.yeah.net", "smtp.yeah.net", 993, 465, DOMAINS("yeah.net"),
	 AUTHORIZATION_CODE},
	{"139", "imap.139.com", "smtp.139.com", 993, 465, DOMAINS("139.com"), AUTHORIZATION_CODE},
	{"aliyun", "imap.aliyun.com", "smtp.aliyun.com", 993, 465, DOMAINS("aliyun.com"), NULL},
	{"aliyun.qiye", "imap.qiye.aliyun.com", "smtp.qiye.aliyun.com", 993, 465,
	 DOMAINS("qiye.aliyun.com"), CLIENT_PASSWORD},
	{"bluehost", "mail.*", "mail.*", 993, 465, DOMAINS("bluehost.com"), NULL},
	{"workmail.us-east-1", "imap.mail.us-east-1.awsapps.com", "smtp.mail.us-east-1.awsapps.com",
	 993, 465, DOMAINS("us-east-1.awsapps.com"), WORKMAIL},
	{"workmail.us-west-2", "imap.mail.us-west-2.awsapps.com", "smtp.mail.us-west-2.awsapps.com",
	 993, 465, DOMAINS("us-west-2.awsapps.com"), WORKMAIL},
	{"workmail.eu-west-1", "imap.mail.eu-west-1.awsapps.com", "smtp.mail.eu-west-1.awsapps.com",
	 993, 465, DOMAINS("eu-west-1.awsapps.com"), WORKMAIL},
	{"gandi", "mail.gandi.net", "mail.gandi.net", 993, 465, DOMAINS("gandi.net"), NULL},
	{"namecheap", "mail.privateemail.com", "mail.privateemail.com", 993, 465,
	 DOMAINS("privateemail.com"), NULL},
	{"soverin", "imap.soverin.net", "smtp.soverin.net", 993, 465, DOMAINS("soverin.net"), NULL},
	{"hover", "mail.hover.com", "mail.hover.com", 993, 465, DOMAINS("hover.com"), NULL},
	{"123-reg", "imap.123-reg.co.uk", "smtp.123-reg.co.uk", 993, 465, DOMAINS("123-reg.co.uk"),
	 NULL},
	{"126", "imap.126.com", "smtp.126.com", 993, 465, DOMAINS("126.com"), AUTHORIZATION_CODE},
};

#define PRESET_COUNT (sizeof(PRESETS) / sizeof(PRESETS[0]))

const char *const preset_names[] = {"gmail",
				    "icloud",
				    "microsoft",
				    "aol",
				    "yahoo",
				    "verizon",
				    "att",
				    "ovh",
				    "ionos",
				    "ionos.de",
				    "strato",
				    "rackspace",
				    "godaddy",
				    "fastmail",
				    "gmx",
				    "yandex",
				    "mailru",
				    "qq",
				    "163",
				    "126",
				    "gmx.com",
				    "yeah",
				    "139",
				    "aliyun",
				    "gandi",
				    "namecheap",
				    "soverin",
				    "hover",
				    "123-reg",
				    "exmail",
				    "aliyun.qiye",
				    "bluehost",
				    "workmail.us-east-1",
				    "workmail.us-west-2",
				    "workmail.eu-west-1",
				    "zimbra",
				    "imap",
				    "exchange",
				    NULL};

void preset_host(const char *host, const char *email, char out[256])
{
	const char *at = strrchr(email, '@');

	if (host[0] && strcmp(host + strlen(host) - 1, "*") == 0)
		snprintf(out, 256, "%.*s%s", (int)(strlen(host) - 1), host, at ? at + 1 : email);
	else
		snprintf(out, 256, "%s", host);
}

const struct preset *preset_by_provider(const char *provider)
{
	for (size_t i = 0; i < PRESET_COUNT; i++)
		if (strcmp(PRESETS[i].provider, provider) == 0)
			return &PRESETS[i];
	return NULL;
}

const struct preset *preset_by_domain(struct span domain)
{
	for (size_t i = 0; i < PRESET_COUNT; i++)
		for (const char *const *d = PRESETS[i].domains; *d; d++)
			if (span_ieq(domain, span_cstr(*d)))
				return &PRESETS[i];
	return NULL;
}

const struct preset *preset_by_imap_host(const char *host)
{
	for (size_t i = 0; i < PRESET_COUNT; i++)
		if (strcasecmp(PRESETS[i].imap_host, host) == 0)
			return &PRESETS[i];
	return NULL;
}

/* Ends of the names of the hosts that take mail for a hoster's customers. */
static const struct {
	const char *end, *provider;
} MX[] = {
	{".google.com", "gmail"},
	{".googlemail.com", "gmail"},
	{".mail.protection.outlook.com", "microsoft"},
	{".mx.microsoft", "microsoft"},
	{".mail.icloud.com", "icloud"},
	{".yahoodns.net", "yahoo"},
	{".messagingengine.com", "fastmail"},
	{".ovh.net", "ovh"},
	{".kundenserver.de", "ionos.de"},
	{".ionos.de", "ionos.de"},
	{".ionos.com", "ionos"},
	{".rzone.de", "strato"},
	{".emailsrvr.com", "rackspace"},
	{".secureserver.net", "godaddy"},
	{".gandi.net", "gandi"},
	{".yandex.net", "yandex"},
	{".yandex.ru", "yandex"},
	{".mail.ru", "mailru"},
	{".privateemail.com", "namecheap"},
	{".soverin.net", "soverin"},
	{".hostedemail.com", "hover"},
	{".123-reg.co.uk", "123-reg"},
	{".exmail.qq.com", "exmail"},
	{"mxbiz1.qq.com", "exmail"},
	{"mxbiz2.qq.com", "exmail"},
	{".qiye.aliyun.com", "aliyun.qiye"},
	{".mxhichina.com", "aliyun.qiye"},
	{"inbound-smtp.us-east-1.amazonaws.com", "workmail.us-east-1"},
	{"inbound-smtp.us-west-2.amazonaws.com", "workmail.us-west-2"},
	{"inbound-smtp.eu-west-1.amazonaws.com", "workmail.eu-west-1"},
};

const struct preset *preset_by_mx(const char *host)
{
	const size_t n = strlen(host);

	for (size_t i = 0; i < sizeof(MX) / sizeof(MX[0]); i++) {
		const size_t m = strlen(MX[i].end);

		if ((n > m && strcmp(host + n - m, MX[i].end) == 0) ||
		    strcmp(host, MX[i].end + (MX[i].end[0] == '.')) == 0)
			return preset_by_provider(MX[i].provider);
	}
	return NULL;
}
