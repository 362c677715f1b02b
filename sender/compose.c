#include "sender/compose.h"

#include "common/base/code.h"
#include "sender/body_encode.h"
#include "sender/direction.h"
#include "sender/header_write.h"
#include "sender/text_flow.h"

#define ID_MAX 900 /* octets: what fits a line */

struct composer {
	const struct compose_message *m;
	struct buf *out;
	struct span html; /* as given, or marked with its direction */
	struct span text; /* as given or made from the HTML; flowed */
	bool flowed;
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

/* What stands between < and >, or in an address: printable ASCII without blanks and brackets. */
static bool token_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return s.n <= ID_MAX;
}

static enum err_code check_id(struct span id, const char *what, struct err *e)
{
	enum err_code code = check_value(id, what, e);

	if (code == ERR_OK && !token_ok(id))
		code = err_set(e, ERR_PERM, ERR_ITEM, "invalid_id",
			       "The %s holds what cannot stand in an id.", what);
	return code;
}

static enum err_code check_unsubscribe(const struct compose_unsubscribe *u, struct err *e)
{
	enum err_code code = check_value(u->url, "unsubscribe address", e);

	if (code == ERR_OK)
		code = check_value(u->email, "unsubscribe address", e);
	if (code != ERR_OK)
		return code;
	if ((!u->url.n || (token_ok(u->url) && span_istarts(u->url, SPAN_LIT("https://")))) &&
	    (!u->email.n || (address_ok(u->email) && token_ok(u->email))) && token_ok(u->subject))
		return ERR_OK;
	return err_set(e, ERR_PERM, ERR_ITEM, "invalid_unsubscribe",
		       "Nobody could unsubscribe there: give an https address or a mail address.");
}

static enum err_code check_attachments(const struct compose_message *m, struct err *e)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < m->attachment_count && code == ERR_OK; i++) {
		code = check_value(m->attachments[i].name, "name of an attachment", e);
		if (code == ERR_OK)
			code = check_value(m->attachments[i].type, "type of an attachment", e);
		if (code == ERR_OK)
			code = check_id(m->attachments[i].content_id, "content id", e);
	}
	return code;
}

static enum err_code check_ids(const struct compose_message *m, struct err *e)
{
	enum err_code code = check_id(m->message_id, "message id", e);

	if (code == ERR_OK)
		code = check_id(m->in_reply_to, "reference", e);
	for (size_t i = 0; i < m->reference_count && code == ERR_OK; i++)
		code = check_id(m->references[i], "reference", e);
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
	if (code == ERR_OK)
		code = check_unsubscribe(&m->unsubscribe, e);
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

	buf_printf(c->out, "Content-Type: %s; charset=utf-8%s\r\n", type,
		   c->flowed && strcmp(type, "text/plain") == 0 ? "; format=flowed" : "");
	buf_printf(c->out, "Content-Transfer-Encoding: %s\r\n\r\n",
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
	put_text(c, "text/html", c->html);
	multipart_end(c);
}

/* RFC 2045: two tokens. */
static bool type_ok(struct span type)
{
	size_t slash = span_find_byte(type, '/');

	if (slash == 0 || slash + 1 >= type.n || type.n > 127)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] <= 0x20 || type.p[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"[]?=", type.p[i]) || (type.p[i] == '/' && i != slash))
			return false;
	return true;
}

/* May the content stand as it is: ASCII in lines of at most 998 that end in CRLF? */
static bool seven_bit(struct span s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x80 || s.p[i] == 0)
			return false;
		if ((s.p[i] == '\n') != (i > 0 && s.p[i - 1] == '\r'))
			return false;
		column = s.p[i] == '\n' ? 0 : column + 1;
		if (column > 998)
			return false;
	}
	return s.n && s.p[s.n - 1] == '\n';
}

static void put_attachment(struct composer *c, const struct compose_attachment *a)
{
	bool nested = span_istarts(a->type, SPAN_LIT("message/")) ||
		      span_istarts(a->type, SPAN_LIT("multipart/"));
	bool plain = span_ieq(a->type, SPAN_LIT("message/rfc822")) && seven_bit(a->content);
	struct span type = type_ok(a->type) && (plain || !nested)
				   ? a->type
				   : SPAN_LIT("application/octet-stream");

	buf_put_cstr(c->out, "Content-Type: ");
	buf_put_span(c->out, type);
	if (a->name.n)
		header_write_param(c->out, "name", a->name);
	buf_printf(c->out, "\r\nContent-Disposition: %s",
		   a->content_id.n ? "inline" : "attachment");
	if (a->name.n)
		header_write_param(c->out, "filename", a->name);
	buf_printf(c->out, "\r\nContent-Transfer-Encoding: %s\r\n", plain ? "7bit" : "base64");
	if (a->content_id.n) {
		buf_put_cstr(c->out, "Content-ID: <");
		buf_put_span(c->out, a->content_id);
		buf_put_cstr(c->out, ">\r\n");
	}
	buf_put_cstr(c->out, "\r\n");
	if (plain)
		buf_put_span(c->out, a->content);
	else
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
	header_write_ids(c->out, "X-Sent-Message-ID", &m->message_id, 1);
	header_write_ids(c->out, "In-Reply-To", &m->in_reply_to, m->in_reply_to.n ? 1 : 0);
	header_write_ids(c->out, "References", m->references, m->reference_count);
	header_write_unsubscribe(c->out, &m->unsubscribe);
	buf_put_cstr(c->out, "MIME-Version: 1.0\r\n");
}

/* What the bodies become before they are encoded; marked, made and flowed hold it. */
static void prepare_bodies(struct composer *c, struct buf *marked, struct buf *made,
			   struct buf *flowed)
{
	if (direction_unmarked(c->html)) {
		direction_mark(c->html, marked);
		c->html = buf_span(marked);
	}
	if (!c->text.n && c->html.n) {
		body_text_from_html(made, c->html);
		c->text = buf_span(made);
	}
	c->flowed = text_flow_wanted(c->text);
	if (c->flowed) {
		text_flow(c->text, flowed);
		c->text = buf_span(flowed);
	}
}

enum err_code compose(const struct compose_message *m, struct buf *out, struct err *e)
{
	struct composer c = {.m = m, .out = out, .html = m->html, .text = m->text};
	enum err_code code = check(m, e);
	struct buf marked, made, flowed;

	if (code != ERR_OK)
		return code;
	buf_init(&marked, out->max);
	buf_init(&made, out->max);
	buf_init(&flowed, out->max);
	prepare_bodies(&c, &marked, &made, &flowed);
	put_headers(&c);
	put_body(&c);
	buf_fini(&marked);
	buf_fini(&made);
	buf_fini(&flowed);
	if (!buf_ok(out))
		return err_set(e, ERR_LIMIT, ERR_ITEM, "message_too_large",
			       "The encoded message is over %zu octets.", out->max);
	return ERR_OK;
}
