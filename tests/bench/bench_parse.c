/* bench_parse MODE PACK: the parser library over every message of a pack (mail_pack.h); prints what it did and its CPU time. */
#include "common/secret/secret.h"
#include "parser/charset_iconv.h"
#include "parser/mime.h"
#include "tests/bench/mail_pack.h"

struct bench {
	struct decode d;
	struct arena *arena;
	struct buf text;
	enum mail_pack_mode mode;
	struct mail_pack_sums sums;
};

static void read_part(struct bench *b, const struct mime_part *p)
{
	bool text = (p->kind == MIME_TEXT_PLAIN || p->kind == MIME_TEXT_HTML ||
		     p->kind == MIME_TEXT_OTHER) &&
		    !span_eq(p->disposition, SPAN_LIT("attachment"));
	if (text) {
		b->text.n = 0;
		mime_part_text(&b->d, p, SIZE_MAX, &b->text);
		b->sums.text_bytes += b->text.n;
		if (b->mode < MAIL_PACK_SHA256)
			return;
	}
	struct span octets = mime_part_octets(&b->d, p);
	if (!text)
		b->sums.octets += octets.n;
	if (b->mode >= MAIL_PACK_SHA256) {
		uint8_t sum[32];
		secret_sha256(octets, sum);
		b->sums.mark ^= sum[0];
	}
}

static void read_message(void *ctx, const uint8_t *p, size_t n)
{
	struct bench *b = ctx;
	struct mime_message m;
	arena_reset(b->arena);
	mime_parse(&b->d, span_make(p, n), &m);
	b->sums.messages++;
	for (uint32_t i = 0; i < m.part_count; i++) {
		if (m.parts[i].kind == MIME_MULTIPART)
			continue;
		b->sums.parts++;
		if (b->mode != MAIL_PACK_STRUCTURE)
			read_part(b, &m.parts[i]);
	}
}

int main(int argc, char **argv)
{
	struct bench b = {.arena = arena_new(0)};
	struct charset_set *charsets = charset_iconv_open();
	decode_init(&b.d, charsets, b.arena);
	buf_init(&b.text, DECODE_TEXT_MAX);
	int status = mail_pack_read(argc, argv, &b.mode, read_message, &b, &b.sums);
	buf_fini(&b.text);
	decode_fini(&b.d);
	charset_iconv_close(&charsets);
	arena_free(&b.arena);
	return status;
}
