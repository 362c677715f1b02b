/*
 * operator: whose mail a route of running things is about, and who may ask: the root token (which names a company), a
 * company token, and the people of a mailbox for that mailbox. They are told ids and states (SHR-06).
 */
#ifndef MW_GATEWAY_OPERATOR_H
#define MW_GATEWAY_OPERATOR_H

#include "gateway/account.h"
#include "gateway/json.h"

/* For the root token: takes the company from `?company=` into r->viewer. False: a problem is answered. */
bool operator_company(struct http_request *r);
bool operator_may(const struct http_request *r, const struct account_entry *account);
/* The account and id of `<account>~<id>` in the path, for who may; company before it. False: a problem is answered. */
bool operator_message(struct http_request *r, struct account_entry *account_out, struct id *id_out);

extern const struct json_field operator_query[];

#endif
