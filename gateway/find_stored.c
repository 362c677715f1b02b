#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "gateway/find.h"
#include "gateway/mail_message.h"
#include "gateway/problem.h"

enum { ID_KEY_BYTES = 8, NEWEST = 200 };

/* The card's own Message-ID. */
static struct span card_message_id(struct span card)
{
	struct pack_reader p = pack_reader_make(card);
	const size_t pairs = pack_read_map(&p);

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		if (span_eq(pack_read_bytes(&p), SPAN_LIT("i")))
			return pack_read_bytes(&p);
		pack_skip(&p);
	}
	return SPAN_LIT("");
}

static enum err_code search_thread(struct http_request *r, const struct mail_thread *thread,
				   struct span message_id, struct mail_message **messages_out,
				   size_t *count_out, struct err *e)
{
	struct mail_message *messages;
	struct id *ids;
	size_t count, found = 0;
	enum err_code code = mail_member_ids(r, thread, NEWEST, &ids, &count, e);

	if (code != ERR_OK)
		return code;
	messages = arena_array(r->arena, count + 1, sizeof(*messages));
	code = mail_messages_load(r, thread->account, ids, count, messages, &found, e);
	for (size_t i = 0; code == ERR_OK && i < found; i++)
		if (span_eq(card_message_id(messages[i].record.card), message_id))
			messages[(*count_out)++] = messages[i];
	*messages_out = messages;
	return code;
}

enum err_code find_same_id(struct http_request *r, const struct account_entry *account,
			   struct span message_id, struct mail_thread *thread_out,
			   struct mail_message **messages_out, size_t *count_out, struct err *e)
{
	struct mail_ref ref = {.account = account};
	struct store_reply reply;
	uint8_t digest[32];
	enum err_code code;

	*count_out = 0;
	secret_sha256(message_id, digest);
	code = store_do(r->store, r->arena, &reply, e, "HGET %b %b",
			mail_key(r, account, KEY_A_IDKEYS), span_make(digest, ID_KEY_BYTES));
	if (code != ERR_OK || reply.type != STORE_STRING || reply.string.n != ID_BYTES)
		return code;
	memcpy(ref.id.b, reply.string.p, ID_BYTES);
	code = mail_threads_load(r, &ref, 1, thread_out, e);
	if (code == ERR_OK && thread_out->visibility == VISIBLE_OWNER)
		code = search_thread(r, thread_out, message_id, messages_out, count_out, e);
	return code;
}

bool find_stored(struct http_request *r, const struct account_entry *account,
		 struct span message_id, const char **message_out, const char **thread_out)
{
	struct mail_thread thread;
	struct mail_message *messages;
	size_t count;
	struct err e;

	*message_out = *thread_out = NULL;
	if (find_same_id(r, account, message_id, &thread, &messages, &count, &e) != ERR_OK) {
		problem_from_err(r, &e);
		return false;
	}
	if (count) {
		*message_out = mail_public_id(r, account, &messages[count - 1].record.id);
		*thread_out = mail_public_id(r, account, &thread.id);
	}
	return true;
}
