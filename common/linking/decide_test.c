/* Proves BLK-02, LNK-01, LNK-02 (each reason, in its order), LNK-03, LNK-04, LNK-10 and SHR-03 on plain structs: one company
 * for all cases, written small: an address is one word of the world below. */
#include "common/linking/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define CREATED 1000

static struct decide_item deal = {'d', SPAN_LIT("1"), CREATED},
			  lead = {'l', SPAN_LIT("1"), CREATED};
static struct decide_item project = {'p', SPAN_LIT("7"), CREATED};

/* Every world is made anew, so that a test may change it. */
struct world {
	struct decide_item items[4];
	struct decide_person people[6];
	struct decide_person *on[8][2];
	struct decide_address addresses[10];
	struct span own[2], company_blocked[2], account_blocked[1];
	struct decide_company company;
	struct decide_account account;
};

enum { ME, ALIAS, COLLEAGUE, ANNA, BOB, TWINS, PAUL, NOBODY, SPAM, SHADY };

static void world_make(struct world *w)
{
	static const char *const emails[] = {
		"me@us.example",  "alias@us.example", "col@us.example", "anna@c.example",
		"bob@c.example",  "twins@c.example",  "paul@c.example", "nobody@c.example",
		"x@spam.example", "shady@c.example"};

	*w = (struct world){0};
	w->items[0] = deal;
	w->items[1] = lead;
	w->items[2] = deal;
	w->items[3] = project;
	w->people[0] = (struct decide_person){SPAN_LIT("anna"), &w->items[0], 1}; /* deal 1 */
	w->people[1] = (struct decide_person){SPAN_LIT("bob"), NULL, 0};
	w->people[2] = (struct decide_person){SPAN_LIT("t1"), &w->items[0], 2}; /* deal 1, lead 1 */
	w->people[3] = (struct decide_person){SPAN_LIT("t2"), &w->items[2], 1}; /* deal 1 again */
	w->people[4] = (struct decide_person){SPAN_LIT("paul"), &w->items[3], 1};
	for (size_t i = 0; i < 10; i++)
		w->addresses[i].email = span_cstr(emails[i]);
	w->addresses[COLLEAGUE].is_user = true;
	static const struct {
		int address, first, second;
	} on[] = {{ANNA, 0, -1}, {BOB, 1, -1},	     {TWINS, 2, 3},
		  {PAUL, 4, -1}, {COLLEAGUE, 0, -1}, {ME, 0, -1}};

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		w->on[i][0] = &w->people[on[i].first];
		w->on[i][1] = on[i].second < 0 ? NULL : &w->people[on[i].second];
		w->addresses[on[i].address].people = w->on[i];
		w->addresses[on[i].address].people_count = on[i].second < 0 ? 1 : 2;
	}
	w->own[0] = span_cstr(emails[ME]);
	w->own[1] = span_cstr(emails[ALIAS]);
	w->company_blocked[0] = SPAN_LIT("@spam.example");
	w->account_blocked[0] = SPAN_LIT("shady@c.example");
	w->company = (struct decide_company){.automatic = true,
					     .kinds = SPAN_LIT("dl"),
					     .blocked = w->company_blocked,
					     .blocked_count = 1};
	w->account = (struct decide_account){
		.own = w->own, .own_count = 2, .blocked = w->account_blocked, .blocked_count = 1};
}

/* Lists are strings of digits: indices of addresses; '?' is something that is no address. */
static struct decide_list list_of(struct world *w, struct arena *arena, const char *digits)
{
	struct decide_list list = {.items =
					   arena_array(arena, 16, sizeof(struct decide_address *))};

	for (; *digits; digits++) {
		if (*digits == '?')
			list.odd = true;
		else
			list.items[list.count++] = &w->addresses[*digits - '0'];
	}
	return list;
}

struct mail_case {
	const char *from, *to, *cc, *bcc, *reply_to;
	int64_t received_ms, sent_ms;
	enum decide_reason reason;
	const char *people; /* ids, each with a blank behind it */
	const char *person; /* NULL: none */
};

static void decide(struct world *w, struct arena *arena, const struct mail_case *c,
		   struct decide_result *r)
{
	struct decide_mail mail = {.from = list_of(w, arena, c->from),
				   .to = list_of(w, arena, c->to),
				   .cc = list_of(w, arena, c->cc),
				   .bcc = list_of(w, arena, c->bcc),
				   .reply_to = list_of(w, arena, c->reply_to),
				   .received_ms = c->received_ms,
				   .sent_ms = c->sent_ms};

	decide_message(&w->company, &w->account, &mail, arena, r);
}

