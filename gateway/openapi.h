/* openapi: the OpenAPI 3.1 description, made from the route tables, their fields and the problem codes. */
#ifndef MW_GATEWAY_OPENAPI_H
#define MW_GATEWAY_OPENAPI_H

#include <jansson.h>

json_t *openapi_make(void);
/* Writes it, indented, to standard output. 0, or 1 if that failed. */
int openapi_print(void);

#endif
