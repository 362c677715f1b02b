/* Reading an account from Redis: configuration, keys, credentials, mailboxes and how far each of them is. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/keys.h"
#include "common/wire/pack.h"
#include "fetcher/account.h"
#include "fetcher/json_text.h"
#include "fetcher/since.h"

#define CONFIG_BYTES 1024 /* of most accounts */

struct open_job {
	struct committer_job job;
	struct account *account;
	const struct fetcher *fetcher;
	struct span tag, generation, company, name;
	struct account_config config;
	struct mailbox *mailboxes;
	struct suspects suspects;
	uint32_t last_number;
};

void account_config_clear(struct account_config *c)
{
	if (c->password.n)
		secret_wipe((uint8_t *)(uintptr_t)c->password.p, c->password.n);
	secret_wipe(&c->data_key, sizeof(c->data_key));
	arena_free(&c->arena);
	memset(c, 0, sizeof(*c));
}

static struct span field(const struct store_reply *reply, const char *name)
{
	for (size_t i = 1; i + 1 < reply->count; i += 2)
		if (span_eq(reply->items[i].string, span_cstr(name)))
			return reply->items[i + 1].string;
	return SPAN_LIT("");
}

/* A packed list of strings; NULL and 0 if empty or damaged. */
static struct span *list(struct arena *arena, struct span packed, size_t max, size_t *count_out)
{
	struct pack_reader r = pack_reader_make(packed);
	size_t n = packed.n ? pack_read_array(&r) : 0;
	struct span *items;

	*count_out = 0;
	if (n == 0 || n > max)
		return NULL;
	items = arena_array(arena, n, sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = arena_span(arena, pack_read_bytes(&r));
	if (r.bad)
		return NULL;
	*count_out = n;
	return items;
}

static enum err_code take_endpoint(struct account_config *c, const struct store_reply *reply,
				   bool allow_plaintext, struct err *e)
{
	struct span security = field(reply, "security");
	uint64_t port = 0;

	c->host = arena_cstr(c->arena, field(reply, "host"));
	c->login = arena_cstr(c->arena, field(reply, "login"));
	if (!*c->login)
		c->login = arena_cstr(c->arena, field(reply, "email"));
	c->owner = arena_cstr(c->arena, field(reply, "user"));
	if (!*c->host || !span_to_u64(field(reply, "port"), UINT16_MAX, &port) || port == 0)
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "not_configured",
			       "the account has no IMAP host and port");
	c->port = (uint16_t)port;
	c->security = MAILCONN_TLS;
	if (span_eq(security, SPAN_LIT("none")) && allow_plaintext)
		c->security = MAILCONN_NONE;
	else if (security.n && !span_eq(security, SPAN_LIT("tls")))
		return err_set(e, ERR_PERM, ERR_ACCOUNT, "security_refused",
			       "only encrypted connections are made (993, TLS)");
	return ERR_OK;
}

static enum err_code take_config(struct open_job *j, const struct store_reply *reply)
{
	struct account_config *c = &j->config;
	struct span done = field(reply, "cmdDone");
	uint64_t created = 0;
	enum err_code code =
		take_endpoint(c, reply, j->fetcher->conf->allow_plaintext, &j->job.err);

	if (code != ERR_OK)
		return code;
	c->own.items = list(c->arena, field(reply, "own"), 32, &c->own.count);
	c->folders = list(c->arena, field(reply, "folders"), 1000, &c->folder_count);
	c->initial_done = span_eq(field(reply, "initialDone"), SPAN_LIT("1"));
	snprintf(c->command_done, sizeof(c->command_done), "%.*s", (int)(done.n < 40 ? done.n : 40),
		 (const char *)done.p);
	if (!span_to_u64(field(reply, "created"), INT64_MAX, &created) || created == 0)
		created = (uint64_t)clock_wall_ms();
	if (!since_parse(field(reply, "since"), (int64_t)created, &c->since_ms))
		return err_set(&j->job.err, ERR_PERM, ERR_ACCOUNT, "since_invalid",
			       "the window to sync is not understood");
	return ERR_OK;
}

static enum err_code take_secrets(struct open_job *j, const struct store_reply *reply)
{
	struct account_config *c = &j->config;
	struct err *e = &j->job.err;
	const char *context = arena_printf(c->arena, "%.*s/%.*s", (int)j->company.n,
					   (const char *)j->company.p, (int)j->name.n,
					   (const char *)j->name.p);
	struct buf clear, password;
	enum err_code code = blob_data_key_open(&j->fetcher->mail_key, j->company, j->name,
						field(reply, "key"), &c->data_key, e);

