/* message_findings: what a check says of a message: stops and warnings, each with a code, the field, words and a remedy. Pure. */
#ifndef MW_GATEWAY_MESSAGE_FINDINGS_H
#define MW_GATEWAY_MESSAGE_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/problem.h"

#define FINDINGS_MAX 100 /* what comes after them is not listed; stops before are still counted */

/* W(NAME, code, remedy): what does not stop a message, but may harm it. */
#define FINDING_WARNINGS(W)                                                                        \
	W(NO_SUBJECT, "no_subject", "Give it a subject; mail without one looks like spam.")        \
	W(DUPLICATE_RECIPIENT, "duplicate_recipient", "Nobody gets it twice; take one out.")       \
	W(FORGOTTEN_ATTACHMENT, "forgotten_attachment", "Attach the file, or leave as it is.")     \
	W(RISKY_ATTACHMENT, "risky_attachment",                                                    \
	  "Many recipients' servers refuse such files: share it by a link.")                       \
	W(MOSTLY_IMAGES, "mostly_images", "Say it in text too: filters distrust images alone.")    \
	W(NEEDS_SMTPUTF8, "needs_smtputf8",                                                        \
	  "It goes out only if the mail server offers SMTPUTF8; use an ASCII address if there is " \
	  "one.")

enum finding_warning {
#define FINDING_ENUM(name, code, remedy) FINDING_##name,
	FINDING_WARNINGS(FINDING_ENUM)
#undef FINDING_ENUM
};

struct message_findings {
	json_t *list; /* as the API shows them */
	size_t stops;
	enum problem first; /* the first stop, with its words */
	char first_text[384];
};

void message_findings_init(struct message_findings *f);
void message_findings_free(struct message_findings *f);
/* detail: one sentence without its full stop. field: where, as in the request. */
void message_findings_stop(struct message_findings *f, enum problem problem, const char *field,
			   const char *detail, ...) __attribute__((format(printf, 4, 5)));
void message_findings_warn(struct message_findings *f, enum finding_warning warning,
			   const char *field, const char *detail, ...)
	__attribute__((format(printf, 4, 5)));

#endif
