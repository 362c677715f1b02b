/* mail_class: who or what wrote a message: a person, a list, an auto-responder (RFC 3834), a mail system (RFC 3464). */
#ifndef MW_PARSER_MAIL_CLASS_H
#define MW_PARSER_MAIL_CLASS_H

#include "parser/mime.h"

struct facts;

enum mail_class { MAIL_NORMAL = 0, MAIL_AUTO_REPLY, MAIL_BOUNCE, MAIL_COMPLAINT };

/* f: the addresses and the subject must be there. */
enum mail_class mail_class_find(const struct mime_message *m, const struct facts *f);
const char *mail_class_name(enum mail_class class);
/* Bits of facts.traits: auto-reply, bounce, list, calendar. */
unsigned mail_class_traits(const struct mime_message *m, const struct facts *f);

#endif
