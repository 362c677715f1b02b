/*
 * compose: a message from plain fields to RFC 5322 bytes. Pure: time and randomness are handed in.
 *
 * Structure, as much of it as is needed:
 *   multipart/mixed( multipart/related( multipart/alternative( text, html ), inline images… ), attachments… )
 * CRLF only, lines of at most 998 octets (76 in encoded bodies), header values by RFC 2047, parameters by RFC 2231,
 * bodies in quoted-printable or base64. Bcc is never written. Dot-stuffing is SMTP's business. Text with long lines is
 * format=flowed; HTML in a script from right to left is marked; an attached message/… that is not plain 7-bit text goes as
 * octets (RFC 2046 section 5.2.1 forbids to encode it).
 */
#ifndef MW_SENDER_COMPOSE_H
#define MW_SENDER_COMPOSE_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define COMPOSE_RECIPIENTS_MAX 500
#define COMPOSE_ATTACHMENTS_MAX 100

struct compose_address {
	struct span name; /* UTF-8, may be empty */
	struct span email; /* the addr-spec, UTF-8 */
};

struct compose_addresses {
	const struct compose_address *items;
	size_t count;
};

struct compose_attachment {
	struct span name; /* UTF-8 */
	struct span type; /* "application/pdf"; empty: application/octet-stream */
	struct span content_id; /* without <>; not empty: an inline image of the HTML */
	struct span content; /* octets */
};

/* For mail to many: how to be left alone (RFC 2369, RFC 8058). Both may be empty. */
struct compose_unsubscribe {
	struct span url; /* https: one click, by POST, takes the reader off */
	struct span email;
	struct span subject; /* of the mail to it, printable ASCII without blanks; may be empty */
};

struct compose_message {
	struct compose_address from;
	struct compose_addresses to, cc, bcc, reply_to;
	struct span subject;
	struct span html,
		text; /* either may be empty; text is made from html when only that is given */
	struct span message_id; /* without <> */
	struct span in_reply_to; /* without <>; empty: none */
	const struct span *references; /* without <> */
	size_t reference_count;
	int64_t date_ms;
	const struct compose_attachment *attachments;
	size_t attachment_count;
	struct compose_unsubscribe unsubscribe;
	const uint8_t *boundary_seed; /* 16 random bytes */
};

/*
 * Appends the message to out. ERR_PERM, nothing sensible in out: a CR, LF or NUL in a header's value ("header_injection",
 * SND-09), a content id, Message-ID or unsubscribe address that could not stand there ("invalid_id", "invalid_unsubscribe"), no
 * recipient ("no_recipient"), an address without "@" or with a character that providers refuse
 * ("invalid_recipient", the text names it, SND-04), nothing to say ("empty_message"). ERR_LIMIT: out is full.
 */
MUST_USE enum err_code compose(const struct compose_message *m, struct buf *out, struct err *e);

/* Does the message need SMTPUTF8: an address beyond ASCII? */
bool compose_needs_utf8(const struct compose_message *m);

#endif