	if (code != ERR_OK)
		return code;
	buf_init(&clear, 16384);
	buf_init(&password, 8192);
	code = secret_open_with(&j->fetcher->credentials_key, span_cstr(context),
				field(reply, "cred"), &clear, e);
	if (code == ERR_OK)
		c->bearer = json_text_field(buf_span(&clear), "imapToken", &password);
	if (code == ERR_OK && !c->bearer &&
	    !json_text_field(buf_span(&clear), "imapPassword", &password))
		code = err_set(e, ERR_AUTH, ERR_ACCOUNT, "no_credentials",
			       "the account has no password for IMAP");
	if (code == ERR_OK)
		c->password = arena_span(c->arena, buf_span(&password));
	buf_wipe(&clear);
	buf_wipe(&password);
	buf_fini(&clear);
	buf_fini(&password);
	return code;
}

static void take_mailboxes(struct open_job *j, const struct store_reply *reply)
{
	struct mailbox **last = &j->mailboxes;

	for (size_t i = 0; i + 1 < reply->count && i < 2 * MAILBOX_COUNT_MAX; i += 2) {
		uint64_t number;

		if (!span_to_u64(reply->items[i].string, UINT32_MAX, &number) || number == 0)
			continue;
		if (number > j->last_number)
			j->last_number = (uint32_t)number;
		if (mailbox_decode((uint32_t)number, reply->items[i + 1].string, last) == ERR_OK)
			last = &(*last)->next;
	}
}

static enum err_code run(struct committer_job *job, const struct committer_env *env)
{
	struct open_job *j = (struct open_job *)job;
	struct store_reply reply, boxes, suspects;
	enum err_code code;

	code = store_fcall(env->store, "fetcher_1_open", &j->tag, 1, &j->generation, 1, job->arena,
			   &reply, &job->err);
	if (code == ERR_OK)
		code = account_answer(&reply, &job->err);
	if (code == ERR_OK)
		code = store_do(env->store, job->arena, &boxes, &job->err, "HGETALL %b",
				key_account(job->arena, j->company, j->name, KEY_A_MAILBOXES));
	if (code == ERR_OK)
		code = store_do(env->store, job->arena, &suspects, &job->err, "HGETALL %b",
				key_account(job->arena, j->company, j->name, KEY_A_SUSPECTS));
	if (code == ERR_OK)
		suspects_read(&j->suspects, &suspects);
	if (code == ERR_OK)
		code = take_config(j, &reply);
	if (code == ERR_OK)
		code = take_secrets(j, &reply);
	if (code == ERR_OK)
		take_mailboxes(j, &boxes);
	return code;
}

static void done(struct committer_job *job)
{
	struct open_job *j = (struct open_job *)job;
	struct account *a = j->account;
	struct err e = job->err;
	enum err_code code = job->code;
	const bool wanted = a->phase == ACCOUNT_OPENING && a->token[0];

	if (wanted && code == ERR_OK) {
		account_config_clear(&a->config);
		mailbox_free_all(&a->mailboxes);
		a->config = j->config;
		a->mailboxes = j->mailboxes;
		suspects_clear(&a->suspects);
		a->suspects = j->suspects;
		a->last_number = j->last_number;
		a->total = a->done = a->rate_done = 0;
	} else {
		account_config_clear(&j->config);
		mailbox_free_all(&j->mailboxes);
		suspects_clear(&j->suspects);
	}
	fetcher_job_free(j);
	if (wanted)
		account_opened(a, code, &e);
	account_job_done(a);
}

void account_open(struct account *a)
{
	struct open_job *j = fetcher_job_new(sizeof(*j), run, done);

	j->account = a;
	j->fetcher = a->fetcher;
	j->tag = arena_span(j->job.arena, span_cstr(a->tag));
	j->generation = arena_span(j->job.arena, span_cstr(a->generation));
	j->company = span_cstr(a->company);
	j->name = span_cstr(a->name);
	j->config.arena = arena_new(CONFIG_BYTES);
	account_phase_set(a, ACCOUNT_OPENING);
	account_clerk_give(a, &j->job);
}
