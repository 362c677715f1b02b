/* One whole response (imap_resp_parse). */
#include "fetcher/imap_resp.h"
#include "fetcher/imap_value.h"

static bool word_status(struct span word, enum imap_word *status_out)
{
	static const char *const words[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(word, span_cstr(words[i]))) {
			*status_out = (enum imap_word)i;
			return true;
		}
	return false;
}

static void code_mailbox_id(struct imap_resp *r)
{
	struct imap_cursor c = {(uint8_t *)(uintptr_t)r->code_args.p,
				(uint8_t *)(uintptr_t)r->code_args.p + r->code_args.n};

	if (!imap_object_id(&c, &r->mailbox_id))
		r->mailbox_id = span_make(NULL, 0);
}

/* `[CODE args] text`; a bracket that never closes is text. */
static void parse_text(struct imap_cursor *c, struct imap_resp *r)
{
	struct span all = span_make(c->p, (size_t)(c->end - c->p));
	size_t end = span_find_byte(all, ']'), blank;

	if (!imap_at(c, '[') || end == all.n) {
		r->text = all;
		return;
	}
	r->code = span_sub(all, 1, end - 1);
	blank = span_find_byte(r->code, ' ');
	r->code_args = span_sub(r->code, blank + 1, r->code.n);
	r->code = span_sub(r->code, 0, blank);
	if (span_ieq(r->code, SPAN_LIT("MAILBOXID")))
		code_mailbox_id(r);
	r->text = span_trim(span_sub(all, end + 1, all.n));
}

/* `("TAG" (values) …)` behind a LIST response; what is not well formed there costs nothing else. */
static void list_extended(struct imap_cursor *c, struct imap_resp *r)
{
	struct span tag, old;

	imap_blanks(c);
	if (!imap_take(c, '('))
		return;
	for (imap_blanks(c); c->p < c->end && !imap_at(c, ')'); imap_blanks(c)) {
		if (!imap_string(c, &tag))
			return;
		imap_blanks(c);
		if (!span_ieq(tag, SPAN_LIT("OLDNAME"))) {
			if (!imap_skip(c))
				return;
			continue;
		}
		if (!imap_take(c, '(') || !imap_string(c, &old))
			return;
		r->old_name = old;
		imap_blanks(c);
		if (!imap_take(c, ')'))
			return;
	}
}

static bool parse_list(struct imap_cursor *c, struct imap_resp *r)
{
	struct span delimiter;

	r->kind = IMAP_LIST;
	if (!imap_list(c, &r->attributes))
		return false;
	imap_blanks(c);
	if (!imap_string(c, &delimiter))
		return false;
	r->delimiter = delimiter.n == 1 ? delimiter.p[0] : -1;
	imap_blanks(c);
	if (!imap_string(c, &r->name))
		return false;
	list_extended(c, r);
	return true;
}

static bool status_item(struct imap_cursor *c, struct span item, struct imap_resp *r)
{
	uint64_t value;

	if (span_ieq(item, SPAN_LIT("MAILBOXID")))
		return imap_object_id(c, &r->mailbox_id);
	if (!imap_u64(c, &value))
		return imap_skip(c);
	if (span_ieq(item, SPAN_LIT("HIGHESTMODSEQ"))) {
		r->modseq = value;
		r->has |= IMAP_HAS_MODSEQ;
	}
	if (value > UINT32_MAX)
		return true;
	if (span_ieq(item, SPAN_LIT("MESSAGES"))) {
		r->messages = (uint32_t)value;
		r->has |= IMAP_HAS_MESSAGES;
	} else if (span_ieq(item, SPAN_LIT("UIDNEXT"))) {
		r->uidnext = (uint32_t)value;
		r->has |= IMAP_HAS_UIDNEXT;
	} else if (span_ieq(item, SPAN_LIT("UIDVALIDITY"))) {
		r->uidvalidity = (uint32_t)value;
		r->has |= IMAP_HAS_UIDVALIDITY;
	}
	return true;
}

static bool parse_status(struct imap_cursor *c, struct imap_resp *r)
{
	struct span item;

	r->kind = IMAP_STATUS;
	if (!imap_string(c, &r->name))
		return false;
	imap_blanks(c);
	if (!imap_take(c, '('))
		return false;
	while (!imap_at(c, ')')) {
		if (!imap_atom(c, &item))
			return false;
		imap_blanks(c);
		if (!status_item(c, item, r))
			return false;
		imap_blanks(c);
	}
	return imap_take(c, ')');
}

static bool parse_search(struct imap_cursor *c, struct imap_resp *r)
{
	struct span all = span_make(c->p, (size_t)(c->end - c->p));

	r->kind = IMAP_SEARCH;
	r->set = span_sub(all, 0, span_find_byte(all, '('));
	return true;
}

