/*
 * address_list: From, To, Cc, … (RFC 5322 section 3.4, RFC 6532) to names and addresses; groups flattened. Tolerated:
 * semicolons for commas, unquoted dots, commas, '@' and 8-bit text in names, encoded words anywhere, `(name)` after the
 * address, source routes, missing '>', quotes that never end. The address is taken from the raw text and never from
 * inside of an encoded word (FAULTS: forged From).
 */
#ifndef MW_PARSER_ADDRESS_LIST_H
#define MW_PARSER_ADDRESS_LIST_H

#include "parser/decode.h"

#define ADDRESS_LIST_MAX 10000u

struct mail_address {
	struct span name; /* decoded, UTF-8, may be empty */
	struct span
		email; /* as written without comments and blanks; may be empty when only a name was there */
};

struct address_list {
	struct mail_address *items;
	size_t count, cap;
};

/* Appends what raw holds. At most ADDRESS_LIST_MAX in one list: the rest is dropped. Linear in raw.n. */
void address_list_parse(struct decode *d, struct span raw, struct address_list *list);

#endif
