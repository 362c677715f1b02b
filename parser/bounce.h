/* bounce: the failed recipients of a delivery report (RFC 3464), as far as the report says so in a standard way. */
#ifndef MW_PARSER_BOUNCE_H
#define MW_PARSER_BOUNCE_H

#include "parser/json.h"
#include "parser/mime.h"

/* Writes "bounces":[{"recipient","status"}…] into an open object. */
void bounce_json(struct json *j, struct decode *d, const struct mime_message *m);

#endif