/* `(1:500 uids)` or `(1:500 NIL)` (RFC 9394) */
static bool esearch_partial(struct imap_cursor *c, struct imap_resp *r)
{
	struct span range, inside;
	struct imap_cursor in;

	if (!imap_list(c, &inside))
		return false;
	in = (struct imap_cursor){(uint8_t *)(uintptr_t)inside.p,
				  (uint8_t *)(uintptr_t)inside.p + inside.n};
	if (!imap_atom(&in, &range))
		return false;
	imap_blanks(&in);
	return imap_atom(&in, &r->set);
}

static bool parse_esearch(struct imap_cursor *c, struct imap_resp *r)
{
	struct span item;

	r->kind = IMAP_SEARCH;
	if (imap_at(c, '(') && !imap_list(c, &r->tag))
		return false;
	for (imap_blanks(c); c->p < c->end; imap_blanks(c)) {
		if (!imap_atom(c, &item))
			return false;
		imap_blanks(c);
		if (span_ieq(item, SPAN_LIT("UID")))
			continue;
		if (span_ieq(item, SPAN_LIT("ALL"))) {
			if (!imap_atom(c, &r->set))
				return false;
		} else if (span_ieq(item, SPAN_LIT("PARTIAL"))) {
			if (!esearch_partial(c, r))
				return false;
		} else if (c->p < c->end && !imap_skip(c)) {
			return false;
		}
	}
	return true;
}

static bool parse_vanished(struct imap_cursor *c, struct imap_resp *r)
{
	struct span inside;

	r->kind = IMAP_VANISHED;
	if (imap_at(c, '(')) {
		if (!imap_list(c, &inside))
			return false;
		r->earlier = span_ieq(inside, SPAN_LIT("EARLIER"));
		imap_blanks(c);
	}
	return imap_atom(c, &r->set);
}

static bool fetch_body(struct imap_cursor *c, struct imap_resp *r)
{
	struct imap_cursor ahead = *c;
	struct span size;
	const bool was_quoted = imap_at(c, '"');

	if (imap_at(c, '{') && imap_atom(&ahead, &size) && size.p[size.n - 1] == '}') {
		*c = ahead;
		r->body = IMAP_BODY_STREAMED;
		return true;
	}
	if (!imap_string(c, &r->inline_body))
		return false;
	r->body = r->inline_body.p || was_quoted ? IMAP_BODY_INLINE : IMAP_BODY_NIL;
	return true;
}

static bool fetch_date(struct imap_cursor *c, struct imap_resp *r)
{
	struct span value;

	if (!imap_string(c, &value))
		return false;
	if (imap_internaldate(value, &r->date_ms))
		r->has |= IMAP_HAS_DATE;
	return true;
}

static bool fetch_modseq(struct imap_cursor *c, struct imap_resp *r)
{
	struct span inside;

	if (!imap_list(c, &inside))
		return false;
	if (span_to_u64(span_trim(inside), UINT64_MAX, &r->modseq))
		r->has |= IMAP_HAS_MODSEQ;
	return true;
}

static bool fetch_item(struct imap_cursor *c, struct span item, struct imap_resp *r)
{
	if (span_ieq(item, SPAN_LIT("UID"))) {
		r->has |= IMAP_HAS_UID;
		return imap_u32(c, &r->uid) && r->uid > 0;
	}
	if (span_ieq(item, SPAN_LIT("FLAGS"))) {
		r->has |= IMAP_HAS_FLAGS;
		return imap_list(c, &r->attributes);
	}
	if (span_ieq(item, SPAN_LIT("INTERNALDATE")))
		return fetch_date(c, r);
	if (span_ieq(item, SPAN_LIT("RFC822.SIZE"))) {
		if (!imap_u64(c, &r->size))
			return imap_skip(c);
		r->has |= IMAP_HAS_SIZE;
		return true;
	}
	if (span_ieq(item, SPAN_LIT("MODSEQ")))
		return fetch_modseq(c, r);
	if (span_ieq(item, SPAN_LIT("EMAILID")) || span_ieq(item, SPAN_LIT("X-GM-MSGID")))
		return imap_object_id(c, &r->email_id);
	if (span_ieq(item, SPAN_LIT("X-GM-LABELS"))) {
		r->has |= IMAP_HAS_LABELS;
		return imap_list_raw(c, &r->labels);
	}
	if (span_istarts(item, SPAN_LIT("BODY[]")) || span_ieq(item, SPAN_LIT("RFC822")))
		return fetch_body(c, r);
	if (span_istarts(item, SPAN_LIT("BODY[HEADER.FIELDS")))
		return imap_string(c, &r->header);
	return imap_skip(c);
}

