#include "gateway/trial.h"

#include <time.h>

#include "common/base/clock.h"
#include "common/base/utf7.h"
#include "common/store/keys.h"
#include "gateway/find.h"
#include "gateway/json.h"
#include "gateway/message_check.h"
#include "gateway/problem.h"
#include "gateway/suppression.h"

#define LOOK_MS 100
#define PATH_SHOWN_MAX 4096

static const struct {
	const char *code, *remedy;
} REMEDIES[] = {
	{"send_failed", "Read the server's words; check the account's SMTP server and whether the "
			"provider lets this address send."},
	{"send_delayed", "The mail server puts it off and it is tried again by itself: look at it "
			 "in the outbox."},
	{"send_unknown", "The connection was lost while the server took it: look for it in the "
			 "Sent folder before sending again."},
	{"not_sent_in_time", "Look at it in the outbox; then try again with a longer wait."},
	{"not_reading", "The account is not being read now: its state and lastError say why."},
	{"not_arrived", "Look for it in the spam folder and in folders that are not synced, and at "
			"the mailbox's filters and forwarding; then try again with a longer wait."},
	{"not_looked_for", "Look into that mailbox yourself: it is not one of yours here."},
	{"arrived_as_spam", "Mark it as no spam, and see that the domain's SPF, DKIM and DMARC "
			    "records allow this server."},
	{"sender_name_not_set", "Set the account's `senderName`, so that people see a name."},
	{"sender_name_replaced",
	 "The mail server puts a name of its own in: change it in the provider's settings."},
	{"sender_address_replaced", "The mail server sends under its main address: add the account "
				    "under that one, or allow this one as an alias there."},
	{"person_has_address", "People here see the name of the person with this address: correct "
			       "that person, or take the address off."},
	{"domain_not_authenticated",
	 "Have the domain's SPF, DKIM and DMARC records allow this mail server."},
	{"not_reported", "The receiving server does not say what it found; send one to a mailbox "
			 "at a large provider to see."},
};

static const char *remedy_of(const char *code)
{
	for (size_t i = 0; i < sizeof(REMEDIES) / sizeof(REMEDIES[0]); i++)
		if (strcmp(REMEDIES[i].code, code) == 0)
			return REMEDIES[i].remedy;
	for (int i = 0; i < PROBLEM_COUNT; i++)
		if (strcmp(problem_def((enum problem)i)->code, code) == 0)
			return problem_def((enum problem)i)->remedy;
	return "Try again.";
}

static json_t *step_add(struct trial *t, const char *step, json_t *ok, const char *code,
			const char *detail)
{
	json_t *object = json_pack("{s:s s:o s:I}", "step", step, "ok", ok, "ms",
				   (json_int_t)(clock_mono_ms() - t->began_mono_ms));

	if (code) {
		json_object_set_new(object, "code", json_string(code));
		json_object_set_new(object, "detail",
				    detail && *detail ? json_from_span(span_cstr(detail))
						      : json_null());
		json_object_set_new(object, "remedy", json_string(remedy_of(code)));
	}
	json_array_append_new(t->steps, object);
	return object;
}

json_t *trial_step(struct trial *t, const char *step, const char *code, const char *detail)
{
	t->failed = t->failed || code;
	return step_add(t, step, json_boolean(!code), code, detail);
}

json_t *trial_step_open(struct trial *t, const char *step, const char *code, const char *detail)
{
	return step_add(t, step, json_null(), code, detail);
}

/* ---- on its way ---- */

/* What stops it, as with any message. False: a problem is answered. */
static bool check(struct http_request *r, struct trial *t)
{
	const struct message_sender sender = {t->sender.email, t->sender.provider, t->sender.own,
					      t->sender.own_count};
	struct message_findings findings;
	bool ok;

	message_findings_init(&findings);
	message_check(r->json, &sender, &findings);
	if (t->sender.paused)
		message_findings_stop(&findings, PROBLEM_ACCOUNT_PAUSED, "accountId",
				      "Nothing is sent from it while it is paused");
	else if (span_eq(t->sender.state, SPAN_LIT("authenticationError")))
		message_findings_stop(&findings, PROBLEM_ACCOUNT_NOT_AUTHENTICATED, "accountId",
				      "The mail server refuses the account's credentials");
	ok = suppression_check(r, r->json, &findings);
	if (ok)
		trial_step(t, "account", findings.stops ? problem_def(findings.first)->code : NULL,
			   findings.first_text);
	message_findings_free(&findings);
	return ok;
}

static void message_write(struct http_request *r, const struct trial *t)
{
	char at[CLOCK_RFC3339_BYTES];

	clock_rfc3339(r->now_ms, at);
	json_object_clear(r->json);
	json_object_update_new(
		r->json,
		json_pack("{s:o s:[{s:s}] s:o s:s s:s}", "accountId",
			  json_from_span(t->account->id), "to", "email", t->to, "subject",
			  json_sprintf("Test message of %s", at), "text",
			  "This message was sent to try out the account. Nobody has to answer "
			  "it.\n",
			  "sharing", "private"));
}

static bool queue(struct http_request *r, struct trial *t)
{
	struct outbox_item item = {.request = json_text(r->arena, r->json), .recipients = 1};
	const struct outbox_batch batch = {.items = &item, .count = 1};

	outbox_submissions_make(r, &item, 1);
	t->submission = item.submission;
	t->message_id = outbox_message_id(r, &t->sender, t->submission);
	if (!outbox_put(r, t->account, &t->sender, &batch))
		return false;
	trial_step(t, "queued", NULL, NULL);
	return true;
}

