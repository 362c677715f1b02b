#include "parser/mail_kind.h"
#include "parser/facts.h"
#include "parser/look_alike.h"
#include "parser/utf8.h"

#define VALUE_BYTES_MAX 200
#define ARMOR_BYTES 4096u /* of a text, in which the line must begin that says it is OpenPGP */

static bool any_field(const struct mime_message *m, const char *const *names,
		      struct mail_evidence *out)
{
	for (; *names; names++) {
		if (mail_evidence_field(m, *names, NULL, out))
			return true;
	}
	return false;
}

/* Sent to many by a machine: what the senders of such mail say of it, for the receivers' filters and for feedback loops. */
static bool is_bulk(const struct mime_message *m, struct mail_evidence *out)
{
	static const char *const precedence[] = {"bulk", "junk", NULL};
	static const char *const names[] = {"List-Unsubscribe-Post",
					    "Feedback-ID",
					    "X-CSA-Complaints",
					    "X-Campaign-ID",
					    "X-CampaignID",
					    "X-Mailgun-Tag",
					    "X-MC-User",
					    "X-SG-EID",
					    "X-Report-Abuse",
					    "X-Mass-Mail",
					    NULL};
	if (mail_evidence_field(m, "Precedence", precedence, out) || any_field(m, names, out))
		return true;
	struct mail_evidence list;
	return !mail_evidence_field(m, "List-Id", NULL, &list) &&
	       !mail_evidence_field(m, "List-Post", NULL, &list) &&
	       mail_evidence_field(m, "List-Unsubscribe", NULL, out);
}

static bool is_smime(struct span type)
{
	return span_eq(type, SPAN_LIT("application/pkcs7-mime")) ||
	       span_eq(type, SPAN_LIT("application/x-pkcs7-mime"));
}

/* RFC 8551 section 3.2.2: what an application/pkcs7-mime holds; without smime-type it is enveloped. */
static bool smime_is(struct decode *d, const struct mime_message *m, bool is_signed,
		     struct mail_evidence *out)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->parts[i];
		struct param_list params;
		if (!is_smime(p->type))
			continue;
		struct span value = mime_field_first(m, p, HEADER_CONTENT_TYPE);
		param_parse(value, &params);
		struct span type = param_get(d, &params, "smime-type");
		bool plain = span_ieq(type, SPAN_LIT("certs-only")) ||
			     span_ieq(type, SPAN_LIT("compressed-data"));
		if (span_ieq(type, SPAN_LIT("signed-data")) != is_signed || plain)
			continue;
		*out = (struct mail_evidence){SPAN_LIT("Content-Type"), span_trim(value), i};
		return true;
	}
	return false;
}

/* A line of OpenPGP armor near the beginning of a text. */
static bool has_armor(const struct mime_message *m, struct span armor, struct mail_evidence *out)
{
	for (uint32_t i = 0; i < m->text_body.count; i++) {
		const struct mime_part *p = &m->parts[m->text_body.items[i]];
		struct span head = span_sub(p->body, 0, ARMOR_BYTES);
		if (p->kind != MIME_TEXT_PLAIN)
			continue;
		for (size_t at = 0; at < head.n;
		     at += span_find_byte(span_sub(head, at, head.n), '\n') + 1) {
			if (!span_istarts(span_sub(head, at, head.n), armor))
				continue;
			*out = (struct mail_evidence){SPAN_LIT("text"), armor,
						      m->text_body.items[i]};
			return true;
		}
	}
	return false;
}

static bool is_encrypted(struct decode *d, const struct mime_message *m, struct mail_evidence *out)
{
	return mail_evidence_part(m, SPAN_LIT("multipart/encrypted"), out) ||
	       mail_evidence_part(m, SPAN_LIT("application/pgp-encrypted"), out) ||
	       smime_is(d, m, false, out) ||
	       has_armor(m, SPAN_LIT("-----BEGIN PGP MESSAGE-----"), out);
}

