#include "parser/json_out.h"
#include "parser/bounce.h"
#include "parser/charset_iconv.h"
#include "parser/html_text.h"
#include "parser/mail_class.h"
#include "parser/message_json.h"
#include "parser/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (512u << 20)
#define LINE_BYTES_MAX (3u << 30)
#define CHUNK_BYTES (256u << 10)

static bool read_file(const char *path, struct buf *out)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n;
	do {
		uint8_t *p = buf_reserve(out, CHUNK_BYTES);
		if (!p) {
			errno = EFBIG;
			n = -1;
			break;
		}
		n = read(fd, p, CHUNK_BYTES);
		if (n > 0)
			out->n += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	int error = errno;
	if (fd != STDIN_FILENO)
		close(fd);
	errno = error;
	return n == 0;
}

static void put_leaf_types(struct json *j, const struct mime_message *m)
{
	json_key(j, "leafTypes");
	json_open(j, '[');
	for (uint32_t i = 0; i < m->part_count; i++) {
		if (m->parts[i].kind != MIME_MULTIPART && !m->parts[i].was_multipart)
			json_str(j, m->parts[i].type);
	}
	json_close(j, ']');
}

static void put_own_words(struct json *j, struct span text)
{
	struct quote_parts parts = quote_split_text(text);
	json_key(j, "newText");
	json_str(j, parts.fresh);
	json_key(j, "signature");
	json_str_or_null(j, parts.signature.n ? parts.signature : (struct span){0});
}

/* The decoded text and HTML; newText comes from the HTML's words when there is no text. */
static void put_text(struct json *j, struct decode *d, const struct mime_message *m)
{
	struct buf text, html;
	buf_init(&text, DECODE_TEXT_MAX);
	buf_init(&html, DECODE_TEXT_MAX);
	bool has_text = message_json_text(d, m, &m->text_body, MIME_TEXT_PLAIN, &text);
	bool has_html = message_json_text(d, m, &m->html_body, MIME_TEXT_HTML, &html);
	json_key(j, "text");
	json_str_or_null(j, has_text ? (struct span){text.p ? text.p : (const uint8_t *)"", text.n}
				     : (struct span){0});
	json_key(j, "html");
	json_str_or_null(j, has_html ? (struct span){html.p ? html.p : (const uint8_t *)"", html.n}
				     : (struct span){0});
	if (!has_text)
		html_text(buf_span(&html), SIZE_MAX, &text);
	if (has_text || has_html)
		put_own_words(j, buf_span(&text));
	buf_fini(&text);
	buf_fini(&html);
}

static void put_message(struct json *j, struct decode *d, struct span raw)
{
	struct mime_message m;
	struct facts f;
	mime_parse(d, raw, &m);
	facts_read(d, &m, &f);
	message_json_properties(j, d, &m, &f, true);
	put_text(j, d, &m);
	put_leaf_types(j, &m);
	enum mail_class class = mail_class_find(&m, &f);
	json_key(j, "class");
	json_cstr(j, mail_class_name(class));
	if (class == MAIL_BOUNCE)
		bounce_json(j, d, &m);
}

static void put_file(struct decode *d, const char *path, struct buf *raw, struct buf *line)
{
	struct json j = json_make(line);
	json_open(&j, '{');
	json_key(&j, "path");
	json_cstr(&j, path);
	if (read_file(path, raw)) {
		put_message(&j, d, buf_span(raw));
	} else {
		json_key(&j, "error");
		json_cstr(&j, strerror(errno));
	}
	json_close(&j, '}');
	buf_put_byte(line, '\n');
}

int json_out_files(char **paths)
{
	static char *const standard_input[] = {(char *)"-", NULL};
	struct charset_set *charsets = charset_iconv_open();
	struct arena *arena = arena_new(0);
	struct decode d;
	struct buf raw, line;
	int status = 0;
	decode_init(&d, charsets, arena);
	buf_init(&raw, FILE_BYTES_MAX);
	buf_init(&line, LINE_BYTES_MAX);
	for (char *const *path = *paths ? (char *const *)paths : standard_input;
	     *path && status == 0; path++) {
		put_file(&d, *path, &raw, &line);
		if (!buf_ok(&line) || fwrite(line.p, 1, line.n, stdout) != line.n)
			status = 1;
		buf_clear(&raw);
		buf_clear(&line);
		arena_reset(arena);
	}
	if (fflush(stdout) != 0)
		status = 1;
	buf_fini(&line);
	buf_fini(&raw);
	decode_fini(&d);
	arena_free(&arena);
	charset_iconv_close(&charsets);
	return status;
}
