#include "parser/rtf_unpack.h"

#include <assert.h>

#define HEAD_BYTES 16u
#define WINDOW 4096u
#define GAIN_MAX 9u /* eight references of 17 bytes each for 17 bytes of data */

/* What every window begins with, by the format. */
static const char FIRST[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
	"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
	"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
static_assert(sizeof(FIRST) - 1 == 207, "the window's first bytes are 207");

struct window {
	uint8_t bytes[WINDOW];
	size_t at;
};

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put(struct window *w, uint8_t c, size_t *left, struct buf *out)
{
	if (*left == 0)
		return;
	--*left;
	buf_put_byte(out, c);
	w->bytes[w->at] = c;
	w->at = (w->at + 1) % WINDOW;
}

static void unpack(struct span in, size_t left, struct buf *out)
{
	struct window w = {.at = sizeof(FIRST) - 1};
	memcpy(w.bytes, FIRST, sizeof(FIRST) - 1);
	for (size_t i = 0; i < in.n && left > 0;) {
		unsigned control = in.p[i++];
		for (unsigned bit = 0; bit < 8 && left > 0; bit++) {
			if (!(control >> bit & 1)) {
				if (i >= in.n)
					return;
				put(&w, in.p[i++], &left, out);
				continue;
			}
			if (in.n - i < 2)
				return;
			unsigned token = (unsigned)in.p[i] << 8 | in.p[i + 1];
			size_t from = token >> 4, n = (token & 15) + 2;
			i += 2;
			if (from == w.at)
				return;
			for (; n > 0; n--, from = (from + 1) % WINDOW)
				put(&w, w.bytes[from], &left, out);
		}
	}
}

bool rtf_unpack(struct span packed, struct buf *out)
{
	if (packed.n < HEAD_BYTES)
		return false;
	struct span data = span_sub(packed, HEAD_BYTES, packed.n);
	size_t left = u32(packed.p + 4);
	if (memcmp(packed.p + 8, "MELA", 4) == 0) {
		buf_put_span(out, span_sub(data, 0, left));
		return true;
	}
	if (memcmp(packed.p + 8, "LZFu", 4) != 0)
		return false;
	if (left > GAIN_MAX * data.n)
		left = GAIN_MAX * data.n;
	unpack(data, left, out);
	return true;
}
