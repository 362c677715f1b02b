/* account_state: what people see of an account: state, last error, progress, what it waits for; the same as metrics. */
#ifndef MW_FETCHER_ACCOUNT_STATE_H
#define MW_FETCHER_ACCOUNT_STATE_H

#include "common/base/err.h"
#include "fetcher/account_login.h"

struct account;

/* error may be NULL; code for history. */
void account_state_set(struct account *a, const char *state, const struct err *error);
void account_progress_set(struct account *a, int64_t now_ms);
int64_t account_progress_due_ms(const struct account *a);
/* The state as the metrics show it; "" while the account is not ours. */
void account_state_become(struct account *a, const char *state);
/* A lane's connection waits for this, or no more: people are told. */
void account_wait_set(struct account *a, unsigned lane, enum account_wait reason, int64_t until_ms);
void account_wait_forget(struct account *a);
/* All that was new has been read; written down once a minute. */
void account_read(struct account *a);
void account_initial_done(struct account *a);
void account_number_set(struct account *a, const char *field, uint64_t value);
/* The command is off the stream. filing: what the outbox says of a sent message's copy from now on; NULL: nothing. */
void account_command_done(struct account *a, const char *id, const char *filing);

#endif
