#include "common/blob/blob_testbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RAW_BYTES_MAX ((size_t)300 << 20)

int testbed_set_up(void **state)
{
	struct testbed *b = calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/blob-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	random_bytes(&b->mail, sizeof(b->mail));
	random_bytes(&b->key, sizeof(b->key));
	buf_init(&b->out, RAW_BYTES_MAX);
	assert_int_equal(blob_writer_open(b->dir, "fetcher-1", &b->writer, &b->e), ERR_OK);
	*state = b;
	return 0;
}

int testbed_tear_down(void **state)
{
	struct testbed *b = *state;
	pid_t pid;

	blob_writer_close(&b->writer);
	assert_null(b->writer);
	buf_fini(&b->out);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", b->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(b);
	return 0;
}

struct blob_identity testbed_identity(uint32_t n)
{
	struct blob_identity i = {
		.company = SPAN_LIT("c1"), .account = SPAN_LIT("anna"), .generation = 3};

	memcpy(i.id.b, &n, sizeof(n));
	return i;
}

void testbed_fill_text(uint8_t *p, size_t n, unsigned seed)
{
	static const char words[16][12] = {
		"the ",	     "offer ",	     "meeting ", "Received: ", "<div>", "price ",
		"tomorrow ", "regards,\r\n", "and ",	 "of ",	       "to ",	"=20\r\n",
		"attached ", "deal ",	     "from ",	 "</div>\r\n"};
	size_t at = 0;
	uint32_t x = seed * 2654435761u + 1;

	while (at < n) {
		x = x * 1664525u + 1013904223u;
		const char *w = words[x >> 28];

		if ((x >> 20 & 3u) == 0) {
			p[at++] = (uint8_t)('a' + (x >> 8) % 26);
			continue;
		}
		for (; *w && at < n; w++)
			p[at++] = (uint8_t)*w;
	}
}

struct blob_ref testbed_append(struct testbed *b, uint32_t n, struct span raw)
{
	struct blob_identity i = testbed_identity(n);
	struct blob_ref ref;

	if (blob_append(b->writer, &i, &b->key, raw, &ref, &b->e) != ERR_OK)
		fail_msg("append: %s", b->e.text);
	return ref;
}

void testbed_commit(struct testbed *b)
{
	if (blob_commit(b->writer, &b->e) != ERR_OK)
		fail_msg("commit: %s", b->e.text);
}

enum err_code testbed_read_back(struct testbed *b, const struct blob_ref *ref, uint32_t n)
{
	struct blob_identity i = testbed_identity(n);

	buf_clear(&b->out);
	return blob_read(b->dir, ref, &i, &b->key, &b->out, &b->e);
}

void testbed_check(struct testbed *b, const struct blob_ref *ref, uint32_t n, struct span raw)
{
	if (testbed_read_back(b, ref, n) != ERR_OK)
		fail_msg("read %u: %s", n, b->e.text);
	assert_true(span_eq(buf_span(&b->out), raw));
}
