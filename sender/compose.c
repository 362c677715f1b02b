#include "sender/compose.h"

#include "common/base/code.h"
#include "sender/body_encode.h"
#include "sender/header_write.h"

struct composer {
	const struct compose_message *m;
	struct buf *out;
	struct span text; /* as given, or made from the HTML */
	unsigned depth; /* of multiparts: each has a boundary of its own */
};

static bool ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

bool compose_needs_utf8(const struct compose_message *m)
{
	const struct compose_addresses *lists[] = {&m->to, &m->cc, &m->bcc, &m->reply_to};

	for (size_t l = 0; l < 4; l++)
		for (size_t i = 0; i < lists[l]->count; i++)
			if (!ascii(lists[l]->items[i].email))
				return true;
	return !ascii(m->from.email);
}

static enum err_code check_value(struct span value, const char *what, struct err *e)
{
	if (header_value_ok(value))
		return ERR_OK;
	return err_set(e, ERR_PERM, ERR_ITEM, "header_injection",
		       "The %s holds a line break or a NUL, which cannot stand in a header.", what);
}

/* SND-04: what providers refuse, beside blanks, controls and a missing side. */
static bool address_ok(struct span a)
{
	size_t at = span_find_byte(a, '@');

	if (at == 0 || at + 1 >= a.n || a.n > 320)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] <= 0x20 || a.p[i] == 0x7f || strchr(",/\\\":<>|*~();[]", a.p[i]) ||
		    (a.p[i] == '@' && i != at))
			return false;
	return true;
}

static enum err_code check_address(const struct compose_address *a, struct err *e)
{
	enum err_code code = check_value(a->name, "name of an address", e);

	if (code == ERR_OK)
		code = check_value(a->email, "address", e);
	if (code == ERR_OK && !address_ok(a->email))
		code = err_set(e, ERR_PERM, ERR_ITEM, "invalid_recipient",
			       "\"%.*s\" is not an address that mail can be sent to.",
			       (int)(a->email.n < 120 ? a->email.n : 120),
			       (const char *)a->email.p);
	return code;
}

static enum err_code check_addresses(const struct compose_addresses *list, struct err *e)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < list->count && code == ERR_OK; i++)
		code = check_address(&list->items[i], e);
	return code;
}

static enum err_code check_attachments(const struct compose_message *m, struct err *e)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < m->attachment_count && code == ERR_OK; i++) {
		code = check_value(m->attachments[i].name, "name of an attachment", e);
		if (code == ERR_OK)
			code = check_value(m->attachments[i].type, "type of an attachment", e);
		if (code == ERR_OK)
			code = check_value(m->attachments[i].content_id, "content id", e);
	}
	return code;
}

static enum err_code check_ids(const struct compose_message *m, struct err *e)
{
	enum err_code code = check_value(m->message_id, "message id", e);

	if (code == ERR_OK)
		code = check_value(m->in_reply_to, "reference", e);
	for (size_t i = 0; i < m->reference_count && code == ERR_OK; i++)
		code = check_value(m->references[i], "reference", e);
	return code;
}

static enum err_code check(const struct compose_message *m, struct err *e)
{
	size_t recipients = m->to.count + m->cc.count + m->bcc.count;
	enum err_code code = check_value(m->subject, "subject", e);

	if (code == ERR_OK && recipients == 0)
		code = err_set(e, ERR_PERM, ERR_ITEM, "no_recipient",
			       "The message has no recipient.");
	if (code == ERR_OK && recipients > COMPOSE_RECIPIENTS_MAX)
		code = err_set(e, ERR_PERM, ERR_ITEM, "too_many_recipients",
			       "The message has %zu recipients; at most %d go in one message.",
			       recipients, COMPOSE_RECIPIENTS_MAX);
	if (code == ERR_OK && !m->html.n && !m->text.n && !m->attachment_count)
		code = err_set(e, ERR_PERM, ERR_ITEM, "empty_message",
			       "The message has neither text nor HTML nor an attachment.");
	if (code == ERR_OK)
		code = check_address(&m->from, e);
	if (code == ERR_OK)
		code = check_addresses(&m->to, e);
	if (code == ERR_OK)
		code = check_addresses(&m->cc, e);
	if (code == ERR_OK)
		code = check_addresses(&m->bcc, e);
	if (code == ERR_OK)
		code = check_addresses(&m->reply_to, e);
	if (code == ERR_OK)
		code = check_ids(m, e);
	return code == ERR_OK ? check_attachments(m, e) : code;
}

static void put_boundary(struct composer *c, unsigned depth)
{
	buf_printf(c->out, "=_mw%u_", depth);
	hex_encode(span_make(c->m->boundary_seed, 16), c->out);
}

static void multipart_begin(struct composer *c, const char *subtype)
{
	c->depth++;
	buf_printf(c->out, "Content-Type: multipart/%s;\r\n\tboundary=\"", subtype);
	put_boundary(c, c->depth);
	buf_put_cstr(c->out, "\"\r\n\r\n");
}

