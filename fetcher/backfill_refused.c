/* What a server has and does not give. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/secret/secret.h"
#include "common/wire/pack.h"
#include "fetcher/backfill.h"
#include "fetcher/imap_refusal.h"

void backfill_refused(struct account *a, struct mailbox *m, uint32_t uid,
		      struct span words_of_server)
{
	struct secret_digest *digest = secret_digest_new();
	uint8_t hash[32];
	struct buf text;
	struct id id;

	buf_init(&text, 4 * MAILBOX_PATH_MAX);
	buf_printf(&text, "mailweave refused 1 %s %u %u ", a->tag, m->cursor.validity, uid);
	buf_put(&text, m->path, m->path_bytes);
	secret_digest_add(digest, buf_span(&text));
	secret_digest_end(digest, hash);
	secret_digest_free(&digest);
	memcpy(id.b, hash, ID_BYTES);
	buf_clear(&text);
	buf_put_byte(&text, 'A');
	pack_put_array(&text, 8);
	pack_put_cstr(&text, "refused");
	pack_put_str(&text, span_sub(words_of_server, 0, 160));
	pack_put_u64(&text, 0);
	pack_put_i64(&text, clock_wall_ms());
	pack_put_u64(&text, 0);
	pack_put_cstr(&text, "");
	pack_put_u64(&text, mailbox_place_bits(m));
	pack_put_i64(&text, clock_wall_ms());
	metrics_add(a->fetcher->metrics, FETCHER_ASIDE, 0, 1);
	log_event(LOG_LEVEL_WARN, "message_refused", "account", "s", a->tag, "mailbox", "u",
		  (uint64_t)m->number, "uid", "u", (uint64_t)uid, NULL);
	enter_message(a, m, uid, 0, SPAN_LIT("\x90"), &id, NULL, buf_span(&text), NULL);
	buf_fini(&text);
}

bool backfill_is_passing(const struct imap_resp *tagged)
{
	static const char *const codes[] = {"UNAVAILABLE", "INUSE",	  "LIMIT",  "EXPUNGEISSUED",
					    "THROTTLED",   "NONEXISTENT", "CLOSED", "EXPIRED"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (span_ieq(tagged->code, span_cstr(codes[i])))
			return true;
	return imap_refusal_is_general(imap_refusal_name(tagged->text, ""));
}
