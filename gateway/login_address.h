/* login_address: a login under an alias, told from what the server says of whom it let in (ACC-05). Pure. */
#ifndef MW_GATEWAY_LOGIN_ADDRESS_H
#define MW_GATEWAY_LOGIN_ADDRESS_H

#include "common/base/address.h"

/*
 * words: the server's answer to the login, like `A1 OK [CAPABILITY …] anna@them.example authenticated`; user and email as
 * they were given. True: it names one address, another than the one that the login was made with; out has it, normalized.
 * Servers also name what is no mail address: so only one of the same domain counts, unless this is a provider whose
 * words are known to be addresses (is_known). Who gives an address that is not the login's has chosen it: false.
 */
bool login_address_main(struct span words, struct span user, struct span email, bool is_known,
			char out[ADDRESS_MAX + 1]);

#endif
