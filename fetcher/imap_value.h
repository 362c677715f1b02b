/* imap_value: the values IMAP is made of: atoms, strings, numbers, lists, dates. Bounded, in place. */
#ifndef MW_FETCHER_IMAP_VALUE_H
#define MW_FETCHER_IMAP_VALUE_H

#include "common/base/buf.h"
#include "common/base/span.h"

struct imap_cursor {
	uint8_t *p;
	uint8_t *end;
};

static inline bool imap_at(const struct imap_cursor *c, int byte)
{
	return c->p < c->end && *c->p == byte;
}

/* Takes one given byte; false if another stands there. */
bool imap_take(struct imap_cursor *c, int byte);
/* Blanks, none or many. */
void imap_blanks(struct imap_cursor *c);
/* Up to a blank, parenthesis or the end; brackets with their content belong to it: `BODY[HEADER (a b)]<0>`. */
bool imap_atom(struct imap_cursor *c, struct span *atom_out);
bool imap_u64(struct imap_cursor *c, uint64_t *value_out);
bool imap_u32(struct imap_cursor *c, uint32_t *value_out);
/* A quoted string (unescaped in place), a literal in place, NIL (p NULL) or an atom. */
bool imap_string(struct imap_cursor *c, struct span *value_out);
/* `( … )` with what is nested in it; the span is the inside. */
bool imap_list(struct imap_cursor *c, struct span *inside_out);
/* The same of strings alone, which stay as they came: to be read by imap_string afterwards, once. */
bool imap_list_raw(struct imap_cursor *c, struct span *inside_out);
/* `(id)` of RFC 8474, or the id alone; empty if it is none. */
bool imap_object_id(struct imap_cursor *c, struct span *id_out);
/* One value of any kind, dropped. */
bool imap_skip(struct imap_cursor *c);
/* `dd-Mon-yyyy hh:mm:ss +zzzz`, day with one or two digits. */
bool imap_internaldate(struct span s, int64_t *ms_out);
/* Appends s as a quoted string (RFC 9051, 4.3). False, and nothing appended: it is empty or not printable US-ASCII. */
bool imap_quoted_put(struct buf *out, struct span s);

#endif
