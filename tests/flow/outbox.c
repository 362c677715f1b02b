/*
 * Stands in for the gateway in tests/flow/sender_house.py: keys, sealed credentials, blobs. Bytes are hex on arguments and
 * output, raw on standard input and for `get`.
 *   outbox keys DIR · seal DIR COMPANY ACCOUNT PASSWORD · put DIR COMPANY ACCOUNT KEY GENERATION ID ·
 *   get DIR COMPANY ACCOUNT KEY GENERATION ID REF
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/blob/blob.h"

#define RAW_MAX ((size_t)100 << 20)

static void fail(const char *what, const struct err *e)
{
	fprintf(stderr, "outbox: %s: %s\n", what, e ? e->text : "");
	exit(1);
}

static void print_hex(struct span s)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	hex_encode(s, &text);
	puts(buf_cstr(&text));
	buf_fini(&text);
}

static size_t from_hex(const char *text, uint8_t *out, size_t max)
{
	size_t n = strlen(text) / 2;

	if (n > max)
		fail("hex too long", NULL);
	for (size_t i = 0; i < n; i++) {
		char two[3] = {text[2 * i], text[2 * i + 1], 0};

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static struct secret_key load(const char *dir, const char *which)
{
	struct secret_key key;
	struct err e;

	if (secret_load(dir, which, &key, &e) != ERR_OK)
		fail(which, &e);
	return key;
}

static void seal(char **a)
{
	struct secret_key public = load(a[0], "credentials.pub"), mail = load(a[0], "mail");
	struct buf clear, context, out;

	buf_init(&clear, 4096);
	buf_init(&context, 4096);
	buf_init(&out, 1 << 16);
	buf_printf(&clear, "{\"imapPassword\":\"%s\",\"smtpPassword\":\"%s\"}", a[3], a[3]);
	buf_printf(&context, "%s/%s", a[1], a[2]);
	secret_seal_to(&public, buf_span(&context), buf_span(&clear), &out);
	print_hex(buf_span(&out));
	buf_clear(&out);
	blob_data_key_new(&mail, span_cstr(a[1]), span_cstr(a[2]), &out);
	print_hex(buf_span(&out));
	buf_fini(&clear);
	buf_fini(&context);
	buf_fini(&out);
}

/* a: DIR COMPANY ACCOUNT KEY GENERATION ID */
static struct blob_identity identity(char **a, struct secret_key *data_key_out, char *dir_out,
				     size_t room)
{
	struct blob_identity id = {
		span_cstr(a[1]), span_cstr(a[2]), strtoull(a[4], NULL, 10), {{0}}};
	struct secret_key mail;
	uint8_t wrapped[256];
	size_t n = from_hex(a[3], wrapped, sizeof(wrapped));
	char keys[256];
	struct err e;

	snprintf(keys, sizeof(keys), "%s/keys", a[0]);
	snprintf(dir_out, room, "%s/blobs", a[0]);
	mail = load(keys, "mail");
	if (blob_data_key_open(&mail, id.company, id.account, span_make(wrapped, n), data_key_out,
			       &e) != ERR_OK)
		fail("data key", &e);
	from_hex(a[5], id.id.b, ID_BYTES);
	return id;
}

static void put(char **a)
{
	struct secret_key data_key;
	char dir[256];
	struct blob_identity id = identity(a, &data_key, dir, sizeof(dir));
	uint8_t encoded[BLOB_REF_MAX];
	struct blob_writer *writer;
	struct blob_ref ref;
	struct buf raw;
	struct err e;
	size_t n;

	buf_init(&raw, RAW_MAX);
	do {
		uint8_t *p = buf_reserve(&raw, 65536);

		if (!p)
			fail("too much", NULL);
		n = fread(p, 1, 65536, stdin);
		raw.n += n;
	} while (n);
	if (blob_writer_open(dir, "outbox-tool", &writer, &e) != ERR_OK ||
	    blob_append(writer, &id, &data_key, buf_span(&raw), &ref, &e) != ERR_OK ||
	    blob_commit(writer, &e) != ERR_OK)
		fail("put", &e);
	blob_writer_close(&writer);
	print_hex(span_make(encoded, blob_ref_encode(&ref, encoded)));
	buf_fini(&raw);
}

static void get(char **a)
{
	struct secret_key data_key;
	char dir[256];
	struct blob_identity id = identity(a, &data_key, dir, sizeof(dir));
	uint8_t encoded[BLOB_REF_MAX];
	size_t n = from_hex(a[6], encoded, sizeof(encoded));
	struct blob_ref ref;
	struct buf raw;
	struct err e;

	buf_init(&raw, RAW_MAX);
	if (blob_ref_decode(span_make(encoded, n), &ref) != ERR_OK ||
	    blob_read(dir, &ref, &id, &data_key, &raw, &e) != ERR_OK)
		fail("get", &e);
	fwrite(raw.p, 1, raw.n, stdout);
	buf_fini(&raw);
}

int main(int argc, char **argv)
{
	struct err e;

	if (argc == 3 && strcmp(argv[1], "keys") == 0) {
		if (secret_create_keys(argv[2], &e) != ERR_OK)
			fail("keys", &e);
	} else if (argc == 6 && strcmp(argv[1], "seal") == 0) {
		seal(argv + 2);
	} else if (argc == 8 && strcmp(argv[1], "put") == 0) {
		put(argv + 2);
	} else if (argc == 9 && strcmp(argv[1], "get") == 0) {
		get(argv + 2);
	} else {
		return 2;
	}
	return 0;
}
