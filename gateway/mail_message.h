/*
 * mail_message: messages as a viewer has them: record, places and keywords, and the bytes behind them. A message is seen
 * by whoever sees its thread.
 */
#ifndef MW_GATEWAY_MAIL_MESSAGE_H
#define MW_GATEWAY_MAIL_MESSAGE_H

#include "common/wire/pack.h"
#include "common/wire/wire.h"
#include "gateway/mail_thread.h"

/* The `m` record (docs/data-model.md); spans point into it. */
struct mail_record {
	struct id id, home;
	uint64_t n, size, bits;
	int64_t received_ms, sent_ms;
	struct span blob;
	struct span decision; /* packed */
	struct span card; /* packed map */
};

enum mail_record_bit { MAIL_OUTGOING = 1, MAIL_ATTACHMENT = 2, MAIL_CARD_CUT = 64 };

struct mail_message {
	struct mail_record record;
	struct span places; /* packed `p` value; empty: none known */
};

MUST_USE enum err_code mail_record_read(const struct id *id, struct span packed,
					struct mail_record *record_out);

/* Reads one address of a card: [name, email, …]; both may be empty. */
void mail_card_address(struct pack_reader *p, struct span *name_out, struct span *email_out);

/* One by its id in the API, with its thread. False: a problem is answered. */
bool mail_message_get(struct http_request *r, struct span public_id,
		      struct mail_message *message_out, struct mail_thread *thread_out);
/* A place in a thread: its members are in the order of receivedAt, newest first, then of their ids. */
struct mail_member {
	int64_t ms;
	struct id id;
};
/* A thread's members behind `after` (NULL: from the newest on), at most limit; those of absorbed threads included. */
MUST_USE enum err_code mail_members(struct http_request *r, const struct mail_thread *thread,
				    const struct mail_member *after, size_t limit,
				    struct mail_member **members_out, size_t *count_out,
				    struct err *e);
/* The ids of the newest of them. */
MUST_USE enum err_code mail_member_ids(struct http_request *r, const struct mail_thread *thread,
				       size_t limit, struct id **ids_out, size_t *count_out,
				       struct err *e);
/* Messages of one account that are asked for together. */
struct mail_group {
	const struct account_entry *account;
	const struct id *ids;
	size_t count;
	struct mail_message *messages; /* [count] */
	size_t found; /* of them there are; the others are left out */
};
/* The records of all groups in one round trip. */
MUST_USE enum err_code mail_groups_load(struct http_request *r, struct mail_group *groups,
					size_t count, struct err *e);
/* Records of many messages of one account; those that are not there are left out. */
MUST_USE enum err_code mail_messages_load(struct http_request *r,
					  const struct account_entry *account, const struct id *ids,
					  size_t count, struct mail_message *messages_out,
					  size_t *count_out, struct err *e);
/* `$seen` among the keywords of a packed `p` value; n_out: number of the journal entry that told so last, 0 if none did. */
bool mail_places_seen(struct span places, uint64_t *n_out);

/* The raw message. ERR_GONE: its account was erased. */
MUST_USE enum err_code mail_message_raw(struct http_request *r, const struct account_entry *account,
					const struct mail_record *record, struct buf *raw_out,
					struct err *e);
/* Asks a parser. want and the rest as in wire.7; bytes_out gets the answer's bytes. */
MUST_USE enum err_code
mail_message_render(struct http_request *r, const struct account_entry *account,
		    const struct mail_record *record, struct wire_render *ask,
		    struct wire_rendered *answer_out, struct buf *bytes_out, struct err *e);

#endif
