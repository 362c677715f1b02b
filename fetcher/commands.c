#include "fetcher/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "fetcher/backfill.h"
#include "fetcher/commands_impl.h"
#include "fetcher/coverage.h"
#include "fetcher/hop.h"
#include "fetcher/live.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_sync.h"

#define IDS_MAX 64

bool commands_due(const struct account *a)
{
	return a->command_last[0] && strcmp(a->command_last, a->config.command_done) != 0 &&
	       !a->commanding && !a->command_job && !a->reparse;
}

static struct span field(const struct store_reply *fields, const char *name)
{
	for (size_t i = 0; i + 1 < fields->count; i += 2)
		if (span_eq(fields->items[i].string, span_cstr(name)))
			return fields->items[i + 1].string;
	return SPAN_LIT("");
}

static void put_text(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", (int)from.n, (const char *)from.p);
}

static void take_places(struct command *c, struct span packed)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t n = pack_read_array(&r) >= 1 ? pack_read_array(&r) : 0;

	for (size_t i = 0; i < n && !r.bad && c->place_count < COMMAND_PLACES_MAX; i++) {
		struct command_place *place = &c->places[c->place_count];
		size_t parts = pack_read_array(&r);

		place->mailbox = (uint32_t)pack_read_u64(&r);
		(void)pack_read_u64(&r);
		place->uid = (uint32_t)pack_read_u64(&r);
		for (size_t labels = parts > 3 ? pack_read_array(&r) : 0; labels > 0 && !r.bad;
		     labels--)
			c->filed = pack_read_u64(&r) == c->sent_number || c->filed;
		pack_skip_n(&r, parts > 4 ? parts - 4 : 0);
		if (parts < 3 || r.bad)
			return;
		c->filed = c->filed || place->mailbox == c->sent_number;
		c->place_count++;
	}
}

static enum err_code read_places(struct command *c, const struct committer_env *env)
{
	struct span key = key_account(c->job.arena, c->company, c->name, KEY_A_PLACES);

	for (size_t at = 0; at + ID_BYTES <= c->ids.n && at < IDS_MAX * ID_BYTES; at += ID_BYTES) {
		struct store_reply reply;
		enum err_code code = store_do(env->store, c->job.arena, &reply, &c->job.err,
					      "HGET %b %b", key, span_sub(c->ids, at, ID_BYTES));

		if (code != ERR_OK)
			return code;
		if (reply.type == STORE_STRING)
			take_places(c, reply.string);
	}
	return ERR_OK;
}

/* A blob that cannot be read makes the command impossible, not the account. */
static void read_raw(struct command *c, const struct committer_env *env)
{
	struct blob_identity identity = {c->company, c->name, c->generation, {{0}}};
	struct blob_ref ref;
	struct err e;

	if (c->ids.n < ID_BYTES || blob_ref_decode(c->blob, &ref) != ERR_OK)
		return;
	memcpy(identity.id.b, c->ids.p, ID_BYTES);
	if (blob_read(env->blob_dir, &ref, &identity, c->data_key, &c->raw, &e) != ERR_OK)
		log_event(LOG_LEVEL_WARN, "blob_unreadable", "id", "i", &identity.id, "error", "e",
			  &e, NULL);
}

/* The request becomes the account's backfill, or changes its state; twice is once. */
static enum err_code write_backfill(struct command *c, const struct committer_env *env,
				    const struct store_reply *fields)
{
	static const char *const names[] = {"since", "until", "mailboxes", "people", "requested"};
	const size_t count = sizeof(names) / sizeof(names[0]);
	struct span args[4 + 2 * sizeof(names) / sizeof(names[0])] = {
		c->generation_text, c->token, field(fields, "op"), field(fields, "backfill")};
	struct store_reply reply;
	enum err_code code;

	for (size_t i = 0; i < count; i++) {
		args[4 + 2 * i] = span_cstr(names[i]);
		args[5 + 2 * i] = field(fields, names[i]);
	}
	code = store_fcall(env->store, "fetcher_1_backfill", &c->tag, 1, args, 4 + 2 * count,
			   c->job.arena, &reply, &c->job.err);
	if (code != ERR_OK)
		return code;
	c->job.noted = account_noted(&reply);
	return account_answer(&reply, &c->job.err);
}

/* In the order of command.fields. */
static const char *const asked[] = {"mailbox", "request", "messageId", "from", "day"};

