/*
 * decide: whose business a message is (BLK-02, LNK-01 to LNK-04, LNK-10, SHR-03). Pure: plain structs in, a decision out.
 * What only the account slot knows (is the thread linked already, was it unlinked by hand) is the commit's part.
 */
#ifndef MW_LINKING_DECIDE_H
#define MW_LINKING_DECIDE_H

#include "common/base/arena.h"

#define DECIDE_PEOPLE_MAX 128
#define DECIDE_SHOWN_MAX 4 /* open items that a decision names */

struct decide_item {
	uint8_t kind; /* 'd', 'l', 'p' */
	struct span id;
	int64_t created_ms;
};

struct decide_person {
	struct span id;
	struct decide_item *items; /* the open ones */
	size_t item_count;
};

/* One address, normalized, with what the company knows of it. */
struct decide_address {
	struct span email;
	bool is_user; /* of a user of the company */
	struct decide_person **people;
	size_t people_count;
};

struct decide_company {
	bool automatic; /* linkItems */
	struct span kinds; /* letters of autoLinkKinds */
	struct span sharing; /* "shared", "private" or empty */
	struct span *blocked;
	size_t blocked_count;
};

struct decide_account {
	struct span *own; /* normalized addresses of the account itself */
	size_t own_count;
	struct span *blocked;
	size_t blocked_count;
	struct span owner_sharing; /* the owner's default: "shared", "private" or empty */
};

struct decide_list {
	struct decide_address **items;
	size_t count;
	bool odd; /* held something that is no address, or more than we look at */
};

struct decide_mail {
	struct decide_list from, sender, to, cc, bcc, reply_to;
	int64_t received_ms, sent_ms; /* sent_ms 0: unknown */
	bool in_inbox;
	bool submitted; /* the message is one that the account's user sent from here */
};

enum decide_reason {
	DECIDE_LINKED = 0,
	DECIDE_MANUAL_MODE,
	DECIDE_NO_PERSON,
	DECIDE_NO_OPEN_ITEM,
	DECIDE_MULTIPLE_OPEN_ITEMS,
	DECIDE_KIND_NOT_AUTOMATIC,
	DECIDE_PREDATES_ITEM,
};

struct decide_result {
	bool screened; /* then nothing else counts */
	bool outgoing;
	bool received, sent; /* what it makes of its thread; mail to oneself is both */
	bool is_private; /* what a thread founded by it begins with, unless the account says otherwise */
	struct decide_person **people; /* each once, in the order From, Reply-To, To, Cc, Bcc */
	size_t people_count;
	const struct decide_person *person; /* of record, or NULL */
	enum decide_reason reason;
	const struct decide_item *item; /* to link to; NULL unless DECIDE_LINKED */
	const struct decide_item *open[DECIDE_SHOWN_MAX];
	size_t open_count;
};

/* The result's lists live in the arena. */
void decide_message(const struct decide_company *company, const struct decide_account *account,
		    const struct decide_mail *mail, struct arena *arena,
		    struct decide_result *result_out);
/* The API's word; "" for DECIDE_LINKED. */
const char *decide_reason_name(enum decide_reason reason);

#endif
