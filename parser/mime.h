/*
 * mime: a message as a tree of parts, over the bytes as they are (RFC 5322, 2045, 2046; RFC 8621 section 4.1).
 *
 *     raw:   | header | body ................................................................ |
 *     part 0   fields   multipart/mixed
 *     part 1            --b | fields | text/plain body | --b | fields | … | --b--
 *
 * Pure: no I/O, no globals, no clock. Nothing is copied: spans point into raw, which must outlive the message; the rest is
 * in the arena. One pass over the body; linear in raw.n whatever it holds. message/rfc822 is a leaf, as in RFC 8621.
 *
 * Tolerated: missing closing boundaries (the next outer one or the end closes), boundaries with trailing blanks, a
 * multipart in which its boundary never comes (read as text/plain), parts without header or blank line, LF or CR alone, bad
 * Content-Type (text/plain), limits exceeded (the rest is one opaque part; `limited` is set).
 */
#ifndef MW_PARSER_MIME_H
#define MW_PARSER_MIME_H

#include "parser/decode.h"
#include "parser/header.h"
#include "parser/param.h"
#include "parser/transfer.h"

#define MIME_DEPTH_MAX 100u
#define MIME_PARTS_MAX 10000u
#define MIME_NONE UINT32_MAX

enum mime_kind {
	MIME_OTHER = 0,
	MIME_TEXT_PLAIN,
	MIME_TEXT_HTML,
	MIME_TEXT_OTHER,
	MIME_INLINE_MEDIA, /* image/ audio/ video/ */
	MIME_MESSAGE, /* message/ anything */
	MIME_MULTIPART,
};

struct mime_part {
	uint32_t parent, first_child, last_child, next; /* indices into parts, MIME_NONE */
	uint32_t depth, number; /* number: from 1, among its siblings */
	uint32_t field_first, field_count; /* in fields.fields */
	enum mime_kind kind;
	bool flowed, delsp; /* text/plain; format=flowed, delsp=yes (RFC 3676) */
	bool was_multipart; /* declared as one, but its boundary never comes: read as text */
	enum transfer encoding;
	struct span
		body; /* as in the message, still encoded, without the line end that belongs to the boundary */
	struct span type; /* "text/plain", lower case */
	struct span charset; /* as written; n 0: none */
	struct span name; /* decoded; filename, else name */
	struct span cid; /* without <> */
	struct span disposition; /* lower case "attachment", "inline", …; n 0: none */
	struct span boundary;
};

struct mime_list {
	uint32_t *items;
	uint32_t count;
};

struct mime_message {
	struct span raw;
	uint8_t eol;
	bool limited;
	struct header_list fields; /* those of part 0 first */
	struct mime_part *parts; /* depth first; part 0 is the message */
	uint32_t part_count, part_cap;
	struct mime_list text_body, html_body, attachments; /* RFC 8621 section 4.1.4 */
};

/* Never fails: whatever the bytes, there is a part 0. Results live in d->arena and raw. */
void mime_parse(struct decode *d, struct span raw, struct mime_message *message_out);
/* The lists of RFC 8621 section 4.1.4 (mime_body.c); mime_parse calls it. */
void mime_body_find(struct arena *arena, struct mime_message *message);

/* The last field of that name in the message's header (RFC 8621), or the first; p NULL if there is none. */
struct span mime_field_last(const struct mime_message *m, const struct mime_part *part,
			    enum header_id id);
struct span mime_field_first(const struct mime_message *m, const struct mime_part *part,
			     enum header_id id);
/* By name, the first one. */
struct span mime_field_named(const struct mime_message *m, const struct mime_part *part,
			     const char *name);

#define MIME_PART_ID_BYTES 512
/* partId of a leaf as in IMAP ("1", "2.1"); false for a multipart. */
bool mime_part_id(const struct mime_message *m, uint32_t part, char out[MIME_PART_ID_BYTES]);
/* Index of the leaf with that partId, MIME_NONE if there is none. */
uint32_t mime_part_find(const struct mime_message *m, struct span part_id);
/* The octets after the transfer encoding: borrowed from the message or from d->bytes, until d is used again. */
struct span mime_part_octets(struct decode *d, const struct mime_part *part);
/* Decodes the part's text to UTF-8: transfer encoding, then charset; at most max_raw of its encoded bytes. */
void mime_part_text(struct decode *d, const struct mime_part *part, size_t max_raw,
		    struct buf *out);

#endif
