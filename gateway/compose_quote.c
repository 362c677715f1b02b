#include "gateway/compose_quote.h"

#include <string.h>

#include "common/base/address.h"
#include "common/base/buf.h"
#include "gateway/json.h"

#define QUOTE_MAX ((size_t)48 << 20)
#define CITE                                                                                     \
	"<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding" \
	"-left:1ex\">"

/* ---- recipients and subject ---- */

static bool same_address(const char *a, const char *b)
{
	char left[ADDRESS_MAX + 1], right[ADDRESS_MAX + 1];

	return a && b && address_normalize(span_cstr(a), left) &&
	       address_normalize(span_cstr(b), right) && strcmp(left, right) == 0;
}

static bool among(const json_t *list, const char *email)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (same_address(json_get_text(json_array_get(list, i), "email"), email))
			return true;
	return false;
}

static void add_others(json_t *list, const json_t *from, const json_t *already, const char *own)
{
	for (size_t i = 0; i < json_array_size(from); i++) {
		const json_t *entry = json_array_get(from, i);
		const char *email = json_get_text(entry, "email");
		const char *name = json_get_text(entry, "name");
		json_t *address;

		if (!email || same_address(email, own) || among(list, email) ||
		    among(already, email))
			continue;
		address = json_pack("{s:s}", "email", email);
		if (name)
			json_object_set_new(address, "name", json_string(name));
		json_array_append_new(list, address);
	}
}

static bool has_recipients(const json_t *message)
{
	return json_array_size(json_object_get(message, "to")) ||
	       json_array_size(json_object_get(message, "cc")) ||
	       json_array_size(json_object_get(message, "bcc"));
}

void compose_quote_recipients(json_t *message, const json_t *facts, enum compose_action action,
			      const char *own)
{
	const json_t *from = json_object_get(facts, "from");
	const json_t *reply_to = json_object_get(facts, "replyTo");
	json_t *to = json_array(), *cc = json_array();
	bool mine = among(from, own);

	if (action != COMPOSE_FORWARD && !has_recipients(message)) {
		if (mine)
			add_others(to, json_object_get(facts, "to"), NULL, own);
		else
			add_others(to, json_array_size(reply_to) ? reply_to : from, NULL, "");
		if (action == COMPOSE_REPLY_ALL) {
			add_others(cc, json_object_get(facts, "to"), to, own);
			add_others(cc, json_object_get(facts, "cc"), to, own);
		}
		json_object_set(message, "to", to);
		json_object_set(message, "cc", cc);
	}
	json_decref(to);
	json_decref(cc);
}

void compose_quote_subject(json_t *message, const json_t *facts, enum compose_action action)
{
	struct span was = span_trim(json_get_span(facts, "subject"));
	const char *prefix = action == COMPOSE_FORWARD ? "Fwd: " : "Re: ";
	struct buf subject;

	if (json_get_text(message, "subject"))
		return;
	buf_init(&subject, 1000);
	if (!span_istarts(was, span_make(prefix, strlen(prefix) - 1)))
		buf_put_cstr(&subject, prefix);
	buf_put_span(&subject, span_sub(was, 0, 900));
	for (size_t i = 0; i < subject.n; i++)
		if (subject.p[i] < 0x20 || subject.p[i] == 0x7f)
			subject.p[i] = ' ';
	json_object_set_new(message, "subject", json_from_span(buf_span(&subject)));
	buf_fini(&subject);
}

/* ---- the original ---- */

/* One run of text, for plain text or for HTML. */
static void put(struct buf *out, struct span text, bool html)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (!html)
			buf_put_byte(out, c);
		else if (c == '<')
			buf_put_cstr(out, "&lt;");
		else if (c == '>')
			buf_put_cstr(out, "&gt;");
		else if (c == '&')
			buf_put_cstr(out, "&amp;");
		else if (c == '"')
			buf_put_cstr(out, "&quot;");
		else if (c == '\n')
			buf_put_cstr(out, "<br>\n");
		else if (c != '\r')
			buf_put_byte(out, c);
	}
}

static void put_addresses(struct buf *out, const json_t *list, bool html)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct span name = json_get_span(entry, "name");

		put(out, i ? SPAN_LIT(", ") : SPAN_LIT(""), html);
		if (name.n) {
			put(out, name, html);
			put(out, SPAN_LIT(" <"), html);
		}
		put(out, json_get_span(entry, "email"), html);
		put(out, name.n ? SPAN_LIT(">") : SPAN_LIT(""), html);
	}
}

