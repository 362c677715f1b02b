/* template_link: may the value of a link be sent, with what fields put into it? Pure. */
#ifndef MW_GATEWAY_TEMPLATE_LINK_H
#define MW_GATEWAY_TEMPLATE_LINK_H

#include <stdbool.h>

#include "common/base/span.h"

/* The value so far, as it stands in the HTML. No scheme (a path, or less than one so far), or one that runs nothing. Blanks and
 * controls are passed over, as browsers do. */
bool template_link_ok(struct span value);

#endif
