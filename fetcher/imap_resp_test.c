/* The IMAP scanner gives the same events whole, byte by byte and cut at every place, and refuses what is not IMAP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fetcher/imap_resp.h"

struct imap_case {
	const char *name, *bytes, *events;
};

static const struct imap_case cases[] = {
	{"tagged with code", "a1 OK [READ-WRITE] done\r\n", "tagged a1 0 [READ-WRITE|] done;"},
	{"tagged no", "a2 NO [AUTHENTICATIONFAILED] bad\r\n",
	 "tagged a2 1 [AUTHENTICATIONFAILED|] bad;"},
	{"tagged bad without text", "a2 BAD\r\n", "tagged a2 2 [|] ;"},
	{"code with arguments", "* OK [UIDVALIDITY 7] ok\r\n", "untagged 0 [UIDVALIDITY|7] ok;"},
	{"bracket never closed", "* OK [oops\r\n", "untagged 0 [|] [oops;"},
	{"text that looks like a literal", "* NO see {5}\r\n* BYE x\r\n",
	 "untagged 1 [|] see {5};untagged 3 [|] x;"},
	{"bare line feed", "* 3 EXISTS\n* 2 EXPUNGE\n", "exists 3;expunge 2;"},
	{"capability", "* CAPABILITY IMAP4rev1 IDLE\r\n", "capability IMAP4rev1 IDLE;"},
	{"list quoted", "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent \\\"x\\\\\"\r\n",
	 "list (\\HasNoChildren \\Sent) / Sent \"x\\;"},
	{"list atom, no delimiter", "* LIST () NIL INBOX\r\n", "list () nil INBOX;"},
	{"list literal", "* LIST (\\X) \".\" {5}\r\na\r\n)b\r\n", "list (\\X) . a\r\n)b;"},
	{"list with an empty literal", "* LIST () \".\" {0}\r\n\r\n", "list () . ;"},
	{"list after a rename (RFC 9051)",
	 "* LIST () \"/\" new (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"o\\\"ld\"))\r\n",
	 "list () / new was o\"ld;"},
	{"list with an old name cut short", "* LIST () \"/\" new (\"OLDNAME\" (\r\n",
	 "list () / new;"},
	{"list extended", "* LIST () \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n",
	 "list () / foo;"},
	{"status", "* STATUS \"a b\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 4 HIGHESTMODSEQ 77)\r\n",
	 "status a b 3 9 4 77;"},
	{"status empty", "* STATUS x ()\r\n", "status x 0 0 0 0;"},
	{"status with a mailbox's own id (RFC 8474)",
	 "* STATUS x (MAILBOXID (F12-a_b) MESSAGES 3)\r\n", "status x 3 0 0 0 id=F12-a_b;"},
	{"status with an own id that is none (Cyrus 3.6)",
	 "* STATUS x (MAILBOXID (,\x06) MESSAGES 3)\r\n", "status x 3 0 0 0;"},
	{"code with a mailbox's own id", "* OK [MAILBOXID (F9)] ok\r\n",
	 "untagged 0 [MAILBOXID|(F9)] ok id=F9;"},
	{"enabled", "* ENABLED QRESYNC UTF8=ACCEPT\r\n", "enabled QRESYNC UTF8=ACCEPT;"},
	{"fetch with the message's own id", "* 1 FETCH (UID 5 EMAILID (M6d99) THREADID NIL)\r\n",
	 "fetch 1 uid=5 id=M6d99;"},
	{"fetch with an own id that is none", "* 1 FETCH (UID 5 EMAILID NIL)\r\n",
	 "fetch 1 uid=5;"},
	{"fetch with labels (X-GM-EXT-1)",
	 "* 1 FETCH (X-GM-MSGID 1278455344230334865 X-GM-LABELS (\"\\\\Inbox\" Work \"a \\\"b\" "
	 "{3}\r\n"
	 "c)d) UID 5)\r\n",
	 "fetch 1 uid=5 id=1278455344230334865 labels<\\Inbox><Work><a \"b><c)d>;"},
	{"fetch without labels", "* 1 FETCH (X-GM-LABELS () UID 5)\r\n", "fetch 1 uid=5 labels;"},
	{"fetch with labels not closed", "* 1 FETCH (X-GM-LABELS (a UID 5\r\n", "damaged fetch;"},
	{"search", "* SEARCH 1 2 30\r\n", "set 1 2 30;"},
	{"search empty", "* SEARCH\r\n", "set ;"},
	{"search with modseq", "* SEARCH 4 (MODSEQ 12)\r\n", "set 4;"},
	{"esearch", "* ESEARCH (TAG \"a5\") UID ALL 4:6,9\r\n", "set 4 5 6 9;"},
	{"esearch in part (RFC 9394)", "* ESEARCH (TAG \"a\") UID PARTIAL (-1:-3 4:5,9)\r\n",
	 "set 4 5 9;"},
	{"esearch in part, nothing", "* ESEARCH (TAG \"a\") UID PARTIAL (-1:-3 NIL)\r\n", "set ;"},
	{"esearch without result", "* ESEARCH (TAG \"a5\") UID\r\n", "set ;"},
	{"vanished", "* VANISHED (EARLIER) 41,43:44\r\n", "vanished earlier 41 43 44;"},
	{"fetch flags", "* 12 FETCH (UID 7 FLAGS (\\Seen $Work) MODSEQ (99))\r\n",
	 "fetch 12 uid=7 flags=\\Seen $Work modseq=99;"},
	{"fetch body",
	 "* 1 FETCH (UID 5 FLAGS () INTERNALDATE \"01-Feb-2024 10:00:00 +0100\" RFC822.SIZE 6 "
	 "BODY[] {6}\r\n"
	 "a{3}\r\n)\r\na OK x\r\n",
	 "body 6<a{3}\r\n>fetch 1 uid=5 flags= date=1706778000000 size=6 body=1;tagged a 0 [|] x;"},
	{"fetch body first", "* 1 FETCH (BODY[] {2}\r\nhi UID 5)\r\n",
	 "body 2<hi>fetch 1 uid=5 body=1;"},
	{"fetch empty body", "* 1 FETCH (BODY[] {0}\r\n UID 5)\r\n",
	 "body 0<>fetch 1 uid=5 body=1;"},
	{"fetch quoted body", "* 1 FETCH (UID 5 BODY[] \"h\\\"i\")\r\n",
	 "fetch 1 uid=5 body=2 h\"i;"},
	{"fetch empty quoted body", "* 1 FETCH (UID 5 BODY[] \"\")\r\n", "fetch 1 uid=5 body=2 ;"},
	{"fetch nil body", "* 1 FETCH (UID 5 BODY[] NIL)\r\n", "fetch 1 uid=5 body=3;"},
	{"fetch unknown items",
	 "* 1 FETCH (X-A (1 (2 \"b)\")) BODY[HEADER.FIELDS (A B)] {3}\r\nabc UID 5)\r\n",
	 "fetch 1 uid=5;"},
	{"fetch with a size that is no number", "* 1 FETCH (RFC822.SIZE NIL UID 5)\r\n",
	 "fetch 1 uid=5;"},
	{"fetch with a strange date", "* 1 FETCH (INTERNALDATE \"never\" UID 5)\r\n",
	 "fetch 1 uid=5;"},
	{"namespace of one's own alone", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n",
	 "namespace 0<>;"},
	{"namespace with all kinds",
	 "* NAMESPACE ((\"INBOX.\" \".\")(\"#mh\\\"/\" \"/\" \"X-PARAM\" (\"A\" \"B\"))) ((\"~\" "
	 "NIL)) "
	 "((\"#shared/\" \"/\") (Public. \".\"))\r\n",
	 "namespace 0<INBOX.>0<#mh\"/>1<~>2<#shared/>2<Public.>;"},
	{"namespace with too many",
	 "* NAMESPACE NIL NIL ((a \".\")(b \".\")(c \".\")(d \".\")(e \".\")(f \".\")(g "
	 "\".\"))\r\n",
	 "namespace 2<a>2<b>2<c>2<d>2<e>2<f>;"},
	{"namespace cut short", "* NAMESPACE ((\"\" \"/\")) NIL\r\n", "damaged;"},
	{"namespace not closed", "* NAMESPACE ((\"\" \"/\") NIL NIL\r\n", "damaged;"},
	{"continuation", "+ idling\r\n+\r\n", "continue idling;continue ;"},
	{"other", "* FLAGS (\\A)\r\n* 0 RECENT\r\n* X\r\n", "other;other;other;"},
	{"not imap", "HTTP/1.1\r\n", "bad;"},
	{"empty line", "\r\n", "bad;"},
	{"uid zero", "* 1 FETCH (UID 0)\r\n", "damaged fetch;"},
	{"uid too large", "* 1 FETCH (UID 99999999999)\r\n", "damaged fetch;"},
	{"fetch not closed", "* 1 FETCH (UID 4\r\n", "damaged fetch;"},
	{"two word fetch", "* 1 FETCH\r\n", "damaged fetch;"},
	{"quote not closed", "* LIST () \"/\" \"foo\r\n", "damaged;"},
	{"empty list, status, search and vanished",
	 "* LIST\r\n* STATUS x\r\n* ESEARCH (TAG\r\n* VANISHED\r\na OK x\r\n",
	 "damaged;damaged;damaged;damaged;tagged a 0 [|] x;"},
	{"a damaged line costs itself alone",
	 "* 1 FETCH (FLAGS (( BODY[] {2}\r\nhi UID 5)\r\n* 2 EXISTS\r\n",
	 "body 2<hi>damaged fetch;exists 2;"},
	{"a literal that was longer than it said",
	 "* 1 FETCH (UID 5 BODY[] {2}\r\nhi, there)\r\n.\r\n", "body 2<hi>damaged fetch;bad;"},
	{"a literal that was much longer than it said",
	 "* 1 FETCH (UID 5 BODY[] {2}\r\nhi, there\r\n* 9 EXISTS\r\n", "body 2<hi>bad;"},
	{"namespace and quota",
	 "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* QUOTA \"\" (STORAGE 1 2)\r\n",
	 "namespace 0<>;other;"},
	{"overquota and throttled", "a1 NO [OVERQUOTA] full\r\na2 NO [THROTTLED] slow\r\n",
	 "tagged a1 1 [OVERQUOTA|] full;tagged a2 1 [THROTTLED|] slow;"},
	{"search of junk", "* SEARCH 1 x 2\r\n", "set 1;"},
	{"structure with a stray NIL",
	 "* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"boundary\" NIL)) NIL) UID 5)\r\n",
	 "fetch 1 uid=5;"},
	{"literal over the cap", "* LIST () \"/\" {99999}\r\n", "bad;"},
	{"literal count that overflows", "* 1 FETCH (BODY[] {99999999999999}\r\n", "bad;"},
};

static void put_set(struct buf *out, struct span set)
{
	uint32_t low, high;
	const char *blank = "";

	while (imap_set_next(&set, &low, &high))
		for (uint64_t i = low; i <= high && i < (uint64_t)low + 100; i++) {
			buf_printf(out, "%s%llu", blank, (unsigned long long)i);
			blank = " ";
		}
}

static void put_id(struct buf *out, struct span id)
{
	if (id.n)
		buf_printf(out, " id=%.*s", (int)id.n, (const char *)id.p);
}

static void put_labels(struct buf *out, struct span labels)
{
	struct span each;

	buf_put_cstr(out, " labels");
	while (imap_label_next(&labels, &each))
		buf_printf(out, "<%.*s>", (int)each.n, (const char *)each.p);
}

static void put_fetch(struct buf *out, const struct imap_resp *r)
{
	buf_printf(out, "fetch %u uid=%u", r->number, r->uid);
	if (r->has & IMAP_HAS_FLAGS)
		buf_printf(out, " flags=%.*s", (int)r->attributes.n, (const char *)r->attributes.p);
	if (r->has & IMAP_HAS_DATE)
		buf_printf(out, " date=%lld", (long long)r->date_ms);
	if (r->has & IMAP_HAS_SIZE)
		buf_printf(out, " size=%llu", (unsigned long long)r->size);
	if (r->has & IMAP_HAS_MODSEQ)
		buf_printf(out, " modseq=%llu", (unsigned long long)r->modseq);
	put_id(out, r->email_id);
	if (r->has & IMAP_HAS_LABELS)
		put_labels(out, r->labels);
	if (r->body)
		buf_printf(out, " body=%d", (int)r->body);
	if (r->body == IMAP_BODY_INLINE) {
		buf_put_byte(out, ' ');
		buf_put_span(out, r->inline_body);
	}
}

static void put_coded(struct buf *out, const struct imap_resp *r)
{
	buf_printf(out, "%d [", (int)r->status);
	buf_put_span(out, r->code);
	buf_put_byte(out, '|');
	buf_put_span(out, r->code_args);
	buf_put_cstr(out, "] ");
	buf_put_span(out, r->text);
	put_id(out, r->mailbox_id);
}

static void put_list(struct buf *out, const struct imap_resp *r)
{
	buf_put_cstr(out, "list (");
	buf_put_span(out, r->attributes);
	if (r->delimiter < 0)
		buf_put_cstr(out, ") nil ");
	else
		buf_printf(out, ") %c ", r->delimiter);
	buf_put_span(out, r->name);
	if (r->old_name.n)
		buf_printf(out, " was %.*s", (int)r->old_name.n, (const char *)r->old_name.p);
}

static void put_status(struct buf *out, const struct imap_resp *r)
{
	buf_printf(out, " %.*s %u %u %u %llu", (int)r->name.n, (const char *)r->name.p, r->messages,
		   r->uidnext, r->uidvalidity, (unsigned long long)r->modseq);
	put_id(out, r->mailbox_id);
}

static void put_response(struct buf *out, const struct imap_resp *r)
{
	static const char *const words[] = {
		"other",  "tagged",  "untagged", "continue", "capability", "list",	"status",
		"exists", "expunge", "vanished", "set",	     "fetch",	   "namespace", "enabled"};

	if (r->damaged) {
		buf_put_cstr(out, r->kind == IMAP_FETCH ? "damaged fetch;" : "damaged;");
		return;
	}
	if (r->kind != IMAP_FETCH && r->kind != IMAP_LIST)
		buf_put_cstr(out, words[r->kind]);
	switch (r->kind) {
	case IMAP_TAGGED:
		buf_printf(out, " %.*s ", (int)r->tag.n, (const char *)r->tag.p);
		put_coded(out, r);
		break;
	case IMAP_UNTAGGED:
		buf_put_byte(out, ' ');
		put_coded(out, r);
		break;
	case IMAP_CONTINUE:
		buf_printf(out, " %.*s", (int)r->text.n, (const char *)r->text.p);
		break;
	case IMAP_CAPABILITY:
	case IMAP_ENABLED:
		buf_printf(out, " %.*s", (int)r->attributes.n, (const char *)r->attributes.p);
		break;
	case IMAP_LIST:
		put_list(out, r);
		break;
	case IMAP_STATUS:
		put_status(out, r);
		break;
	case IMAP_EXISTS:
	case IMAP_EXPUNGE:
		buf_printf(out, " %u", r->number);
		break;
	case IMAP_VANISHED:
		buf_put_cstr(out, r->earlier ? " earlier " : " ");
		put_set(out, r->set);
		break;
	case IMAP_SEARCH:
		buf_put_byte(out, ' ');
		put_set(out, r->set);
		break;
	case IMAP_NAMESPACE:
		buf_put_byte(out, ' ');
		for (size_t i = 0; i < r->space_count; i++)
			buf_printf(out, "%u<%.*s>", r->spaces[i].kind, (int)r->spaces[i].prefix.n,
				   (const char *)r->spaces[i].prefix.p);
		break;
	case IMAP_FETCH:
		put_fetch(out, r);
		break;
	default:
		break;
	}
	buf_put_byte(out, ';');
}

struct feed {
	struct imap_scanner scanner;
	struct buf out;
	bool bad;
	uint64_t left;
};

static void feed(struct feed *f, const char *bytes, size_t n)
{
	struct span in = span_make(bytes, n);

	while (!f->bad) {
		switch (imap_scanner_next(&f->scanner, &in)) {
		case IMAP_MORE:
			assert_int_equal(in.n, 0);
			return;
		case IMAP_RESPONSE:
			put_response(&f->out, &f->scanner.resp);
			break;
		case IMAP_BODY_BEGIN:
			f->left = f->scanner.body_bytes;
			buf_printf(&f->out, f->left ? "body %llu<" : "body %llu<>",
				   (unsigned long long)f->left);
			break;
		case IMAP_BODY_DATA:
			buf_put_span(&f->out, f->scanner.data);
			f->left -= f->scanner.data.n;
			if (f->left == 0)
				buf_put_byte(&f->out, '>');
			break;
		case IMAP_BAD:
			buf_put_cstr(&f->out, "bad;");
			f->bad = true;
			break;
		}
	}
}

static void check(const struct imap_case *c, size_t first, size_t step)
{
	struct feed f = {.bad = false};
	size_t n = strlen(c->bytes);

	imap_scanner_init(&f.scanner);
	buf_init(&f.out, 1 << 16);
	for (size_t at = 0; at < n;) {
		size_t piece = at == 0 && first ? first : step ? step : n;

		if (piece > n - at)
			piece = n - at;
		feed(&f, c->bytes + at, piece);
		at += piece;
	}
	if (strcmp(buf_cstr(&f.out), c->events) != 0)
		fail_msg("%s (first %zu, step %zu): got %s, want %s", c->name, first, step,
			 buf_cstr(&f.out), c->events);
	imap_scanner_fini(&f.scanner);
	buf_fini(&f.out);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check(&cases[i], 0, 0);
		check(&cases[i], 0, 1);
		for (size_t cut = 1; cut < strlen(cases[i].bytes); cut++)
			check(&cases[i], cut, 0);
	}
}

/* SYN-09: what a server can make us hold is bounded. */
static void test_endless_line(void **state)
{
	struct imap_scanner s;
	char junk[4096];
	bool bad = false;

	(void)state;
	memset(junk, 'a', sizeof(junk));
	imap_scanner_init(&s);
	for (size_t i = 0; i < 200 && !bad; i++) {
		struct span in = span_make(junk, sizeof(junk));

		bad = imap_scanner_next(&s, &in) == IMAP_BAD;
		assert_true(s.line.cap <= 2 * (IMAP_LINE_MAX + IMAP_LITERAL_MAX));
	}
	assert_true(bad);
	imap_scanner_fini(&s);
}

