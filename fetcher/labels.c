#include "fetcher/labels.h"

#include "common/wire/pack.h"
#include "fetcher/account.h"
#include "fetcher/mailbox_list.h"
#include "fetcher/mailbox_name.h"

static const struct {
	const char *label, *role;
	unsigned place;
} system_labels[] = {
	{"\\Inbox", "inbox", 2},
	{"\\Sent", "sent", 1},
	{"\\Draft", "drafts", 4},
	{"\\Drafts", "drafts", 4},
};

static const struct mailbox *by_role(const struct account *a, const char *role)
{
	const struct mailbox *m = a->mailboxes;

	while (m && (m->dropped || m->cursor.retired || !mailbox_is(m, role)))
		m = m->next;
	return m;
}

static const struct mailbox *by_name(struct account *a, struct span label)
{
	const struct mailbox *found;
	struct buf path;

	if (!a->live.link || !imap_conn_utf8(a->live.link->conn))
		return mailbox_find(a, label);
	buf_init(&path, 4 * MAILBOX_PATH_MAX);
	mailbox_name_from_utf8(label, &path);
	found = mailbox_find(a, buf_span(&path));
	buf_fini(&path);
	return found;
}

static const struct mailbox *mailbox_of(struct account *a, struct span label,
					struct label_facts *facts)
{
	for (size_t i = 0; i < sizeof(system_labels) / sizeof(system_labels[0]); i++)
		if (span_ieq(label, span_cstr(system_labels[i].label))) {
			facts->place |= system_labels[i].place;
			return by_role(a, system_labels[i].role);
		}
	return label.n && label.p[0] != '\\' ? by_name(a, label) : NULL;
}

/* Sorted, each once. */
static size_t insert(uint32_t *numbers, size_t count, uint32_t number)
{
	size_t at = count;

	while (at > 0 && numbers[at - 1] > number)
		at--;
	if (count == LABELS_MAX || (at > 0 && numbers[at - 1] == number))
		return count;
	memmove(numbers + at + 1, numbers + at, (count - at) * sizeof(*numbers));
	numbers[at] = number;
	return count + 1;
}

void labels_take(struct account *a, const struct imap_resp *fetch, struct buf *packed_out,
		 struct label_facts *facts_out)
{
	uint32_t numbers[LABELS_MAX];
	size_t count = 0;
	struct span labels = fetch->labels, label;

	memset(facts_out, 0, sizeof(*facts_out));
	if (!(fetch->has & IMAP_HAS_LABELS))
		return;
	while (imap_label_next(&labels, &label)) {
		const struct mailbox *m = mailbox_of(a, label, facts_out);

		if (m)
			count = insert(numbers, count, m->number);
	}
	facts_out->draft = facts_out->place & 4u;
	pack_put_array(packed_out, count);
	for (size_t i = 0; i < count; i++)
		pack_put_u64(packed_out, numbers[i]);
}

bool labels_are_folders(const struct account *a)
{
	const struct mailbox *all = by_role(a, "all");

	return a->live.link && imap_conn_caps(a->live.link->conn) & IMAP_CAP_GMAIL &&
	       !a->config.folders && all && all->listed;
}

bool labels_leave_drafts(const struct account *a, const struct mailbox *mailbox)
{
	return mailbox_is(mailbox, "all") && labels_are_folders(a);
}