static bool is_signed(struct decode *d, const struct mime_message *m, struct mail_evidence *out)
{
	return mail_evidence_part(m, SPAN_LIT("multipart/signed"), out) ||
	       mail_evidence_part(m, SPAN_LIT("application/pgp-signature"), out) ||
	       mail_evidence_part(m, SPAN_LIT("application/pkcs7-signature"), out) ||
	       mail_evidence_part(m, SPAN_LIT("application/x-pkcs7-signature"), out) ||
	       smime_is(d, m, true, out) ||
	       has_armor(m, SPAN_LIT("-----BEGIN PGP SIGNED MESSAGE-----"), out);
}

const char *mail_kind_name(enum mail_kind kind)
{
	static const char *const names[] = {"complaint", "bounce", "auto-reply",
					    "list",	 "bulk",   "invitation",
					    "encrypted", "signed", "look-alike"};
	return names[kind];
}

void mail_kind_find(struct decode *d, const struct mime_message *m, const struct facts *f,
		    struct mail_evidence kinds_out[MAIL_KINDS])
{
	struct mail_evidence found;
	bool is[MAIL_KINDS] = {false};
	memset(kinds_out, 0, MAIL_KINDS * sizeof(*kinds_out));
	enum mail_class class = mail_class_evidence(m, f, &found);
	if (class == MAIL_COMPLAINT)
		kinds_out[MAIL_KIND_COMPLAINT] = found;
	else if (class == MAIL_BOUNCE)
		kinds_out[MAIL_KIND_BOUNCE] = found;
	else if (class == MAIL_AUTO_REPLY)
		kinds_out[MAIL_KIND_AUTO_REPLY] = found;
	is[MAIL_KIND_LIST] = mail_evidence_list(m, &kinds_out[MAIL_KIND_LIST]);
	is[MAIL_KIND_BULK] = is_bulk(m, &kinds_out[MAIL_KIND_BULK]);
	is[MAIL_KIND_INVITATION] =
		mail_evidence_part(m, SPAN_LIT("text/calendar"), &kinds_out[MAIL_KIND_INVITATION]);
	is[MAIL_KIND_ENCRYPTED] = is_encrypted(d, m, &kinds_out[MAIL_KIND_ENCRYPTED]);
	is[MAIL_KIND_SIGNED] = is_signed(d, m, &kinds_out[MAIL_KIND_SIGNED]);
	for (size_t i = 0; i < f->from.count && !is[MAIL_KIND_LOOK_ALIKE]; i++) {
		is[MAIL_KIND_LOOK_ALIKE] =
			look_alike(f->from.items[i].name, f->from.items[i].email);
		kinds_out[MAIL_KIND_LOOK_ALIKE] = (struct mail_evidence){
			SPAN_LIT("From"), span_trim(mime_field_last(m, &m->parts[0], HEADER_FROM)),
			0};
	}
	for (int kind = MAIL_KIND_LIST; kind < MAIL_KINDS; kind++) {
		if (!is[kind])
			kinds_out[kind] = (struct mail_evidence){0};
	}
}

void mail_kind_json(struct json *j, struct decode *d, const struct mime_message *m,
		    const struct facts *f)
{
	struct mail_evidence kinds[MAIL_KINDS];
	char id[MIME_PART_ID_BYTES];
	mail_kind_find(d, m, f, kinds);
	json_key(j, "kinds");
	json_open(j, '[');
	for (int kind = 0; kind < MAIL_KINDS; kind++) {
		struct span value = kinds[kind].value;
		if (!kinds[kind].field.p)
			continue;
		json_open(j, '{');
		json_key(j, "kind");
		json_cstr(j, mail_kind_name((enum mail_kind)kind));
		json_key(j, "field");
		json_str(j, kinds[kind].field);
		json_key(j, "value");
		json_str(j, (struct span){value.p, utf8_cut(value, VALUE_BYTES_MAX)});
		json_key(j, "partId");
		if (mime_part_id(m, kinds[kind].part, id))
			json_cstr(j, id);
		else
			json_null(j);
		json_close(j, '}');
	}
	json_close(j, ']');
}
