/* sanitize_url: which addresses may stand in safe HTML. */
#ifndef MW_PARSER_SANITIZE_URL_H
#define MW_PARSER_SANITIZE_URL_H

#include "common/base/span.h"

enum sanitize_url {
	SANITIZE_URL_BAD = 0,
	SANITIZE_URL_LINK,
	SANITIZE_URL_REMOTE,
	SANITIZE_URL_CID,
	SANITIZE_URL_ANCHOR
};

/* What a URL is. LINK: mailto, tel, … (for href alone); REMOTE: http or https; data:, javascript: and relative ones are
 * bad. url must be trimmed. Blanks and control characters make it bad. */
enum sanitize_url sanitize_url_kind(struct span url);

#endif
