#include "parser/bounce.h"
#include "parser/address_list.h"
#include "parser/lex.h"

struct report {
	struct span recipient, status, action;
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

static void put_report(struct json *j, const struct report *r)
{
	struct span to = r->recipient;
	if (to.n == 0 || span_istarts(r->action, SPAN_LIT("delivered")) ||
	    span_istarts(r->action, SPAN_LIT("relayed")) ||
	    span_istarts(r->action, SPAN_LIT("expanded")))
		return;
	json_open(j, '{');
	json_key(j, "recipient");
	json_str(j, to);
	json_key(j, "status");
	json_str_or_null(j, r->status.n ? r->status : (struct span){0});
	json_close(j, '}');
}

static void take_field(struct decode *d, const struct header_field *f, struct report *r)
{
	if (span_ieq(f->name, SPAN_LIT("final-recipient")))
		r->recipient = report_address(d, f->value);
	else if (span_ieq(f->name, SPAN_LIT("status")))
		r->status = first_word(f->value);
	else if (span_ieq(f->name, SPAN_LIT("action")))
		r->action = first_word(f->value);
}

/* The groups of fields of one message/delivery-status part: the first is about the message, the others recipients. */
static void put_part(struct json *j, struct decode *d, struct span body, uint8_t eol)
{
	struct header_scan scan = {body, eol, NULL, NULL};
	for (size_t at = 0; at < body.n;) {
		struct header_list fields = {0};
		struct report r = {0};
		at = header_block(&scan, at, d->arena, &fields);
		for (size_t i = 0; i < fields.count; i++)
			take_field(d, &fields.fields[i], &r);
		put_report(j, &r);
	}
}

void bounce_json(struct json *j, struct decode *d, const struct mime_message *m)
{
	bool any = false;
	json_key(j, "bounces");
	json_open(j, '[');
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->parts[i];
		if (!span_eq(p->type, SPAN_LIT("message/delivery-status")))
			continue;
		struct buf decoded;
		buf_init(&decoded, DECODE_TEXT_MAX);
		transfer_decode(p->encoding, p->body, &decoded);
		put_part(j, d, arena_span(d->arena, buf_span(&decoded)),
			 header_eol(buf_span(&decoded)));
		buf_fini(&decoded);
		any = true;
	}
	struct span failed = mime_field_first(m, &m->parts[0], HEADER_X_FAILED_RECIPIENTS);
	if (!any && failed.n) {
		struct address_list list = {0};
		address_list_parse(d, failed, &list);
		for (size_t i = 0; i < list.count; i++)
			put_report(j, &(struct report){.recipient = list.items[i].email});
	}
	json_close(j, ']');
}
