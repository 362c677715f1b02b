#include "fetcher/limits.h"

#include <string.h>
#include <strings.h>

#include "fetcher/imap_refusal.h"

#define CROWDED_MS 60000
#define PAUSE_MS 60000
#define OCTETS_MS 3600000

static bool ends_with(const char *host, const char *end)
{
	const size_t n = strlen(host), m = strlen(end);

	return n >= m && strcasecmp(host + n - m, end) == 0 && (n == m || host[n - m - 1] == '.');
}

enum limits_provider limits_provider(const char *host)
{
	static const struct {
		const char *end;
		enum limits_provider provider;
	} table[] = {
		{"gmail.com", LIMITS_GMAIL},
		{"googlemail.com", LIMITS_GMAIL},
		{"office365.com", LIMITS_MICROSOFT},
		{"outlook.com", LIMITS_MICROSOFT},
		{"office.com", LIMITS_MICROSOFT},
		{"office365.us", LIMITS_MICROSOFT},
		{"partner.outlook.cn", LIMITS_MICROSOFT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (ends_with(host, table[i].end))
			return table[i].provider;
	return LIMITS_OTHER;
}

static bool says(const struct err *e, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(e->text, *words))
			return true;
	return false;
}

struct limits_refusal limits_refusal(const struct err *e)
{
	static const char *const octets[] = {"bandwidth limit", "bandwidth exceeded", NULL};
	static const char *const crowd[] = {"too many simultaneous", "too many connections",
					    "too many concurrent", "maximum number of connections",
					    NULL};
	static const char *const address[] = {"your address", "your ip", "this ip", "per ip",
					      "from ip",      "same ip", NULL};
	const int64_t said_ms = imap_refusal_wait_ms(span_make(e->text, strlen(e->text)));

	if (strcmp(e->name, "bandwidth_exceeded") == 0 || says(e, octets))
		return (struct limits_refusal){LIMITS_OCTETS, false, said_ms ? said_ms : OCTETS_MS};
	if (strcmp(e->name, "too_many_connections") == 0 || says(e, crowd))
		return (struct limits_refusal){LIMITS_CONNECTIONS, says(e, address),
					       said_ms ? said_ms : CROWDED_MS};
	if (said_ms > 0 || strcmp(e->name, "rate_limited") == 0)
		return (struct limits_refusal){LIMITS_PAUSE, false, said_ms ? said_ms : PAUSE_MS};
	return (struct limits_refusal){LIMITS_NONE, false, 0};
}