static void assert_case(struct world *w, const struct mail_case *c)
{
	struct arena *arena = arena_new(0);
	struct decide_result r;
	char people[100] = "";

	decide(w, arena, c, &r);
	assert_false(r.screened);
	for (size_t i = 0; i < r.people_count; i++)
		snprintf(people + strlen(people), sizeof(people) - strlen(people), "%.*s ",
			 (int)r.people[i]->id.n, (const char *)r.people[i]->id.p);
	assert_string_equal(people, c->people);
	assert_string_equal(decide_reason_name(r.reason), decide_reason_name(c->reason));
	assert_int_equal(r.item != NULL, c->reason == DECIDE_LINKED);
	if (c->person)
		assert_true(r.person && span_eq(r.person->id, span_cstr(c->person)));
	else
		assert_null(r.person);
	arena_free(&arena);
}

#define LATE CREATED + 1
static void test_lnk_02_reasons(void **state)
{
	static const struct mail_case cases[] = {
		/* incoming: from, to, cc, bcc, reply-to; received, sent */
		{"3", "0", "", "", "", LATE, LATE, DECIDE_LINKED, "anna ", "anna"},
		{"7", "0", "3", "", "", LATE, LATE, DECIDE_LINKED, "anna ", NULL},
		{"7", "0", "", "3", "", LATE, LATE, DECIDE_LINKED, "anna ", NULL},
		{"7", "0", "", "", "3", LATE, LATE, DECIDE_LINKED, "anna ", NULL},
		{"7", "0", "", "", "", LATE, LATE, DECIDE_NO_PERSON, "", NULL},
		{"2", "0", "", "", "", LATE, LATE, DECIDE_NO_PERSON, "",
		 NULL}, /* a user is nobody's person */
		{"4", "0", "", "", "", LATE, LATE, DECIDE_NO_OPEN_ITEM, "bob ", "bob"},
		{"4", "0", "3", "", "", LATE, LATE, DECIDE_LINKED, "bob anna ", "bob"},
		{"5", "0", "", "", "", LATE, LATE, DECIDE_MULTIPLE_OPEN_ITEMS, "t1 t2 ", "t1"},
		{"6", "0", "", "", "", LATE, LATE, DECIDE_KIND_NOT_AUTOMATIC, "paul ", "paul"},
		{"6", "0", "", "", "", CREATED - 1, 0, DECIDE_KIND_NOT_AUTOMATIC, "paul ", "paul"},
		{"6", "0", "3", "", "", LATE, LATE, DECIDE_MULTIPLE_OPEN_ITEMS, "paul anna ",
		 "paul"},
		/* LNK-03: received for incoming, whatever Date says; sent for outgoing, received if Date is unreadable */
		{"3", "0", "", "", "", CREATED, 0, DECIDE_LINKED, "anna ", "anna"},
		{"3", "0", "", "", "", CREATED - 1, LATE, DECIDE_PREDATES_ITEM, "anna ", "anna"},
		{"0", "3", "", "", "", CREATED - 1, LATE, DECIDE_LINKED, "anna ", "anna"},
		{"0", "3", "", "", "", LATE, CREATED - 1, DECIDE_PREDATES_ITEM, "anna ", "anna"},
		{"0", "3", "", "", "", CREATED - 1, 0, DECIDE_PREDATES_ITEM, "anna ", "anna"},
		/* LNK-10 outgoing: the first matched To; own addresses match nobody though one is on a person */
		{"1", "743", "", "", "", LATE, LATE, DECIDE_LINKED, "bob anna ", "bob"},
		{"0", "0", "3", "", "", LATE, LATE, DECIDE_LINKED, "anna ", NULL},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("case %zu\n", i);
		world_make(&w);
		assert_case(&w, &cases[i]);
	}
}

static void test_shared_item_counts_once(void **state)
{
	static const struct mail_case c = {"3",	 "0",		"5",	       "",    "", LATE,
					   LATE, DECIDE_LINKED, "anna t1 t2 ", "anna"};
	struct world w;

	(void)state;
	world_make(&w);
	w.people[2].item_count = 1; /* all three have deal 1 alone */
	assert_case(&w, &c);
}

