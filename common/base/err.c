#include "common/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum err_code err_set(struct err *e, enum err_code code, enum err_scope scope, const char *name,
		      const char *format, ...)
{
	va_list args;

	if (!e)
		return code;
	e->code = code;
	e->scope = scope;
	snprintf(e->name, sizeof(e->name), "%s", name ? name : "");
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return code;
}

void err_clear(struct err *e)
{
	if (e)
		memset(e, 0, sizeof(*e));
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
		[ERR_OK] = "ok",       [ERR_AGAIN] = "again", [ERR_TEMP] = "temp",
		[ERR_PERM] = "perm",   [ERR_PEER] = "peer",   [ERR_AUTH] = "auth",
		[ERR_STALE] = "stale", [ERR_LIMIT] = "limit", [ERR_GONE] = "gone",
	};

	if ((size_t)code >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[code];
}
