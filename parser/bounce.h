/* bounce: the failed recipients of a delivery report: by RFC 3464 where it is followed, else by the report's words. */
#ifndef MW_PARSER_BOUNCE_H
#define MW_PARSER_BOUNCE_H

#include "parser/bounce_text.h"
#include "parser/json.h"
#include "parser/mime.h"

struct facts;

struct bounce {
	struct bounce_recipient *items; /* status of a complaint (RFC 5965): "complaint" */
	size_t count;
	struct span message_id; /* of the message that came back, without <>; n 0: not told */
};

/* Nothing for what is neither a bounce nor a complaint (mail_class.h). In the arena. f: addresses and subject. */
void bounce_read(struct decode *d, const struct mime_message *m, const struct facts *f,
		 struct bounce *bounce_out);
/* Writes "bounces":[{"recipient","status"}…] into an open object. */
void bounce_json(struct json *j, struct decode *d, const struct mime_message *m);

#endif
