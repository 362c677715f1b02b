#include "gateway/reply_check.h"

#include "gateway/mail_message.h"
#include "gateway/problem.h"
#include "gateway/reply_card.h"

#define MESSAGES_MAX 200 /* of the thread, the newest */

static bool thread_names(struct http_request *r, const struct mail_thread *thread,
			 const json_t *addresses, struct err *e)
{
	struct mail_message *messages = arena_array(r->arena, MESSAGES_MAX, sizeof(*messages));
	struct id *ids;
	size_t count, loaded;
	bool found = false;

	if (mail_member_ids(r, thread, MESSAGES_MAX, &ids, &count, e) != ERR_OK ||
	    mail_messages_load(r, thread->account, ids, count, messages, &loaded, e) != ERR_OK)
		return false;
	err_clear(e);
	for (size_t i = 0; i < loaded && !found; i++)
		found = reply_card_names(messages[i].record.card, addresses);
	return found;
}

static bool is_participant(struct http_request *r, const struct mail_thread *thread)
{
	struct span text = r->viewer.user_json;
	json_t *user = json_loadb((const char *)text.p, text.n, 0, NULL);
	struct err e;
	bool found;

	err_clear(&e);
	found = thread_names(r, thread, json_object_get(user, "_addresses"), &e);
	json_decref(user);
	if (e.code != ERR_OK)
		problem_from_err(r, &e);
	else if (!found)
		problem_answer(r, PROBLEM_NOT_PARTICIPANT,
			       "None of your addresses takes part in this conversation.");
	return found;
}

bool reply_check(struct http_request *r, struct span public_id)
{
	struct mail_message message;
	struct mail_thread thread;

	if (!mail_message_get(r, public_id, &message, &thread)) {
		if (r->answer.status == 404)
			problem_answer(r, PROBLEM_UNKNOWN_REFERENCE,
				       "`reference.messageId` names no message that you see.");
		return false;
	}
	return thread.visibility == VISIBLE_OWNER || is_participant(r, &thread);
}