static void part_begin(struct composer *c)
{
	buf_put_cstr(c->out, "--");
	put_boundary(c, c->depth);
	buf_put_cstr(c->out, "\r\n");
}

static void multipart_end(struct composer *c)
{
	buf_put_cstr(c->out, "--");
	put_boundary(c, c->depth);
	buf_put_cstr(c->out, "--\r\n");
	c->depth--;
}

/* Text that needs more than a third of its octets encoded is shorter in base64. */
static bool mostly_ascii(struct span text)
{
	size_t other = 0;

	for (size_t i = 0; i < text.n; i++)
		other += text.p[i] >= 0x7f || text.p[i] == '=';
	return other * 6 < text.n + 6;
}

static void put_text(struct composer *c, const char *type, struct span text)
{
	bool quoted = mostly_ascii(text);

	buf_printf(c->out,
		   "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
		   quoted ? "quoted-printable" : "base64");
	if (quoted)
		body_quoted_printable(c->out, text);
	else
		body_base64(c->out, text);
}

static void put_alternative(struct composer *c)
{
	if (!c->m->html.n) {
		put_text(c, "text/plain", c->text);
		return;
	}
	multipart_begin(c, "alternative");
	part_begin(c);
	put_text(c, "text/plain", c->text);
	part_begin(c);
	put_text(c, "text/html", c->m->html);
	multipart_end(c);
}

static void put_attachment(struct composer *c, const struct compose_attachment *a)
{
	struct span type = a->type.n ? a->type : SPAN_LIT("application/octet-stream");

	buf_put_cstr(c->out, "Content-Type: ");
	buf_put_span(c->out, type);
	if (a->name.n)
		header_write_param(c->out, "name", a->name);
	buf_printf(c->out, "\r\nContent-Disposition: %s",
		   a->content_id.n ? "inline" : "attachment");
	if (a->name.n)
		header_write_param(c->out, "filename", a->name);
	buf_put_cstr(c->out, "\r\nContent-Transfer-Encoding: base64\r\n");
	if (a->content_id.n) {
		buf_put_cstr(c->out, "Content-ID: <");
		buf_put_span(c->out, a->content_id);
		buf_put_cstr(c->out, ">\r\n");
	}
	buf_put_cstr(c->out, "\r\n");
	body_base64(c->out, a->content);
}

static size_t count_attachments(const struct compose_message *m, bool inline_ones)
{
	size_t count = 0;

	for (size_t i = 0; i < m->attachment_count; i++)
		count += (m->attachments[i].content_id.n > 0 && m->html.n > 0) == inline_ones;
	return count;
}

static void put_attachments(struct composer *c, bool inline_ones)
{
	for (size_t i = 0; i < c->m->attachment_count; i++) {
		const struct compose_attachment *a = &c->m->attachments[i];

		if ((a->content_id.n > 0 && c->m->html.n > 0) != inline_ones)
			continue;
		part_begin(c);
		put_attachment(c, a);
	}
}

static void put_related(struct composer *c)
{
	if (!count_attachments(c->m, true)) {
		put_alternative(c);
		return;
	}
	multipart_begin(c, "related");
	part_begin(c);
	put_alternative(c);
	put_attachments(c, true);
	multipart_end(c);
}

static void put_body(struct composer *c)
{
	if (!count_attachments(c->m, false)) {
		put_related(c);
		return;
	}
	multipart_begin(c, "mixed");
	part_begin(c);
	put_related(c);
	put_attachments(c, false);
	multipart_end(c);
}

static void put_headers(struct composer *c)
{
	const struct compose_message *m = c->m;
	struct compose_addresses from = {&m->from, 1};

	header_write_date(c->out, "Date", m->date_ms);
	header_write_addresses(c->out, "From", from);
	header_write_addresses(c->out, "Reply-To", m->reply_to);
	header_write_addresses(c->out, "To", m->to);
	header_write_addresses(c->out, "Cc", m->cc);
	if (!m->to.count && !m->cc.count)
		buf_put_cstr(c->out, "To: undisclosed-recipients:;\r\n");
	header_write_text(c->out, "Subject", m->subject);
	header_write_ids(c->out, "Message-ID", &m->message_id, 1);
	header_write_ids(c->out, "In-Reply-To", &m->in_reply_to, m->in_reply_to.n ? 1 : 0);
	header_write_ids(c->out, "References", m->references, m->reference_count);
	buf_put_cstr(c->out, "MIME-Version: 1.0\r\n");
}

enum err_code compose(const struct compose_message *m, struct buf *out, struct err *e)
{
	struct composer c = {.m = m, .out = out, .text = m->text};
	enum err_code code = check(m, e);
	struct buf text;

	if (code != ERR_OK)
		return code;
	buf_init(&text, out->max);
	if (!m->text.n && m->html.n) {
		body_text_from_html(&text, m->html);
		c.text = buf_span(&text);
	}
	put_headers(&c);
	put_body(&c);
	buf_fini(&text);
	if (!buf_ok(out))
		return err_set(e, ERR_LIMIT, ERR_ITEM, "message_too_large",
			       "The encoded message is over %zu octets.", out->max);
	return ERR_OK;
}
