#include "linker/dump.h"

#include "common/base/code.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "linker/scan.h"

#include <stdlib.h>

#define MEMBER_BYTES (4u + ID_BYTES)

struct line {
	const char *sorted; /* by this, then by order */
	size_t order;
	const char *rest; /* printed behind it */
};

struct dump {
	struct store *store;
	struct arena *arena; /* of all lines */
	struct span prefix; /* of the timelines' keys */
	struct span timeline;
	struct line *lines;
	size_t count, room;
	uint64_t others;
};

static void add_line(struct dump *d, const char *sorted, const char *rest)
{
	if (d->count == d->room) {
		d->room = d->room ? d->room * 2 : 1024;
		d->lines = realloc(d->lines, d->room * sizeof(*d->lines));
		if (!d->lines)
			abort();
	}
	d->lines[d->count] = (struct line){sorted, d->count, rest};
	d->count++;
}

/* "<account number> <thread>" of a member. */
static const char *member_text(struct arena *arena, struct span member)
{
	char thread[ID_CHARS + 1];
	uint32_t number = 0;
	struct id id;

	if (member.n != MEMBER_BYTES)
		return "? ?";
	for (size_t i = 0; i < 4; i++)
		number = number << 8 | member.p[i];
	memcpy(id.b, member.p + 4, ID_BYTES);
	id_format(&id, thread);
	return arena_printf(arena, "%u %s", number, thread);
}

static enum err_code timeline_member(void *ctx, struct span name, struct span value, struct err *e)
{
	struct dump *d = ctx;

	(void)e;
	add_line(d,
		 arena_printf(d->arena, "timeline %.*s %.*s %s", (int)d->timeline.n,
			      (const char *)d->timeline.p, (int)value.n, (const char *)value.p,
			      member_text(d->arena, name)),
		 "");
	return ERR_OK;
}

static enum err_code timeline(void *ctx, struct span name, struct span value, struct err *e)
{
	struct dump *d = ctx;

	(void)value;
	d->timeline = span_sub(name, d->prefix.n, name.n);
	return scan_zset(d->store, name, timeline_member, d, e);
}

static enum err_code placed(void *ctx, struct span name, struct span value, struct err *e)
{
	struct dump *d = ctx;
	struct pack_reader r = pack_reader_make(value);
	size_t count = pack_read_array(&r);
	char *line = arena_printf(d->arena, "placed %s", member_text(d->arena, name));

	(void)e;
	for (size_t i = 0; i < count && !r.bad; i++) {
		struct span suffix = pack_read_bytes(&r);

		line = arena_printf(d->arena, "%s %.*s", line, (int)suffix.n,
				    (const char *)suffix.p);
	}
	add_line(d, line, "");
	return ERR_OK;
}

static enum err_code applied(void *ctx, struct span name, struct span value, struct err *e)
{
	struct dump *d = ctx;

	(void)e;
	add_line(d,
		 arena_printf(d->arena, "applied %.*s %.*s", (int)name.n, (const char *)name.p,
			      (int)value.n, (const char *)value.p),
		 "");
	return ERR_OK;
}

/* In the stream's order for each account. */
static enum err_code event(void *ctx, struct span name, struct span value, struct err *e)
{
	struct dump *d = ctx;
	uint32_t number;
	uint64_t n;

	(void)name;
	(void)e;
	if (scan_event_read(value, &number, &n))
		add_line(d, arena_printf(d->arena, "event %u", number),
			 arena_printf(d->arena, " %llu", (unsigned long long)n));
	else
		d->others++;
	return ERR_OK;
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->sorted, y->sorted);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void print(struct dump *d, FILE *out)
{
	if (d->count > 0)
		qsort(d->lines, d->count, sizeof(*d->lines), compare);
	for (size_t i = 0; i < d->count; i++)
		fprintf(out, "%s%s\n", d->lines[i].sorted, d->lines[i].rest);
	fprintf(out, "other %llu\n", (unsigned long long)d->others);
}

enum err_code dump_company(struct store *store, struct span company, FILE *out, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct dump d = {.store = store, .arena = arena};
	enum err_code code;

	d.prefix = key_company(arena, company, KEY_C_TIMELINE);
	code = scan_keys(store, d.prefix, timeline, &d, e);
	if (code == ERR_OK)
		code = scan_hash(store, key_company(arena, company, KEY_C_PLACED), placed, &d, e);
	if (code == ERR_OK)
		code = scan_hash(store, key_company(arena, company, KEY_C_APPLIED), applied, &d, e);
	if (code == ERR_OK)
		code = scan_events(store, company, event, &d, e);
	if (code == ERR_OK)
		print(&d, out);
	free(d.lines);
	arena_free(&arena);
	return code;
}