/* `2026-11-24 14:28`, as it stands in the Date field. */
static void put_date(struct buf *out, const json_t *facts)
{
	struct span at = span_sub(json_get_span(facts, "sentAt"), 0, 16);

	for (size_t i = 0; i < at.n; i++)
		buf_put_byte(out, at.p[i] == 'T' ? ' ' : at.p[i]);
}

static void put_field(struct buf *out, const char *name, const json_t *list, bool html)
{
	if (!json_array_size(list))
		return;
	put(out, span_cstr(name), html);
	put_addresses(out, list, html);
	put(out, SPAN_LIT("\n"), html);
}

static void put_head(struct buf *out, const json_t *facts, enum compose_action action, bool html)
{
	if (action != COMPOSE_FORWARD) {
		buf_put_cstr(out, "On ");
		put_date(out, facts);
		buf_put_cstr(out, ", ");
		put_addresses(out, json_object_get(facts, "from"), html);
		put(out, SPAN_LIT(" wrote:\n"), html);
		return;
	}
	put(out, SPAN_LIT("---------- Forwarded message ---------\n"), html);
	put_field(out, "From: ", json_object_get(facts, "from"), html);
	buf_put_cstr(out, "Date: ");
	put_date(out, facts);
	put(out, SPAN_LIT("\nSubject: "), html);
	put(out, json_get_span(facts, "subject"), html);
	put(out, SPAN_LIT("\n"), html);
	put_field(out, "To: ", json_object_get(facts, "to"), html);
	put_field(out, "Cc: ", json_object_get(facts, "cc"), html);
	put(out, SPAN_LIT("\n"), html);
}

static void put_cited_lines(struct buf *out, struct span text)
{
	while (text.n) {
		size_t n = span_find_byte(text, '\n');
		struct span line = span_sub(text, 0, n);

		buf_put_cstr(out, line.n && line.p[0] == '>' ? ">" : line.n ? "> " : ">");
		buf_put_span(out, line);
		buf_put_byte(out, '\n');
		text = span_sub(text, n + 1, text.n);
	}
}

static void quote_text(json_t *message, const json_t *facts, const json_t *body,
		       enum compose_action action)
{
	struct span written = json_get_span(message, "text"), was = json_get_span(body, "text");
	struct buf out;

	buf_init(&out, QUOTE_MAX);
	buf_put_span(&out, written);
	if (written.n)
		buf_put_cstr(&out, written.p[written.n - 1] == '\n' ? "\n" : "\n\n");
	put_head(&out, facts, action, false);
	if (action == COMPOSE_FORWARD)
		buf_put_span(&out, was);
	else
		put_cited_lines(&out, was);
	json_object_set_new(message, "text", json_from_span(buf_span(&out)));
	buf_fini(&out);
}

/* Where the body of the written HTML ends. */
static size_t body_end(struct span html)
{
	static const struct span end = {(const uint8_t *)"</body", 6};

	for (size_t i = html.n; i >= end.n; i--)
		if (span_istarts(span_sub(html, i - end.n, end.n), end))
			return i - end.n;
	return html.n;
}

static void quote_html(json_t *message, const json_t *facts, const json_t *body,
		       enum compose_action action, struct span written)
{
	struct span was = json_get_span(body, "html");
	size_t end = body_end(written);
	struct buf out;

	buf_init(&out, QUOTE_MAX);
	buf_put_span(&out, span_sub(written, 0, end));
	buf_put_cstr(&out, "<br>\n<div class=\"mw_quote\"><div>");
	put_head(&out, facts, action, true);
	buf_put_cstr(&out, action == COMPOSE_FORWARD ? "</div>\n<div>" : "</div>\n" CITE);
	if (was.n)
		buf_put_span(&out, was);
	else
		put(&out, json_get_span(body, "text"), true);
	buf_put_cstr(&out, action == COMPOSE_FORWARD ? "</div></div>\n" : "</blockquote></div>\n");
	buf_put_span(&out, span_sub(written, end, written.n));
	json_object_set_new(message, "html", json_from_span(buf_span(&out)));
	buf_fini(&out);
}

void compose_quote_body(json_t *message, const json_t *facts, const json_t *body,
			enum compose_action action)
{
	struct span html = json_get_span(message, "html"), text = json_get_span(message, "text");
	bool make_html = action == COMPOSE_FORWARD && json_get_span(body, "html").n > 0;
	struct buf made;

	buf_init(&made, QUOTE_MAX);
	if (!html.n && make_html) {
		buf_put_cstr(&made, "<div>");
		put(&made, text, true);
		buf_put_cstr(&made, "</div>");
		html = buf_span(&made);
	}
	if (html.n)
		quote_html(message, facts, body, action, html);
	if (text.n || !html.n)
		quote_text(message, facts, body, action);
	buf_fini(&made);
}
