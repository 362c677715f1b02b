/* webhook_url: which addresses of endpoints are taken. Pure: nothing is looked up. */
#ifndef MW_GATEWAY_WEBHOOK_URL_H
#define MW_GATEWAY_WEBHOOK_URL_H

#include <stdbool.h>

#define WEBHOOK_URL_MAX 2048

/* NULL: taken; else what is wrong with it, for people. private_hosts: http and private addresses are taken too. A name
 * may still lead to a private address: that is seen when connecting. */
const char *webhook_url_fault(const char *url, bool private_hosts);

#endif
