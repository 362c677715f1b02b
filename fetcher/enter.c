#include "fetcher/enter.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/wire/pack.h"
#include "fetcher/account.h"
#include "fetcher/drive.h"
#include "fetcher/enter_job.h"
#include "fetcher/identify.h"

#define COMPANY 64u /* old messages that make a commit worth while */
#define COMPANY_BYTES (4u << 20) /* or so many octets of them */
#define SOURCE_BYTES_MAX 4096u
#define COMPANY_MS 40 /* or so long a wait */

static struct enter_entry *entry_new(struct account *a, struct mailbox *mailbox,
				     enum enter_kind kind, size_t extra)
{
	struct enter_entry *entry = calloc(1, sizeof(*entry) + extra);

	if (!entry)
		abort();
	entry->kind = kind;
	entry->mailbox = mailbox;
	if (!a->entries.first)
		a->entries.since_ms = clock_mono_ms();
	if (a->entries.last)
		a->entries.last->next = entry;
	else
		a->entries.first = entry;
	a->entries.last = entry;
	a->entries.count++;
	a->entries.told++;
	return entry;
}

static void kick(struct account *a)
{
	if (!a->entries.running && a->entries.first)
		enter_job_start(a);
}

int64_t enter_due_ms(const struct account *a)
{
	return a->entries.first && !a->entries.running ? a->entries.since_ms + COMPANY_MS
						       : INT64_MAX;
}

/* A commit costs the disk the same for one message as for a megabyte of them. */
static void kick_later(struct account *a)
{
	if (a->entries.count >= COMPANY || a->entries.bytes >= COMPANY_BYTES)
		kick(a);
	else
		account_turn_at(a, enter_due_ms(a));
}

void enter_resume(struct account *a)
{
	const struct enter_entry *first = a->entries.first;

	if (first->kind == ENTER_MESSAGE && first->flight && first->flight->lane == WIRE_LANE_BULK)
		kick_later(a);
	else
		kick(a);
}

void enter_tick(struct account *a, int64_t now_ms)
{
	if (a->entries.first && now_ms - a->entries.since_ms >= COMPANY_MS)
		kick(a);
}

/* [name, size, check, labels]; the last only if something is known of them */
static void put_source(struct buf *out, const struct source *source)
{
	if (!source || (source->name.n == 0 && source->labels.n == 0))
		return;
	pack_put_array(out, source->labels.n ? 4 : 3);
	pack_put_str(out, source->name);
	pack_put_u64(out, source->size);
	pack_put_u64(out, source->check);
	buf_put_span(out, source->labels);
}

static void keep_bytes(struct enter_entry *entry, struct span words, struct span more,
		       struct span source)
{
	const struct span parts[] = {words, more, source};
	uint8_t *to = entry->bytes;

	entry->words_bytes = words.n;
	entry->more_bytes = more.n;
	entry->source_bytes = source.n;
	for (size_t i = 0; i < 3; to += parts[i++].n)
		if (parts[i].n)
			memcpy(to, parts[i].p, parts[i].n);
}

void enter_message(struct account *a, struct mailbox *mailbox, uint32_t uid, unsigned flags,
		   struct span words, const struct id *id, struct flight *flight,
		   struct span ledger, const struct source *source)
{
	struct enter_entry *entry;
	struct buf packed;

	buf_init(&packed, SOURCE_BYTES_MAX);
	put_source(&packed, source);
	entry = entry_new(a, mailbox, ENTER_MESSAGE, words.n + ledger.n + packed.n);
	keep_bytes(entry, words, ledger, buf_span(&packed));
	buf_fini(&packed);

	entry->uid = uid;
	entry->flags = flags;
	entry->id = *id;
	entry->flight = flight;
	entry->validity = mailbox->cursor.validity;
	a->entries.bytes += flight ? flight->size : 0;
	if (flight && flight->lane == WIRE_LANE_BULK)
		kick_later(a);
	else
		kick(a);
}

