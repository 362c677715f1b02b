/* sandbox: what the child gives up before it reads the first byte of mail. */
#ifndef MW_PARSER_SANDBOX_H
#define MW_PARSER_SANDBOX_H

#include "common/base/err.h"

#define SANDBOX_MEMORY_BYTES (512u << 20) /* heap and other private memory */
#define SANDBOX_ADDRESS_BYTES (2048ull << 20) /* with what is mapped of spools and shared regions */

/*
 * No new privileges, no core, no files, no sockets, no processes, at most SANDBOX_MEMORY_BYTES of memory, and only
 * the system calls that decoding needs; any other ends the process (SIGSYS). Descriptors that are open stay usable.
 * Cannot be undone. Under sanitizers the address space is not limited (they reserve terabytes).
 */
MUST_USE enum err_code sandbox_enter(struct err *e);

#endif