static bool parse_fetch(struct imap_cursor *c, struct imap_resp *r)
{
	struct span item;

	r->kind = IMAP_FETCH;
	if (!imap_take(c, '('))
		return false;
	for (imap_blanks(c); !imap_at(c, ')'); imap_blanks(c)) {
		if (!imap_atom(c, &item))
			return false;
		imap_blanks(c);
		if (!fetch_item(c, item, r))
			return false;
	}
	return imap_take(c, ')');
}

/* A line that cannot be read costs that line alone. */
static void damaged(struct imap_resp *r, enum imap_kind kind)
{
	memset(r, 0, sizeof(*r));
	r->delimiter = -1;
	r->kind = kind;
	r->damaged = true;
}

static bool parse_numbered(struct imap_cursor *c, struct imap_resp *r)
{
	struct span word;

	if (!imap_u32(c, &r->number))
		return false;
	imap_blanks(c);
	if (!imap_atom(c, &word))
		return false;
	imap_blanks(c);
	if (span_ieq(word, SPAN_LIT("EXISTS")))
		r->kind = IMAP_EXISTS;
	else if (span_ieq(word, SPAN_LIT("EXPUNGE")))
		r->kind = IMAP_EXPUNGE;
	else if (span_ieq(word, SPAN_LIT("FETCH")) && !parse_fetch(c, r))
		damaged(r, IMAP_FETCH);
	return true;
}

/* `(prefix delimiter more…)`, `(…)(…)` or NIL */
static bool spaces_of(struct imap_cursor *c, unsigned kind, struct imap_resp *r)
{
	struct imap_space space = {.kind = kind};
	struct span delimiter;

	if (!imap_at(c, '('))
		return imap_skip(c);
	c->p++;
	for (imap_blanks(c); !imap_at(c, ')'); imap_blanks(c)) {
		if (!imap_take(c, '(') || !imap_string(c, &space.prefix))
			return false;
		imap_blanks(c);
		if (!imap_string(c, &delimiter))
			return false;
		for (imap_blanks(c); !imap_at(c, ')'); imap_blanks(c))
			if (!imap_skip(c))
				return false;
		c->p++;
		if (r->space_count < IMAP_SPACES_MAX)
			r->spaces[r->space_count++] = space;
	}
	return imap_take(c, ')');
}

static bool parse_namespace(struct imap_cursor *c, struct imap_resp *r)
{
	r->kind = IMAP_NAMESPACE;
	for (unsigned kind = 0; kind < 3; kind++) {
		imap_blanks(c);
		if (!spaces_of(c, kind, r))
			return false;
	}
	return true;
}

static bool parse_capability(struct imap_cursor *c, struct imap_resp *r)
{
	r->kind = IMAP_CAPABILITY;
	r->attributes = span_make(c->p, (size_t)(c->end - c->p));
	return true;
}

static bool parse_enabled(struct imap_cursor *c, struct imap_resp *r)
{
	r->kind = IMAP_ENABLED;
	r->attributes = span_make(c->p, (size_t)(c->end - c->p));
	return true;
}

static bool parse_untagged(struct imap_cursor *c, struct imap_resp *r)
{
	static const struct {
		const char *word;
		bool (*parse)(struct imap_cursor *c, struct imap_resp *r);
	} table[] = {
		{"LIST", parse_list},
		{"XLIST", parse_list},
		{"STATUS", parse_status},
		{"SEARCH", parse_search},
		{"ESEARCH", parse_esearch},
		{"VANISHED", parse_vanished},
		{"CAPABILITY", parse_capability},
		{"ENABLED", parse_enabled},
		{"NAMESPACE", parse_namespace},
	};
	struct span word;

	if (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		return parse_numbered(c, r);
	if (!imap_atom(c, &word))
		return false;
	imap_blanks(c);
	if (word_status(word, &r->status)) {
		r->kind = IMAP_UNTAGGED;
		parse_text(c, r);
		return true;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (span_ieq(word, span_cstr(table[i].word)) && !table[i].parse(c, r))
			damaged(r, IMAP_OTHER);
	return true;
}

bool imap_resp_parse(uint8_t *line, size_t n, struct imap_resp *resp_out)
{
	struct imap_cursor c = {line, line + n};
	struct imap_resp *r = resp_out;
	struct span word;

	memset(r, 0, sizeof(*r));
	r->delimiter = -1;
	if (imap_take(&c, '+')) {
		imap_blanks(&c);
		r->kind = IMAP_CONTINUE;
		r->text = span_make(c.p, (size_t)(c.end - c.p));
		return true;
	}
	if (!imap_atom(&c, &r->tag))
		return false;
	imap_blanks(&c);
	if (span_eq(r->tag, SPAN_LIT("*")))
		return parse_untagged(&c, r);
	if (!imap_atom(&c, &word) || !word_status(word, &r->status))
		return false;
	imap_blanks(&c);
	r->kind = IMAP_TAGGED;
	parse_text(&c, r);
	return true;
}
