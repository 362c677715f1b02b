#include "gateway/message_check.h"

#include <string.h>

#include "common/base/address.h"
#include "gateway/json.h"

#define MIB ((size_t)1 << 20)
#define PROVIDER_REFUSES ",/\\\":<>|*~"

static bool header_ok(const char *value, const char *name, struct message_findings *f)
{
	for (const char *p = value ? value : ""; *p; p++) {
		if ((unsigned char)*p >= 0x20 && *p != 0x7f)
			continue;
		message_findings_stop(f, PROBLEM_INVALID_HEADER, name,
				      "A line break or control character is in: %s", name);
		return false;
	}
	return true;
}

static bool address_ok(const json_t *address, const char *field, struct message_findings *f)
{
	const char *email = json_get_text(address, "email");
	char normal[ADDRESS_MAX + 1];

	if (!header_ok(json_get_text(address, "name"), field, f) || !header_ok(email, field, f))
		return false;
	if (!email[strcspn(email, PROVIDER_REFUSES " ")] &&
	    strchr(email, '@') == strrchr(email, '@') &&
	    address_normalize(span_cstr(email), normal))
		return true;
	message_findings_stop(f, PROBLEM_INVALID_RECIPIENT, field,
			      "This is no address that can be sent to: %.200s", email);
	return false;
}

static size_t addresses(const json_t *message, const char *field, struct message_findings *f)
{
	const json_t *list = json_object_get(message, field);

	for (size_t i = 0; i < json_array_size(list); i++)
		(void)address_ok(json_array_get(list, i), field, f);
	return json_array_size(list);
}

static void recipients(const json_t *message, struct message_findings *f)
{
	size_t count = addresses(message, "to", f) + addresses(message, "cc", f) +
		       addresses(message, "bcc", f);

	(void)addresses(message, "replyTo", f);
	if (!count)
		message_findings_stop(f, PROBLEM_NO_RECIPIENT, "to",
				      "Nobody is named in: to, cc and bcc");
}

/* One of the account's addresses. */
static void from(const json_t *message, const struct message_sender *sender,
		 struct message_findings *f)
{
	const json_t *value = json_object_get(message, "from");
	char given[ADDRESS_MAX + 1];

	if (!value || !address_ok(value, "from", f))
		return;
	for (size_t i = 0;
	     address_normalize(json_get_span(value, "email"), given) && i < sender->own_count; i++)
		if (span_eq(sender->own[i], span_cstr(given)))
			return;
	message_findings_stop(f, PROBLEM_UNKNOWN_REFERENCE, "from",
			      "The account does not send as: %.200s",
			      json_get_text(value, "email"));
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

/* What stands between < and > of a Content-ID. */
static bool content_id_ok(const char *id)
{
	for (const char *p = id ? id : ""; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f || (*p == '<' && p != id) || (*p == '>' && p[1]))
			return false;
	return true;
}

static void attachment(const json_t *value, struct message_findings *f)
{
	const char *name = json_get_text(value, "name");
	const char *type = json_get_text(value, "type");
	const char *content_id = json_get_text(value, "contentId");
	struct span content = json_get_span(value, "content");

	if (!header_ok(name, "attachments", f) || !header_ok(type, "attachments", f) ||
	    !header_ok(content_id, "attachments", f))
		return;
	if (!strchr(type, '/') || strpbrk(type, "\"; ()<>@,"))
		message_findings_stop(f, PROBLEM_INVALID_ATTACHMENT, "attachments",
				      "This is no media type: %.120s", type);
	else if (!content_id_ok(content_id))
		message_findings_stop(f, PROBLEM_INVALID_ATTACHMENT, "attachments",
				      "This is no content id: %.120s", content_id);
	else if (!base64_ok((const char *)content.p, content.n))
		message_findings_stop(f, PROBLEM_INVALID_ATTACHMENT, "attachments",
				      "The content is not base64: %.200s", name);
}

static bool is_microsoft(const char *provider)
{
	return provider && strcmp(provider, "microsoft") == 0;
}

bool message_file_risky(const char *name)
{
	static const char *const ends[] = {
		".exe", ".bat", ".cmd", ".com", ".scr", ".pif", ".cpl", ".msi",	 ".msp", ".js",
		".jse", ".vbs", ".vbe", ".wsf", ".wsh", ".jar", ".lnk", ".hta",	 ".iso", ".img",
		".ps1", ".reg", ".dll", ".chm", ".ade", ".adp", ".vhd", ".vhdx", ".dmg"};
	struct span s = span_trim(span_cstr(name));

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct span end = span_cstr(ends[i]);

		if (s.n >= end.n && span_ieq(span_sub(s, s.n - end.n, end.n), end))
			return true;
	}
	return false;
}

static void files(const json_t *message, const char *provider, struct message_findings *f)
{
	const json_t *list = json_object_get(message, "attachments");
	bool refuses = is_microsoft(provider) || (provider && strcmp(provider, "gmail") == 0);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_get_text(json_array_get(list, i), "name");

		attachment(json_array_get(list, i), f);
		if (refuses && name && message_file_risky(name))
			message_findings_stop(f, PROBLEM_REFUSED_ATTACHMENT, "attachments",
					      "The provider refuses such a file: %.200s", name);
	}
}

size_t message_limit_bytes(const char *provider)
{
	return is_microsoft(provider) ? 20 * MIB : 25 * MIB;
}

/* Encoded: lines of 76 with their ends; texts at most a third more. */
static void size(const json_t *message, size_t limit, struct message_findings *f)
{
	const json_t *list = json_object_get(message, "attachments");
	size_t octets = 0,
	       texts = json_get_span(message, "html").n + json_get_span(message, "text").n;
	size_t encoded;

	for (size_t i = 0; i < json_array_size(list); i++)
		octets += json_get_span(json_array_get(list, i), "content").n;
	encoded = octets + octets / 38 + texts + texts / 3 + 4096;
	if (encoded > limit)
		message_findings_stop(
			f, PROBLEM_MESSAGE_TOO_LARGE, "attachments",
			"Encoded it has about %.1f MB, the limit is %.1f MB: room for about %.1f "
			"MB of files",
			(double)encoded / (double)MIB, (double)limit / (double)MIB,
			(double)limit / (double)MIB * 0.73);
}

static void offered(const json_t *message, struct message_findings *f)
{
	if (json_object_get(message, "template"))
		message_findings_stop(f, PROBLEM_NOT_OFFERED, "template",
				      "Not offered yet: template");
}

void message_check(const json_t *message, const struct message_sender *sender,
		   struct message_findings *findings)
{
	offered(message, findings);
	recipients(message, findings);
	from(message, sender, findings);
	(void)header_ok(json_get_text(message, "subject"), "subject", findings);
	if (!json_get_text(message, "html") && !json_get_text(message, "text"))
		message_findings_stop(findings, PROBLEM_NO_CONTENT, "text",
				      "Missing: text or html");
	files(message, sender->provider, findings);
	size(message, message_limit_bytes(sender->provider), findings);
	message_advice(message, findings);
}
