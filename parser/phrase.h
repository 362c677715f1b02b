/* phrase: does a text have these words, ASCII case ignored? Pure; linear. */
#ifndef MW_PARSER_PHRASE_H
#define MW_PARSER_PHRASE_H

#include "common/base/span.h"

bool phrase_in(struct span text, const char *phrase);
/* Any of a NULL-terminated list. */
bool phrase_any_in(struct span text, const char *const *phrases);

#endif
