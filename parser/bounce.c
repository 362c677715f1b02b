#include "parser/bounce.h"
#include "parser/address_list.h"
#include "parser/bounce_text.h"
#include "parser/html_text.h"
#include "parser/lex.h"
#include "parser/mail_class.h"
#include "parser/msg_id.h"
#include "parser/phrase.h"

/* Where the sender repeats the Message-ID. */
#define SENT_ID "x-sent-message-id"

struct report {
	struct span recipient, original, status, action, diagnostic;
};

/* "rfc822; a@b" → a@b */
static struct span report_address(struct decode *d, struct span value)
{
	size_t semicolon = span_find_byte(value, ';');
	struct span s =
		span_trim(semicolon < value.n ? span_sub(value, semicolon + 1, value.n) : value);
	struct address_list list = {0};
	address_list_parse(d, s, &list);
	return list.count ? list.items[0].email : (struct span){0};
}

static struct span first_word(struct span value)
{
	struct span s = span_trim(value);
	size_t n = 0;
	while (n < s.n && !lex_is_blank(s.p[n]) && s.p[n] != '(' && s.p[n] != ';')
		n++;
	return (struct span){s.p, n};
}

static bool is_failure(const struct report *r)
{
	return !span_istarts(r->action, SPAN_LIT("delivered")) &&
	       !span_istarts(r->action, SPAN_LIT("relayed")) &&
	       !span_istarts(r->action, SPAN_LIT("expanded"));
}

static void add_recipient(struct decode *d, struct bounce *bounce, struct span recipient,
			  struct span status)
{
	if ((bounce->count & (bounce->count - 1)) == 0) {
		struct bounce_recipient *grown = arena_array(
			d->arena, bounce->count ? 2 * bounce->count : 1, sizeof(*grown));
		if (bounce->count)
			memcpy(grown, bounce->items, bounce->count * sizeof(*grown));
		bounce->items = grown;
	}
	bounce->items[bounce->count++] = (struct bounce_recipient){recipient, status};
}

/* "5.0.0" says nothing that the diagnostic may not say better. */
static bool is_vague(struct span status)
{
	return status.n < 5 || (status.n == 5 && memcmp(status.p + 1, ".0.0", 4) == 0);
}

static void take_field(struct decode *d, const struct header_field *f, struct report *r)
{
	if (span_ieq(f->name, SPAN_LIT("final-recipient")))
		r->recipient = report_address(d, f->value);
	else if (span_ieq(f->name, SPAN_LIT("original-recipient")))
		r->original = report_address(d, f->value);
	else if (span_ieq(f->name, SPAN_LIT("status")))
		r->status = first_word(f->value);
	else if (span_ieq(f->name, SPAN_LIT("action")))
		r->action = first_word(f->value);
	else if (span_ieq(f->name, SPAN_LIT("diagnostic-code")))
		r->diagnostic = f->value;
}

static void settle_status(struct report *r)
{
	struct span better = bounce_text_status(r->diagnostic);
	if (better.n && is_vague(r->status) && !(is_vague(better) && r->status.n))
		r->status = better;
	if (!r->status.n)
		r->status = span_istarts(r->action, SPAN_LIT("delayed")) ? SPAN_LIT("4.0.0")
									 : SPAN_LIT("5.0.0");
}

/* The groups of fields of one message/delivery-status part: the first is about the message, the others recipients. */
static size_t read_part(struct bounce *bounce, struct decode *d, struct span body)
{
	struct header_scan scan = {body, header_eol(body), NULL, NULL};
	size_t count = 0;
	for (size_t at = 0; at < body.n;) {
		struct header_list fields = {0};
		struct report r = {0};
		at = header_block(&scan, at, d->arena, &fields);
		for (size_t i = 0; i < fields.count; i++)
			take_field(d, &fields.fields[i], &r);
		if (r.recipient.n == 0)
			continue;
		count++;
		settle_status(&r);
		if (!memchr(r.recipient.p, '@', r.recipient.n) && r.original.n)
			r.recipient =
				r.original; /* what some systems make of it inside is no address */
		if (is_failure(&r))
			add_recipient(d, bounce, r.recipient, r.status);
	}
	return count;
}