static void test_set_put(void **state)
{
	static const uint32_t uids[] = {1, 2, 3, 7, 9, 10};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	imap_set_put(&out, uids, 6);
	assert_string_equal(buf_cstr(&out), "1:3,7,9:10");
	buf_clear(&out);
	imap_date_put(&out, 1706778000000);
	assert_string_equal(buf_cstr(&out), "1-Feb-2024");
	buf_fini(&out);
}

/* Reads a SEARCH line in pieces; the number of UIDs in it, which must be 1, 2, 3 and so on. */
static uint32_t count_search(const struct buf *line, size_t piece)
{
	struct imap_scanner s;
	uint32_t next = 1, low, high;
	bool tagged = false;

	imap_scanner_init(&s);
	for (size_t at = 0; at < line->n; at += piece) {
		struct span in = span_sub(buf_span(line), at, piece);
		enum imap_event event;

		while ((event = imap_scanner_next(&s, &in)) != IMAP_MORE) {
			assert_int_equal(event, IMAP_RESPONSE);
			tagged = s.resp.kind == IMAP_TAGGED;
			assert_true(tagged || s.resp.kind == IMAP_SEARCH);
			while (!tagged && imap_set_next(&s.resp.set, &low, &high)) {
				assert_int_equal(low, next);
				next = high + 1;
			}
		}
		assert_true(s.line.cap <= 2 * IMAP_LINE_MAX);
	}
	assert_true(tagged);
	imap_scanner_fini(&s);
	return next - 1;
}

