/*
 * thread_action: what an owner does to a thread: the account slot's functions (thread_actions.lua), and the ring that
 * tells the linkers. Every function: false means a problem is answered. The caller checked that the viewer owns it.
 */
#ifndef MW_GATEWAY_THREAD_ACTION_H
#define MW_GATEWAY_THREAD_ACTION_H

#include "gateway/mail_thread.h"

/* change: {"read", "archived", "sharing"}, any of them. */
bool thread_action_patch(struct http_request *r, const struct mail_thread *thread,
			 const json_t *change);
/* op of the bulk route: share, private, archive, unarchive, read, unread, delete. */
bool thread_action_bulk(struct http_request *r, const struct mail_thread *thread, const char *op);
bool thread_action_delete(struct http_request *r, const struct mail_thread *thread);
/* link: {"kind", "id"}: 404 if the viewer cannot see that item. */
bool thread_action_link(struct http_request *r, const struct mail_thread *thread,
			const json_t *link);
bool thread_action_unlink(struct http_request *r, const struct mail_thread *thread);
/* Empty id: takes the person off. 404 if the viewer cannot see the person. */
bool thread_action_person(struct http_request *r, const struct mail_thread *thread,
			  struct span person);
/* args: kind letter and id of the item (or empty), person of record (or empty), people to add: relink.h. */
bool thread_action_relink(struct http_request *r, const struct mail_thread *thread,
			  const struct span *args, size_t count);
bool thread_action_delete_message(struct http_request *r, const struct mail_thread *thread,
				  const struct id *message);

#endif
