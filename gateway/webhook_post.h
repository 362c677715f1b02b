/*
 * webhook_post: one signed request to an endpoint, by libcurl: no redirects, no proxies, only to addresses that are
 * public when they are connected to (unless private ones are allowed), at most 15 s, and little is read of the answer.
 */
#ifndef MW_GATEWAY_WEBHOOK_POST_H
#define MW_GATEWAY_WEBHOOK_POST_H

#include <curl/curl.h>

#include "gateway/app.h"
#include "gateway/webhook_body.h"

#define WEBHOOK_POST_MS 15000

struct webhook_post;

struct webhook_result {
	unsigned status; /* 0: no answer */
	const char *error; /* a literal, stable; NULL: delivered */
	int64_t duration_ms;
	int64_t retry_after_s; /* 0: not asked for */
};

/* Signed with the secrets of the endpoint that are good at now_ms. The text is moved out of body. */
struct webhook_post *webhook_post_new(const struct app *app, struct span company,
				      const struct webhook *webhook, struct webhook_body *body,
				      int64_t now_ms);
/* Its easy handle is in no multi any more. */
void webhook_post_free(struct webhook_post **post);
CURL *webhook_post_easy(struct webhook_post *post);
void webhook_post_result(struct webhook_post *post, CURLcode code,
			 struct webhook_result *result_out);

#endif
