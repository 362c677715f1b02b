#include "fetcher/mailbox.h"

#include <stdlib.h>

#include "common/wire/pack.h"
#include "fetcher/imap_resp.h"
#include "fetcher/mailbox_role.h"

#define CURSOR_DONE 1u
#define CURSOR_RETIRED 2u
#define CURSOR_NOTED 4u

static const struct {
	const char *attribute, *role;
} roles[] = {
	{"\\Sent", "sent"}, {"\\Drafts", "drafts"},   {"\\Trash", "trash"}, {"\\Junk", "junk"},
	{"\\Spam", "junk"}, {"\\Archive", "archive"}, {"\\All", "all"},	    {"\\AllMail", "all"},
};

struct mailbox *mailbox_new(struct span path, int delimiter)
{
	struct mailbox *mailbox;

	if (path.n == 0 || path.n > MAILBOX_PATH_MAX)
		return NULL;
	mailbox = calloc(1, sizeof(*mailbox));
	if (!mailbox)
		abort();
	(void)mailbox_path_set(mailbox, path, delimiter);
	return mailbox;
}

bool mailbox_path_set(struct mailbox *mailbox, struct span path, int delimiter)
{
	if (path.n == 0 || path.n > MAILBOX_PATH_MAX)
		return false;
	free(mailbox->path);
	mailbox->path = malloc(path.n);
	if (!mailbox->path)
		abort();
	memcpy(mailbox->path, path.p, path.n);
	mailbox->path_bytes = path.n;
	mailbox->delimiter = delimiter;
	return true;
}

void mailbox_id_set(struct mailbox_id *to, struct span from)
{
	if (from.n > MAILBOX_ID_MAX)
		from = span_sub(from, from.n - MAILBOX_ID_MAX, from.n);
	to->n = from.n;
	if (from.n)
		memcpy(to->b, from.p, from.n);
}

