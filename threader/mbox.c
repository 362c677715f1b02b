#include "threader/mbox.h"

#include <stdlib.h>
#include <sys/types.h>

void mbox_init(struct mbox *mbox, FILE *file)
{
	*mbox = (struct mbox){.file = file};
}

void mbox_fini(struct mbox *mbox)
{
	free(mbox->line);
	*mbox = (struct mbox){0};
}

void mbox_message_init(struct mbox_message *message)
{
	buf_init(&message->message_id, MBOX_FIELD_MAX);
	buf_init(&message->in_reply_to, MBOX_FIELD_MAX);
	buf_init(&message->references, MBOX_FIELD_MAX);
}

void mbox_message_fini(struct mbox_message *message)
{
	buf_fini(&message->message_id);
	buf_fini(&message->in_reply_to);
	buf_fini(&message->references);
}

static bool read_line(struct mbox *mbox)
{
	ssize_t n = getline(&mbox->line, &mbox->line_room, mbox->file);

	mbox->line_bytes = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static struct span line_of(const struct mbox *mbox)
{
	return span_make(mbox->line, mbox->line_bytes);
}

static bool is_separator(const struct mbox *mbox)
{
	return span_eq(span_sub(line_of(mbox), 0, 5), SPAN_LIT("From "));
}

/* The field that a header line begins, or NULL if it is another one. */
static struct buf *field_of(struct mbox_message *message, struct span name)
{
	name = span_trim(name);
	if (span_ieq(name, SPAN_LIT("message-id")))
		return &message->message_id;
	if (span_ieq(name, SPAN_LIT("in-reply-to")))
		return &message->in_reply_to;
	if (span_ieq(name, SPAN_LIT("references")))
		return &message->references;
	return NULL;
}

static void read_header(struct mbox *mbox, struct mbox_message *message)
{
	struct buf *field = NULL;

	while (read_line(mbox)) {
		struct span line = line_of(mbox), value = line;

		mbox->pending = is_separator(mbox);
		if (mbox->pending || span_trim(line).n == 0)
			return;
		if (line.p[0] != ' ' && line.p[0] != '\t') {
			size_t colon = span_find_byte(line, ':');

			field = field_of(message, span_sub(line, 0, colon));
			value = span_sub(line, colon + 1, line.n);
		}
		if (field) {
			buf_put_byte(field, ' ');
			buf_put_span(field, span_trim(value));
		}
	}
}

bool mbox_next(struct mbox *mbox, struct mbox_message *message)
{
	while (!mbox->pending) {
		if (!read_line(mbox))
			return false;
		mbox->pending = is_separator(mbox);
	}
	mbox->pending = false;
	buf_clear(&message->message_id);
	buf_clear(&message->in_reply_to);
	buf_clear(&message->references);
	read_header(mbox, message);
	return true;
}
