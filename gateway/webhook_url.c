#include "gateway/webhook_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/egress.h"

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static bool scheme_is(CURLU *url, const char *name)
{
	char *text = NULL;
	bool same = curl_url_get(url, CURLUPART_SCHEME, &text, 0) == CURLUE_OK &&
		    !strcmp(text, name);

	curl_free(text);
	return same;
}

/* An address in place of a name that is not public. */
static bool literal_is_private(const char *host)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char inner[INET6_ADDRSTRLEN + 1];
	size_t n = strlen(host);

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return !egress_is_public((const struct sockaddr *)&v4);
	if (host[0] != '[')
		return false;
	if (n < 3 || n - 2 >= sizeof(inner))
		return true;
	memcpy(inner, host + 1, n - 2);
	inner[n - 2] = 0;
	return inet_pton(AF_INET6, inner, &v6.sin6_addr) != 1 ||
	       !egress_is_public((const struct sockaddr *)&v6);
}

static bool host_is_private(CURLU *url)
{
	char *host = NULL;
	bool found = curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		     literal_is_private(host);

	curl_free(host);
	return found;
}

const char *webhook_url_fault(const char *text, bool private_hosts)
{
	CURLU *url = curl_url();
	const char *fault = NULL;

	if (!url)
		abort();
	if (strlen(text) > WEBHOOK_URL_MAX ||
	    curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		fault = "is no address of the web";
	else if (!scheme_is(url, "https") && !(private_hosts && scheme_is(url, "http")))
		fault = "must begin with https://";
	else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		fault = "must not hold a user or password";
	else if (has_part(url, CURLUPART_FRAGMENT))
		fault = "must not have a fragment";
	else if (!private_hosts && host_is_private(url))
		fault = "leads to an address that is not public";
	curl_url_cleanup(url);
	return fault;
}
