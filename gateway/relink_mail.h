/*
 * relink_mail: a stored message as the decision takes it (common/linking/decide.h): its addresses from the card of its record,
 * or, where the card was cut short, from the message itself.
 */
#ifndef MW_GATEWAY_RELINK_MAIL_H
#define MW_GATEWAY_RELINK_MAIL_H

#include "common/linking/known.h"
#include "gateway/mail_message.h"

/* Mail may come from any time: the decision is asked without LNK-03. Addresses are entered in known, whose arena must live
 * as long as the mail. False: the card was cut short and the message could not be read; nothing is known of it. */
bool relink_mail_read(struct http_request *r, const struct account_entry *account,
		      const struct mail_record *record, struct known *known,
		      struct decide_mail *mail_out);

#endif
