/* SYN-03: windows of time as the API gives them; a mailbox's packed value comes back as it went; JSON strings, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fetcher/imap_resp.h"
#include "fetcher/json_text.h"
#include "fetcher/mailbox.h"
#include "fetcher/mailbox_name.h"
#include "fetcher/mailbox_space.h"
#include "fetcher/since.h"

#define DAY INT64_C(86400000)
#define NOW INT64_C(1700000000000)

static void test_since(void **state)
{
	static const struct {
		const char *text;
		int64_t since;
	} good[] = {
		{"", NOW - 3 * DAY},
		{"3d", NOW - 3 * DAY},
		{"2w", NOW - 14 * DAY},
		{"6m", NOW - 186 * DAY},
		{"1y", NOW - 366 * DAY},
		{"all", 0},
		{"9999y", 0},
		{"2023-01-02", 1672617600000},
		{"2023-01-02T00:00:00Z", 1672617600000},
	};
	static const char *const bad[] = {
		"d", "3", "-3d", "3x", "yesterday", "2023-13-01", "3 d", "99999999999999999999d"};
	int64_t since;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(since_parse(span_cstr(good[i].text), NOW, &since));
		assert_int_equal(since, good[i].since);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(since_parse(span_cstr(bad[i]), NOW, &since));
}

static void test_json(void **state)
{
	static const struct {
		const char *json, *value; /* NULL: refused */
	} cases[] = {
		{"{\"imapPassword\":\"a\"}", "a"},
		{" { \"x\" : [1,{\"imapPassword\":\"no\"}], \"y\":true, \"imapPassword\" : "
		 "\"p\\\"\\u00fc\\n\" } ",
		 "p\"\xc3\xbc\n"},
		{"{\"smtpPassword\":\"\\ud83d\\ude00\",\"imapPassword\":\"\\ud83d\\ude00\"}",
		 "\xf0\x9f\x98\x80"},
		{"{\"imapPassword\":\"\"}", ""},
		{"{\"imapPassword\":1}", NULL},
		{"{\"imapPassword\":null}", NULL},
		{"{\"other\":\"imapPassword\"}", NULL},
		{"{\"imapPassword\":\"a", NULL},
		{"{\"imapPassword\":\"\\ud800\"}", NULL},
		{"{\"imapPassword\":\"\\x\"}", NULL},
		{"{\"a\":[[[}", NULL},
		{"", NULL},
		{"{}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool good;

		buf_init(&out, 100);
		good = json_text_field(span_cstr(cases[i].json), "imapPassword", &out);
		assert_int_equal(good, cases[i].value != NULL);
		if (good)
			assert_string_equal(buf_cstr(&out), cases[i].value);
		buf_fini(&out);
	}
}

static void test_json_put(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	json_text_put(&out, SPAN_LIT("a\"b\\c\x01\xff"));
	assert_string_equal(buf_cstr(&out), "\"a\\\"b\\\\c??\"");
	buf_fini(&out);
}

static void test_mailbox(void **state)
{
	struct mailbox *m = mailbox_new(SPAN_LIT("Gel\xc3\xb6scht/x"), '/'), *back = NULL;
	struct buf out;

	(void)state;
	mailbox_role_set(m, SPAN_LIT("\\HasNoChildren \\sent"), false);
	assert_true(mailbox_is(m, "sent"));
	assert_int_equal(mailbox_place_bits(m), 1);
	m->cursor = (struct mailbox_cursor){.validity = UINT32_MAX,
					    .next = 9,
					    .back = 3,
					    .modseq = UINT64_C(1) << 62,
					    .since_ms = 5,
					    .until_ms = 6,
					    .done = true,
					    .retired = true,
					    .remote = 4};
	mailbox_id_set(&m->id, SPAN_LIT("F2212ea87-6097-4256-9d51-71338625"));
	buf_init(&out, 1000);
	mailbox_encode(m, &m->cursor, &out);
	assert_int_equal(mailbox_decode(17, buf_span(&out), &back), ERR_OK);
	assert_true(mailbox_id_same(&back->id, &m->id) && !mailbox_id_other(&back->id, &m->id));
	assert_memory_equal(&back->cursor, &m->cursor, sizeof(m->cursor));
	assert_true(span_eq(mailbox_path(back), mailbox_path(m)));
	assert_true(mailbox_is(back, "sent") && back->known && back->number == 17 &&
		    back->delimiter == '/');
	mailbox_free_all(&back);
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(mailbox_decode(17, span_make(out.p, n), &back), ERR_PERM);
	buf_fini(&out);
	mailbox_free_all(&m);
}