/* The decoded octets of a part, in the arena. */
static struct span part_octets(struct decode *d, const struct mime_part *p)
{
	struct buf decoded;
	buf_init(&decoded, DECODE_TEXT_MAX);
	transfer_decode(p->encoding, p->body, &decoded);
	struct span octets = arena_span(d->arena, buf_span(&decoded));
	buf_fini(&decoded);
	return octets;
}

static size_t read_reports(struct bounce *bounce, struct decode *d, const struct mime_message *m)
{
	size_t count = 0;
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->parts[i];
		if (span_eq(p->type, SPAN_LIT("message/delivery-status")) ||
		    span_eq(p->type, SPAN_LIT("message/global-delivery-status")))
			count += read_part(bounce, d, part_octets(d, p));
	}
	return count;
}

/* The report's own words: the first text there is. */
static void read_words(struct decode *d, const struct mime_message *m, struct buf *out)
{
	struct buf html;
	buf_init(&html, DECODE_TEXT_MAX);
	for (uint32_t i = 0; i < m->part_count && out->n == 0; i++) {
		const struct mime_part *p = &m->parts[i];
		if (p->kind == MIME_TEXT_PLAIN)
			mime_part_text(d, p, BOUNCE_TEXT_BYTES_MAX, out);
		if (p->kind == MIME_TEXT_HTML) {
			mime_part_text(d, p, BOUNCE_TEXT_BYTES_MAX, &html);
			html_text(buf_span(&html), BOUNCE_TEXT_BYTES_MAX, out);
		}
	}
	buf_fini(&html);
}

static struct span first_email(const struct address_list *list)
{
	return list->count ? list->items[0].email : (struct span){0};
}

/* A report whose parts cannot be told apart, its boundary being wrong: its groups of fields stand in the text. */
static size_t read_loose_report(struct bounce *bounce, struct decode *d, struct span words)
{
	static const char *const fields[] = {"final-recipient:", NULL};
	return phrase_any_in(words, fields) ? read_part(bounce, d, words) : 0;
}

static void read_from_words(struct bounce *bounce, struct decode *d, const struct mime_message *m,
			    struct span words)
{
	struct bounce_recipient found[BOUNCE_RECIPIENTS_MAX];
	struct address_list failed = {0}, to = {0};
	address_list_parse(d, mime_field_first(m, &m->parts[0], HEADER_X_FAILED_RECIPIENTS),
			   &failed);
	address_list_parse(d, mime_field_last(m, &m->parts[0], HEADER_TO), &to);
	size_t count = bounce_text_find(d->arena, words, first_email(&to), found);
	for (size_t i = 0; i < failed.count; i++)
		add_recipient(d, bounce, failed.items[i].email,
			      count ? found[0].status : SPAN_LIT("5.0.0"));
	for (size_t i = 0; i < count && failed.count == 0; i++)
		add_recipient(d, bounce, found[i].address, found[i].status);
}

/* The first field of that name in a header block. */
static struct span block_field(struct decode *d, struct span block, struct span name)
{
	struct header_scan scan = {block, header_eol(block), NULL, NULL};
	struct header_list fields = {0};
	header_block(&scan, 0, d->arena, &fields);
	for (size_t i = 0; i < fields.count; i++)
		if (span_ieq(fields.fields[i].name, name))
			return fields.fields[i].value;
	return (struct span){0};
}

static struct span first_id(struct decode *d, struct span value)
{
	struct id_list ids = {0};
	if (value.n)
		msg_id_parse(d, value, 1, &ids);
	return ids.count ? ids.items[0] : (struct span){0};
}

/* The message that came back, or its header; n 0: it is not enclosed. */
static struct span returned(struct decode *d, const struct mime_message *m)
{
	static const char *const types[] = {"message/rfc822", "text/rfc822-headers",
					    "message/global", "message/global-headers"};
	for (uint32_t i = 1; i < m->part_count; i++)
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
			if (span_eq(m->parts[i].type, span_cstr(types[t])))
				return part_octets(d, &m->parts[i]);
	return (struct span){0};
}

