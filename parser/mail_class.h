/* mail_class: who or what wrote a message: a person, a list, an auto-responder (RFC 3834), a mail system (RFC 3464). */
#ifndef MW_PARSER_MAIL_CLASS_H
#define MW_PARSER_MAIL_CLASS_H

#include "parser/mime.h"

struct facts;

enum mail_class { MAIL_NORMAL = 0, MAIL_AUTO_REPLY, MAIL_BOUNCE, MAIL_COMPLAINT };

/* What says so: a header field of the message, or the Content-Type of a part. Borrowed from the message and from f. */
struct mail_evidence {
	struct span field; /* its name; p NULL: nothing says so */
	struct span value;
	uint32_t part;
};

/* f: the addresses and the subject must be there. */
enum mail_class mail_class_find(const struct mime_message *m, const struct facts *f);
/* The same, with what says so (of MAIL_NORMAL: nothing). */
enum mail_class mail_class_evidence(const struct mime_message *m, const struct facts *f,
				    struct mail_evidence *evidence_out);
const char *mail_class_name(enum mail_class class);
/* Bits of facts.traits: auto-reply, bounce, list, calendar. */
unsigned mail_class_traits(const struct mime_message *m, const struct facts *f);

/* Evidence of a field of the message's header, if it is there and (unless words is NULL) is or begins with one of the words. */
bool mail_evidence_field(const struct mime_message *m, const char *name, const char *const *words,
			 struct mail_evidence *evidence_out);
/* Evidence of the first part of that media type. */
bool mail_evidence_part(const struct mime_message *m, struct span type,
			struct mail_evidence *evidence_out);
/* List-Id, List-Unsubscribe or Precedence. */
bool mail_evidence_list(const struct mime_message *m, struct mail_evidence *evidence_out);

#endif
