#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One write(2) of at most this many bytes: a pipe takes it whole (PIPE_BUF). */
#define LINE_BYTES 4096
#define VALUE_BYTES 1024

/* The only mutable globals of the libraries: set once by log_open, before threads. */
static char log_name[64] = "-";
static atomic_int log_minimum = LOG_LEVEL_INFO;

struct line {
	char p[LINE_BYTES];
	size_t n;
};

static void line_put(struct line *line, const char *p, size_t n)
{
	size_t room = LINE_BYTES - 1 - line->n; /* the last byte is the line feed's */

	if (n > room)
		n = room;
	memcpy(line->p + line->n, p, n);
	line->n += n;
}

static void line_cstr(struct line *line, const char *s)
{
	line_put(line, s, strlen(s));
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void line_escaped(struct line *line, uint8_t c)
{
	char text[8];

	if (c == '"' || c == '\\')
		snprintf(text, sizeof(text), "\\%c", c);
	else if (c == '\n')
		snprintf(text, sizeof(text), "\\n");
	else if (c == ' ' || c == '=')
		snprintf(text, sizeof(text), "%c", c);
	else
		snprintf(text, sizeof(text), "\\x%02x", c);
	line_cstr(line, text);
}

static void line_value(struct line *line, struct span s)
{
	bool cut = s.n > VALUE_BYTES, plain = s.n > 0 && !cut;

	if (cut)
		s.n = VALUE_BYTES;
	for (size_t i = 0; i < s.n && plain; i++)
		plain = is_plain(s.p[i]);
	if (plain) {
		line_put(line, (const char *)s.p, s.n);
		return;
	}
	line_cstr(line, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (is_plain(s.p[i]))
			line_put(line, (const char *)s.p + i, 1);
		else
			line_escaped(line, s.p[i]);
	}
	line_cstr(line, cut ? "...\"" : "\"");
}

static void line_err(struct line *line, const struct err *e)
{
	static const struct err none;

	if (!e)
		e = &none;
	line_cstr(line, err_code_name(e->code));
	if (e->name[0]) {
		line_cstr(line, " reason=");
		line_value(line, span_cstr(e->name));
	}
	if (e->text[0]) {
		line_cstr(line, " text=");
		line_value(line, span_cstr(e->text));
	}
}

static void line_id(struct line *line, const struct id *id)
{
	char text[ID_CHARS + 1] = "-";

	if (id)
		id_format(id, text);
	line_cstr(line, text);
}

static void line_arg(struct line *line, char type, va_list *args)
{
	char number[32];
	const struct span *span;
	const char *text;

	switch (type) {
	case 's':
		text = va_arg(*args, const char *);
		line_value(line, span_cstr(text));
		break;
	case 'p':
		span = va_arg(*args, const struct span *);
		line_value(line, span ? *span : span_cstr(NULL));
		break;
	case 'u':
		snprintf(number, sizeof(number), "%" PRIu64, va_arg(*args, uint64_t));
		line_cstr(line, number);
		break;
	case 'd':
		snprintf(number, sizeof(number), "%" PRId64, va_arg(*args, int64_t));
		line_cstr(line, number);
		break;
	case 'i':
		line_id(line, va_arg(*args, const struct id *));
		break;
	case 'e':
		line_err(line, va_arg(*args, const struct err *));
		break;
	default:
		abort(); /* a type that does not exist: our own bug */
	}
}

static void line_head(struct line *line, enum log_level level, const char *event)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	int64_t now = clock_wall_ms();
	char time[CLOCK_RFC3339_BYTES], text[CLOCK_RFC3339_BYTES + 8];

	clock_rfc3339(now, time);
	snprintf(text, sizeof(text), "%.19s.%03dZ ", time, (int)(now % 1000));
	line_cstr(line, text);
	line_cstr(line, levels[level]);
	line_cstr(line, " ");
	line_cstr(line, log_name);
	line_cstr(line, " ");
	line_cstr(line, event);
}

void log_open(const char *name, enum log_level minimum)
{
	size_t n = strnlen(name, sizeof(log_name) - 1);

	for (size_t i = 0; i < n; i++)
		log_name[i] = is_plain((uint8_t)name[i]) ? name[i] : '_';
	log_name[n] = 0;
	atomic_store(&log_minimum, (int)minimum);
}

bool log_enabled(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&log_minimum, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, ...)
{
	struct line line = {.n = 0};
	const char *key, *type;
	va_list args;

	if (!log_enabled(level))
		return;
	line_head(&line, level, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		type = va_arg(args, const char *);
		line_cstr(&line, " ");
		line_cstr(&line, key);
		line_cstr(&line, "=");
		line_arg(&line, type[0], &args);
	}
	va_end(args);
	line.p[line.n++] = '\n';
	if (write(STDERR_FILENO, line.p, line.n) < 0)
		return; /* nowhere to say it */
}
