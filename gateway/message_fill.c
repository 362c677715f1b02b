#include "gateway/message_fill.h"

#include <string.h>

#include "gateway/field_values.h"
#include "gateway/json.h"

#define FILLED_MAX ((size_t)24 << 20)

static const struct {
	const char *name;
	enum template_mode mode;
} PLACES[] = {{"subject", TEMPLATE_TEXT}, {"html", TEMPLATE_HTML}, {"text", TEMPLATE_TEXT}};
enum { PLACE_COUNT = sizeof(PLACES) / sizeof(PLACES[0]) };

static bool has_fields(const json_t *message)
{
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		const char *text = json_get_text(message, PLACES[i].name);

		if (text && strstr(text, "{{"))
			return true;
	}
	return false;
}

static void say(const struct template_gaps *gaps, const char *place, struct message_findings *f)
{
	size_t count = gaps->count < TEMPLATE_GAPS_MAX ? gaps->count : TEMPLATE_GAPS_MAX;

	for (size_t i = 0; i < count; i++)
		message_findings_stop(
			f, PROBLEM_UNRESOLVED_FIELD, place, "%.*s %s",
			(int)(gaps->items[i].tag.n < 120 ? gaps->items[i].tag.n : 120),
			(const char *)gaps->items[i].tag.p, gaps->items[i].words);
}

static void fill_place(json_t *message, size_t which, const struct template_fields *fields,
		       struct message_findings *findings)
{
	const char *name = PLACES[which].name;
	struct template_gaps gaps = {.count = 0};
	struct buf out;

	if (!json_get_text(message, name))
		return;
	buf_init(&out, FILLED_MAX);
	template_fill(json_get_span(message, name), PLACES[which].mode, fields, &out, &gaps);
	if (!buf_ok(&out))
		message_findings_stop(findings, PROBLEM_MESSAGE_TOO_LARGE, name,
				      "With its fields filled in it is too long");
	else if (gaps.count)
		say(&gaps, name, findings);
	else
		json_object_set_new(message, name, json_from_span(buf_span(&out)));
	buf_fini(&out);
}

bool message_fill(struct http_request *r, const struct outbox_account *account,
		  struct message_findings *findings)
{
	struct field_values values = {.root = NULL};
	const struct template_fields fields = {&values, field_values_get};
	bool ok = true;

	if (has_fields(r->json)) {
		ok = field_values_load(r, r->json, account, &values);
		for (size_t i = 0; ok && i < PLACE_COUNT; i++)
			fill_place(r->json, i, &fields, findings);
		field_values_free(&values);
	}
	json_object_del(r->json, "fields");
	return ok;
}
