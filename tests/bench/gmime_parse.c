/* gmime_parse MODE PACK: GMime over every message of a pack (mail_pack.h), as bench_parse does it. For `make bench-parse` alone. */
#include <gmime/gmime.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "tests/bench/mail_pack.h"

struct bench {
	enum mail_pack_mode mode;
	struct mail_pack_sums sums;
	GByteArray *octets;
	GMimeStream *into; /* writes to octets */
	EVP_MD *sha256;
};

static void put_octets(struct bench *b, GMimeDataWrapper *content)
{
	g_byte_array_set_size(b->octets, 0);
	g_mime_stream_reset(b->into);
	if (content && g_mime_data_wrapper_write_to_stream(content, b->into) < 0)
		g_byte_array_set_size(b->octets, 0);
}

static void add_sum(struct bench *b)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n;
	if (EVP_Digest(b->octets->data, b->octets->len, sum, &n, b->sha256, NULL) == 1)
		b->sums.mark ^= sum[0];
}

static void read_part(struct bench *b, GMimePart *part)
{
	bool shown = GMIME_IS_TEXT_PART(part) && !g_mime_part_is_attachment(part);
	if (shown) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
		b->sums.text_bytes += text ? strlen(text) : 0;
		g_free(text);
		if (b->mode < MAIL_PACK_SHA256)
			return;
	}
	put_octets(b, g_mime_part_get_content(part));
	if (!shown)
		b->sums.octets += b->octets->len;
	if (b->mode >= MAIL_PACK_SHA256)
		add_sum(b);
}

/* message/rfc822 is a leaf, as in bench_parse: its octets are those of the message in it. */
static void read_inner(struct bench *b, GMimeMessagePart *part)
{
	g_byte_array_set_size(b->octets, 0);
	g_mime_stream_reset(b->into);
	if (g_mime_object_write_to_stream(GMIME_OBJECT(g_mime_message_part_get_message(part)), NULL,
					  b->into) < 0)
		return;
	b->sums.octets += b->octets->len;
	if (b->mode >= MAIL_PACK_SHA256)
		add_sum(b);
}

static void read_object(struct bench *b, GMimeObject *object)
{
	if (GMIME_IS_MULTIPART(object)) {
		int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
		for (int i = 0; i < count; i++)
			read_object(b, g_mime_multipart_get_part(GMIME_MULTIPART(object), i));
		return;
	}
	b->sums.parts++;
	if (b->mode == MAIL_PACK_STRUCTURE)
		return;
	if (GMIME_IS_PART(object))
		read_part(b, GMIME_PART(object));
	else if (GMIME_IS_MESSAGE_PART(object))
		read_inner(b, GMIME_MESSAGE_PART(object));
}

static void read_message(void *ctx, const uint8_t *p, size_t n)
{
	struct bench *b = ctx;
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray borrowed = {(guint8 *)p, (guint)n};
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), &borrowed);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE); /* bodies stay where they are */
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	b->sums.messages++;
	if (message) {
		GMimeObject *root = g_mime_message_get_mime_part(message);
		if (root)
			read_object(b, root);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	g_mime_init();
	b.octets = g_byte_array_new();
	b.into = g_mime_stream_mem_new_with_byte_array(b.octets);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(b.into), FALSE);
	b.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	int status = mail_pack_read(argc, argv, &b.mode, read_message, &b, &b.sums);
	g_object_unref(b.into);
	g_byte_array_free(b.octets, TRUE);
	EVP_MD_free(b.sha256);
	g_mime_shutdown();
	return status;
}
