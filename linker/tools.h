/* tools: the one-shot commands of the linker: --rebuild COMPANY|--all, --dump-company COMPANY. */
#ifndef MW_LINKER_TOOLS_H
#define MW_LINKER_TOOLS_H

#include "common/conf/conf.h"

/* Exit status of the command that argv asks for, or -1 if it asks for none. settings, conf_bytes: the linker's own, whose
 * conf begins with struct conf_common. functions: the linker's Lua library. */
int tools_command(int argc, char **argv, const struct conf_setting *settings, size_t conf_bytes,
		  const char *functions);

#endif
