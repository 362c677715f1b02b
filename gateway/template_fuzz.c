/* SND-03: whatever text is filled in, with whatever value: no value becomes markup, so that the HTML ends in the same place as
 * with a harmless value, and has the same tags. */
#include <stdlib.h>
#include <string.h>

#include "gateway/template.h"
#include "gateway/template_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct value {
	struct span value;
};

static enum template_value get(void *ctx, struct span name, struct span *value_out)
{
	const struct value *v = ctx;

	if (name.p[0] == 'u')
		return TEMPLATE_UNKNOWN;
	if (name.p[0] == 'e')
		return TEMPLATE_EMPTY;
	*value_out = v->value;
	return TEMPLATE_FOUND;
}

static size_t count(struct span s, uint8_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

static struct template_place end_of(struct span html)
{
	struct template_place place = {0};

	template_place_feed(&place, html);
	return place;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value harmless = {SPAN_LIT("x")}, evil = {SPAN_LIT("\"'><script>&-->")};
	struct template_fields fields = {&harmless, get}, others = {&evil, get};
	struct template_gaps gaps = {.count = 0}, same = {.count = 0}, plain = {.count = 0};
	struct template_place a, b;
	struct buf out, out2;

	buf_init(&out, size * 20 + 64);
	buf_init(&out2, size * 20 + 64);
	template_fill(span_make(data, size), TEMPLATE_HTML, &fields, &out, &gaps);
	template_fill(span_make(data, size), TEMPLATE_HTML, &others, &out2, &same);
	if (gaps.count != same.count || !buf_ok(&out) || !buf_ok(&out2))
		abort();
	a = end_of(buf_span(&out));
	b = end_of(buf_span(&out2));
	if (!gaps.count &&
	    (a.state != b.state || count(buf_span(&out), '<') != count(buf_span(&out2), '<') ||
	     count(buf_span(&out), '"') != count(buf_span(&out2), '"')))
		abort();
	buf_clear(&out);
	template_fill(span_make(data, size), TEMPLATE_TEXT, &fields, &out, &plain);
	buf_fini(&out);
	buf_fini(&out2);
	return 0;
}
