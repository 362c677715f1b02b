#include "parser/param.h"
#include "parser/encoded_word.h"
#include "parser/lex.h"
#include "parser/transfer.h"

static bool ends_token(uint8_t c)
{
	return c == ';' || lex_is_blank(c);
}

/* End of an unquoted value: at ';', or at a blank if another `name=` follows without a ';'. */
static size_t value_end(struct span s, size_t at)
{
	size_t end = at;
	while (end < s.n && s.p[end] != ';') {
		if (lex_is_blank(s.p[end])) {
			size_t next = lex_skip(s, end), k = next;
			while (k < s.n && k - next < 32 && !ends_token(s.p[k]) && s.p[k] != '=' &&
			       s.p[k] != '"')
				k++;
			if (k < s.n && k > next && s.p[k] == '=' && k + 1 < s.n)
				break;
			end = next > end ? next : end + 1;
			continue;
		}
		end++;
	}
	return end > s.n ? s.n : end;
}

/* One `name=value` at `at`; returns where the next begins. */
static size_t read_param(struct span s, size_t at, struct param_list *list)
{
	size_t name = at;
	while (at < s.n && s.p[at] != '=' && s.p[at] != ';')
		at++;
	if (at >= s.n || s.p[at] == ';')
		return at;
	struct param p = {.name = span_trim((struct span){s.p + name, at - name})};
	at = lex_skip(s, at + 1);
	size_t start = at;
	if (at < s.n && s.p[at] == '"')
		at = lex_quoted(s, at);
	else
		at = value_end(s, at);
	p.value = span_trim((struct span){s.p + start, at - start});
	if (p.name.n && list->count < PARAM_MAX)
		list->items[list->count++] = p;
	return at;
}

void param_parse(struct span raw, struct param_list *list_out)
{
	list_out->count = 0;
	size_t at = lex_skip(raw, 0), start = at;
	while (at < raw.n && raw.p[at] != ';' && raw.p[at] != '(')
		at++;
	list_out->value = span_trim((struct span){raw.p + start, at - start});
	size_t blank = 0;
	while (blank < list_out->value.n && !lex_is_blank(list_out->value.p[blank]))
		blank++;
	if (blank < list_out->value.n) {
		struct span rest = {list_out->value.p + blank, list_out->value.n - blank};
		if (span_find_byte(rest, '=') < rest.n) {
			list_out->value.n = blank;
			at = start + blank;
		}
	}
	while (at < raw.n) {
		at = lex_skip(raw, at);
		if (at < raw.n && raw.p[at] == ';')
			at++;
		else if (at < raw.n)
			at = read_param(raw, at, list_out);
	}
}

/* A name in three parts: base, section (-1 none), extended ('*' at the end). */
struct section {
	struct span base;
	int number;
	bool extended;
};

static struct section section_of(struct span name)
{
	struct section s = {.base = name, .number = -1};
	if (s.base.n && s.base.p[s.base.n - 1] == '*') {
		s.extended = true;
		s.base.n--;
	}
	size_t star = span_find_byte(s.base, '*');
	uint64_t number;
	if (star < s.base.n) {
		struct span digits = {s.base.p + star + 1, s.base.n - star - 1};
		if (span_to_u64(digits, PARAM_MAX, &number)) {
			s.number = (int)number;
			s.base.n = star;
		}
	}
	return s;
}

static void put_percent(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int high, low;
		if (s.p[i] == '%' && i + 2 < s.n && (high = transfer_hex(s.p[i + 1])) >= 0 &&
		    (low = transfer_hex(s.p[i + 2])) >= 0) {
			buf_put_byte(out, (uint8_t)(high << 4 | low));
			i += 2;
		} else {
			buf_put_byte(out, s.p[i]);
		}
	}
}

/* Appends one section's bytes to d->bytes. first: an extended one begins with charset'language'. */
static void put_section(struct decode *d, struct span value, bool extended, bool first,
			unsigned *charset)
{
	d->words.n = 0;
	lex_unquote(value, &d->words);
	struct span s = buf_span(&d->words);
	if (extended && first) {
		size_t one = span_find_byte(s, '\'');
		struct span rest = one < s.n ? (struct span){s.p + one + 1, s.n - one - 1}
					     : (struct span){0};
		size_t two = span_find_byte(rest, '\'');
		if (one < s.n && two < rest.n) {
			*charset = charset_find((struct span){s.p, one});
			s = (struct span){rest.p + two + 1, rest.n - two - 1};
		}
	}
	if (extended)
		put_percent(s, &d->bytes);
	else
		buf_put_span(&d->bytes, s);
}

/* Sections name*0, name*1, … or name* alone; false if there are none. */
static bool get_extended(struct decode *d, const struct param_list *list, struct span name,
			 unsigned *charset)
{
	bool any = false;
	d->bytes.n = 0;
	for (int want = 0; want <= (int)list->count; want++) {
		bool found = false;
		for (size_t i = 0; i < list->count && !found; i++) {
			struct section s = section_of(list->items[i].name);
			bool whole = want == 0 && s.number < 0 && s.extended;
			if ((s.number != want && !whole) || !span_ieq(s.base, name))
				continue;
			put_section(d, list->items[i].value, s.extended, !any, charset);
			found = any = true;
			if (whole)
				return true;
		}
		if (!found && want > 0)
			break;
	}
	return any;
}

static const struct param *find_plain(const struct param_list *list, struct span name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (span_ieq(list->items[i].name, name))
			return &list->items[i];
	}
	return NULL;
}

struct span param_bytes(struct decode *d, const struct param_list *list, const char *name)
{
	const struct param *p = find_plain(list, span_cstr(name));
	if (!p)
		return (struct span){0};
	if (p->value.n == 0 || p->value.p[0] != '"')
		return p->value;
	d->bytes.n = 0;
	lex_unquote(p->value, &d->bytes);
	return arena_span(d->arena, buf_span(&d->bytes));
}

struct span param_get(struct decode *d, const struct param_list *list, const char *name)
{
	unsigned charset = CHARSET_UNKNOWN;
	if (get_extended(d, list, span_cstr(name), &charset)) {
		d->text.n = 0;
		charset_decode(d->charsets, charset, buf_span(&d->bytes), &d->text);
		return encoded_word_text(d, arena_span(d->arena, buf_span(&d->text)));
	}
	struct span raw = param_bytes(d, list, name);
	return raw.n ? encoded_word_text(d, raw) : raw;
}
