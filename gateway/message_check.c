#include "gateway/message_check.h"

#include <stdio.h>
#include <string.h>

#include "common/base/address.h"
#include "gateway/json.h"

#define MIB ((size_t)1 << 20)
#define PROVIDER_REFUSES ",/\\\":<>|*~"

static bool fault(struct message_fault *f, enum problem problem, const char *format, const char *a,
		  const char *b)
{
	f->problem = problem;
	snprintf(f->text, sizeof(f->text), "%s: %.200s%s%.120s", format, a, *b ? " " : "", b);
	return false;
}

static bool header_ok(const char *value, const char *name, struct message_fault *f)
{
	for (const char *p = value ? value : ""; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return fault(f, PROBLEM_INVALID_HEADER,
				     "A line break or control character is in", name, "");
	return true;
}

static bool address_ok(const json_t *address, const char *field, struct message_fault *f)
{
	const char *email = json_get_text(address, "email");
	char normal[ADDRESS_MAX + 1];

	if (!header_ok(json_get_text(address, "name"), field, f) || !header_ok(email, field, f))
		return false;
	if (email[strcspn(email, PROVIDER_REFUSES " ")] ||
	    strchr(email, '@') != strrchr(email, '@') ||
	    !address_normalize(span_cstr(email), normal))
		return fault(f, PROBLEM_INVALID_RECIPIENT, "This is no address that can be sent to",
			     email, "");
	return true;
}

static bool addresses_ok(const json_t *message, const char *field, size_t *count,
			 struct message_fault *f)
{
	const json_t *list = json_object_get(message, field);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!address_ok(json_array_get(list, i), field, f))
			return false;
	*count += json_array_size(list);
	return true;
}

static bool recipients_ok(const json_t *message, struct message_fault *f)
{
	size_t count = 0, others = 0;

	if (!addresses_ok(message, "to", &count, f) || !addresses_ok(message, "cc", &count, f) ||
	    !addresses_ok(message, "bcc", &count, f) ||
	    !addresses_ok(message, "replyTo", &others, f))
		return false;
	return count || fault(f, PROBLEM_NO_RECIPIENT, "Nobody is named in", "to, cc and bcc", "");
}

/* The account's address; its other identities come later. */
static bool from_ok(const json_t *message, const char *own, struct message_fault *f)
{
	const json_t *from = json_object_get(message, "from");
	char left[ADDRESS_MAX + 1], right[ADDRESS_MAX + 1];

	if (!from)
		return true;
	if (!address_ok(from, "from", f))
		return false;
	if (address_normalize(json_get_span(from, "email"), left) &&
	    address_normalize(span_cstr(own), right) && strcmp(left, right) == 0)
		return true;
	return fault(f, PROBLEM_UNKNOWN_REFERENCE, "The account does not send as",
		     json_get_text(from, "email"), "");
}

/* So that nobody gets "Hi {{…}}". */
static bool fields_ok(const json_t *message, struct message_fault *f)
{
	static const char *const PLACES[] = {"subject", "html", "text"};
	char name[128];

	for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
		const char *text = json_get_text(message, PLACES[i]);
		const char *open = text ? strstr(text, "{{") : NULL;
		const char *close = open ? strstr(open, "}}") : NULL;

		if (!close || close - open > 120)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(close + 2 - open), open);
		return fault(f, PROBLEM_UNRESOLVED_FIELD, "Not filled in", name, PLACES[i]);
	}
	return true;
}

static bool offered(const json_t *message, struct message_fault *f)
{
	if (json_get_bool(message, "separate", false))
		return fault(f, PROBLEM_NOT_OFFERED, "Not offered yet", "separate", "");
	if (json_object_get(message, "template") || json_object_get(message, "fields"))
		return fault(f, PROBLEM_NOT_OFFERED, "Not offered yet", "template and fields", "");
	return true;
}

static bool base64_ok(const char *s, size_t n)
{
	size_t pad = n && s[n - 1] == '=' ? (n > 1 && s[n - 2] == '=' ? 2 : 1) : 0;

	for (size_t i = 0; i + pad < n; i++) {
		char c = s[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '-' || c == '_'))
			return false;
	}
	return pad ? n % 4 == 0 : n % 4 != 1;
}

static bool attachment_ok(const json_t *attachment, struct message_fault *f)
{
	const char *name = json_get_text(attachment, "name");
	const char *type = json_get_text(attachment, "type");
	struct span content = json_get_span(attachment, "content");

	if (!header_ok(name, "attachments", f) || !header_ok(type, "attachments", f) ||
	    !header_ok(json_get_text(attachment, "contentId"), "attachments", f))
		return false;
	if (!strchr(type, '/') || strpbrk(type, "\"; ()<>@,"))
		return fault(f, PROBLEM_INVALID_ATTACHMENT, "This is no media type", type, "");
	if (!base64_ok((const char *)content.p, content.n))
		return fault(f, PROBLEM_INVALID_ATTACHMENT, "The content is not base64", name, "");
	return true;
}

size_t message_limit_bytes(const char *provider)
{
	return provider && strcmp(provider, "microsoft") == 0 ? 20 * MIB : 25 * MIB;
}

/* Encoded: lines of 76 with their ends; texts at most a third more. */
static bool size_ok(const json_t *message, size_t limit, struct message_fault *f)
{
	const json_t *attachments = json_object_get(message, "attachments");
	size_t files = 0,
	       texts = json_get_span(message, "html").n + json_get_span(message, "text").n;
	size_t encoded;

	for (size_t i = 0; i < json_array_size(attachments); i++)
		files += json_get_span(json_array_get(attachments, i), "content").n;
	encoded = files + files / 38 + texts + texts / 3 + 4096;
	if (encoded <= limit)
		return true;
	f->problem = PROBLEM_MESSAGE_TOO_LARGE;
	snprintf(f->text, sizeof(f->text),
		 "Encoded it has about %.1f MB, the limit is %.1f MB: room for about %.1f MB of "
		 "files.",
		 (double)encoded / (double)MIB, (double)limit / (double)MIB,
		 (double)limit / (double)MIB * 0.73);
	return false;
}

bool message_check(const json_t *message, const char *own, size_t limit_bytes,
		   struct message_fault *fault_out)
{
	const json_t *attachments = json_object_get(message, "attachments");

	if (!offered(message, fault_out) || !recipients_ok(message, fault_out) ||
	    !from_ok(message, own, fault_out) ||
	    !header_ok(json_get_text(message, "subject"), "subject", fault_out) ||
	    !fields_ok(message, fault_out))
		return false;
	if (!json_get_text(message, "html") && !json_get_text(message, "text"))
		return fault(fault_out, PROBLEM_NO_CONTENT, "Missing", "text or html", "");
	for (size_t i = 0; i < json_array_size(attachments); i++)
		if (!attachment_ok(json_array_get(attachments, i), fault_out))
			return false;
	return size_ok(message, limit_bytes, fault_out);
}