static void test_inbox(void **state)
{
	struct mailbox *m = mailbox_new(SPAN_LIT("inbox"), -1);

	(void)state;
	mailbox_role_set(m, SPAN_LIT("\\Trash"), true);
	assert_true(mailbox_is(m, "inbox"));
	mailbox_free_all(&m);
	m = mailbox_new(SPAN_LIT("Sent"), -1); /* F32: by name only where no attribute can tell */
	mailbox_role_set(m, SPAN_LIT("\\HasNoChildren"), false);
	assert_true(mailbox_is(m, ""));
	mailbox_role_set(m, SPAN_LIT("\\HasNoChildren"), true);
	assert_true(mailbox_is(m, "sent"));
	mailbox_role_set(m, SPAN_LIT("\\Trash"), true);
	assert_true(mailbox_is(m, "trash"));
	mailbox_free_all(&m);
}

static bool came(const void *ctx, uint32_t uid)
{
	return imap_words_have(*(const struct span *)ctx, uid == 3 ? "3" : uid == 5 ? "5" : "-");
}

/* F4: what did not come stays late until it comes, and there is an end to how many. */
static void test_late(void **state)
{
	struct mailbox *m = mailbox_new(SPAN_LIT("INBOX"), -1);
	struct span uids = SPAN_LIT("5");

	(void)state;
	mailbox_late_note(m, 3, 6, came, &uids);
	assert_int_equal(m->late_count, 2);
	assert_int_equal(m->late[0], 3);
	assert_int_equal(m->late[1], 4);
	uids = SPAN_LIT("3");
	mailbox_late_note(m, 6, 6, came, &uids);
	assert_int_equal(m->late_count, 1);
	assert_int_equal(m->late[0], 4);
	mailbox_late_note(m, 6, 4000000000u, came, &uids);
	assert_int_equal(m->late_count, MAILBOX_LATE_MAX);
	assert_int_equal(m->late[MAILBOX_LATE_MAX - 1], 3999999999u);
	mailbox_free_all(&m);
}

/* A server that counts messages before it shows them, each some visits later. */
struct racing {
	uint32_t next; /* as the server says */
	uint32_t visit;
	uint32_t shows[512]; /* from which visit on a UID is to be seen, by UID modulo 512 */
	uint8_t got[512]; /* how often it was */
	bool asked[512];
};

static bool raced(const void *ctx, uint32_t uid)
{
	const struct racing *r = ctx;

	return r->asked[uid % 512] && r->shows[uid % 512] <= r->visit;
}

static uint32_t racing_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void racing_visit(struct racing *r, const struct mailbox *m, uint32_t cursor)
{
	memset(r->asked, 0, sizeof(r->asked));
	for (unsigned i = 0; i < m->late_count; i++)
		r->asked[m->late[i] % 512] = true;
	for (uint32_t uid = cursor; uid < r->next; uid++)
		r->asked[uid % 512] = true;
	for (uint32_t at = 0; at < 512; at++)
		r->got[at] = (uint8_t)(r->got[at] + raced(r, at));
}

/* F4: 10,000 races between what is counted and what is shown, up to 150 messages at a time hidden for up to three visits:
 * each is asked for until it comes, and none twice. */
static void test_late_races(void **state)
{
	struct mailbox *m = mailbox_new(SPAN_LIT("INBOX"), -1);
	struct racing r = {.next = 1};
	uint32_t seed = 4, cursor = 1, races = 0;

	(void)state;
	for (r.visit = 1; races < 10000; r.visit++) {
		const uint32_t come = racing_random(&seed) % 50;

		for (uint32_t i = 0; i < come; i++, r.next++) {
			const uint32_t at = r.next % 512, late = racing_random(&seed) % 4;

			assert_true(r.next <= 512 || r.got[at] == 1);
			r.got[at] = 0;
			r.shows[at] = r.visit + late;
			races += late > 0;
		}
		racing_visit(&r, m, cursor);
		mailbox_late_note(m, cursor, r.next, raced, &r);
		cursor = r.next;
	}
	mailbox_free_all(&m);
}

