/*
 * hostile_testbed: messages made to cost time: nesting, parts, boundaries that nearly are, headers, addresses, encoded words,
 * parameters, encodings, HTML. For work_test, which counts the work, and for `make bench-parse`, which measures it.
 */
#ifndef MW_PARSER_HOSTILE_TESTBED_H
#define MW_PARSER_HOSTILE_TESTBED_H

#include "common/base/buf.h"

/* A message of a head, a piece many times over, and a tail. Pieces may hold '%': its count in decimal. */
struct hostile {
	const char *head, *piece, *tail;
};

size_t hostile_count(void);
const struct hostile *hostile_rows(void);
/* The message of that row with about so many bytes; replaces what is in out. */
void hostile_build(const struct hostile *row, size_t bytes, struct buf *out);

#endif