void enter_flags(struct account *a, struct mailbox *mailbox, uint32_t uid, unsigned flags,
		 struct span words, const struct source *source)
{
	struct enter_entry *entry;
	struct buf packed;

	buf_init(&packed, SOURCE_BYTES_MAX);
	put_source(&packed, source);
	entry = entry_new(a, mailbox, ENTER_FLAGS, words.n + packed.n);
	keep_bytes(entry, words, SPAN_LIT(""), buf_span(&packed));
	buf_fini(&packed);
	entry->uid = uid;
	entry->flags = flags;
	kick(a);
}

void enter_gone(struct account *a, struct mailbox *mailbox, uint32_t low, uint32_t high,
		struct span present)
{
	struct enter_entry *entry;

	if (low > high)
		return;
	entry = entry_new(a, mailbox, ENTER_GONE, present.n);
	entry->uid = low;
	entry->high = high;
	entry->more_bytes = present.n;
	if (present.n)
		memcpy(entry->bytes, present.p, present.n);
	kick(a);
}

void enter_cursor(struct account *a, struct mailbox *mailbox)
{
	struct enter_entry *entry;
	struct buf box;

	buf_init(&box, 2 * MAILBOX_PATH_MAX);
	mailbox_encode(mailbox, &mailbox->cursor, &box);
	entry = entry_new(a, mailbox, ENTER_CURSOR, box.n);
	entry->more_bytes = box.n;
	memcpy(entry->bytes, box.p, box.n);
	buf_fini(&box);
	kick_later(a);
}

void enter_drop(struct account *a, struct mailbox *mailbox)
{
	(void)entry_new(a, mailbox, ENTER_DROP, 0);
	kick(a);
}

void enter_mark(struct account *a, struct span fields)
{
	struct enter_entry *entry = entry_new(a, NULL, ENTER_MARK, fields.n);

	entry->more_bytes = fields.n;
	memcpy(entry->bytes, fields.p, fields.n);
	kick_later(a);
}

void enter_clear(struct account *a)
{
	struct enter_queue *q = &a->entries;

	while (q->first) {
		struct enter_entry *entry = q->first;

		q->first = entry->next;
		window_leave(&a->fetcher->window, &entry->flight);
		free(entry);
	}
	q->last = NULL;
	q->count = 0;
	q->bytes = 0;
}

unsigned enter_flag_bits(struct span imap_flags, struct buf *words_out)
{
	static const struct {
		const char *flag, *word;
		unsigned bit;
	} table[] = {
		{"\\Seen", "$seen", ENTER_FLAG_SEEN},
		{"\\Flagged", "$flagged", ENTER_FLAG_FLAGGED},
		{"\\Answered", "$answered", ENTER_FLAG_ANSWERED},
		{"\\Draft", "$draft", ENTER_FLAG_DRAFT},
		{"\\Deleted", NULL, ENTER_FLAG_DELETED},
	};
	const size_t known = sizeof(table) / sizeof(table[0]);
	struct span words[32], all = imap_flags, each;
	size_t count = 0;
	unsigned bits = 0;

	while (count < 32 && imap_word_next(&all, &each)) {
		size_t i = 0;

		while (i < known && !span_ieq(each, span_cstr(table[i].flag)))
			i++;
		bits |= i < known ? table[i].bit : 0;
		if (i < known && table[i].word)
			words[count++] = span_cstr(table[i].word);
		else if (i == known && each.p[0] != '\\' && each.n <= 64)
			words[count++] = each;
	}
	pack_put_array(words_out, count);
	for (size_t i = 0; i < count; i++) {
		uint8_t lower[64];

		for (size_t k = 0; k < words[i].n; k++)
			lower[k] = words[i].p[k] >= 'A' && words[i].p[k] <= 'Z'
					   ? words[i].p[k] | 0x20
					   : words[i].p[k];
		pack_put_str(words_out, span_make(lower, words[i].n));
	}
	return bits;
}
