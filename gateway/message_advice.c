#include <string.h>

#include "common/base/address.h"
#include "gateway/json.h"
#include "gateway/message_check.h"

#define TEXT_FOR_IMAGES 200 /* octets of text that images should come with */

static const char *const LISTS[] = {"to", "cc", "bcc"};

static bool named_before(const json_t *message, size_t list, size_t index, const char *normal)
{
	for (size_t l = 0; l <= list; l++) {
		const json_t *addresses = json_object_get(message, LISTS[l]);
		size_t count = l == list ? index : json_array_size(addresses);

		for (size_t i = 0; i < count; i++) {
			char other[ADDRESS_MAX + 1];

			if (address_normalize(json_get_span(json_array_get(addresses, i), "email"),
					      other) &&
			    strcmp(other, normal) == 0)
				return true;
		}
	}
	return false;
}

static bool ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static void look_at_address(const json_t *message, size_t list, size_t index,
			    struct message_findings *f)
{
	const json_t *address = json_array_get(json_object_get(message, LISTS[list]), index);
	const char *email = json_get_text(address, "email");
	char normal[ADDRESS_MAX + 1];

	if (!email || !address_normalize(span_cstr(email), normal))
		return;
	if (named_before(message, list, index, normal))
		message_findings_warn(f, FINDING_DUPLICATE_RECIPIENT, LISTS[list],
				      "It is named twice: %.200s", email);
	if (!ascii(email))
		message_findings_warn(f, FINDING_NEEDS_SMTPUTF8, LISTS[list],
				      "The address is beyond ASCII: %.200s", email);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; text && *text; text++)
		if (span_ieq(span_make(text, strnlen(text, n)), span_make(word, n)))
			return true;
	return false;
}

/* The author speaks of a file, in what is written above any quoted original. */
static bool speaks_of_file(const json_t *message)
{
	static const char *const words[] = {"attached",		"attachment", "anbei",
					    "angeh\xc3\xa4ngt", "im Anhang",  "ci-joint",
					    "adjunto",		"in allegato"};
	const char *text = json_get_text(message, "text"), *html = json_get_text(message, "html");

	if (json_object_get(message, "reference"))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(text, words[i]) || has_word(html, words[i]))
			return true;
	return false;
}

/* Octets of an HTML that are not tags or blanks. */
static size_t text_octets(const char *html)
{
	size_t count = 0;
	bool inside = false;

	for (; *html; html++) {
		inside = *html == '<' || (inside && *html != '>');
		count += !inside && *html != '>' && *html != ' ' && *html != '\n';
	}
	return count;
}

static void look_at_files(const json_t *message, struct message_findings *f)
{
	const json_t *list = json_object_get(message, "attachments");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_get_text(json_array_get(list, i), "name");

		if (name && message_file_risky(name))
			message_findings_warn(f, FINDING_RISKY_ATTACHMENT, "attachments",
					      "A program or disk image: %.200s", name);
	}
	if (!json_array_size(list) && speaks_of_file(message))
		message_findings_warn(f, FINDING_FORGOTTEN_ATTACHMENT, "attachments",
				      "The text speaks of an attachment, and there is none");
}

void message_advice(const json_t *message, struct message_findings *findings)
{
	const char *subject = json_get_text(message, "subject");
	const char *html = json_get_text(message, "html");

	for (size_t l = 0; l < sizeof(LISTS) / sizeof(*LISTS); l++)
		for (size_t i = 0; i < json_array_size(json_object_get(message, LISTS[l])); i++)
			look_at_address(message, l, i, findings);
	if (!subject || !span_trim(span_cstr(subject)).n)
		message_findings_warn(findings, FINDING_NO_SUBJECT, "subject", "It is empty");
	if (html && has_word(html, "<img") && text_octets(html) < TEXT_FOR_IMAGES)
		message_findings_warn(findings, FINDING_MOSTLY_IMAGES, "html",
				      "There are images, and hardly any text");
	look_at_files(message, findings);
}
