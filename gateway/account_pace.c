#include "gateway/account_pace.h"

#include "gateway/json.h"

struct pace {
	int64_t day, minute;
};

/* Personal mailboxes of Google, which may send less than those of a company. */
static bool is_personal(struct span email)
{
	struct span domain = span_sub(email, span_find_byte(email, '@') + 1, email.n);

	return span_ieq(domain, SPAN_LIT("gmail.com")) ||
	       span_ieq(domain, SPAN_LIT("googlemail.com"));
}

static struct pace pace_of(struct span provider, struct span email)
{
	if (span_eq(provider, SPAN_LIT("gmail")))
		return (struct pace){is_personal(email) ? 500 : 2000, 0};
	if (span_eq(provider, SPAN_LIT("microsoft")))
		return (struct pace){10000, 30};
	return (struct pace){0, 0};
}

struct span account_pace(struct arena *arena, const json_t *config, struct span email)
{
	const json_t *set = json_object_get(config, "sendLimits");
	struct pace pace = pace_of(json_get_span(config, "provider"), email);

	pace.day = json_get_int(set, "perDay", pace.day);
	pace.minute = json_get_int(set, "perMinute", pace.minute);
	return span_cstr(
		arena_printf(arena, "%lld %lld", (long long)pace.day, (long long)pace.minute));
}
