#include "parser/embedded.h"
#include "parser/apple_file.h"
#include "parser/rtf_unpack.h"
#include "parser/tnef.h"
#include "parser/uuencode.h"

#include <stdio.h>

#define NAME_MAX_BYTES 255u
#define RTF_BYTES_MAX (8u << 20)
#define OCTETS SPAN_LIT("application/octet-stream")

static bool is_uu_text(const struct mime_part *p)
{
	return p->kind == MIME_TEXT_PLAIN && p->encoding == TRANSFER_NONE && p->body.n > 0;
}

bool embedded_in_text(const struct mime_part *part)
{
	struct uuencode_block block;
	return is_uu_text(part) && uuencode_next(part->body, 0, &block);
}

/* The UTF-8 of `in` in the arena. */
static struct span decoded(struct decode *d, unsigned charset, struct span in)
{
	d->text.n = 0;
	charset_decode(d->charsets, charset, in, &d->text);
	return arena_span(d->arena, buf_span(&d->text));
}

/* One line of text without control characters. */
static struct span label(struct decode *d, unsigned charset, struct span in)
{
	struct span s = decoded(d, charset, in);
	uint8_t *p = arena_copy(d->arena, s.p, s.n);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= ' ' && s.p[i] != 0x7f)
			p[n++] = s.p[i];
	}
	return (struct span){p, n};
}

static struct embedded_file *add(struct decode *d, struct embedded_list *list)
{
	if (list->count == EMBEDDED_MAX)
		return NULL;
	if ((list->count & (list->count - 1)) == 0) {
		struct embedded_file *grown =
			arena_array(d->arena, list->count ? 2 * list->count : 1, sizeof(*grown));
		if (list->files)
			memcpy(grown, list->files, list->count * sizeof(*grown));
		list->files = grown;
	}
	return &list->files[list->count++];
}

static void find_uu(struct decode *d, const struct mime_part *part, struct embedded_list *list)
{
	struct uuencode_block block;
	for (size_t at = 0; uuencode_next(part->body, at, &block);) {
		struct embedded_file *f = add(d, list);
		if (!f)
			return;
		*f = (struct embedded_file){.name = label(d, CHARSET_UNKNOWN, block.name),
					    .type = OCTETS,
					    .body = block.lines,
					    .encoding = TRANSFER_UU};
		at = block.offset + block.lines.n;
	}
}

static unsigned code_page_charset(uint32_t code_page)
{
	char name[16];
	if (code_page == 65001)
		return CHARSET_UTF8;
	snprintf(name, sizeof(name), "cp%u", (unsigned)code_page);
	return charset_find(span_cstr(name));
}

static unsigned charset_of(const struct tnef *t, const struct tnef_text *text)
{
	return text->utf16 ? charset_find(SPAN_LIT("utf-16le")) : code_page_charset(t->code_page);
}

static struct span tnef_label(struct decode *d, const struct tnef *t, const struct tnef_text *text)
{
	return label(d, charset_of(t, text), span_sub(text->s, 0, 2 * NAME_MAX_BYTES));
}

static struct span unpacked_rtf(struct decode *d, struct span packed)
{
	struct buf rtf;
	buf_init(&rtf, RTF_BYTES_MAX);
	bool ours = rtf_unpack(packed, &rtf);
	struct span s = ours ? arena_span(d->arena, buf_span(&rtf)) : packed;
	buf_fini(&rtf);
	return s;
}

static struct span html_charset(struct decode *d, const struct tnef *t, bool utf16)
{
	if (utf16)
		return SPAN_LIT("utf-16le");
	if (t->html_code_page == 65001)
		return SPAN_LIT("utf-8");
	return t->html_code_page
		       ? span_cstr(arena_printf(d->arena, "cp%u", (unsigned)t->html_code_page))
		       : (struct span){0};
}

/* A media type, or that of octets: it comes from outside. */
static struct span type_or_octets(struct span type)
{
	size_t slash = span_find_byte(type, '/');
	bool good = slash > 0 && slash + 1 < type.n && type.n <= 127;
	for (size_t i = 0; i < type.n && good; i++)
		good = type.p[i] > ' ' && type.p[i] < 0x7f &&
		       !strchr("()<>@,;:\\\"[]?=", type.p[i]);
	return good ? type : OCTETS;
}

