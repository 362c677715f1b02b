/* bounce: the failed recipients of a delivery report: by RFC 3464 where it is followed, else by the report's words. */
#ifndef MW_PARSER_BOUNCE_H
#define MW_PARSER_BOUNCE_H

#include "parser/json.h"
#include "parser/mime.h"

/* Writes "bounces":[{"recipient","status"}…] into an open object. */
void bounce_json(struct json *j, struct decode *d, const struct mime_message *m);

#endif
