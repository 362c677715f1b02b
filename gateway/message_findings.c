#include "gateway/message_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/json.h"

void message_findings_init(struct message_findings *f)
{
	*f = (struct message_findings){.list = json_array()};
}

void message_findings_free(struct message_findings *f)
{
	json_decref(f->list);
	f->list = NULL;
}

static void add(struct message_findings *f, const char *severity, const char *code,
		const char *field, const char *detail, const char *remedy)
{
	if (json_array_size(f->list) < FINDINGS_MAX)
		json_array_append_new(
			f->list, json_pack("{s:s s:s s:s s:o s:s}", "severity", severity, "code",
					   code, "field", field, "detail",
					   json_from_span(span_cstr(detail)), "remedy", remedy));
}

void message_findings_stop(struct message_findings *f, enum problem problem, const char *field,
			   const char *detail, ...)
{
	const struct problem_def *def = problem_def(problem);
	char text[sizeof(f->first_text)];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	if (f->stops++ == 0) {
		f->first = problem;
		memcpy(f->first_text, text, sizeof(text));
	}
	add(f, "stop", def->code, field, text, def->remedy);
}

void message_findings_warn(struct message_findings *f, enum finding_warning warning,
			   const char *field, const char *detail, ...)
{
	static const struct {
		const char *code, *remedy;
	} defs[] = {
#define FINDING_DEF(name, code, remedy) {code, remedy},
		FINDING_WARNINGS(FINDING_DEF)
#undef FINDING_DEF
	};
	char text[384];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	add(f, "warning", defs[warning].code, field, text, defs[warning].remedy);
}
