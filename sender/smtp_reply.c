#include "sender/smtp_reply.h"

/* The line that begins at offset, without its end; false if it is not whole yet. LF alone ends a line too. */
static bool line_at(struct span bytes, size_t offset, struct span *line_out, size_t *next_out)
{
	struct span rest = span_sub(bytes, offset, bytes.n);
	size_t n = span_find_byte(rest, '\n');

	if (n == rest.n)
		return false;
	*next_out = offset + n + 1;
	if (n && rest.p[n - 1] == '\r')
		n--;
	*line_out = span_sub(rest, 0, n);
	return true;
}

/* The code, and whether more lines follow. 0: not a reply line. */
static unsigned line_code(struct span line, bool *more_out)
{
	unsigned code = 0;

	if (line.n < 3)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(line.p[i] - '0');
	}
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return 0;
	*more_out = line.n > 3 && line.p[3] == '-';
	return code >= 200 && code <= 599 ? code : 0;
}

/* RFC 3463 class.subject.detail at the front of the words; class must be the code's. */
static void read_status(struct span words, unsigned code, unsigned status[3])
{
	unsigned found[3] = {0};
	size_t i = 0;

	for (size_t part = 0; part < 3; part++) {
		size_t digits = 0;

		for (; i < words.n && words.p[i] >= '0' && words.p[i] <= '9' && digits < 3;
		     i++, digits++)
			found[part] = found[part] * 10 + (unsigned)(words.p[i] - '0');
		if (!digits || (part < 2 && (i >= words.n || words.p[i++] != '.')))
			return;
	}
	if (found[0] == code / 100 && (i == words.n || words.p[i] == ' '))
		memcpy(status, found, sizeof(found));
}

static void add_words(struct smtp_reply *reply, struct span words)
{
	size_t n = strlen(reply->text);

	if (n && n + 1 < sizeof(reply->text))
		reply->text[n++] = ' ';
	for (size_t i = 0; i < words.n && n + 1 < sizeof(reply->text); i++)
		reply->text[n++] = words.p[i] < 0x20 || words.p[i] == 0x7f ? '?' : (char)words.p[i];
	reply->text[n] = '\0';
}

enum err_code smtp_reply_next(struct span bytes, struct smtp_reply *reply_out, size_t *used_out)
{
	struct smtp_reply reply = {0};
	size_t offset = 0;
	bool more = true;
	struct span line;

	while (more) {
		unsigned code;

		if (!line_at(bytes, offset, &line, &offset))
			return bytes.n > SMTP_REPLY_MAX ? ERR_PEER : ERR_AGAIN;
		if (offset > SMTP_REPLY_MAX || ++reply.lines > SMTP_REPLY_LINES ||
		    span_find_byte(line, 0) < line.n)
			return ERR_PEER;
		code = line_code(line, &more);
		if (!code || (reply.code && code != reply.code))
			return ERR_PEER;
		reply.code = code;
		read_status(span_sub(line, 4, line.n), code, reply.status);
		add_words(&reply, span_sub(line, 4, line.n));
	}
	*reply_out = reply;
	*used_out = offset;
	return ERR_OK;
}

struct span smtp_reply_line(struct span whole_reply, size_t line)
{
	struct span found = span_make(NULL, 0);
	size_t offset = 0;

	for (size_t i = 0; i <= line; i++)
		if (!line_at(whole_reply, offset, &found, &offset))
			return span_make(NULL, 0);
	return span_sub(found, 4, found.n);
}
