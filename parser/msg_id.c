#include "parser/msg_id.h"
#include "parser/lex.h"

static struct span without_blanks(struct decode *d, struct span s)
{
	bool plain = true;
	for (size_t i = 0; i < s.n; i++)
		plain &= s.p[i] > ' ' && s.p[i] != 0x7f;
	if (plain)
		return s;
	d->text.n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] > ' ' && s.p[i] != 0x7f)
			buf_put_byte(&d->text, s.p[i]);
	}
	return arena_span(d->arena, buf_span(&d->text));
}

/* The next `<…>` from *at on. */
static bool next_bracketed(struct span raw, size_t *at, struct span *id_out)
{
	while (*at < raw.n) {
		const uint8_t *open = memchr(raw.p + *at, '<', raw.n - *at);
		if (!open)
			break;
		size_t from = (size_t)(open - raw.p) + 1, to = from;
		while (to < raw.n && raw.p[to] != '>' && raw.p[to] != '<')
			to++;
		*at = to;
		*id_out = span_trim((struct span){raw.p + from, to - from});
		if (id_out->n > 0)
			return true;
	}
	return false;
}

static bool next_word(struct span raw, size_t *at, struct span *id_out)
{
	while (*at < raw.n) {
		while (*at < raw.n && (lex_is_blank(raw.p[*at]) || raw.p[*at] == ','))
			(*at)++;
		size_t from = *at;
		while (*at < raw.n && !lex_is_blank(raw.p[*at]) && raw.p[*at] != ',')
			(*at)++;
		*id_out = (struct span){raw.p + from, *at - from};
		if (memchr(id_out->p, '@', id_out->n))
			return true;
	}
	return false;
}

void msg_id_parse(struct decode *d, struct span raw, size_t max, struct id_list *list_out)
{
	bool (*next)(struct span, size_t *, struct span *) = next_bracketed;
	size_t at = 0, total = 0;
	struct span id;
	*list_out = (struct id_list){0};
	while (next(raw, &at, &id))
		total++;
	if (total == 0) {
		next = next_word;
		for (at = 0; next(raw, &at, &id);)
			total++;
	}
	size_t keep = total < max ? total : max, first = keep / 2, i = 0;
	if (keep == 0)
		return;
	list_out->items = arena_array(d->arena, keep, sizeof(struct span));
	for (at = 0; next(raw, &at, &id); i++) {
		if (i < first || total - i <= keep - first)
			list_out->items[list_out->count++] = without_blanks(d, id);
	}
}
