/*
 * mail_kind: what a message is beside a message to somebody, each with what says so: a report, an automatic reply, list mail,
 * probably bulk, an invitation, encrypted, signed, or from somebody who looks like another (FAULTS: look-alikes).
 */
#ifndef MW_PARSER_MAIL_KIND_H
#define MW_PARSER_MAIL_KIND_H

#include "parser/json.h"
#include "parser/mail_class.h"

enum mail_kind {
	MAIL_KIND_COMPLAINT = 0,
	MAIL_KIND_BOUNCE,
	MAIL_KIND_AUTO_REPLY,
	MAIL_KIND_LIST,
	MAIL_KIND_BULK,
	MAIL_KIND_INVITATION,
	MAIL_KIND_ENCRYPTED, /* OpenPGP (RFC 3156, inline too) or S/MIME (RFC 8551) */
	MAIL_KIND_SIGNED,
	MAIL_KIND_LOOK_ALIKE, /* From: scripts mixed in a domain, or a name that shows another address */
	MAIL_KINDS,
};

const char *mail_kind_name(enum mail_kind kind);
/* f: the addresses and the subject must be there. A message may be of several kinds, or of none. Linear. */
void mail_kind_find(struct decode *d, const struct mime_message *m, const struct facts *f,
		    struct mail_evidence kinds_out[MAIL_KINDS]);
/* Writes "kinds":[{"kind","field","value","partId"}...] into an open object; partId: of the part whose field it is. */
void mail_kind_json(struct json *j, struct decode *d, const struct mime_message *m,
		    const struct facts *f);

#endif
