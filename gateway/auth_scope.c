#include "gateway/auth.h"

static const char *const SCOPE_NAMES[AUTH_SCOPE_COUNT] = {
#define AUTH_SCOPE_NAME(name, text) [AUTH_BIT_##name] = text,
	AUTH_SCOPES(AUTH_SCOPE_NAME)
#undef AUTH_SCOPE_NAME
};

const char *auth_scope_name(unsigned bit)
{
	return bit < AUTH_SCOPE_COUNT ? SCOPE_NAMES[bit] : "";
}

unsigned auth_scope_parse(struct span name)
{
	for (unsigned bit = 0; bit < AUTH_SCOPE_COUNT; bit++)
		if (span_eq(name, span_cstr(SCOPE_NAMES[bit])))
			return 1u << bit;
	return SCOPE_NONE;
}
