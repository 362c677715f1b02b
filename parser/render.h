/* render: what people look at: a message in full as RFC 8621 JSON, its body as safe HTML and text, one part's octets. */
#ifndef MW_PARSER_RENDER_H
#define MW_PARSER_RENDER_H

#include "common/wire/wire.h"
#include "parser/mime.h"
#include "parser/request.h"

struct render_order {
	enum request_want want;
	struct span part; /* partId, for REQUEST_WANT_PART */
	bool remote; /* keep remote content in the HTML */
	uint64_t offset, limit; /* of the part's octets; limit 0: all */
	uint64_t request;
};

/*
 * Appends a `rendered` frame and the body that goes with it:
 *  facts  {"headers":[…],"messageId":[…], … ,"attachments":[…]}
 *  body   {"text":…,"quotedFrom":n|null,"html":…|null,"remoteBlocked":[url…],"cids":{cid:partId}}
 *         quotedFrom counts UTF-16 units, as JavaScript does. text is made from the HTML when there is none.
 *  part   the decoded octets from offset on
 */
void render_message(struct decode *d, struct span raw, const struct render_order *order,
		    struct buf *frame, struct buf *body);

#endif
