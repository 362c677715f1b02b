/* message_view: messages as the API shows them (RFC 8621 names). */
#ifndef MW_GATEWAY_MESSAGE_VIEW_H
#define MW_GATEWAY_MESSAGE_VIEW_H

#include "gateway/mail_message.h"

json_t *message_view_address(struct span name, struct span email);
/* From the record alone: what lists show. The owner's part (mailboxIds, keywords, bcc) only for VISIBLE_OWNER. */
json_t *message_view_card(struct http_request *r, const struct mail_thread *thread,
			  const struct mail_message *message);
/* All of RFC 8621, read anew from the message by a parser: the card's members and bodyStructure, textBody, htmlBody,
 * attachments, references, …. NULL: e says why. */
json_t *message_view_full(struct http_request *r, const struct mail_thread *thread,
			  const struct mail_message *message, struct err *e);

#endif
