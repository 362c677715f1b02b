/*
 * imap_resp: what an IMAP server says (RFC 2342, 3501, 4731, 5161, 6154, 7162, 8474, 9051, 9394), scanned piece by piece within bounds.
 * Pure: bytes in, events out; no clock, no I/O. The body of a message is never held here: it streams through.
 *
 *   struct span in = bytes just read;
 *   for (;;) switch (imap_scanner_next(&s, &in)) {
 *   case IMAP_MORE:       read more (in is empty now)
 *   case IMAP_RESPONSE:   s.resp is one whole response; its spans live until the next call
 *   case IMAP_BODY_BEGIN: the literal of BODY[] begins, s.body_bytes octets
 *   case IMAP_BODY_DATA:  s.data is the next piece of it (a part of in)
 *   case IMAP_BAD:        not IMAP, or over a limit: drop the connection; the scanner stays here
 *   }
 *
 * After IMAP_BODY_BEGIN the caller may stop and go on later: nothing of the literal has been consumed.
 * Tolerated on purpose: a line of data that is not well formed (`damaged`), unless its body's length seems wrong, bare LF
 * as line end, `BODY[]<0>`, a body as quoted string or NIL, unknown FETCH items and response codes, SEARCH with MODSEQ,
 * flags without a leading backslash.
 */
#ifndef MW_FETCHER_IMAP_RESP_H
#define MW_FETCHER_IMAP_RESP_H

#include "fetcher/imap_words.h"

#define IMAP_LINE_MAX (256u << 10) /* a response without its body; of SEARCH any, in parts */
#define IMAP_LITERAL_MAX (64u << 10) /* a literal that is not a body */
enum imap_event { IMAP_MORE, IMAP_RESPONSE, IMAP_BODY_BEGIN, IMAP_BODY_DATA, IMAP_BAD };

enum imap_kind {
	IMAP_OTHER = 0, /* untagged, nothing we use (FLAGS, RECENT, ID …) */
	IMAP_TAGGED, /* tag, status, code, code_args, text */
	IMAP_UNTAGGED, /* * OK|NO|BAD|BYE|PREAUTH: the same without a tag */
	IMAP_CONTINUE, /* + text */
	IMAP_CAPABILITY, /* attributes: the list */
	IMAP_LIST, /* attributes, delimiter, name */
	IMAP_STATUS, /* name and what `has` says */
	IMAP_EXISTS, /* number */
	IMAP_EXPUNGE, /* number */
	IMAP_VANISHED, /* set, earlier */
	IMAP_SEARCH, /* set (SEARCH, ESEARCH ALL or PARTIAL) */
	IMAP_FETCH, /* number (sequence), and what `has` says */
	IMAP_NAMESPACE, /* spaces */
	IMAP_ENABLED, /* attributes: the list */
};

enum imap_word { IMAP_OK = 0, IMAP_NO, IMAP_BAD_WORD, IMAP_BYE, IMAP_PREAUTH };
enum imap_body { IMAP_BODY_NONE = 0, IMAP_BODY_STREAMED, IMAP_BODY_INLINE, IMAP_BODY_NIL };

#define IMAP_HAS_UID 1u
#define IMAP_HAS_FLAGS 2u
#define IMAP_HAS_DATE 4u
#define IMAP_HAS_SIZE 8u
#define IMAP_HAS_MODSEQ 16u
#define IMAP_HAS_MESSAGES 32u
#define IMAP_HAS_UIDNEXT 64u
#define IMAP_HAS_UIDVALIDITY 128u
#define IMAP_HAS_LABELS 256u

#define IMAP_SPACES_MAX 6

/* Where mailboxes of one kind are: 0 the user's own, 1 other users', 2 shared. */
struct imap_space {
	struct span prefix;
	unsigned kind;
};

struct imap_resp {
	enum imap_kind kind;
	enum imap_word status;
	enum imap_body body; /* FETCH */
	unsigned has;
	struct span tag, code, code_args, text;
	struct span name; /* mailbox, the server's own bytes (LIST, STATUS) */
	struct span
		attributes; /* LIST attributes, FETCH flags, CAPABILITY: words with blanks between */
	struct span set; /* imap_set_next */
	struct span inline_body;
	struct span email_id; /* FETCH: EMAILID or X-GM-MSGID */
	struct span labels; /* FETCH: X-GM-LABELS, imap_label_next */
	struct span mailbox_id; /* STATUS and the code MAILBOXID */
	struct span old_name; /* LIST: OLDNAME (RFC 9051 section 7.3.1), as name */
	struct span header; /* FETCH: BODY[HEADER.FIELDS (...)], in place; p NULL: none */
	struct imap_space spaces[IMAP_SPACES_MAX];
	size_t space_count;
	int delimiter; /* LIST: a byte, -1 for NIL */
	bool earlier;
	bool damaged; /* not well formed: nothing else is set but the kind, FETCH or OTHER */
	uint32_t number, uid, messages, uidnext, uidvalidity;
	uint64_t modseq, size;
	int64_t date_ms; /* INTERNALDATE, Unix ms */
};

struct imap_scanner {
	struct imap_resp resp;
	uint64_t body_bytes;
	struct span data;
	/* private */
	struct buf line;
	uint64_t left;
	size_t tail; /* of a SEARCH told in parts: where the next begins in line; 0: none */
	int in;
	bool done, bodied;
};

void imap_scanner_init(struct imap_scanner *s);
void imap_scanner_fini(struct imap_scanner *s);
enum imap_event imap_scanner_next(struct imap_scanner *s, struct span *in);
/* Octets of the body's literal that are still to come; 0 outside of one. */
uint64_t imap_scanner_body_left(const struct imap_scanner *s);
/* Does it stand in a message's body, or before the end of its response? uid_out: 0 if that was not said yet. */
bool imap_scanner_in_message(const struct imap_scanner *s, uint32_t *uid_out);

/* One whole response without its line end; small literals in place as `{n}CRLF…`, a streamed body as `{n}` alone.
 * Unescapes quoted strings in place. False: not IMAP. */
bool imap_resp_parse(uint8_t *line, size_t n, struct imap_resp *resp_out);

#endif
