#include "parser/tnef.h"

#define MAGIC 0x223e9f78u
#define HEAD_BYTES 6u
#define ATTRIBUTE_BYTES 9u
#define CHECKSUM_BYTES 2u
#define VALUES_MAX 100000u /* properties of a list, values of a property */

/* Attributes: the lower half of the id; the upper one is a type that adds nothing. */
enum {
	ATT_BODY = 0x800c,
	ATT_ATTACH_DATA = 0x800f,
	ATT_ATTACH_TITLE = 0x8010,
	ATT_ATTACH_RENDER = 0x9002,
	ATT_MAPI_PROPS = 0x9003,
	ATT_ATTACHMENT = 0x9005,
	ATT_OEM_CODE_PAGE = 0x9007,
};

/* Properties and the types of their values. */
enum {
	PROP_BODY = 0x1000,
	PROP_RTF = 0x1009,
	PROP_HTML = 0x1013,
	PROP_ATTACH_DATA = 0x3701,
	PROP_ATTACH_NAME = 0x3704,
	PROP_ATTACH_LONG_NAME = 0x3707,
	PROP_ATTACH_TYPE = 0x370e,
	PROP_ATTACH_CID = 0x3712,
	PROP_INTERNET_CODE_PAGE = 0x3fde,
	TYPE_I16 = 0x02,
	TYPE_I32 = 0x03,
	TYPE_FLOAT = 0x04,
	TYPE_ERROR = 0x0a,
	TYPE_BOOL = 0x0b,
	TYPE_OBJECT = 0x0d,
	TYPE_STRING = 0x1e,
	TYPE_UNICODE = 0x1f,
	TYPE_GUID = 0x48,
	TYPE_BINARY = 0x102,
	TYPE_MANY = 0x1000,
	NAMED_FROM = 0x8000,
	GUID_BYTES = 16,
};

struct cursor {
	struct span rest;
	bool bad; /* something was not there */
};

static struct span take(struct cursor *c, size_t n)
{
	if (n > c->rest.n) {
		c->bad = true;
		n = c->rest.n;
	}
	struct span taken = {c->rest.p, n};
	c->rest = span_sub(c->rest, n, c->rest.n);
	return taken;
}

static uint32_t take_u32(struct cursor *c)
{
	struct span s = take(c, 4);
	if (s.n < 4)
		return 0;
	return (uint32_t)s.p[0] | (uint32_t)s.p[1] << 8 | (uint32_t)s.p[2] << 16 |
	       (uint32_t)s.p[3] << 24;
}

/* Bytes whose count stands before them, filled up to a multiple of four. */
static struct span take_counted(struct cursor *c)
{
	uint32_t n = take_u32(c);
	struct span s = take(c, n);
	if (n % 4)
		take(c, 4 - n % 4);
	return s;
}

static size_t fixed_bytes(unsigned type)
{
	switch (type) {
	case TYPE_I16:
	case TYPE_I32:
	case TYPE_FLOAT:
	case TYPE_ERROR:
	case TYPE_BOOL:
		return 4;
	case TYPE_GUID:
		return GUID_BYTES;
	default:
		return 8;
	}
}

static bool is_counted(unsigned type)
{
	return type == TYPE_OBJECT || type == TYPE_STRING || type == TYPE_UNICODE ||
	       type == TYPE_BINARY;
}

static struct tnef_text without_nul(struct span s, bool utf16)
{
	size_t unit = utf16 ? 2 : 1;
	s.n -= s.n % unit;
	while (s.n >= unit && s.p[s.n - 1] == 0 && s.p[s.n - unit] == 0)
		s.n -= unit;
	return (struct tnef_text){s, utf16};
}

static struct tnef_file *add(struct tnef *t, enum tnef_kind kind)
{
	if (t->count == t->cap) {
		t->limited = true;
		return NULL;
	}
	struct tnef_file *f = &t->files[t->count++];
	*f = (struct tnef_file){.kind = kind};
	return f;
}

static void add_body(struct tnef *t, enum tnef_kind kind, struct tnef_text data)
{
	struct tnef_file *f = data.s.n ? add(t, kind) : NULL;
	if (f)
		f->data = data;
}

struct property {
	unsigned id, type;
	struct span value; /* the first */
};