/* In a report that is text alone, the returned header stands under its words. */
static struct span id_after(struct decode *d, struct span words, struct span name)
{
	for (size_t at = 0; at < words.n;) {
		struct span rest = span_sub(words, at, words.n);
		size_t end = span_find_byte(rest, '\n');
		struct span line = span_trim(span_sub(rest, 0, end));
		if (span_istarts(line, name))
			return first_id(d, span_sub(line, name.n, line.n));
		at += end + 1;
	}
	return (struct span){0};
}

static struct span id_from_words(struct decode *d, struct span words)
{
	struct span id = id_after(d, words, SPAN_LIT(SENT_ID ":"));
	return id.n ? id : id_after(d, words, SPAN_LIT("message-id:"));
}

/* Of the returned header: what the message was sent with, if a server on its way gave it another Message-ID (FAULTS F69). */
static struct span returned_id(struct decode *d, struct span original)
{
	struct span id = first_id(d, block_field(d, original, SPAN_LIT(SENT_ID)));
	return id.n ? id : first_id(d, block_field(d, original, SPAN_LIT("message-id")));
}

/* A report that came back itself, or one that names nobody: then the message that came back says who it was to. */
static void read_returned(struct bounce *bounce, struct decode *d, struct span original,
			  struct span words)
{
	struct mime_message inner;
	struct address_list to = {0};
	mime_parse(d, original, &inner);
	if (read_reports(bounce, d, &inner) > 0)
		return;
	address_list_parse(d, mime_field_last(&inner, &inner.parts[0], HEADER_TO), &to);
	struct span status = bounce_text_status(words);
	for (size_t i = 0; i < to.count && i < BOUNCE_RECIPIENTS_MAX; i++)
		add_recipient(d, bounce, to.items[i].email, status.n ? status : SPAN_LIT("5.0.0"));
}

static void read_bounce(struct decode *d, const struct mime_message *m, struct bounce *bounce)
{
	struct buf words;
	buf_init(&words, DECODE_TEXT_MAX);
	read_words(d, m, &words);
	struct span text = arena_span(d->arena, buf_span(&words)), original = returned(d, m);
	size_t reported = read_reports(bounce, d, m);
	if (reported == 0)
		reported = read_loose_report(bounce, d, text);
	if (reported == 0)
		read_from_words(bounce, d, m, text);
	if (reported == 0 && bounce->count == 0 && original.n)
		read_returned(bounce, d, original, text);
	bounce->message_id = returned_id(d, original);
	if (!bounce->message_id.n)
		bounce->message_id = id_from_words(d, text);
	buf_fini(&words);
}

/* RFC 5965: who complained; many providers hide it, then it is who the message was to. */
static void read_complaint(struct decode *d, const struct mime_message *m, struct bounce *bounce)
{
	struct span original = returned(d, m), who = {0};
	struct address_list list = {0};
	for (uint32_t i = 0; i < m->part_count && !who.n; i++)
		if (span_eq(m->parts[i].type, SPAN_LIT("message/feedback-report")))
			who = block_field(d, part_octets(d, &m->parts[i]),
					  SPAN_LIT("original-rcpt-to"));
	if (!who.n)
		who = block_field(d, original, SPAN_LIT("to"));
	address_list_parse(d, who, &list);
	if (list.count)
		add_recipient(d, bounce, list.items[0].email, SPAN_LIT("complaint"));
	bounce->message_id = returned_id(d, original);
}

void bounce_read(struct decode *d, const struct mime_message *m, const struct facts *f,
		 struct bounce *bounce_out)
{
	enum mail_class class = mail_class_find(m, f);
	*bounce_out = (struct bounce){.items = NULL};
	if (class == MAIL_BOUNCE)
		read_bounce(d, m, bounce_out);
	else if (class == MAIL_COMPLAINT)
		read_complaint(d, m, bounce_out);
}

void bounce_json(struct json *j, struct decode *d, const struct mime_message *m)
{
	struct bounce bounce = {.items = NULL};
	read_bounce(d, m, &bounce);
	json_key(j, "bounces");
	json_open(j, '[');
	for (size_t i = 0; i < bounce.count; i++) {
		struct span status = bounce.items[i].status;
		json_open(j, '{');
		json_key(j, "recipient");
		json_str(j, bounce.items[i].address);
		json_key(j, "status");
		json_str_or_null(j, status.n ? status : (struct span){0});
		json_close(j, '}');
	}
	json_close(j, ']');
}
