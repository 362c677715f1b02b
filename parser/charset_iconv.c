#include "parser/charset_iconv.h"
#include "parser/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

struct converters {
	struct charset_set set;
	unsigned count;
	iconv_t open[];
};

static bool is_open(iconv_t cd)
{
	return cd != (iconv_t)-1;
}

/* What a converter does not take is one U+FFFD for each run of bad bytes. */
static void convert(void *ctx, unsigned charset, struct span in, struct buf *out)
{
	const struct converters *all = ctx;
	iconv_t cd = charset < all->count ? all->open[charset] : (iconv_t)-1;
	if (!is_open(cd)) {
		charset_decode(NULL, CHARSET_UNKNOWN, in, out);
		return;
	}
	iconv(cd, NULL, NULL, NULL, NULL);
	char *from = (char *)(uintptr_t)in.p;
	size_t left = in.n;
	bool bad = false;
	while (left > 0) {
		size_t room = left * 2 + 64, before = left;
		char *to = (char *)buf_reserve(out, room);
		if (!to)
			return;
		size_t space = room;
		size_t got = iconv(cd, &from, &left, &to, &space);
		out->n += room - space;
		if (got != (size_t)-1)
			break;
		if (before != left)
			bad = false;
		if (errno == E2BIG)
			continue;
		if (!bad)
			buf_put_utf8(out, UTF8_REPLACEMENT);
		bad = true;
		from++;
		left--;
	}
	char *to = (char *)buf_reserve(out, 64);
	size_t space = 64;
	if (to && iconv(cd, NULL, NULL, &to, &space) != (size_t)-1)
		out->n += 64 - space;
}

struct charset_set *charset_iconv_open(void)
{
	unsigned count = charset_end();
	struct converters *all = calloc(1, sizeof(*all) + count * sizeof(iconv_t));
	if (!all)
		abort();
	all->count = count;
	all->set = (struct charset_set){.ctx = all, .convert = convert};
	for (unsigned i = 0; i < count; i++) {
		const char *name = charset_is_built_in(i) ? NULL : charset_iconv_name(i);
		all->open[i] = name ? iconv_open("UTF-8", name) : (iconv_t)-1;
	}
	return &all->set;
}

void charset_iconv_close(struct charset_set **set)
{
	if (!*set)
		return;
	struct converters *all = (*set)->ctx;
	for (unsigned i = 0; i < all->count; i++) {
		if (is_open(all->open[i]))
			iconv_close(all->open[i]);
	}
	free(all);
	*set = NULL;
}