static void put_tnef_file(struct decode *d, const struct tnef *t, const struct tnef_file *from,
			  struct embedded_file *to)
{
	*to = (struct embedded_file){.body = from->data.s};
	switch (from->kind) {
	case TNEF_BODY_PLAIN:
		to->type = SPAN_LIT("text/plain");
		to->charset = SPAN_LIT("utf-8");
		to->body = decoded(d, charset_of(t, &from->data), from->data.s);
		return;
	case TNEF_BODY_HTML:
		to->type = SPAN_LIT("text/html");
		to->charset = html_charset(d, t, from->data.utf16);
		return;
	case TNEF_BODY_RTF:
		to->type = SPAN_LIT("application/rtf");
		to->body = unpacked_rtf(d, from->data.s);
		return;
	case TNEF_MESSAGE:
		to->type = SPAN_LIT("application/vnd.ms-tnef");
		break;
	case TNEF_ATTACHMENT:
		to->type = type_or_octets(tnef_label(d, t, &from->type));
		break;
	}
	to->name = tnef_label(d, t, &from->name);
	to->cid = tnef_label(d, t, &from->cid);
}

static void find_tnef(struct decode *d, struct span octets, struct embedded_list *list)
{
	struct tnef t = {.octets = octets};
	size_t room = octets.n / TNEF_FILE_BYTES + 1;
	if (!tnef_is(octets))
		return;
	t.cap = room < EMBEDDED_MAX ? (unsigned)room : EMBEDDED_MAX;
	t.files = arena_array(d->arena, t.cap, sizeof(struct tnef_file));
	if (!tnef_read(&t))
		return;
	for (unsigned i = 0; i < t.count; i++) {
		struct embedded_file *f = add(d, list);
		if (f)
			put_tnef_file(d, &t, &t.files[i], f);
	}
}

static void find_apple(struct decode *d, struct span octets, struct embedded_list *list)
{
	struct apple_file apple;
	struct embedded_file *f = apple_file_read(octets, &apple) ? add(d, list) : NULL;
	if (f)
		*f = (struct embedded_file){
			.name = label(d, charset_find(SPAN_LIT("macintosh")), apple.name),
			.type = OCTETS,
			.body = apple.data};
}

static bool is_tnef(const struct mime_part *p)
{
	return span_eq(p->type, SPAN_LIT("application/ms-tnef")) ||
	       span_eq(p->type, SPAN_LIT("application/vnd.ms-tnef")) ||
	       span_ieq(p->name, SPAN_LIT("winmail.dat"));
}

void embedded_find(struct decode *d, const struct mime_part *part, struct embedded_list *out)
{
	bool apple = span_eq(part->type, SPAN_LIT("application/applefile"));
	*out = (struct embedded_list){0};
	if (is_uu_text(part)) {
		find_uu(d, part, out);
	} else if (part->kind != MIME_MULTIPART && (apple || is_tnef(part))) {
		struct span octets = mime_part_octets(d, part);
		if (part->encoding != TRANSFER_NONE)
			octets = arena_span(d->arena, octets);
		if (apple)
			find_apple(d, octets, out);
		else
			find_tnef(d, octets, out);
	}
}

struct span embedded_octets(struct decode *d, const struct embedded_file *file)
{
	if (file->encoding == TRANSFER_NONE)
		return file->body;
	d->bytes.n = 0;
	transfer_decode(file->encoding, file->body, &d->bytes);
	return buf_span(&d->bytes);
}

bool embedded_by_id(struct decode *d, const struct mime_message *m, struct span id,
		    struct embedded_file *file_out)
{
	struct embedded_list list;
	uint64_t number;
	size_t dot = id.n;
	while (dot > 0 && id.p[dot - 1] != '.')
		dot--;
	if (dot < 2 || !span_to_u64(span_sub(id, dot, id.n), EMBEDDED_MAX, &number))
		return false;
	uint32_t part = mime_part_find(m, span_sub(id, 0, dot - 1));
	if (part == MIME_NONE)
		return false;
	embedded_find(d, &m->parts[part], &list);
	if (number == 0 || number > list.count)
		return false;
	*file_out = list.files[number - 1];
	return true;
}
