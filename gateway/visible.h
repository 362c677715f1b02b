/*
 * visible: who sees a thread (SHR-01, SHR-02). One pure function, no exception for anybody: not for admins, not for
 * company tokens. Every read of mail asks it, on the account's own record, at the moment of the answer.
 */
#ifndef MW_GATEWAY_VISIBLE_H
#define MW_GATEWAY_VISIBLE_H

#include "common/base/span.h"

enum visibility {
	VISIBLE_NONE = 0, /* for this viewer the thread does not exist */
	VISIBLE_SHARED, /* seen from the detail views of its item or people */
	VISIBLE_OWNER, /* the mailbox is the viewer's own, or they are a member of it */
};

struct visible_viewer {
	struct span user; /* empty: nobody, who sees nothing */
	const struct span *groups;
	size_t group_count;
};

/* A person or item that the thread is tied to: who may see that. */
struct visible_object {
	bool exists; /* false: unknown to the mirror, so nobody sees it */
	bool company; /* everybody of the company */
	struct span owner; /* its owner sees it whatever the lists say; may be empty */
	const struct span *users, *groups;
	size_t user_count, group_count;
};

struct visible_thread {
	struct span owner; /* of the account */
	const struct span *members; /* of a team account (ACC-10) */
	size_t member_count;
	bool deleted;
	bool shared;
	const struct visible_object *objects; /* linked item, matched people, person of record */
	size_t object_count;
};

enum visibility visible(const struct visible_viewer *viewer, const struct visible_thread *thread);
bool visible_object_to(const struct visible_viewer *viewer, const struct visible_object *object);

#endif