/* F23: a million UIDs on one line are a set like any other, however the line comes and wherever MODSEQ stands in it. */
static void test_search_without_end(void **state)
{
	static const size_t pieces[] = {1, 7, 1460, 65536, 16u << 20};
	static const uint32_t counts[] = {1000000, 43000, 43001, 43002, 43003, 43004, 43005};
	struct buf line;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		buf_init(&line, 16u << 20);
		buf_put_cstr(&line, "* SEARCH");
		for (uint32_t uid = 1; uid <= counts[i]; uid++)
			buf_printf(&line, " %u", uid);
		buf_put_cstr(&line, " (MODSEQ 917162500)\r\na OK done\r\n");
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++)
			assert_int_equal(count_search(&line, pieces[k]), counts[i]);
		buf_fini(&line);
	}
	/* The end of what fits falls on each octet of MODSEQ once. */
	for (size_t blanks = 0; blanks < 40; blanks++) {
		buf_init(&line, 16u << 20);
		buf_put_cstr(&line, "* SEARCH 1");
		while (line.n < IMAP_LINE_MAX - 30)
			buf_put_byte(&line, ' ');
		for (size_t n = 0; n < blanks; n++)
			buf_put_byte(&line, ' ');
		buf_put_cstr(&line, " 2 3 (MODSEQ 917162500)\r\na OK done\r\n");
		assert_int_equal(count_search(&line, 65536), 3);
		buf_fini(&line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_search_without_end),
		cmocka_unit_test(test_set_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
