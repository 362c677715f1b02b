#include "common/store/keys.h"

#include <stdlib.h>

#include "common/base/code.h"

static struct span join(struct arena *arena, const struct span *parts, size_t count)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		n += parts[i].n;
	uint8_t *p = arena_alloc(arena, n);

	for (size_t i = 0; i < count; i++) {
		if (parts[i].n > 0)
			memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return span_make(p, n);
}

/* An id with a brace or slash in it would name another account's keys: whoever took it from outside must have refused. */
static struct span checked(struct span id)
{
	if (!id_is_client(id))
		abort();
	return id;
}

struct span key_account_part(struct arena *arena, struct span company, struct span account,
			     const char *suffix, struct span part)
{
	const struct span parts[] = {
		SPAN_LIT("{a:"), checked(company),  SPAN_LIT("/"), checked(account),
		SPAN_LIT("}:"),	 span_cstr(suffix), part};

	return join(arena, parts, 7);
}

struct span key_account(struct arena *arena, struct span company, struct span account,
			const char *suffix)
{
	return key_account_part(arena, company, account, suffix, (struct span){NULL, 0});
}

struct span key_account_tag(struct arena *arena, struct span company, struct span account)
{
	const struct span parts[] = {SPAN_LIT("{a:"), checked(company), SPAN_LIT("/"),
				     checked(account), SPAN_LIT("}")};

	return join(arena, parts, 5);
}

struct span key_company_part(struct arena *arena, struct span company, const char *suffix,
			     struct span part)
{
	const struct span parts[] = {SPAN_LIT("{c:"), checked(company), SPAN_LIT("}:"),
				     span_cstr(suffix), part};

	return join(arena, parts, 5);
}

struct span key_company(struct arena *arena, struct span company, const char *suffix)
{
	return key_company_part(arena, company, suffix, (struct span){NULL, 0});
}

struct span key_company_tag(struct arena *arena, struct span company)
{
	const struct span parts[] = {SPAN_LIT("{c:"), checked(company), SPAN_LIT("}")};

	return join(arena, parts, 3);
}

struct span key_global_part(struct arena *arena, const char *suffix, struct span part)
{
	const struct span parts[] = {SPAN_LIT("{g}:"), span_cstr(suffix), part};

	return join(arena, parts, 3);
}

struct span key_global(struct arena *arena, const char *suffix)
{
	return key_global_part(arena, suffix, (struct span){NULL, 0});
}
