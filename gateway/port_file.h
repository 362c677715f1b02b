/* port_file: <dir>/run/<instance>.port (`gateway-1.port`): where the API really listens. Replaced in one step. */
#ifndef MW_GATEWAY_PORT_FILE_H
#define MW_GATEWAY_PORT_FILE_H

#include <stdbool.h>

#include "common/base/err.h"

MUST_USE enum err_code port_file_write(const char *dir, const char *instance, uint16_t port,
				       struct err *e);
void port_file_remove(const char *dir, const char *instance);

#endif