static void test_settings(void **state)
{
	static const struct mail_case manual = {"7", "0", "", "", "", LATE, 0, DECIDE_MANUAL_MODE,
						"",  NULL};
	static const struct mail_case person = {
		"3", "0", "", "", "", LATE, 0, DECIDE_MANUAL_MODE, "anna ", "anna"};
	static const struct mail_case kind = {
		"3", "0", "", "", "", LATE, 0, DECIDE_KIND_NOT_AUTOMATIC, "anna ", "anna"};
	struct world w;

	(void)state;
	world_make(&w);
	w.company.automatic = false; /* LNK-04 */
	assert_case(&w, &manual);
	assert_case(&w, &person);
	w.company.automatic = true;
	w.company.kinds = SPAN_LIT("l");
	assert_case(&w, &kind);
}

static void test_blk_02_screening(void **state)
{
	static const struct {
		const char *from, *sender, *to, *cc;
		bool screened;
	} cases[] = {
		{"8", "", "0", "", true},
		{"8", "", "01", "8", true},
		{"9", "", "0", "", true}, /* the account's own list */
		{"89", "", "0", "", true},
		{"8", "", "", "", true},
		{"", "8", "0", "", true},
		{"83", "", "0", "", false}, /* one sender is not blocked */
		{"8", "", "03", "", false},
		{"8", "", "0", "7", false},
		{"8", "", "02", "", false}, /* a colleague is another participant */
		{"3", "8", "0", "", false},
		{"8?", "", "0", "", false},
		{"8", "", "?", "", false},
		{"", "", "0", "", false},
		{"0", "", "8", "", false}, /* what the account sent */
		{"18", "", "8", "", false},
		{"3", "", "0", "", false},
	};
	struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		struct decide_mail mail = {.from = list_of(&w, arena, cases[i].from),
					   .sender = list_of(&w, arena, cases[i].sender),
					   .to = list_of(&w, arena, cases[i].to),
					   .cc = list_of(&w, arena, cases[i].cc)};
		struct decide_result r;

		print_message("case %zu\n", i);
		decide_message(&w.company, &w.account, &mail, arena, &r);
		assert_int_equal(r.screened, cases[i].screened);
		arena_free(&arena);
	}
}

static void test_submitted_is_never_screened(void **state)
{
	struct arena *arena = arena_new(0);
	struct decide_result r;
	struct world w;

	(void)state;
	world_make(&w);
	struct decide_mail mail = {
		.from = list_of(&w, arena, "8"), .to = list_of(&w, arena, "8"), .submitted = true};

	decide_message(&w.company, &w.account, &mail, arena, &r);
	assert_false(r.screened);
	assert_true(r.outgoing && r.sent && !r.received);
	arena_free(&arena);
}

static void test_direction(void **state)
{
	static const struct {
		const char *from;
		bool in_inbox, sent, received;
	} cases[] = {{"3", false, false, true},
		     {"3", true, false, true},
		     {"0", false, true, false},
		     {"1", true, true, true}};
	struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		struct decide_mail mail = {.from = list_of(&w, arena, cases[i].from),
					   .in_inbox = cases[i].in_inbox};
		struct decide_result r;

		decide_message(&w.company, &w.account, &mail, arena, &r);
		assert_int_equal(r.sent, cases[i].sent);
		assert_int_equal(r.outgoing, cases[i].sent);
		assert_int_equal(r.received, cases[i].received);
		arena_free(&arena);
	}
}

static void test_shr_03_default(void **state)
{
	static const struct {
		const char *owner, *company;
		bool is_private;
	} cases[] = {{"", "", false},
		     {"", "private", true},
		     {"shared", "private", false},
		     {"private", "shared", true}};
	struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const struct mail_case c = {"3", "0",	       "", "",	"", LATE,
						   0,	DECIDE_LINKED, "", NULL};
		struct arena *arena = arena_new(0);
		struct decide_result r;

		w.account.owner_sharing = span_cstr(cases[i].owner);
		w.company.sharing = span_cstr(cases[i].company);
		decide(&w, arena, &c, &r);
		assert_int_equal(r.is_private, cases[i].is_private);
		arena_free(&arena);
	}
}

static void test_shown_items(void **state)
{
	static const struct mail_case c = {"5", "6", "", "", "", LATE, 0, DECIDE_LINKED, "", NULL};
	struct arena *arena = arena_new(0);
	struct decide_result r;
	struct world w;

	(void)state;
	world_make(&w);
	decide(&w, arena, &c, &r);
	assert_int_equal(r.reason, DECIDE_MULTIPLE_OPEN_ITEMS);
	assert_int_equal(r.open_count, 3);
	assert_int_equal(r.open[2]->kind, 'p');
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lnk_02_reasons),
		cmocka_unit_test(test_shared_item_counts_once),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_blk_02_screening),
		cmocka_unit_test(test_submitted_is_never_screened),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_shr_03_default),
		cmocka_unit_test(test_shown_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
