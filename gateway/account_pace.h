/* account_pace: how much an account may send: what its provider allows (SND-10), or what was set for it. Pure. */
#ifndef MW_GATEWAY_ACCOUNT_PACE_H
#define MW_GATEWAY_ACCOUNT_PACE_H

#include <jansson.h>

#include "common/base/arena.h"

/* "<recipients a day> <messages a minute>", 0 without limit. config: the account's; its sendLimits go before the provider's. */
struct span account_pace(struct arena *arena, const json_t *config, struct span email);

#endif
