/* look_alike: does a sender look like somebody else? Pure, linear; the parser tells, nothing is decided by it. */
#ifndef MW_PARSER_LOOK_ALIKE_H
#define MW_PARSER_LOOK_ALIKE_H

#include "common/base/span.h"

/*
 * name, email: UTF-8, as of address_list. True if a label of the domain mixes Latin with letters that look like it (Greek,
 * Cyrillic, Armenian, Cherokee; UTS 39 section 5 forbids such labels), or is made of Cyrillic or Greek look-alikes alone under a
 * Latin top-level domain; or if the name shows an address that is not the email.
 */
bool look_alike(struct span name, struct span email);

#endif