/* What only asks a question is handed over: it has a connection of its own. */
static bool hand_over(struct command *c)
{
	const struct coverage_wanted wanted = {c->fields[2], c->fields[3], c->fields[4]};
	uint64_t number;

	if (strcmp(c->kind, "cover") == 0 && span_to_u64(c->fields[0], UINT32_MAX, &number))
		coverage_ask(c->account, (uint32_t)number, span_cstr(c->id));
	else if (strcmp(c->kind, "find") == 0)
		coverage_find(c->account, c->fields[1], &wanted);
	else
		return false;
	return true;
}

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct command *c = (struct command *)job;
	struct store_reply reply, *fields;
	struct span key = key_account(job->arena, c->company, c->name, KEY_A_COMMANDS);
	enum err_code code =
		store_do(env->store, job->arena, &reply, &job->err, "XRANGE %b - + COUNT 1", key);

	if (code != ERR_OK || reply.count == 0 || reply.items[0].count < 2)
		return code;
	put_text(c->id, sizeof(c->id), reply.items[0].items[0].string);
	fields = &reply.items[0].items[1];
	put_text(c->kind, sizeof(c->kind), field(fields, "kind"));
	if (strcmp(c->kind, "backfill") == 0)
		return write_backfill(c, env, fields);
	put_text(c->keyword, sizeof(c->keyword),
		 field(fields, strcmp(c->kind, "move") == 0 ? "role" : "keyword"));
	c->value = !span_eq(field(fields, "value"), SPAN_LIT("0"));
	c->blob = field(fields, "blob");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		c->fields[i] = field(fields, asked[i]);
	c->ids = field(fields, "ids").n ? field(fields, "ids") : field(fields, "id");
	code = read_places(c, env);
	if (code == ERR_OK && strcmp(c->kind, "append") == 0 && !c->filed)
		read_raw(c, env);
	return code;
}

static void command_free(struct command *c)
{
	buf_fini(&c->raw);
	fetcher_job_free(c);
}

void command_finish(struct command *c, const char *outcome)
{
	struct account *a = c->account;

	log_event(LOG_LEVEL_INFO, "command_done", "account", "s", a->tag, "kind", "s", c->kind,
		  "outcome", "s", outcome, NULL);
	if (strcmp(a->command_last, c->id) == 0)
		a->command_last[0] = '\0';
	account_command_done(a, c->id, c->filing);
	a->commanding = false;
	a->command = NULL;
	a->command_tries = 0;
	command_free(c);
	live_next(a);
}

void command_postpone(struct command *c)
{
	struct account *a = c->account;

	a->command_last[0] = '\0'; /* until the lease is renewed */
	a->commanding = false;
	a->command = NULL;
	command_free(c);
	live_next(a);
}

/* ---- backfill, resync ---- */

/* Whatever is at work is read again as it is now. */
static void run_backfill(struct command *c)
{
	struct account *a = c->account;

	if (c->job.noted)
		hop_ring_journal(a);
	if (a->bulk.task)
		mailbox_sync_stop(a);
	backfill_forget(a);
	command_finish(c, "written");
}

/* All mailboxes once more, as if nothing were known of what changed; what is stored is not fetched again. */
static void run_resync(struct command *c)
{
	struct account *a = c->account;

	mailbox_sync_stop(a);
	for (struct mailbox *m = a->mailboxes; m; m = m->next)
		if (!m->dropped && !m->cursor.retired && m->chosen && m->known)
			mailbox_resync(a, m);
	a->live.list_due = true;
	command_finish(c, "begun");
}

/* ---- all ---- */

static void done(struct committer_job *job)
{
	struct command *c = (struct command *)job;
	struct account *a = c->account;
	const bool can = job->code == ERR_OK && a->phase == ACCOUNT_RUNNING && a->live.link &&
			 a->live.link->ready && a->commanding;

	a->command_job = false;
	if (!can || !c->id[0]) {
		command_postpone(c);
		account_job_done(a);
		return;
	}
	a->command = c;
	if (strcmp(c->kind, "append") == 0) {
		command_append(c);
	} else if (strcmp(c->kind, "store") == 0 || strcmp(c->kind, "move") == 0) {
		command_store(c);
	} else if (strcmp(c->kind, "backfill") == 0) {
		run_backfill(c);
	} else if (strcmp(c->kind, "resync") == 0) {
		run_resync(c);
	} else if (strcmp(c->kind, "reparse") == 0) {
		reparse_start(a, c->id);
		a->commanding = false;
		a->command = NULL;
		command_free(c);
		live_next(a);
	} else {
		command_finish(c, hand_over(c) ? "handed_over" : "unknown");
	}
	account_job_done(a);
}

void commands_stop(struct account *a)
{
	if (a->command)
		command_free(a->command);
	a->command = NULL;
	a->commanding = false;
}

void commands_run(struct account *a)
{
	struct command *c = fetcher_job_new(sizeof(*c), run, done);
	const struct mailbox *sent = command_sent_mailbox(a);

	a->commanding = a->command_job = true;
	c->account = a;
	c->tag = arena_span(c->job.arena, span_cstr(a->tag));
	c->company = span_cstr(a->company);
	c->name = span_cstr(a->name);
	c->generation = a->generation_number;
	c->generation_text = arena_span(c->job.arena, span_cstr(a->generation));
	c->token = arena_span(c->job.arena, span_cstr(a->token));
	c->data_key = arena_copy(c->job.arena, &a->config.data_key, sizeof(a->config.data_key));
	c->sent_number = sent ? sent->number : 0;
	buf_init(&c->raw, (size_t)a->fetcher->conf->max_message_bytes);
	account_job_give(a, &c->job);
}
