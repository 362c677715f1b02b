/* The IMAP scanner survives any bytes in any cuts: libFuzzer target. The first byte chooses the size of the pieces. */
#include "fetcher/imap_resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What readers of a response take from it. */
static void walk(struct imap_resp *r)
{
	struct span each;
	uint32_t low, high;

	while (imap_label_next(&r->labels, &each))
		;
	while (imap_set_next(&r->set, &low, &high))
		if (low > high)
			__builtin_trap();
	while (imap_word_next(&r->attributes, &each))
		if (each.n == 0 || each.p[0] == ' ')
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_scanner s;
	size_t step = size ? data[0] + 1u : 1;

	imap_scanner_init(&s);
	for (size_t at = 1; at < size; at += step) {
		struct span in = span_make(data + at, size - at < step ? size - at : step);
		enum imap_event event;

		do {
			event = imap_scanner_next(&s, &in);
			if (event == IMAP_RESPONSE)
				walk(&s.resp);
		} while (event != IMAP_MORE && event != IMAP_BAD);
		if (event == IMAP_BAD)
			break;
	}
	imap_scanner_fini(&s);
	return 0;
}
