#include "parser/message_json.h"
#include "common/secret/secret.h"
#include "parser/embedded.h"
#include "parser/encoded_word.h"
#include "parser/mail_kind.h"

#include <stdio.h>

static void put_addresses(struct json *j, const char *key, const struct address_list *list)
{
	json_key(j, key);
	if (list->count == 0) {
		json_null(j);
		return;
	}
	json_open(j, '[');
	for (size_t i = 0; i < list->count; i++) {
		json_open(j, '{');
		json_key(j, "name");
		json_str_or_null(j, list->items[i].name.n ? list->items[i].name : (struct span){0});
		json_key(j, "email");
		json_str(j, list->items[i].email);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_ids(struct json *j, const char *key, const struct id_list *list)
{
	json_key(j, key);
	if (list->count == 0) {
		json_null(j);
		return;
	}
	json_open(j, '[');
	for (size_t i = 0; i < list->count; i++)
		json_str(j, list->items[i]);
	json_close(j, ']');
}

static void put_headers(struct json *j, const struct mime_message *m, const struct mime_part *part)
{
	json_key(j, "headers");
	json_open(j, '[');
	for (uint32_t i = 0; i < part->field_count; i++) {
		const struct header_field *f = &m->fields.fields[part->field_first + i];
		json_open(j, '{');
		json_key(j, "name");
		json_str(j, f->name);
		json_key(j, "value");
		json_str(j, f->value);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_or_null(struct json *j, const char *key, struct span s)
{
	json_key(j, key);
	json_str_or_null(j, s.n ? s : (struct span){0});
}

static void put_hash(struct json *j, struct span data)
{
	uint8_t sum[32];
	char hex[65];
	secret_sha256(data, sum);
	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
	}
	json_key(j, "sha256");
	json_str(j, (struct span){(const uint8_t *)hex, 64});
}

struct writer {
	struct json *j;
	struct decode *d;
	const struct mime_message *m;
	bool extended; /* beyond RFC 8621 */
};

static void put_languages(struct json *j, struct span value)
{
	struct span s = span_trim(value);
	if (s.n == 0)
		return;
	json_key(j, "language");
	json_open(j, '[');
	while (s.n > 0) {
		size_t n = span_find_byte(s, ',');
		json_str(j, span_trim((struct span){s.p, n}));
		s = span_sub(s, n + 1, s.n);
	}
	json_close(j, ']');
}

/* Where its body lies in the message, and how it is encoded there. */
static void put_place(const struct writer *w, const struct mime_part *p)
{
	json_key(w->j, "offset");
	json_u64(w->j, (uint64_t)(p->body.p - w->m->raw.p));
	json_key(w->j, "length");
	json_u64(w->j, p->body.n);
	put_or_null(w->j, "encoding", span_cstr(transfer_name(p->encoding)));
}

static void put_part_fields(const struct writer *w, uint32_t i)
{
	const struct mime_part *p = &w->m->parts[i];
	struct json *j = w->j;
	char id[MIME_PART_ID_BYTES];
	json_key(j, "partId");
	if (mime_part_id(w->m, i, id))
		json_cstr(j, id);
	else
		json_null(j);
	json_key(j, "size");
	struct span data = mime_part_octets(w->d, p);
	json_u64(j, data.n);
	if (w->extended) {
		put_hash(j, data);
		put_place(w, p);
	}
	put_or_null(j, "name", p->name);
	json_key(j, "type");
	json_str(j, p->type);
	bool text = p->kind == MIME_TEXT_PLAIN || p->kind == MIME_TEXT_HTML ||
		    p->kind == MIME_TEXT_OTHER;
	put_or_null(j, "charset", p->charset.n || !text ? p->charset : SPAN_LIT("us-ascii"));
	put_or_null(j, "disposition", p->disposition);
	put_or_null(j, "cid", p->cid);
	if (transfer_is_damaged(p->encoding, p->body)) {
		json_key(j, "isEncodingProblem");
		json_bool(j, true);
	}
	put_languages(j, mime_field_first(w->m, p, HEADER_CONTENT_LANGUAGE));
	struct span location = span_trim(mime_field_first(w->m, p, HEADER_CONTENT_LOCATION));
	if (location.n)
		put_or_null(j, "location", location);
}

/* Recursion as deep as the tree: at most MIME_DEPTH_MAX. */
static void put_structure(const struct writer *w, uint32_t i)
{
	json_open(w->j, '{');
	put_part_fields(w, i);
	if (w->m->parts[i].kind == MIME_MULTIPART) {
		json_key(w->j, "subParts");
		json_open(w->j, '[');
		for (uint32_t c = w->m->parts[i].first_child; c != MIME_NONE;
		     c = w->m->parts[c].next)
			put_structure(w, c);
		json_close(w->j, ']');
	}
	json_close(w->j, '}');
}

static void put_list(const struct writer *w, const char *key, const struct mime_list *list)
{
	json_key(w->j, key);
	json_open(w->j, '[');
	for (uint32_t i = 0; i < list->count; i++) {
		json_open(w->j, '{');
		put_part_fields(w, list->items[i]);
		json_close(w->j, '}');
	}
	json_close(w->j, ']');
}

/* container: the partId of the leaf it is in; number: its own within that, from 1. */
static void put_embedded_file(const struct writer *w, const char *container, unsigned number,
			      const struct embedded_file *f)
{
	struct json *j = w->j;
	char id[MIME_PART_ID_BYTES + 16];
	struct span data = embedded_octets(w->d, f);
	snprintf(id, sizeof(id), "%s.%u", container, number);
	json_open(j, '{');
	json_key(j, "partId");
	json_cstr(j, id);
	json_key(j, "size");
	json_u64(j, data.n);
	if (w->extended)
		put_hash(j, data);
	if (w->extended && f->encoding == TRANSFER_UU) {
		json_key(j, "offset");
		json_u64(j, (uint64_t)(f->body.p - w->m->raw.p));
		json_key(j, "length");
		json_u64(j, f->body.n);
	}
	put_or_null(j, "name", f->name);
	json_key(j, "type");
	json_str(j, f->type);
	put_or_null(j, "charset", f->charset);
	put_or_null(j, "cid", f->cid);
	json_close(j, '}');
}

/* Only there if there is any. */
static void put_embedded(const struct writer *w)
{
	bool any = false;
	for (uint32_t i = 0; i < w->m->part_count; i++) {
		struct embedded_list list;
		char container[MIME_PART_ID_BYTES];
		embedded_find(w->d, &w->m->parts[i], &list);
		if (list.count == 0 || !mime_part_id(w->m, i, container))
			continue;
		if (!any) {
			json_key(w->j, "embedded");
			json_open(w->j, '[');
		}
		any = true;
		for (unsigned k = 0; k < list.count; k++)
			put_embedded_file(w, container, k + 1, &list.files[k]);
	}
	if (any)
		json_close(w->j, ']');
}

bool message_json_text(struct decode *d, const struct mime_message *m, const struct mime_list *list,
		       enum mime_kind kind, struct buf *out)
{
	bool any = false;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct mime_part *part = &m->parts[list->items[i]];
		if (part->kind != kind)
			continue;
		if (any)
			buf_put_byte(out, '\n');
		mime_part_text(d, part, SIZE_MAX, out);
		any = true;
	}
	return any;
}

static void put_date(struct json *j, const struct facts *f)
{
	char text[DATE_TEXT_BYTES] = "";
	json_key(j, "sentAt");
	if (!f->has_date) {
		json_null(j);
		return;
	}
	date_format(&f->date, text);
	json_cstr(j, text);
}

void message_json_properties(struct json *j, struct decode *d, const struct mime_message *m,
			     const struct facts *f, bool extended)
{
	struct writer w = {j, d, m, extended};
	put_headers(j, m, &m->parts[0]);
	put_ids(j, "messageId", &f->message_id);
	put_ids(j, "inReplyTo", &f->in_reply_to);
	put_ids(j, "references", &f->references);
	put_addresses(j, "sender", &f->sender);
	put_addresses(j, "from", &f->from);
	put_addresses(j, "to", &f->to);
	put_addresses(j, "cc", &f->cc);
	put_addresses(j, "bcc", &f->bcc);
	put_addresses(j, "replyTo", &f->reply_to);
	json_key(j, "subject");
	json_str_or_null(j, f->subject);
	put_date(j, f);
	json_key(j, "hasAttachment");
	json_bool(j, f->traits & FACTS_ATTACHMENT);
	json_key(j, "preview");
	json_str(j, f->preview);
	mail_kind_json(j, d, m, f);
	json_key(j, "bodyStructure");
	put_structure(&w, 0);
	put_list(&w, "textBody", &m->text_body);
	put_list(&w, "htmlBody", &m->html_body);
	put_list(&w, "attachments", &m->attachments);
	put_embedded(&w);
}
