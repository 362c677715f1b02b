#include "threader/json.h"

#include "common/base/code.h"
#include "threader/mbox.h"
#include "threader/union.h"

#include <errno.h>

#define OUT_MAX (1u << 30)

struct run {
	struct union_set *set;
	struct buf ids; /* of each message: u32 node, u32 length, normal form */
	struct buf id;
};

static void put_u32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof(v));
}

/* Joins the ids of a field to *node (UINT32_MAX: none yet); the first one becomes it. */
static void join_field(struct run *run, struct span field, uint32_t *node)
{
	uint8_t key[IDS_KEY_BYTES];
	struct span token;

	while (ids_next(&field, &token)) {
		buf_clear(&run->id);
		if (!ids_normalize(token, &run->id))
			continue;
		ids_key(buf_span(&run->id), key);
		uint32_t other = union_node(run->set, key);

		if (*node == UINT32_MAX) {
			put_u32(&run->ids, other);
			put_u32(&run->ids, (uint32_t)run->id.n);
			buf_put_span(&run->ids, buf_span(&run->id));
			*node = other;
		}
		union_join(run->set, *node, other);
	}
}

static void add_message(struct run *run, const struct mbox_message *message)
{
	uint32_t node = UINT32_MAX;

	join_field(run, buf_span(&message->message_id), &node);
	if (node == UINT32_MAX)
		return;
	join_field(run, buf_span(&message->in_reply_to), &node);
	join_field(run, buf_span(&message->references), &node);
}

static int read_file(struct run *run, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct mbox_message message;
	struct mbox mbox;
	int status = 0;

	if (!file) {
		fprintf(stderr, "threader: %s: %s\n", path, strerror(errno));
		return 1;
	}
	mbox_init(&mbox, file);
	mbox_message_init(&message);
	while (mbox_next(&mbox, &message))
		add_message(run, &message);
	if (ferror(file)) {
		fprintf(stderr, "threader: %s: %s\n", path, strerror(errno));
		status = 1;
	}
	mbox_message_fini(&message);
	mbox_fini(&mbox);
	fclose(file);
	return status;
}

static void print_string(struct span s, FILE *out)
{
	fputc('"', out);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			fputc('\\', out);
		fputc(s.p[i], out); /* no control characters: ids_normalize dropped them */
	}
	fputc('"', out);
}

static void print_threads(const struct run *run, FILE *out)
{
	struct span rest = buf_span(&run->ids);

	while (rest.n > 0) {
		uint32_t node, length;

		memcpy(&node, rest.p, sizeof(node));
		memcpy(&length, rest.p + sizeof(node), sizeof(length));
		fputs("{\"messageId\":", out);
		print_string(span_sub(rest, 8, length), out);
		fprintf(out, ",\"threadId\":\"t%u\"}\n", union_find(run->set, node));
		rest = span_sub(rest, 8 + (size_t)length, rest.n);
	}
}

int json_threads(int count, char **paths, FILE *out)
{
	struct run run = {.set = union_new()};
	int status = 0;

	buf_init(&run.ids, OUT_MAX);
	buf_init(&run.id, MBOX_FIELD_MAX);
	for (int i = 0; i < count; i++)
		status |= read_file(&run, paths[i]);
	if (buf_ok(&run.ids)) {
		print_threads(&run, out);
	} else {
		fprintf(stderr, "threader: over %u bytes of ids\n", OUT_MAX);
		status = 1;
	}
	if (fflush(out) != 0)
		status = 1;
	buf_fini(&run.ids);
	buf_fini(&run.id);
	union_free(&run.set);
	return status;
}
