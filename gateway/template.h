/*
 * template: fields in what is written (SND-03). A language without loops, code or calls. Pure.
 *
 *   {{person.first_name}}              the field's value; without one the message is not sent
 *   {{person.first_name|colleague}}    the default where it has none; may stand in "…"
 *   {{#if deal.title}}…{{else}}…{{/if}}    by whether the field has a value; else may be left out; may nest
 *
 * In HTML a value is escaped, its line breaks become <br>, and fields stand only in text, comments and quoted attributes:
 * anywhere else a value could become markup. The branches of a condition begin and end in the same place of the HTML. A `{{`
 * with no `}}` in the next TEMPLATE_TAG_MAX octets is text; everything else in `{{…}}` that is none of the above is a gap.
 */
#ifndef MW_GATEWAY_TEMPLATE_H
#define MW_GATEWAY_TEMPLATE_H

#include "common/base/buf.h"

#define TEMPLATE_TAG_MAX 500
#define TEMPLATE_NAME_MAX 100
#define TEMPLATE_DEPTH_MAX 8
#define TEMPLATE_GAPS_MAX 20

enum template_mode { TEMPLATE_TEXT, TEMPLATE_HTML };

/* Why something was not filled in. BAD does not depend on the values: the text itself is wrong. */
enum template_value { TEMPLATE_FOUND, TEMPLATE_EMPTY, TEMPLATE_UNKNOWN, TEMPLATE_BAD };

/* name: letters, digits, '_' and '-' in parts joined by '.'. *value_out: not empty when FOUND; lives as long as the fields. */
struct template_fields {
	void *ctx;
	enum template_value (*get)(void *ctx, struct span name, struct span *value_out);
};

struct template_gap {
	enum template_value why;
	struct span tag; /* as it stands in the text, with its braces */
	const char *words; /* for people */
};

struct template_gaps {
	struct template_gap
		items[TEMPLATE_GAPS_MAX]; /* each tag once; what comes after them is only counted */
	size_t count;
};

/*
 * Appends text with its fields filled in to out and adds what could not be to gaps; with a gap, out is of no use. Time and
 * stack are bounded by the text's length. Not filled is what a condition leaves out. out may overflow: buf_ok().
 */
void template_fill(struct span text, enum template_mode mode, const struct template_fields *fields,
		   struct buf *out, struct template_gaps *gaps);

#endif
