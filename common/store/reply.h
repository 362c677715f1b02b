/* reply: lets hiredis' reader build a struct store_reply straight in an arena, without copies of its own. */
#ifndef MW_STORE_REPLY_H
#define MW_STORE_REPLY_H

#include <hiredis/read.h>

#include "common/store/store.h"

/* The reader's privdata is the arena. A root object is a struct store_reply in that arena; nothing is ever freed. */
redisReplyObjectFunctions reply_functions(void);

#endif
