#include "parser/mail_class.h"
#include "parser/phrase.h"
#include "parser/facts.h"

bool mail_evidence_part(const struct mime_message *m, struct span type,
			struct mail_evidence *evidence_out)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		if (!span_eq(m->parts[i].type, type))
			continue;
		*evidence_out =
			(struct mail_evidence){SPAN_LIT("Content-Type"), m->parts[i].type, i};
		return true;
	}
	return false;
}

bool mail_evidence_field(const struct mime_message *m, const char *name, const char *const *words,
			 struct mail_evidence *evidence_out)
{
	struct span value = span_trim(mime_field_named(m, &m->parts[0], name));
	bool fits = value.n > 0 && !words;
	for (; value.n > 0 && !fits && words && *words; words++)
		fits = span_istarts(value, span_cstr(*words));
	if (fits)
		*evidence_out = (struct mail_evidence){span_cstr(name), value, 0};
	return fits;
}

static bool from_mail_system(const struct facts *f)
{
	static const char *const locals[] = {"mailer-daemon", "mailerdaemon", "postmaster",
					     "mail delivery", "mail-daemon",  "post_master",
					     "maildelivery",  "mdaemon",      NULL};
	return f->from.count > 0 && (phrase_any_in(f->from.items[0].email, locals) ||
				     phrase_any_in(f->from.items[0].name, locals));
}

static bool subject_of_failure(struct span subject)
{
	static const char *const phrases[] = {"delivery status notif",
					      "undeliver",
					      "returned mail",
					      "delivery fail",
					      "failure notice",
					      "failure delivery",
					      "delivery problem",
					      "mail delivery",
					      "not deliver",
					      "could not be delivered",
					      "could not deliver",
					      "message rejected",
					      "delivery report",
					      "nondeliver",
					      "non-deliver",
					      "mail system error",
					      "error sending",
					      "failed mail",
					      "mail failure",
					      "unzustellbar",
					      "message status",
					      "delivery error",
					      "warning: could not send",
					      "warning: message",
					      "delayed",
					      "bounce",
					      "unable to deliver",
					      "delivery unsuccessful",
					      "mail could not",
					      "email address not",
					      "dead letter",
					      "delivery has failed",
					      "notification",
					      "rejected",
					      NULL};
	return phrase_any_in(subject, phrases);
}

static bool is_bounce(const struct mime_message *m, const struct facts *f,
		      struct mail_evidence *evidence)
{
	static const char *const nobody[] = {"<>", NULL};
	if (mail_evidence_part(m, SPAN_LIT("message/delivery-status"), evidence) ||
	    mail_evidence_part(m, SPAN_LIT("message/global-delivery-status"), evidence) ||
	    mail_evidence_field(m, "X-Failed-Recipients", NULL, evidence))
		return true;
	bool system = from_mail_system(f), failure = subject_of_failure(f->subject);
	if ((system || failure) && mail_evidence_field(m, "Return-Path", nobody, evidence))
		return true;
	*evidence = (struct mail_evidence){SPAN_LIT("Subject"), f->subject, 0};
	return system && failure;
}

static bool is_auto_reply(const struct mime_message *m, const struct facts *f,
			  struct mail_evidence *evidence)
{
	static const char *const replied[] = {"auto-replied", NULL};
	static const char *const precedence[] = {"auto_reply", NULL};
	static const char *const phrases[] = {"out of office",
					      "out of the office",
					      "automatic reply",
					      "auto-reply",
					      "autoreply",
					      "auto reply",
					      "autoresponse",
					      "automatische antwort",
					      "abwesenheit",
					      "vacation reply",
					      "away from my mail",
					      "auto response",
					      "automated response",
					      "absence du bureau",
					      NULL};
	if (mail_evidence_field(m, "Auto-Submitted", replied, evidence) ||
	    mail_evidence_field(m, "X-Autoreply", NULL, evidence) ||
	    mail_evidence_field(m, "X-Autorespond", NULL, evidence) ||
	    mail_evidence_field(m, "Precedence", precedence, evidence))
		return true;
	*evidence = (struct mail_evidence){SPAN_LIT("Subject"), f->subject, 0};
	return phrase_any_in(f->subject, phrases);
}

enum mail_class mail_class_evidence(const struct mime_message *m, const struct facts *f,
				    struct mail_evidence *evidence_out)
{
	if (mail_evidence_part(m, SPAN_LIT("message/feedback-report"), evidence_out))
		return MAIL_COMPLAINT;
	if (is_bounce(m, f, evidence_out))
		return MAIL_BOUNCE;
	if (is_auto_reply(m, f, evidence_out))
		return MAIL_AUTO_REPLY;
	*evidence_out = (struct mail_evidence){0};
	return MAIL_NORMAL;
}

enum mail_class mail_class_find(const struct mime_message *m, const struct facts *f)
{
	struct mail_evidence ignored;
	return mail_class_evidence(m, f, &ignored);
}

bool mail_evidence_list(const struct mime_message *m, struct mail_evidence *evidence_out)
{
	static const char *const precedence[] = {"list", "bulk", NULL};
	return mail_evidence_field(m, "List-Id", NULL, evidence_out) ||
	       mail_evidence_field(m, "List-Unsubscribe", NULL, evidence_out) ||
	       mail_evidence_field(m, "Precedence", precedence, evidence_out);
}

const char *mail_class_name(enum mail_class class)
{
	static const char *const names[] = {"normal", "auto-reply", "bounce", "complaint"};
	return names[class];
}

unsigned mail_class_traits(const struct mime_message *m, const struct facts *f)
{
	struct mail_evidence ignored;
	enum mail_class class = mail_class_find(m, f);
	unsigned traits = class == MAIL_AUTO_REPLY ? FACTS_AUTO_REPLY
			  : class == MAIL_BOUNCE   ? FACTS_BOUNCE
						   : 0;
	if (mail_evidence_list(m, &ignored))
		traits |= FACTS_LIST;
	if (mail_evidence_part(m, SPAN_LIT("text/calendar"), &ignored))
		traits |= FACTS_CALENDAR;
	return traits;
}
