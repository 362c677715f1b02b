/* route_segment: walking over the segments of a path or pattern. For route.c and route_match.c. */
#ifndef MW_GATEWAY_ROUTE_SEGMENT_H
#define MW_GATEWAY_ROUTE_SEGMENT_H

#include "common/base/span.h"

/* Takes the next segment (without its slash) off *rest; false at the end. */
static inline bool route_segment_next(struct span *rest, struct span *segment_out)
{
	size_t end;

	if (!rest->n || rest->p[0] != '/')
		return false;
	*rest = span_sub(*rest, 1, rest->n);
	end = span_find_byte(*rest, '/');
	*segment_out = span_sub(*rest, 0, end);
	*rest = span_sub(*rest, end, rest->n);
	return true;
}

#endif
