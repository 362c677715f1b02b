#include "parser/render.h"
#include "parser/embedded.h"
#include "parser/html_text.h"
#include "parser/message_json.h"
#include "parser/quote.h"
#include "parser/sanitize.h"
#include "parser/shown_text.h"
#include "parser/utf8.h"

#define STATUS_OK SPAN_LIT("ok")

static void put_frame(const struct render_order *order, struct span status, struct buf *frame)
{
	struct wire_rendered w = {.request = order->request, .status = status};
	wire_encode_rendered(&w, frame);
}

static void render_facts(struct decode *d, const struct mime_message *m, struct buf *body)
{
	struct json j = json_make(body);
	struct facts f;
	facts_read(d, m, &f);
	json_open(&j, '{');
	message_json_properties(&j, d, m, &f, false);
	json_close(&j, '}');
}

static size_t utf16_units(struct span s)
{
	size_t units = 0;
	for (size_t at = 0; at < s.n;)
		units += utf8_next(s, &at) > 0xffff ? 2 : 1;
	return units;
}

static void put_text(struct json *j, struct span text)
{
	json_key(j, "text");
	json_str(j, text);
	json_key(j, "quotedFrom");
	struct buf fresh;
	buf_init(&fresh, DECODE_TEXT_MAX);
	struct quote_parts parts = quote_split_text(text, &fresh);
	buf_fini(&fresh);
	if (parts.quoted_from < text.n)
		json_u64(j, utf16_units((struct span){text.p, parts.quoted_from}));
	else
		json_null(j);
}

static void put_cids(struct json *j, const struct mime_message *m)
{
	char id[MIME_PART_ID_BYTES];
	json_key(j, "cids");
	json_open(j, '{');
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->parts[i];
		if (p->cid.n == 0 || p->cid.n > 998 || !mime_part_id(m, i, id))
			continue;
		json_str(j, p->cid);
		buf_put_byte(j->out, ':');
		j->comma = false;
		json_cstr(j, id);
	}
	json_close(j, '}');
}

static void put_html(struct json *j, struct decode *d, struct span html, bool any, bool remote)
{
	struct sanitize s = {.remote = remote, .arena = d->arena};
	struct buf safe;
	buf_init(&safe, DECODE_TEXT_MAX);
	json_key(j, "html");
	if (any && sanitize_html(&s, html, &safe))
		json_str(j, buf_span(&safe));
	else
		json_null(j);
	json_key(j, "remoteBlocked");
	json_open(j, '[');
	for (size_t i = 0; i < s.blocked_count; i++)
		json_str(j, s.blocked[i]);
	json_close(j, ']');
	buf_fini(&safe);
}

static void render_body(struct decode *d, const struct mime_message *m, bool remote,
			struct buf *body)
{
	struct json j = json_make(body);
	struct buf text, html;
	buf_init(&text, DECODE_TEXT_MAX);
	buf_init(&html, DECODE_TEXT_MAX);
	bool has_html = message_json_text(d, m, &m->html_body, MIME_TEXT_HTML, &html);
	if (!shown_text(d, m, &text) && has_html)
		html_text_marked(buf_span(&html), SIZE_MAX, &text);
	json_open(&j, '{');
	put_text(&j, buf_span(&text));
	put_html(&j, d, buf_span(&html), has_html, remote);
	put_cids(&j, m);
	json_close(&j, '}');
	buf_fini(&text);
	buf_fini(&html);
}

/* A part, or a file within one. */
static bool find_part(struct decode *d, const struct mime_message *m, struct span id,
		      struct span *type_out, struct span *name_out, struct span *data_out)
{
	struct embedded_file file;
	uint32_t index = mime_part_find(m, id);
	if (index != MIME_NONE) {
		*type_out = m->parts[index].type;
		*name_out = m->parts[index].name;
		*data_out = mime_part_octets(d, &m->parts[index]);
		return true;
	}
	if (!embedded_by_id(d, m, id, &file))
		return false;
	*type_out = file.type;
	*name_out = file.name;
	*data_out = embedded_octets(d, &file);
	return true;
}

static void render_part(struct decode *d, const struct mime_message *m,
			const struct render_order *order, struct buf *frame, struct buf *body)
{
	struct span type, name, data;
	if (!find_part(d, m, order->part, &type, &name, &data)) {
		put_frame(order, SPAN_LIT("no_part"), frame);
		return;
	}
	struct wire_rendered w = {.request = order->request, .status = STATUS_OK, .total = data.n};
	w.type = span_sub(type, 0, 128);
	w.name = (struct span){name.p, utf8_cut(name, 512)};
	wire_encode_rendered(&w, frame);
	size_t offset = order->offset < data.n ? order->offset : data.n;
	buf_put_span(body, span_sub(data, offset,
				    order->limit && order->limit < data.n ? order->limit : data.n));
}

void render_message(struct decode *d, struct span raw, const struct render_order *order,
		    struct buf *frame, struct buf *body)
{
	struct mime_message m;
	mime_parse(d, raw, &m);
	switch (order->want) {
	case REQUEST_WANT_FACTS:
		render_facts(d, &m, body);
		put_frame(order, STATUS_OK, frame);
		break;
	case REQUEST_WANT_BODY:
		render_body(d, &m, order->remote, body);
		put_frame(order, STATUS_OK, frame);
		break;
	case REQUEST_WANT_PART:
		render_part(d, &m, order, frame, body);
		break;
	default:
		put_frame(order, SPAN_LIT("failed"), frame);
		break;
	}
}
