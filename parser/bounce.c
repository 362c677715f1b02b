#include "parser/bounce.h"
#include "parser/address_list.h"
#include "parser/bounce_text.h"
#include "parser/html_text.h"
#include "parser/lex.h"

struct report {
	struct span recipient, status, action, diagnostic;
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

static void put_recipient(struct json *j, struct span recipient, struct span status)
{
	json_open(j, '{');
	json_key(j, "recipient");
	json_str(j, recipient);
	json_key(j, "status");
	json_str_or_null(j, status.n ? status : (struct span){0});
	json_close(j, '}');
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
static size_t put_part(struct json *j, struct decode *d, struct span body)
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
		if (is_failure(&r))
			put_recipient(j, r.recipient, r.status);
	}
	return count;
}

static size_t put_reports(struct json *j, struct decode *d, const struct mime_message *m)
{
	size_t count = 0;
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->parts[i];
		if (!span_eq(p->type, SPAN_LIT("message/delivery-status")) &&
		    !span_eq(p->type, SPAN_LIT("message/global-delivery-status")))
			continue;
		struct buf decoded;
		buf_init(&decoded, DECODE_TEXT_MAX);
		transfer_decode(p->encoding, p->body, &decoded);
		count += put_part(j, d, arena_span(d->arena, buf_span(&decoded)));
		buf_fini(&decoded);
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

static void put_from_words(struct json *j, struct decode *d, const struct mime_message *m)
{
	struct bounce_recipient found[BOUNCE_RECIPIENTS_MAX];
	struct address_list failed = {0}, to = {0};
	struct buf words;
	buf_init(&words, DECODE_TEXT_MAX);
	read_words(d, m, &words);
	address_list_parse(d, mime_field_first(m, &m->parts[0], HEADER_X_FAILED_RECIPIENTS),
			   &failed);
	address_list_parse(d, mime_field_last(m, &m->parts[0], HEADER_TO), &to);
	size_t count = bounce_text_find(d->arena, buf_span(&words), first_email(&to), found);
	for (size_t i = 0; i < failed.count; i++)
		put_recipient(j, failed.items[i].email,
			      count ? found[0].status : SPAN_LIT("5.0.0"));
	for (size_t i = 0; i < count && failed.count == 0; i++)
		put_recipient(j, found[i].address, found[i].status);
	buf_fini(&words);
}

void bounce_json(struct json *j, struct decode *d, const struct mime_message *m)
{
	json_key(j, "bounces");
	json_open(j, '[');
	if (put_reports(j, d, m) == 0)
		put_from_words(j, d, m);
	json_close(j, ']');
}
