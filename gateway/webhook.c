#include "gateway/webhook.h"

#include "common/base/code.h"
#include "gateway/json.h"
#include "gateway/webhook_sign.h"

#define SEALED_MAX 256

static void secrets_read(struct arena *arena, const json_t *list, struct webhook *webhook)
{
	for (size_t i = 0; i < json_array_size(list) && i < WEBHOOK_SECRETS; i++) {
		const json_t *pair = json_array_get(list, i);
		const char *sealed = json_string_value(json_array_get(pair, 0));
		struct webhook_secret *secret = &webhook->secrets[webhook->secret_count++];

		secret->sealed = arena_span(arena, span_cstr(sealed));
		secret->until_ms = json_integer_value(json_array_get(pair, 1));
	}
}

static struct span copy(struct arena *arena, const json_t *object, const char *name)
{
	return span_cstr(arena_cstr(arena, json_get_span(object, name)));
}

bool webhook_read(struct arena *arena, struct span id, struct span json,
		  struct webhook *webhook_out)
{
	json_t *object = json_loadb((const char *)json.p, json.n, 0, NULL);
	int64_t batch = json_get_int(object, "batch", 1);

	*webhook_out = (struct webhook){.id = id,
					.url = copy(arena, object, "url"),
					.types = copy(arena, object, "types"),
					.user = copy(arena, object, "userId"),
					.description = copy(arena, object, "description"),
					.active = json_get_bool(object, "active", false),
					.created_ms = json_get_int(object, "createdAt", 0)};
	webhook_out->batch = batch < 1			 ? 1
			     : batch > WEBHOOK_BATCH_MAX ? WEBHOOK_BATCH_MAX
							 : (unsigned)batch;
	secrets_read(arena, json_object_get(object, "secrets"), webhook_out);
	json_decref(object);
	return webhook_out->url.n && webhook_out->secret_count;
}

struct span webhook_write(struct arena *arena, const struct webhook *w)
{
	json_t *secrets = json_array(), *object;
	struct span text;

	for (size_t i = 0; i < w->secret_count; i++)
		json_array_append_new(secrets,
				      json_pack("[o I]", json_from_span(w->secrets[i].sealed),
						(json_int_t)w->secrets[i].until_ms));
	object = json_pack("{s:o s:o s:o s:o s:I s:b s:I s:o}", "url", json_from_span(w->url),
			   "types", json_from_span(w->types), "userId", json_from_span(w->user),
			   "description", json_from_span(w->description), "batch",
			   (json_int_t)w->batch, "active", w->active, "createdAt",
			   (json_int_t)w->created_ms, "secrets", secrets);
	text = json_text(arena, object);
	json_decref(object);
	return text;
}

static struct span context(struct arena *arena, struct span company, const struct webhook *webhook)
{
	return span_cstr(arena_printf(arena, "webhook %.*s %.*s", (int)company.n,
				      (const char *)company.p, (int)webhook->id.n,
				      (const char *)webhook->id.p));
}

void webhook_secret_renew(const struct secret_key *token_key, struct span company,
			  struct arena *arena, struct webhook *webhook, int64_t now_ms,
			  int64_t overlap_ms, struct buf *text_out)
{
	struct secret_key secret;
	struct buf sealed, text;

	buf_init(&sealed, SEALED_MAX);
	buf_init(&text, SEALED_MAX);
	webhook_secret_make(&secret);
	secret_seal(token_key, context(arena, company, webhook),
		    span_make(secret.b, sizeof(secret.b)), &sealed);
	base64_encode(buf_span(&sealed), &text);
	if (webhook->secret_count) {
		webhook->secrets[1] = webhook->secrets[0];
		webhook->secrets[1].until_ms = now_ms + overlap_ms;
	}
	webhook->secret_count += webhook->secret_count < WEBHOOK_SECRETS;
	webhook->secrets[0] = (struct webhook_secret){.sealed = arena_span(arena, buf_span(&text))};
	webhook_secret_format(&secret, text_out);
	secret_wipe(&secret, sizeof(secret));
	buf_fini(&sealed);
	buf_fini(&text);
}

static bool secret_read(const struct secret_key *token_key, struct span sealed_with,
			struct span text, struct secret_key *key_out)
{
	struct buf sealed, clear;
	bool ok;

	buf_init(&sealed, SEALED_MAX);
	buf_init(&clear, SEALED_MAX);
	ok = base64_decode(text, &sealed) &&
	     secret_open(token_key, sealed_with, buf_span(&sealed), &clear, NULL) == ERR_OK &&
	     clear.n == SECRET_KEY_BYTES;
	if (ok)
		memcpy(key_out->b, clear.p, SECRET_KEY_BYTES);
	buf_wipe(&clear);
	buf_fini(&sealed);
	return ok;
}

size_t webhook_secrets_open(const struct secret_key *token_key, struct span company,
			    const struct webhook *webhook, int64_t now_ms,
			    struct secret_key keys_out[WEBHOOK_SECRETS])
{
	struct arena *arena = arena_new(0);
	struct span sealed_with = context(arena, company, webhook);
	size_t count = 0;

	for (size_t i = 0; i < webhook->secret_count; i++) {
		const struct webhook_secret *secret = &webhook->secrets[i];

		if ((!secret->until_ms || secret->until_ms > now_ms) &&
		    secret_read(token_key, sealed_with, secret->sealed, &keys_out[count]))
			count++;
	}
	arena_free(&arena);
	return count;
}

struct span webhook_position_text(struct arena *arena, const struct event_position *position)
{
	return span_cstr(arena_printf(arena, "%llu-%llu-%u", (unsigned long long)position->ms,
				      (unsigned long long)position->sequence, position->next));
}

bool webhook_position_parse(struct span text, struct event_position *position_out)
{
	size_t first = span_find_byte(text, '-');
	struct span rest = span_sub(text, first + 1, text.n);
	size_t second = span_find_byte(rest, '-');
	uint64_t next;

	if (!span_to_u64(span_sub(text, 0, first), UINT64_MAX, &position_out->ms) ||
	    !span_to_u64(span_sub(rest, 0, second), UINT64_MAX, &position_out->sequence) ||
	    !span_to_u64(span_sub(rest, second + 1, rest.n), UINT8_MAX, &next))
		return false;
	position_out->next = (unsigned)next;
	return true;
}