/* Until the next look. False: there is no time for one. */
static bool pause_between(const struct trial *t)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};

	if (clock_mono_ms() + LOOK_MS >= t->deadline_mono_ms)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* What the sender wrote, to json_decref; NULL: nothing yet. */
static enum err_code state_get(struct http_request *r, const struct trial *t, json_t **state_out,
			       struct err *e)
{
	struct store_reply reply;
	enum err_code code =
		store_do(r->store, r->arena, &reply, e, "HGET %b %b",
			 key_account(r->arena, r->viewer.company, t->account->id, KEY_A_OUTSTATE),
			 t->submission);

	*state_out = code == ERR_OK && reply.type == STORE_STRING
			     ? json_loadb((const char *)reply.string.p, reply.string.n, 0, NULL)
			     : NULL;
	return code;
}

static const char *refusal_of(const char *status)
{
	static const char *const known[][2] = {{"failed", "send_failed"},
					       {"unknown", "send_unknown"},
					       {"cancelled", "send_failed"},
					       {"delayed", "send_delayed"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(status, known[i][0]) == 0)
			return known[i][1];
	return NULL;
}

static bool wait_sent(struct http_request *r, struct trial *t)
{
	const char *code = NULL, *words = "";
	bool sent = false;

	do {
		json_t *state;
		const char *status;
		struct err e;

		if (state_get(r, t, &state, &e) != ERR_OK) {
			problem_from_err(r, &e);
			return false;
		}
		status = json_get_text(state, "status");
		sent = status && strcmp(status, "sent") == 0;
		code = status ? refusal_of(status) : NULL;
		words = arena_cstr(r->arena, json_get_span(state, "serverReply"));
		json_decref(state);
	} while (!sent && !code && pause_between(t));
	json_object_set_new(trial_step(t, "sent",
				       sent   ? NULL
				       : code ? code
					      : "not_sent_in_time",
				       words),
			    "serverReply", *words ? json_from_span(span_cstr(words)) : json_null());
	return true;
}

/* ---- there ---- */

/* The mailbox's path as people see it; NULL: it is one of the sender's own, or not known. */
static const char *folder_of(struct http_request *r, const struct account_entry *account,
			     uint64_t mailbox, bool *spam_out)
{
	struct span path, role;
	struct pack_reader p;
	struct store_reply reply;
	const char *shown;
	struct buf text;
	struct err e;

	if (store_do(r->store, r->arena, &reply, &e, "HGET %b %d",
		     mail_key(r, account, KEY_A_MAILBOXES), (int64_t)mailbox) != ERR_OK ||
	    reply.type != STORE_STRING)
		return NULL;
	p = pack_reader_make(reply.string);
	if (pack_read_array(&p) < 3)
		return NULL;
	path = pack_read_bytes(&p);
	pack_skip(&p);
	role = pack_read_bytes(&p);
	if (p.bad || span_eq(role, SPAN_LIT("sent")) || span_eq(role, SPAN_LIT("drafts")))
		return NULL;
	*spam_out = span_eq(role, SPAN_LIT("junk"));
	buf_init(&text, PATH_SHOWN_MAX);
	utf7_decode(path, &text);
	shown = arena_cstr(r->arena, buf_span(&text));
	buf_fini(&text);
	return shown;
}

/* Is it in a folder that mail arrives in? */
static bool is_here(struct http_request *r, struct trial *t, const struct mail_message *message,
		    bool *spam_out)
{
	struct pack_reader p = pack_reader_make(message->places);

	t->folder = NULL;
	if (!message->places.n || pack_read_array(&p) < 1)
		return false;
	for (size_t n = pack_read_array(&p); n > 0 && !p.bad && !t->folder; n--) {
		const size_t elements = pack_read_array(&p);
		const uint64_t mailbox = elements ? pack_read_u64(&p) : 0;

		pack_skip_n(&p, elements > 1 ? elements - 1 : 0);
		t->folder = folder_of(r, t->target, mailbox, spam_out);
	}
	return t->folder != NULL;
}

static bool wait_arrived(struct http_request *r, struct trial *t)
{
	struct mail_message *messages;
	struct outbox_account reader = {.email = ""};
	const char *code = NULL;
	bool spam = false;
	size_t count;
	struct err e;

	do {
		if (find_same_id(r, t->target, t->message_id, &t->thread, &messages, &count, &e) !=
		    ERR_OK) {
			problem_from_err(r, &e);
			return false;
		}
		for (size_t i = 0; i < count && !t->arrived; i++) {
			t->arrived = is_here(r, t, &messages[i], &spam);
			t->message = messages[i];
		}
	} while (!t->arrived && pause_between(t));
	if (!t->arrived) {
		if (!outbox_account_get(r, t->target->id, &reader))
			return false;
		secret_wipe(&reader.secrets.data_key, sizeof(reader.secrets.data_key));
		code = span_eq(reader.state, SPAN_LIT("connected")) ||
				       span_eq(reader.state, SPAN_LIT("syncing"))
			       ? "not_arrived"
			       : "not_reading";
	} else if (spam) {
		code = "arrived_as_spam";
	}
	json_object_set_new(trial_step(t, "arrived", code, NULL), "folder",
			    t->folder ? json_string(t->folder) : json_null());
	return true;
}

bool trial_run(struct http_request *r, struct trial *t)
{
	message_write(r, t);
	if (!check(r, t))
		return false;
	if (t->failed)
		return true;
	if (!queue(r, t) || !wait_sent(r, t))
		return false;
	if (t->failed)
		return true;
	if (t->target)
		return wait_arrived(r, t);
	trial_step_open(t, "arrived", "not_looked_for", NULL);
	return true;
}