/* SYN-01: chosen folders are found by the names that people see. F28: names in UTF-8 are the same mailboxes. */
static void test_mailbox_name(void **state)
{
	static const struct {
		const char *path, *text;
	} same[] = {
		{"INBOX", "INBOX"},
		{"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
		{"R&-D", "R&D"},
		{"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		 "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
		{"&2D3eAA-!", "\xf0\x9f\x98\x80!"},
	};
	static const char *const bad[] = {"\xff", "\xc3", "\xc0\x80", "\xed", "\xf5\x80\x80\x80",
					  "Entw"};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(mailbox_name_is(span_cstr(same[i].path), span_cstr(same[i].text)));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct buf kept, sent;

		buf_init(&kept, 256);
		buf_init(&sent, 256);
		mailbox_name_from_utf8(span_cstr(same[i].text), &kept);
		assert_string_equal(buf_cstr(&kept), same[i].path);
		mailbox_name_to_utf8(buf_span(&kept), &sent);
		assert_string_equal(buf_cstr(&sent), same[i].text);
		buf_fini(&kept);
		buf_fini(&sent);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mailbox_name_is(SPAN_LIT("Entw&APw-rfe"), span_cstr(bad[i])));
}

/* What was written before mailboxes had ids of their own is read. */
static void test_mailbox_before(void **state)
{
	static const uint8_t value[] = {0x97, 0xa1, 'x', 0xa0, 0xa0, 7, 0xa7, 0x96,
					9,    0,    3,	 0,    0,    1, 4,    5};
	struct mailbox *m = NULL;

	(void)state;
	assert_int_equal(mailbox_decode(3, span_make(value, sizeof(value)), &m), ERR_OK);
	assert_true(m->cursor.next == 9 && m->cursor.done && m->id.n == 0);
	mailbox_free_all(&m);
}

/* SYN-02: other users' and shared mailboxes are told from one's own by the longest prefix; prefixes are no part of a name. */
static void test_spaces(void **state)
{
	static const struct {
		const char *said, *path, *name;
		bool own;
	} cases[] = {
		{"* NAMESPACE ((\"\" \"/\")) ((\"user/\" \"/\")) ((\"Public/\" \"/\"))", "Sent",
		 "Sent", true},
		{"* NAMESPACE ((\"\" \"/\")) ((\"user/\" \"/\")) ((\"Public/\" \"/\"))",
		 "Public/Sales", "Sales", false},
		{"* NAMESPACE ((\"\" \"/\")) ((\"user/\" \"/\")) ((\"Public/\" \"/\"))", "Public",
		 "Public", false},
		{"* NAMESPACE ((\"\" \"/\")) ((\"user/\" \"/\")) ((\"Public/\" \"/\"))",
		 "Publications", "Publications", true},
		{"* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))", "INBOX",
		 "INBOX", true},
		{"* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))",
		 "Inbox.Sent", "Sent", true},
		{"* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))", "news",
		 "news", false},
		{"* NAMESPACE NIL NIL NIL", "Sent", "Sent", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailbox_spaces spaces = {0};
		struct imap_resp resp;
		uint8_t line[200];
		const size_t n = strlen(cases[i].said);
		const struct span path = span_cstr(cases[i].path);

		memcpy(line, cases[i].said, n);
		assert_true(imap_resp_parse(line, n, &resp));
		mailbox_spaces_set(&spaces, &resp);
		assert_int_equal(mailbox_space_is_own(&spaces, path), cases[i].own);
		assert_true(span_eq(mailbox_space_name(&spaces, path), span_cstr(cases[i].name)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spaces),	       cmocka_unit_test(test_since),
		cmocka_unit_test(test_json),	       cmocka_unit_test(test_json_put),
		cmocka_unit_test(test_mailbox),	       cmocka_unit_test(test_inbox),
		cmocka_unit_test(test_mailbox_name),   cmocka_unit_test(test_late),
		cmocka_unit_test(test_mailbox_before), cmocka_unit_test(test_late_races),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
