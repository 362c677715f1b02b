/* template_place: where in an HTML text one stands, as far as it matters for putting a value there. Pure, octet by octet. */
#ifndef MW_GATEWAY_TEMPLATE_PLACE_H
#define MW_GATEWAY_TEMPLATE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct template_place {
	uint8_t state; /* enum in the .c; 0: text between tags */
	uint8_t n;
	char word[8]; /* the element's name so far */
	char attribute[12]; /* the attribute's name so far, or that of the value; longer ones cut */
	bool apart; /* the next octet of a name begins another */
};

void template_place_feed(struct template_place *place, struct span html);
bool template_place_same(const struct template_place *a, const struct template_place *b);
/* Can an escaped value stand here and stay a value? */
bool template_place_safe(const struct template_place *place);
/* In the value of an attribute that leads somewhere or loads something: the quote it is in; else 0. */
char template_place_link(const struct template_place *place);
/* Between tags: a line break may be <br>. */
bool template_place_text(const struct template_place *place);
/* In a comment, which a '-' could end. */
bool template_place_comment(const struct template_place *place);

#endif
