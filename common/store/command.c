#include <stdarg.h>
#include <stdlib.h>

#include "common/store/store.h"

static size_t count_words(const char *format)
{
	size_t n = 0;

	for (const char *p = format; *p != '\0'; p++)
		if (*p != ' ' && (p == format || p[-1] == ' '))
			n++;
	return n;
}

/* One argument: a conversion alone, or literal bytes (which live as long as the format). */
static struct span word_of(struct arena *arena, struct span word, va_list *ap)
{
	if (span_eq(word, SPAN_LIT("%b")))
		return va_arg(*ap, struct span);
	if (span_eq(word, SPAN_LIT("%s")))
		return span_cstr(va_arg(*ap, const char *));
	if (span_eq(word, SPAN_LIT("%d")))
		return span_cstr(arena_printf(arena, "%lld", (long long)va_arg(*ap, int64_t)));
	if (span_find_byte(word, '%') < word.n)
		abort(); /* no mixtures: the key is built by keys.h */
	return word;
}

static struct store_command command_of(struct arena *arena, const char *format, va_list *ap)
{
	size_t count = count_words(format), n = 0;
	struct span rest = span_cstr(format);
	struct span *args = arena_array(arena, count, sizeof(*args));

	while (n < count) {
		size_t length = span_find_byte(rest, ' ');

		if (length > 0)
			args[n++] = word_of(arena, span_sub(rest, 0, length), ap);
		rest = span_sub(rest, length + 1, rest.n);
	}
	return (struct store_command){args, count};
}

struct store_command store_command(struct arena *arena, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	struct store_command command = command_of(arena, format, &ap);

	va_end(ap);
	return command;
}

enum err_code store_do(struct store *store, struct arena *arena, struct store_reply *reply_out,
		       struct err *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	struct store_command command = command_of(arena, format, &ap);

	va_end(ap);
	return store_call(store, command.args, command.count, arena, reply_out, e);
}
