#include "parser/mail_class.h"
#include "parser/phrase.h"
#include "parser/facts.h"

static bool has_part(const struct mime_message *m, struct span type)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		if (span_eq(m->parts[i].type, type))
			return true;
	}
	return false;
}

static bool from_mail_system(const struct mime_message *m, const struct facts *f)
{
	static const char *const locals[] = {"mailer-daemon", "mailerdaemon", "postmaster",
					     "mail delivery", "mail-daemon",  "post_master",
					     "maildelivery",  "mdaemon",      NULL};
	(void)m;
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

static bool is_bounce(const struct mime_message *m, const struct facts *f)
{
	const struct mime_part *root = &m->parts[0];
	if (has_part(m, SPAN_LIT("message/delivery-status")) ||
	    has_part(m, SPAN_LIT("message/global-delivery-status")))
		return true;
	if (mime_field_first(m, root, HEADER_X_FAILED_RECIPIENTS).n > 0)
		return true;
	struct span path = span_trim(mime_field_first(m, root, HEADER_RETURN_PATH));
	bool null_path = span_eq(path, SPAN_LIT("<>"));
	return (from_mail_system(m, f) && subject_of_failure(f->subject)) ||
	       (null_path && (from_mail_system(m, f) || subject_of_failure(f->subject)));
}

static bool is_auto_reply(const struct mime_message *m, const struct facts *f)
{
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
	const struct mime_part *root = &m->parts[0];
	struct span submitted = span_trim(mime_field_first(m, root, HEADER_AUTO_SUBMITTED));
	if (span_istarts(submitted, SPAN_LIT("auto-replied")))
		return true;
	if (mime_field_first(m, root, HEADER_AUTO_REPLY_MARK).n > 0)
		return true;
	struct span precedence = span_trim(mime_field_first(m, root, HEADER_PRECEDENCE));
	return span_ieq(precedence, SPAN_LIT("auto_reply")) || phrase_any_in(f->subject, phrases);
}

enum mail_class mail_class_find(const struct mime_message *m, const struct facts *f)
{
	if (has_part(m, SPAN_LIT("message/feedback-report")))
		return MAIL_COMPLAINT;
	if (is_bounce(m, f))
		return MAIL_BOUNCE;
	return is_auto_reply(m, f) ? MAIL_AUTO_REPLY : MAIL_NORMAL;
}

const char *mail_class_name(enum mail_class class)
{
	static const char *const names[] = {"normal", "auto-reply", "bounce", "complaint"};
	return names[class];
}

unsigned mail_class_traits(const struct mime_message *m, const struct facts *f)
{
	const struct mime_part *root = &m->parts[0];
	enum mail_class class = mail_class_find(m, f);
	unsigned traits = class == MAIL_AUTO_REPLY ? FACTS_AUTO_REPLY
			  : class == MAIL_BOUNCE   ? FACTS_BOUNCE
						   : 0;
	struct span precedence = span_trim(mime_field_first(m, root, HEADER_PRECEDENCE));
	if (mime_field_first(m, root, HEADER_LIST_ID).n ||
	    mime_field_first(m, root, HEADER_LIST_UNSUBSCRIBE).n ||
	    span_ieq(precedence, SPAN_LIT("list")) || span_ieq(precedence, SPAN_LIT("bulk")))
		traits |= FACTS_LIST;
	if (has_part(m, SPAN_LIT("text/calendar")))
		traits |= FACTS_CALENDAR;
	return traits;
}
