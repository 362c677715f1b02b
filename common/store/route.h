/* route: which hash slot a command belongs to. A key of ours begins with its tag in braces (keys.h). */
#ifndef MW_STORE_ROUTE_H
#define MW_STORE_ROUTE_H

#include "common/store/store.h"

#define ROUTE_SLOTS 16384
#define ROUTE_NO_SLOT (-1)

/* CRC-16 (XMODEM) of what stands between the first '{' and the next '}', or of the whole key, modulo 16384. */
int route_key_slot(struct span key);
/* Slot of the command's first key, ROUTE_NO_SLOT if it has none (PING, FUNCTION LOAD …): then any server will do. */
int route_command_slot(const struct store_command *command);
/* Aborts if the keys of a function call do not all begin with one and the same tag: our own bug, on one server too. */
void route_check(const struct store_command *command);

/* The words of a redirection, "MOVED 3999 127.0.0.1:6381" or "ASK …". host is empty if it is the server that answered. */
struct route_redirect {
	bool ask;
	uint16_t slot;
	struct span host;
	uint16_t port;
};
bool route_parse_redirect(struct span error, struct route_redirect *redirect_out);

#endif
