/* mime_scan: the search for lines that begin with "--" and what boundary they are. */
#ifndef MW_PARSER_MIME_SCAN_H
#define MW_PARSER_MIME_SCAN_H

#include "parser/mime.h"

struct mime_level {
	struct span boundary;
	uint32_t part;
};

struct mime_stack {
	struct mime_level levels[MIME_DEPTH_MAX];
	uint32_t depth;
};

struct mime_boundary {
	size_t line, next; /* where its line begins; where the next one does */
	uint32_t level;
	bool closing;
};

/* Is the line at `at` a boundary of one of the levels? Innermost first. */
bool mime_scan_line(const struct mime_message *m, const struct mime_stack *stack, size_t at,
		    struct mime_boundary *boundary_out);
/* The first boundary line at or after `at`, which is the start of a line. */
bool mime_scan_next(const struct mime_message *m, const struct mime_stack *stack, size_t at,
		    struct mime_boundary *boundary_out);

#endif
