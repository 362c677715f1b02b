/* Fuzz target: any bytes as a message, all the way to facts, JSON, card, safe HTML and every part. */
#include <stdlib.h>

#include "parser/facts_wire.h"
#include "parser/message_json.h"
#include "parser/render.h"
#include "parser/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_facts(struct decode *d, struct span raw)
{
	struct mime_message m;
	struct facts f;
	struct buf card, frame;
	struct wire_facts w;
	buf_init(&card, 64u << 10);
	buf_init(&frame, 4u << 20);
	mime_parse(d, raw, &m);
	facts_read(d, &m, &f);
	facts_wire_encode(d, &m, &f, 0, &card, &frame);
	if (!buf_ok(&frame) || wire_decode_facts(buf_span(&frame), d->arena, &w, NULL) != ERR_OK)
		abort();
	if (w.card.n > 600 || !utf8_valid(w.subject))
		abort();
	buf_fini(&card);
	buf_fini(&frame);
}

static void try_render(struct decode *d, struct span raw, enum request_want want, const char *part)
{
	struct render_order order = {.want = want, .part = span_cstr(part)};
	struct buf frame, body;
	buf_init(&frame, 4u << 20);
	buf_init(&body, 64u << 20);
	render_message(d, raw, &order, &frame, &body);
	if (want != REQUEST_WANT_PART && !utf8_valid(buf_span(&body)))
		abort();
	buf_fini(&frame);
	buf_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	decode_init(&d, NULL, arena);
	struct span raw = span_make(data, size);
	try_facts(&d, raw);
	try_render(&d, raw, REQUEST_WANT_FACTS, "");
	try_render(&d, raw, REQUEST_WANT_BODY, "");
	try_render(&d, raw, REQUEST_WANT_PART, "1");
	try_render(&d, raw, REQUEST_WANT_PART, "2.1");
	decode_fini(&d);
	arena_free(&arena);
	return 0;
}