/* Moves past one property; keeps its first value. */
static struct property take_property(struct cursor *c)
{
	uint32_t tag = take_u32(c), count = 1;
	struct property p = {tag >> 16, tag & 0xffff, {0}};
	if (p.id >= NAMED_FROM) {
		take(c, GUID_BYTES);
		if (take_u32(c) == 0)
			take_u32(c);
		else
			take_counted(c);
	}
	bool many = p.type & TYPE_MANY;
	p.type &= ~(unsigned)TYPE_MANY;
	if (many || is_counted(p.type))
		count = take_u32(c);
	if (count > VALUES_MAX)
		c->bad = true;
	for (uint32_t i = 0; i < count && !c->bad; i++) {
		struct span value = is_counted(p.type) ? take_counted(c)
						       : take(c, fixed_bytes(p.type));
		if (i == 0)
			p.value = value;
	}
	return p;
}

static uint32_t number(struct span s)
{
	struct cursor c = {.rest = s};
	return take_u32(&c);
}

static void read_message_property(struct tnef *t, const struct property *p)
{
	struct tnef_text text = without_nul(p->value, p->type == TYPE_UNICODE);
	if (p->id == PROP_BODY)
		add_body(t, TNEF_BODY_PLAIN, text);
	else if (p->id == PROP_HTML)
		add_body(t, TNEF_BODY_HTML, (struct tnef_text){p->value, text.utf16});
	else if (p->id == PROP_RTF)
		add_body(t, TNEF_BODY_RTF, (struct tnef_text){p->value, false});
	else if (p->id == PROP_INTERNET_CODE_PAGE && p->type == TYPE_I32)
		t->html_code_page = number(p->value);
}

static void read_attachment_property(struct tnef_file *f, const struct property *p)
{
	struct tnef_text text = without_nul(p->value, p->type == TYPE_UNICODE);
	if (p->id == PROP_ATTACH_LONG_NAME || (p->id == PROP_ATTACH_NAME && f->name.s.n == 0)) {
		f->name = text;
	} else if (p->id == PROP_ATTACH_TYPE) {
		f->type = text;
	} else if (p->id == PROP_ATTACH_CID) {
		f->cid = text;
	} else if (p->id == PROP_ATTACH_DATA && p->type == TYPE_OBJECT) {
		/* What an object is stands before it; the one we know is a message. */
		f->data.s = span_sub(p->value, GUID_BYTES, p->value.n);
		if (tnef_is(f->data.s))
			f->kind = TNEF_MESSAGE;
	} else if (p->id == PROP_ATTACH_DATA && f->data.s.n == 0) {
		f->data.s = p->value;
	}
}

/* f NULL: of the message. */
static void read_properties(struct tnef *t, struct span data, struct tnef_file *f)
{
	struct cursor c = {.rest = data};
	uint32_t count = take_u32(&c);
	for (uint32_t i = 0; i < count && i < VALUES_MAX; i++) {
		struct property p = take_property(&c);
		if (c.bad) {
			t->limited = true;
			break;
		}
		if (f)
			read_attachment_property(f, &p);
		else
			read_message_property(t, &p);
	}
}

static void read_attribute(struct tnef *t, unsigned id, struct span data, struct tnef_file **open)
{
	if (id == ATT_ATTACH_RENDER)
		*open = add(t, TNEF_ATTACHMENT);
	else if (id == ATT_OEM_CODE_PAGE)
		t->code_page = number(data);
	else if (id == ATT_BODY)
		add_body(t, TNEF_BODY_PLAIN, without_nul(data, false));
	else if (id == ATT_MAPI_PROPS)
		read_properties(t, data, NULL);
	if (!*open)
		return;
	if (id == ATT_ATTACH_DATA)
		(*open)->data.s = data;
	else if (id == ATT_ATTACH_TITLE && (*open)->name.s.n == 0)
		(*open)->name = without_nul(data, false);
	else if (id == ATT_ATTACHMENT)
		read_properties(t, data, *open);
}

bool tnef_is(struct span s)
{
	return s.n >= HEAD_BYTES && number(s) == MAGIC;
}

bool tnef_read(struct tnef *t)
{
	struct cursor c = {.rest = span_sub(t->octets, HEAD_BYTES, t->octets.n)};
	struct tnef_file *open = NULL;
	t->count = 0;
	t->limited = false;
	t->code_page = t->html_code_page = 0;
	if (!tnef_is(t->octets))
		return false;
	while (c.rest.n >= ATTRIBUTE_BYTES) {
		take(&c, 1);
		uint32_t id = take_u32(&c);
		struct span data = take(&c, take_u32(&c));
		read_attribute(t, id & 0xffff, data, &open);
		take(&c, CHECKSUM_BYTES);
	}
	t->limited |= c.bad;
	return true;
}
