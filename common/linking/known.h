/*
 * known: what one company's slot says of the addresses in a batch (linker_1_facts): each address is asked once.
 *
 * known_address and known_user while the messages are read; then known_commands, a pipeline, known_read for each reply.
 */
#ifndef MW_LINKING_KNOWN_H
#define MW_LINKING_KNOWN_H

#include "common/store/store.h"
#include "common/linking/decide.h"

#define KNOWN_ADDRESSES_A_CALL 2048u
#define KNOWN_USERS_MAX 64u

struct known {
	struct arena *arena; /* everything lives here */
	struct span company;
	struct decide_company settings;
	struct span users[KNOWN_USERS_MAX],
		sharing[KNOWN_USERS_MAX]; /* an owner and their default */
	size_t user_count;
	struct decide_address **addresses; /* in order of asking */
	size_t address_count, address_room;
	uint32_t *slots; /* open addressing over addresses: index + 1 */
	size_t slot_count;
};

void known_init(struct known *known, struct arena *arena, struct span company);
/* The entry of a normalized address, made if new. */
struct decide_address *known_address(struct known *known, struct span email);
/* An owner of an account: at most KNOWN_USERS_MAX. */
void known_user(struct known *known, struct span user);
struct span known_user_sharing(const struct known *known, struct span user);
/* How many calls it takes, and the call number i of them. */
size_t known_calls(const struct known *known);
struct store_command known_call(const struct known *known, size_t i);
/* Takes the reply of call i. False if it is not what the function answers (or an error). */
bool known_read(struct known *known, size_t i, const struct store_reply *reply);

#endif
