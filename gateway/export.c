#include "gateway/export.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/blob/blob.h"
#include "common/store/keys.h"
#include "gateway/account_view.h"
#include "gateway/export_encode.h"
#include "gateway/export_keys.h"
#include "gateway/json.h"
#include "gateway/message_view.h"
#include "gateway/outbox_view.h"
#include "gateway/stream.h"
#include "gateway/thread_view.h"

enum {
	BATCH = 32,
	EVERY_MS = 1000, /* after Redis did not answer */
	FAILURES_MAX = 20,
	PARTS_MAX = 32, /* of a scan, in one turn */
	OUT_ENOUGH = 1 << 20, /* octets of one turn */
	SUBMISSION_BYTES = 16,
};

enum phase { ACCOUNT, THREADS, MESSAGES, SUBMISSIONS, ASIDES, END };

struct export
{
	bool mbox;
	struct span account;
	enum phase phase;
	struct export_keys keys; /* of the phase */
	struct arena *arena; /* of the batch in hand */
	struct account_entry entry; /* as it is at this turn; in the arena */
	struct mail_message *messages; /* the batch: loaded, in order */
	struct mail_thread *threads; /* theirs */
	size_t batch_count, batch_at;
	struct buf raw; /* of the message that is being written */
	size_t raw_at;
	bool writing;
	size_t counts[END], unreadable, failures;
	struct http_request *r; /* of the turn */
	struct err e;
};

static int write_json(const char *p, size_t n, void *ctx)
{
	buf_put(ctx, p, n);
	return 0;
}

/* A line; object is taken over. open: the end is left off, for what follows. */
static void put_object(const char *kind, json_t *object, bool open, struct buf *out)
{
	json_object_set_new(object, "kind", json_string(kind));
	json_dump_callback(object, write_json, out, JSON_COMPACT);
	json_decref(object);
	if (open && out->n)
		out->n--; /* the '}' */
	else
		buf_put_byte(out, '\n');
}

static enum err_code put_account(struct export *x, struct buf *out)
{
	json_t *object = NULL;
	enum err_code code = account_view_many(x->r, &x->entry, 1, &object, &x->e);

	if (code == ERR_OK && object) {
		put_object("account", object, false, out);
		x->counts[ACCOUNT]++;
	}
	return code;
}

/* The next few names of the phase. */
static size_t next_keys(struct export *x, const struct export_key **keys_out)
{
	size_t left = x->keys.count - x->keys.at;

	*keys_out = x->keys.items + x->keys.at;
	return left < BATCH ? left : BATCH;
}

static enum err_code put_threads(struct export *x, struct buf *out)
{
	const struct export_key *keys;
	size_t count = next_keys(x, &keys);
	struct mail_ref refs[BATCH] = {{0}};
	struct mail_thread threads[BATCH];
	json_t *views[BATCH] = {NULL};
	enum err_code code;

	for (size_t i = 0; i < count; i++) {
		refs[i].account = &x->entry;
		memcpy(refs[i].id.b, keys[i].name, ID_BYTES);
	}
	code = mail_threads_load(x->r, refs, count, threads, &x->e);
	if (code == ERR_OK)
		code = thread_views(x->r, threads, count, false, views, &x->e);
	for (size_t i = 0; code == ERR_OK && i < count; i++)
		if (views[i]) {
			put_object("thread", views[i], false, out);
			x->counts[THREADS]++;
		}
	if (code == ERR_OK)
		x->keys.at += count;
	return code;
}

/* Loads the next messages with their threads, into the batch's arena. */
static enum err_code load_messages(struct export *x)
{
	const struct export_key *keys;
	size_t count = next_keys(x, &keys), found = 0;
	struct id *ids = arena_array(x->arena, BATCH, sizeof(*ids));
	struct mail_ref *refs = arena_array(x->arena, BATCH, sizeof(*refs));
	enum err_code code;

	x->messages = arena_array(x->arena, BATCH, sizeof(*x->messages));
	x->threads = arena_array(x->arena, BATCH, sizeof(*x->threads));
	for (size_t i = 0; i < count; i++)
		memcpy(ids[i].b, keys[i].name, ID_BYTES);
	code = mail_messages_load(x->r, &x->entry, ids, count, x->messages, &found, &x->e);
	for (size_t i = 0; code == ERR_OK && i < found; i++)
		refs[i] = (struct mail_ref){&x->entry, x->messages[i].record.home};
	if (code == ERR_OK)
		code = mail_threads_load(x->r, refs, found, x->threads, &x->e);
	if (code != ERR_OK)
		return code;
	x->keys.at += count;
	x->batch_at = 0;
	x->batch_count = found;
	return ERR_OK;
}

/* The first address of From. */
static struct span sender_of(struct span card)
{
	struct pack_reader p = pack_reader_make(card);
	size_t pairs = pack_read_map(&p);
	struct span name, email = SPAN_LIT("");