static bool id_eq_bytes(const struct mailbox_id *a, const struct mailbox_id *b)
{
	return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

bool mailbox_id_same(const struct mailbox_id *a, const struct mailbox_id *b)
{
	return a->n && id_eq_bytes(a, b);
}

bool mailbox_id_other(const struct mailbox_id *a, const struct mailbox_id *b)
{
	return a->n && b->n && !id_eq_bytes(a, b);
}

void mailbox_free_all(struct mailbox **list)
{
	while (*list) {
		struct mailbox *mailbox = *list;

		*list = mailbox->next;
		free(mailbox->path);
		free(mailbox->late);
		free(mailbox);
	}
}

void mailbox_role_set(struct mailbox *mailbox, struct span attributes, bool by_name)
{
	const char *role = "";

	if (span_ieq(mailbox_path(mailbox), SPAN_LIT("INBOX")))
		role = "inbox";
	for (size_t i = 0; !*role && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (imap_words_have(attributes, roles[i].attribute))
			role = roles[i].role;
	if (!*role && by_name)
		role = mailbox_role_by_name(mailbox_path(mailbox), mailbox->delimiter);
	memset(mailbox->role, 0, sizeof(mailbox->role));
	memcpy(mailbox->role, role, strlen(role));
}

bool mailbox_is(const struct mailbox *mailbox, const char *role)
{
	return strcmp(mailbox->role, role) == 0;
}

unsigned mailbox_place_bits(const struct mailbox *mailbox)
{
	return mailbox_is(mailbox, "sent")     ? 1u
	       : mailbox_is(mailbox, "inbox")  ? 2u
	       : mailbox_is(mailbox, "drafts") ? 4u
					       : 0u;
}

bool mailbox_cursor_eq(const struct mailbox_cursor *a, const struct mailbox_cursor *b)
{
	return a->validity == b->validity && a->next == b->next && a->back == b->back &&
	       a->modseq == b->modseq && a->since_ms == b->since_ms && a->until_ms == b->until_ms &&
	       a->done == b->done && a->retired == b->retired && a->noted == b->noted &&
	       a->full_ms == b->full_ms && a->doubt_ms == b->doubt_ms && a->remote == b->remote;
}

static void encode_cursor(const struct mailbox_cursor *cursor, struct buf *out)
{
	pack_put_array(out, 8);
	pack_put_u64(out, cursor->next);
	pack_put_u64(out, cursor->modseq);
	pack_put_u64(out, cursor->back);
	pack_put_i64(out, cursor->since_ms);
	pack_put_i64(out, cursor->until_ms);
	pack_put_u64(out, (cursor->done ? CURSOR_DONE : 0) |
				  (cursor->retired ? CURSOR_RETIRED : 0) |
				  (cursor->noted ? CURSOR_NOTED : 0));
	pack_put_i64(out, cursor->full_ms);
	pack_put_i64(out, cursor->doubt_ms);
}

void mailbox_encode(const struct mailbox *mailbox, const struct mailbox_cursor *cursor,
		    struct buf *out)
{
	const uint8_t delimiter = (uint8_t)mailbox->delimiter;
	struct buf inner;

	buf_init(&inner, 128);
	encode_cursor(cursor, &inner);
	pack_put_array(out, 8);
	pack_put_str(out, mailbox_path(mailbox));
	pack_put_str(out, span_make(&delimiter, mailbox->delimiter < 0 ? 0 : 1));
	pack_put_cstr(out, mailbox->role);
	pack_put_u64(out, cursor->validity);
	pack_put_str(out, buf_span(&inner));
	pack_put_u64(out, cursor->remote);
	pack_put_u64(out, 0); /* stored: counted where it is written */
	pack_put_str(out, span_make(mailbox->id.b, mailbox->id.n));
	buf_fini(&inner);
}

static bool decode_cursor(struct span value, struct mailbox_cursor *cursor)
{
	struct pack_reader r = pack_reader_make(value);
	size_t n = pack_read_array(&r);
	uint64_t flags;

	if (n < 6)
		return false;
	cursor->next = (uint32_t)pack_read_u64(&r);
	cursor->modseq = pack_read_u64(&r);
	cursor->back = (uint32_t)pack_read_u64(&r);
	cursor->since_ms = pack_read_i64(&r);
	cursor->until_ms = pack_read_i64(&r);
	flags = pack_read_u64(&r);
	cursor->done = flags & CURSOR_DONE;
	cursor->retired = flags & CURSOR_RETIRED;
	cursor->noted = flags & CURSOR_NOTED;
	if (n > 7) { /* an older fetcher writes six */
		cursor->full_ms = pack_read_i64(&r);
		cursor->doubt_ms = pack_read_i64(&r);
	}
	pack_skip_n(&r, n > 7 ? n - 8 : n - 6);
	return pack_done(&r);
}

enum err_code mailbox_decode(uint32_t number, struct span value, struct mailbox **mailbox_out)
{
	struct pack_reader r = pack_reader_make(value);
	size_t n = pack_read_array(&r);
	struct span path = pack_read_bytes(&r), delimiter = pack_read_bytes(&r),
		    role = pack_read_bytes(&r), cursor, own = SPAN_LIT("");
	struct mailbox_cursor c = {0};
	struct mailbox *mailbox;

	c.validity = (uint32_t)pack_read_u64(&r);
	cursor = pack_read_bytes(&r);
	c.remote = (uint32_t)pack_read_u64(&r);
	(void)pack_read_u64(&r);
	if (n > 7)
		own = pack_read_bytes(&r);
	if (n < 7 || r.bad || role.n >= MAILBOX_ROLE_MAX || !decode_cursor(cursor, &c))
		return ERR_PERM;
	mailbox = mailbox_new(path, delimiter.n == 1 ? delimiter.p[0] : -1);
	if (!mailbox)
		return ERR_PERM;
	memcpy(mailbox->role, role.p, role.n);
	mailbox->number = number;
	mailbox_id_set(&mailbox->id, own);
	mailbox->cursor = mailbox->told = c;
	mailbox->known = c.validity != 0 && !c.noted;
	*mailbox_out = mailbox;
	return ERR_OK;
}

/* The highest of them stay. */
static void late_add(struct mailbox *mailbox, uint32_t uid)
{
	if (mailbox->late_count == MAILBOX_LATE_MAX) {
		memmove(mailbox->late, mailbox->late + 1,
			(MAILBOX_LATE_MAX - 1) * sizeof(mailbox->late[0]));
		mailbox->late_count--;
	}
	mailbox->late[mailbox->late_count++] = uid;
	mailbox->looks = 0;
}

void mailbox_late_note(struct mailbox *mailbox, uint32_t low, uint32_t next,
		       bool (*came)(const void *ctx, uint32_t uid), const void *ctx)
{
	unsigned kept = 0;
	const uint32_t from = next - low > MAILBOX_LATE_MAX ? next - MAILBOX_LATE_MAX : low;

	for (unsigned i = 0; i < mailbox->late_count; i++)
		if (!came(ctx, mailbox->late[i]) && (low >= next || mailbox->late[i] < from))
			mailbox->late[kept++] = mailbox->late[i];
	mailbox->late_count = kept;
	for (uint32_t uid = from; low < next && uid < next; uid++) {
		if (came(ctx, uid))
			continue;
		if (!mailbox->late)
			mailbox->late = calloc(MAILBOX_LATE_MAX, sizeof(mailbox->late[0]));
		if (!mailbox->late)
			abort();
		late_add(mailbox, uid);
	}
}
