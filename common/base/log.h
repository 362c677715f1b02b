/*
 * log: one line an event, structured (OPS-04), to standard error:
 *   2026-11-24T13:18:40.123Z info fetcher-1 account_connected account=c1/anna folders=8
 * Values are quoted where they hold blanks, quotes or control characters. Never secrets, subjects, bodies, addresses.
 */
#ifndef MW_BASE_LOG_H
#define MW_BASE_LOG_H

#include "common/base/code.h"

enum log_level { LOG_LEVEL_DEBUG = 0, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Called once by the stage library. name: "fetcher-1". */
void log_open(const char *name, enum log_level minimum);
/*
 * log_event(LOG_LEVEL_INFO, "message_committed", "account", "s", account, "id", "i", &id, "bytes", "u", (uint64_t)n, NULL)
 * After the event: triples (key, type, value), then NULL. Types: "s" const char *, "p" const struct span *,
 * "u" uint64_t, "d" int64_t, "i" const struct id *, "e" const struct err * (code, name and text).
 */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
bool log_enabled(enum log_level level);

#endif