	for (size_t i = 0; i < pairs && !p.bad; i++) {
		if (!span_eq(pack_read_bytes(&p), SPAN_LIT("f"))) {
			pack_skip(&p);
			continue;
		}
		if (pack_peek(&p) == PACK_ARRAY && pack_read_array(&p) > 0)
			mail_card_address(&p, &name, &email);
		break;
	}
	return email;
}

static void raw_done(struct export *x)
{
	buf_fini(&x->raw);
	buf_init(&x->raw, BLOB_RAW_MAX);
	x->raw_at = 0;
	x->writing = false;
}

/* Begins the next message of the batch. What cannot be read is named, and counted. */
static void begin_message(struct export *x, struct buf *out)
{
	const struct mail_message *m = &x->messages[x->batch_at];
	const struct mail_thread *thread = &x->threads[x->batch_at++];
	bool readable;

	if (thread->visibility == VISIBLE_NONE)
		return;
	readable = mail_message_raw(x->r, &x->entry, &m->record, &x->raw, &x->e) == ERR_OK;
	x->counts[MESSAGES] += readable;
	x->unreadable += !readable;
	x->writing = true;
	if (x->mbox) {
		export_mbox_begin(sender_of(m->record.card), m->record.received_ms, out);
		if (!readable)
			buf_printf(
				&x->raw,
				"X-Mailweave-Id: %s\nSubject: This message could not be read\n\n",
				mail_public_id(x->r, &x->entry, &m->record.id));
		return;
	}
	put_object("message", message_view_card(x->r, thread, m), true, out);
	if (readable) {
		buf_put_cstr(out, ",\"raw\":\"");
		return;
	}
	buf_printf(out, ",\"raw\":null,\"error\":\"%s\"}\n", x->e.name);
	raw_done(x);
}

static void write_piece(struct export *x, struct buf *out)
{
	struct span raw = buf_span(&x->raw);

	x->raw_at = x->mbox ? export_mbox_piece(raw, x->raw_at, out)
			    : export_base64_piece(raw, x->raw_at, out);
	if (x->raw_at < raw.n)
		return;
	if (!x->mbox)
		buf_put_cstr(out, "\"}\n");
	raw_done(x);
}

static enum err_code put_messages(struct export *x, struct buf *out)
{
	if (x->writing) {
		write_piece(x, out);
		return ERR_OK;
	}
	if (x->batch_at < x->batch_count) {
		begin_message(x, out);
		return ERR_OK;
	}
	return load_messages(x);
}

static enum err_code put_submissions(struct export *x, struct buf *out)
{
	const struct export_key *keys;
	size_t count = next_keys(x, &keys);
	struct store_command commands[2 * BATCH];
	struct store_reply replies[2 * BATCH];
	enum err_code code;

	for (size_t i = 0; i < count; i++) {
		struct span name = span_make(keys[i].name, SUBMISSION_BYTES);

		commands[2 * i] = store_command(x->r->arena, "HGET %b %b",
						mail_key(x->r, &x->entry, KEY_A_OUTBOX), name);
		commands[2 * i + 1] = store_command(
			x->r->arena, "HGET %b %b", mail_key(x->r, &x->entry, KEY_A_OUTSTATE), name);
	}
	code = count ? store_pipeline(x->r->store, commands, 2 * count, x->r->arena, replies, &x->e)
		     : ERR_OK;
	for (size_t i = 0; code == ERR_OK && i < count; i++) {
		json_t *object = outbox_view_json(x->r, x->account,
						  span_make(keys[i].name, SUBMISSION_BYTES),
						  replies[2 * i].string, replies[2 * i + 1].string);

		if (!object)
			continue;
		put_object("submission", object, false, out);
		x->counts[SUBMISSIONS]++;
	}
	x->keys.at += code == ERR_OK ? count : 0;
	return code;
}

/* What was set aside has no record: [reason, detail, attempts, received_ms, size, blob, …]. */
static void put_aside(struct export *x, const struct export_key *key, struct span packed,
		      struct buf *out)
{
	struct pack_reader p = pack_reader_make(packed);
	size_t elements = pack_read_array(&p);
	struct mail_record record = {0};
	struct span reason, detail;
	json_t *object;

	if (elements < 6)
		return;
	memcpy(record.id.b, key->name, ID_BYTES);
	reason = pack_read_bytes(&p);
	detail = pack_read_bytes(&p);
	pack_skip(&p);
	record.received_ms = pack_read_i64(&p);
	pack_skip(&p);
	record.blob = pack_read_bytes(&p);
	object = json_pack("{s:s s:o s:o s:o}", "id", mail_public_id(x->r, &x->entry, &record.id),
			   "reason", json_from_span(reason), "detail", json_from_span(detail),
			   "receivedAt", json_from_time(record.received_ms));
	put_object("setAside", object, true, out);
	x->counts[ASIDES]++;
	x->writing = record.blob.n &&
		     mail_message_raw(x->r, &x->entry, &record, &x->raw, &x->e) == ERR_OK;
	buf_put_cstr(out, x->writing ? ",\"raw\":\"" : ",\"raw\":null}\n");
}

static enum err_code put_asides(struct export *x, struct buf *out)
{
	const struct export_key *key = &x->keys.items[x->keys.at];
	struct store_reply reply;
	enum err_code code;

