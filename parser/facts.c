#include "parser/facts.h"
#include "parser/embedded.h"
#include "parser/encoded_word.h"
#include "parser/mail_class.h"

static void read_addresses(struct decode *d, const struct mime_message *m, enum header_id id,
			   struct address_list *list)
{
	struct span value = mime_field_last(m, &m->parts[0], id);
	*list = (struct address_list){0};
	if (value.n)
		address_list_parse(d, value, list);
}

static void read_ids(struct decode *d, const struct mime_message *m, enum header_id id,
		     struct id_list *list)
{
	msg_id_parse(d, mime_field_last(m, &m->parts[0], id), MSG_ID_MAX, list);
}

bool facts_has_attachment(const struct mime_message *m)
{
	for (uint32_t i = 0; i < m->attachments.count; i++) {
		const struct mime_part *p = &m->parts[m->attachments.items[i]];
		bool inline_part = p->kind == MIME_INLINE_MEDIA &&
				   (p->cid.n > 0 || span_eq(p->disposition, SPAN_LIT("inline")));
		bool machine = span_eq(p->type, SPAN_LIT("application/pkcs7-signature")) ||
			       span_eq(p->type, SPAN_LIT("application/x-pkcs7-signature")) ||
			       span_eq(p->type, SPAN_LIT("application/pgp-signature")) ||
			       span_eq(p->type, SPAN_LIT("application/pgp-encrypted")) ||
			       span_eq(p->type, SPAN_LIT("message/delivery-status")) ||
			       span_eq(p->type, SPAN_LIT("text/calendar"));
		if (!inline_part && !machine)
			return true;
	}
	for (uint32_t i = 0; i < m->text_body.count; i++) {
		if (embedded_in_text(&m->parts[m->text_body.items[i]]))
			return true;
	}
	return false;
}

void facts_read(struct decode *d, const struct mime_message *m, struct facts *f)
{
	const struct mime_part *root = &m->parts[0];
	*f = (struct facts){0};
	read_addresses(d, m, HEADER_FROM, &f->from);
	read_addresses(d, m, HEADER_SENDER, &f->sender);
	read_addresses(d, m, HEADER_TO, &f->to);
	read_addresses(d, m, HEADER_CC, &f->cc);
	read_addresses(d, m, HEADER_BCC, &f->bcc);
	read_addresses(d, m, HEADER_REPLY_TO, &f->reply_to);
	read_ids(d, m, HEADER_MESSAGE_ID, &f->message_id);
	read_ids(d, m, HEADER_IN_REPLY_TO, &f->in_reply_to);
	read_ids(d, m, HEADER_REFERENCES, &f->references);
	struct span subject = mime_field_last(m, root, HEADER_SUBJECT);
	if (subject.p)
		f->subject = encoded_word_text(d, subject);
	struct span date = mime_field_last(m, root, HEADER_DATE);
	f->has_date = date.n && date_parse(date, &f->date);
	f->preview = facts_preview(d, m);
	if (facts_has_attachment(m))
		f->traits |= FACTS_ATTACHMENT;
	f->traits |= mail_class_traits(m, f);
}
