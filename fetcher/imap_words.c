#include "fetcher/imap_words.h"

#include <time.h>

#include "fetcher/imap_value.h"

bool imap_set_next(struct span *set, uint32_t *low_out, uint32_t *high_out)
{
	struct imap_cursor c;
	uint32_t swap;

	if (set->n == 0)
		return false;
	c = (struct imap_cursor){(uint8_t *)(uintptr_t)set->p,
				 (uint8_t *)(uintptr_t)set->p + set->n};
	while (imap_at(&c, ',') || imap_at(&c, ' '))
		c.p++;
	if (!imap_u32(&c, low_out))
		return false;
	*high_out = *low_out;
	if (imap_take(&c, ':') && !imap_u32(&c, high_out))
		return false;
	if (*high_out < *low_out) {
		swap = *low_out;
		*low_out = *high_out;
		*high_out = swap;
	}
	*set = span_make(c.p, (size_t)(c.end - c.p));
	return true;
}

bool imap_label_next(struct span *labels, struct span *label_out)
{
	struct imap_cursor c = {(uint8_t *)(uintptr_t)labels->p,
				(uint8_t *)(uintptr_t)labels->p + labels->n};

	imap_blanks(&c);
	if (c.p >= c.end || !imap_string(&c, label_out))
		return false;
	*labels = span_make(c.p, (size_t)(c.end - c.p));
	return true;
}

bool imap_word_next(struct span *words, struct span *word_out)
{
	size_t n;

	*words = span_trim(*words);
	n = span_find_byte(*words, ' ');
	*word_out = span_sub(*words, 0, n);
	*words = span_sub(*words, n, words->n);
	return word_out->n > 0;
}

bool imap_words_have(struct span words, const char *word)
{
	struct span each;

	while (imap_word_next(&words, &each))
		if (span_ieq(each, span_cstr(word)))
			return true;
	return false;
}

void imap_set_put(struct buf *out, const uint32_t *uids, size_t count)
{
	size_t first, last;

	for (first = 0; first < count; first = last + 1) {
		for (last = first; last + 1 < count && uids[last + 1] == uids[last] + 1; last++)
			;
		buf_printf(out, first ? ",%u" : "%u", uids[first]);
		if (last > first)
			buf_printf(out, ":%u", uids[last]);
	}
}

void imap_date_put(struct buf *out, int64_t unix_ms)
{
	static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_printf(out, "%d-%s-%d", tm.tm_mday, names[tm.tm_mon], tm.tm_year + 1900);
}