	if (x->writing) {
		write_piece(x, out);
		return ERR_OK;
	}
	if (x->keys.at == x->keys.count)
		return ERR_OK;
	code = store_do(x->r->store, x->r->arena, &reply, &x->e, "HGET %b %b",
			mail_key(x->r, &x->entry, KEY_A_ASIDE), span_make(key->name, ID_BYTES));
	if (code != ERR_OK)
		return code;
	x->keys.at++;
	if (reply.type == STORE_STRING)
		put_aside(x, key, reply.string, out);
	return ERR_OK;
}

static void put_end(struct export *x, struct buf *out)
{
	put_object("end",
		   json_pack("{s:I s:I s:I s:I s:I}", "threads", (json_int_t)x->counts[THREADS],
			     "messages", (json_int_t)x->counts[MESSAGES], "submissions",
			     (json_int_t)x->counts[SUBMISSIONS], "setAside",
			     (json_int_t)x->counts[ASIDES], "unreadable",
			     (json_int_t)x->unreadable),
		   false, out);
}

/* What a phase reads: its family of keys, the octets of a name, and what writes them. */
static const struct {
	const char *family;
	size_t name_bytes;
	enum err_code (*put)(struct export *x, struct buf *out);
} phases[END] = {
	[ACCOUNT] = {NULL, 0, put_account},
	[THREADS] = {"t", ID_BYTES, put_threads},
	[MESSAGES] = {"m", ID_BYTES, put_messages},
	[SUBMISSIONS] = {"o", SUBMISSION_BYTES, put_submissions},
	[ASIDES] = {"aside", ID_BYTES, put_asides},
};

static bool phase_is_over(const struct export *x)
{
	return !phases[x->phase].family || (x->keys.complete && x->keys.at == x->keys.count &&
					    x->batch_at == x->batch_count && !x->writing);
}

static void phase_next(struct export *x)
{
	export_keys_reset(&x->keys);
	x->phase = x->mbox ? END : x->phase + 1;
}

static enum err_code step(struct export *x, struct buf *out)
{
	enum err_code code = ERR_OK;

	if (phases[x->phase].family && !x->keys.complete)
		return export_keys_read(x->r, x->account, phases[x->phase].family,
					phases[x->phase].name_bytes, &x->keys, &x->e);
	code = phases[x->phase].put(x, out);
	if (code == ERR_OK && phase_is_over(x))
		phase_next(x);
	return code;
}

static enum err_code steps(struct export *x, struct buf *out)
{
	enum err_code code = ERR_OK;
	size_t parts = 0;

	while (code == ERR_OK && x->phase != END && out->n < OUT_ENOUGH && parts < PARTS_MAX) {
		parts += !x->keys.complete;
		code = step(x, out);
	}
	return code;
}

/* A turn is a request of its own, by who asks and what the account is now. */
static bool turn_begin(struct export *x, const struct http_request *asked,
		       struct http_request *turn)
{
	bool between = x->batch_at == x->batch_count && !x->writing;

	*turn = *asked;
	if (between)
		arena_reset(x->arena);
	turn->arena = x->arena;
	turn->viewer = (struct viewer){0};
	turn->answer = (struct http_answer){0};
	turn->now_ms = clock_wall_ms();
	turn->deadline_mono_ms = clock_mono_ms() + asked->app->conf->request_ms;
	buf_init(&turn->answer.body, HTTP_ANSWER_MAX);
	x->r = turn;
	return auth_check(turn) && account_entry_get(turn, x->account, &x->entry) &&
	       account_belongs(&turn->viewer, &x->entry);
}

static enum stream_verdict next(struct http_request *r, void *ctx, struct buf *out)
{
	struct export *x = ctx;
	enum stream_verdict verdict = STREAM_END;
	struct http_request turn;

	if (!turn_begin(x, r, &turn)) {
		if (turn.answer.status >= 500 && ++x->failures < FAILURES_MAX)
			verdict = STREAM_MORE;
	} else if (steps(x, out) != ERR_OK) {
		if (++x->failures < FAILURES_MAX)
			verdict = STREAM_MORE;
	} else if (x->phase != END) {
		x->failures = 0;
		verdict = STREAM_AGAIN;
	} else if (!x->mbox) {
		put_end(x, out);
	}
	buf_fini(&turn.answer.body);
	return verdict;
}

static void export_free(void *ctx)
{
	struct export *x = ctx;

	export_keys_reset(&x->keys);
	buf_fini(&x->raw);
	arena_free(&x->arena);
	free(x);
}

void export_answer(struct http_request *r, const struct account_entry *entry, bool mbox)
{
	static const struct http_stream_def def = {next, export_free, EVERY_MS};
	struct export *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	x->mbox = mbox;
	x->phase = mbox ? MESSAGES : ACCOUNT;
	x->account = arena_span(r->arena, entry->id);
	x->arena = arena_new(0);
	buf_init(&x->raw, BLOB_RAW_MAX);
	http_answer_stream(r, 200, mbox ? "application/mbox" : "application/x-ndjson", &def, x);
}
