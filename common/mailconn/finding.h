/*
 * finding: why a mail server did not let us in (ACC-02): from libcurl's result and the server's own words to one stable
 * name. Pure. Private to mailconn.
 */
#ifndef MW_MAILCONN_FINDING_H
#define MW_MAILCONN_FINDING_H

#include <curl/curl.h>

#include "common/base/err.h"
#include "common/base/span.h"

/* os_errno: of the failed connect, 0 unknown. words: what the server said, printable. detail: libcurl's own text. */
enum err_code mailconn_finding(CURLcode code, long os_errno, const char *words, const char *detail,
			       struct err *e);

/* Of a login with an access token that was wrong_credentials (in e): which of the token's faults it is; challenge: what the
 * server sent about it, in clear, or empty. */
enum err_code mailconn_token_finding(const char *challenge, struct err *e);

#endif
