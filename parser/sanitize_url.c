#include "parser/sanitize_url.h"

enum sanitize_url sanitize_url_kind(struct span url)
{
	if (url.n == 0 || url.n > 8192)
		return SANITIZE_URL_BAD;
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] < ' ' || url.p[i] == 0x7f)
			return SANITIZE_URL_BAD;
	}
	if (url.p[0] == '#')
		return SANITIZE_URL_ANCHOR;
	if (span_istarts(url, SPAN_LIT("cid:")))
		return SANITIZE_URL_CID;
	if (span_istarts(url, SPAN_LIT("https://")) || span_istarts(url, SPAN_LIT("http://")))
		return SANITIZE_URL_REMOTE;
	if (span_istarts(url, SPAN_LIT("mailto:")) || span_istarts(url, SPAN_LIT("tel:")) ||
	    span_istarts(url, SPAN_LIT("sms:")) || span_istarts(url, SPAN_LIT("geo:")))
		return SANITIZE_URL_LINK;
	return SANITIZE_URL_BAD;
}
