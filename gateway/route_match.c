#include "gateway/route.h"

#include "gateway/route_segment.h"

#define SEGMENT_MAX 512
#define PATH_MAX_OCTETS 4096

/* Does the path fit the pattern? literals_out: bit i of the segment i (from the top) that matched literally, so that the
 * larger value is the better match. */
static bool pattern_match(struct span pattern, struct span path, struct arena *arena,
			  struct span ids[HTTP_IDS_MAX], uint32_t *literals_out)
{
	struct span want, have;
	uint32_t bit = 1u << 31, literals = 0;
	size_t count = 0;

	while (route_segment_next(&pattern, &want)) {
		if (!route_segment_next(&path, &have) || !have.n ||
		    (have.n > SEGMENT_MAX && !span_eq(want, SPAN_LIT("{token}"))))
			return false;
		if (want.n && want.p[0] == '{') {
			if (count == HTTP_IDS_MAX || !http_decode(arena, have, false, &ids[count]))
				return false;
			count++;
		} else if (span_eq(want, have)) {
			literals |= bit;
		} else {
			return false;
		}
		bit >>= 1;
	}
	*literals_out = literals;
	return !path.n;
}

struct best {
	const struct route *route;
	struct span ids[HTTP_IDS_MAX];
	uint32_t literals;
};

static void best_consider(struct best *best, const struct route *route, const char *path,
			  enum http_method method, struct arena *arena, unsigned *allow)
{
	struct span ids[HTTP_IDS_MAX] = {{NULL, 0}};
	uint32_t literals;

	if (!pattern_match(span_cstr(route->pattern), span_cstr(path), arena, ids, &literals))
		return;
	*allow |= 1u << route->method;
	if (route->method != method || (best->route && best->literals >= literals))
		return;
	best->route = route;
	best->literals = literals;
	memcpy(best->ids, ids, sizeof(ids));
}

enum route_match_result route_match(const struct route_table *const *tables, const char *path,
				    enum http_method method, struct arena *arena,
				    const struct route **route_out,
				    struct span ids_out[HTTP_IDS_MAX], unsigned *allow_out)
{
	struct best best = {.route = NULL};

	*allow_out = 0;
	for (; *tables && strlen(path) <= PATH_MAX_OCTETS; tables++)
		for (size_t i = 0; i < (*tables)->count; i++)
			best_consider(&best, &(*tables)->routes[i], path, method, arena, allow_out);
	*route_out = best.route;
	memcpy(ids_out, best.ids, sizeof(best.ids));
	if (best.route)
		return ROUTE_FOUND;
	return *allow_out ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
