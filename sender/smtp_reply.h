/*
 * smtp_reply: what an SMTP server says (RFC 5321 section 4.2), one reply of one or more lines at a time. Pure:
 * bytes in, reply out; the caller keeps bytes until a reply is whole.
 */
#ifndef MW_SENDER_SMTP_REPLY_H
#define MW_SENDER_SMTP_REPLY_H

#include "common/base/err.h"
#include "common/base/span.h"

#define SMTP_REPLY_MAX 16384 /* octets of one reply, all lines */
#define SMTP_REPLY_LINES 128

struct smtp_reply {
	unsigned code; /* 200–599 */
	unsigned status[3]; /* RFC 3463, of the last line that has one; all 0: none */
	size_t lines;
	char text[512]; /* the lines' words, printable, joined by blanks, cut */
};

/*
 * ERR_OK: a whole reply was read, *used_out octets of it. ERR_AGAIN: more octets are needed. ERR_PEER: not SMTP (a line
 * without code, codes that differ within a reply, over the maxima, a NUL): drop the connection.
 */
MUST_USE enum err_code smtp_reply_next(struct span bytes, struct smtp_reply *reply_out,
				       size_t *used_out);

/* The words of one line of a whole reply (for EHLO's keywords): without code and line end. line < reply.lines. */
struct span smtp_reply_line(struct span whole_reply, size_t line);

static inline bool smtp_reply_ok(const struct smtp_reply *reply)
{
	return reply->code / 100 == 2;
}

#endif
