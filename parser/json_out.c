#include "parser/json_out.h"
#include "parser/bounce.h"
#include "parser/charset_iconv.h"
#include "parser/html_text.h"
#include "parser/mail_class.h"
#include "parser/mbox.h"
#include "parser/message_json.h"
#include "parser/quote.h"
#include "parser/shown_text.h"

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
	struct buf fresh;
	buf_init(&fresh, DECODE_TEXT_MAX);
	struct quote_parts parts = quote_split_text(text, &fresh);
	json_key(j, "newText");
	json_str(j, buf_span(&fresh));
	json_key(j, "signature");
	json_str_or_null(j, parts.signature.n ? parts.signature : (struct span){0});
	buf_fini(&fresh);
}

/* The decoded text and HTML; newText is of the text as it is shown, else of the HTML's words. */
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
	buf_clear(&text);
	if (!shown_text(d, m, &text))
		html_text_marked(buf_span(&html), SIZE_MAX, &text);
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

struct printer {
	struct decode d;
	struct buf raw, line, message; /* a file, a line of output, a message of an mbox */
};

static bool print_line(struct printer *p, struct json *j)
{
	json_close(j, '}');
	buf_put_byte(&p->line, '\n');
	bool good = buf_ok(&p->line) && fwrite(p->line.p, 1, p->line.n, stdout) == p->line.n;
	buf_clear(&p->line);
	arena_reset(p->d.arena);
	return good;
}

static struct json open_line(struct printer *p, const char *path)
{
	struct json j = json_make(&p->line);
	json_open(&j, '{');
	json_key(&j, "path");
	json_cstr(&j, path);
	return j;
}

/* An mbox has at least two separators: one message may begin with a line that looks like one. */
static bool print_mbox(struct printer *p, const char *path, struct span file)
{
	bool good = true;
	size_t at = 0;
	for (uint64_t number = 1; at < file.n && good; number++) {
		size_t start = mbox_skip(file, at);
		at = mbox_next(file, start);
		buf_clear(&p->message);
		mbox_unquote(span_sub(file, start, at - start), &p->message);
		struct json j = open_line(p, path);
		json_key(&j, "message");
		json_u64(&j, number);
		put_message(&j, &p->d, buf_span(&p->message));
		good = print_line(p, &j);
	}
	return good;
}

/* A file named as one message is one, whatever lines are in it. */
static bool is_mbox(const char *path, struct span file)
{
	static const char suffix[] = ".eml";
	size_t n = strlen(path);
	if (n >= sizeof(suffix) && strcmp(path + n - (sizeof(suffix) - 1), suffix) == 0)
		return false;
	return mbox_next(file, 0) == 0 && mbox_next(file, mbox_skip(file, 0)) < file.n;
}

static bool print_file(struct printer *p, const char *path)
{
	buf_clear(&p->raw);
	bool readable = read_file(path, &p->raw);
	int error = errno;
	struct span file = buf_span(&p->raw);
	if (readable && is_mbox(path, file))
		return print_mbox(p, path, file);
	struct json j = open_line(p, path);
	if (readable) {
		put_message(&j, &p->d, file);
	} else {
		json_key(&j, "error");
		json_cstr(&j, strerror(error));
	}
	return print_line(p, &j);
}

int json_out_files(char **paths)
{
	static char *const standard_input[] = {(char *)"-", NULL};
	struct charset_set *charsets = charset_iconv_open();
	struct arena *arena = arena_new(0);
	struct printer p;
	bool good = true;
	decode_init(&p.d, charsets, arena);
	buf_init(&p.raw, FILE_BYTES_MAX);
	buf_init(&p.message, FILE_BYTES_MAX);
	buf_init(&p.line, LINE_BYTES_MAX);
	for (char *const *path = *paths ? (char *const *)paths : standard_input; *path && good;
	     path++)
		good = print_file(&p, *path);
	good &= fflush(stdout) == 0;
	buf_fini(&p.line);
	buf_fini(&p.message);
	buf_fini(&p.raw);
	decode_fini(&p.d);
	arena_free(&arena);
	charset_iconv_close(&charsets);
	return good ? 0 : 1;
}
