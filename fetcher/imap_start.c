/* The first words of a connection: what the server can do, compression, extensions, who we are. */
#include "fetcher/imap_conn_impl.h"

static const struct {
	const char *word;
	enum imap_cap cap;
} cap_table[] = {
	{"IDLE", IMAP_CAP_IDLE},
	{"ID", IMAP_CAP_ID},
	{"ENABLE", IMAP_CAP_ENABLE},
	{"CONDSTORE", IMAP_CAP_CONDSTORE},
	{"QRESYNC", IMAP_CAP_QRESYNC},
	{"ESEARCH", IMAP_CAP_ESEARCH},
	{"LIST-STATUS", IMAP_CAP_LIST_STATUS},
	{"SPECIAL-USE", IMAP_CAP_SPECIAL_USE},
	{"LITERAL+", IMAP_CAP_LITERAL_PLUS},
	{"UIDPLUS", IMAP_CAP_UIDPLUS},
	{"MOVE", IMAP_CAP_MOVE},
	{"LIST-EXTENDED", IMAP_CAP_LIST_EXTENDED},
	{"COMPRESS=DEFLATE", IMAP_CAP_COMPRESS},
	{"NAMESPACE", IMAP_CAP_NAMESPACE},
	{"NOTIFY", IMAP_CAP_NOTIFY},
	{"OBJECTID", IMAP_CAP_OBJECTID},
	{"X-GM-EXT-1", IMAP_CAP_GMAIL},
	{"UTF8=ACCEPT", IMAP_CAP_UTF8},
	{"PARTIAL", IMAP_CAP_PARTIAL},
	{"LITERAL-", IMAP_CAP_LITERAL_MINUS},
	{"IMAP4rev1", IMAP_CAP_REV1},
	{"IMAP4rev2", IMAP_CAP_REV2},
	{"UTF8=ONLY", IMAP_CAP_UTF8_ONLY},
};

/* What RFC 9051 has of itself. */
static const unsigned rev2_caps = IMAP_CAP_IDLE | IMAP_CAP_ENABLE | IMAP_CAP_ESEARCH |
				  IMAP_CAP_LIST_STATUS | IMAP_CAP_SPECIAL_USE |
				  IMAP_CAP_LITERAL_MINUS | IMAP_CAP_UIDPLUS |
				  IMAP_CAP_LIST_EXTENDED | IMAP_CAP_NAMESPACE | IMAP_CAP_MOVE;

void imap_start_caps(struct imap_conn *conn, struct span words)
{
	struct span each;
	size_t n = words.n < sizeof(conn->cap_words) - 1 ? words.n : sizeof(conn->cap_words) - 1;

	memcpy(conn->cap_words, words.p, n);
	conn->cap_words[n] = '\0';
	conn->caps = 0;
	while (imap_word_next(&words, &each))
		for (size_t i = 0; i < sizeof(cap_table) / sizeof(cap_table[0]); i++)
			if (span_ieq(each, span_cstr(cap_table[i].word)))
				conn->caps |= (unsigned)cap_table[i].cap;
	if (conn->caps & IMAP_CAP_QRESYNC)
		conn->caps |= IMAP_CAP_CONDSTORE;
	if (conn->caps & IMAP_CAP_UTF8_ONLY)
		conn->caps |= IMAP_CAP_UTF8;
	if (conn->caps & IMAP_CAP_REV2 && !(conn->caps & IMAP_CAP_REV1))
		conn->rev2 = conn->utf8 = true;
	if (conn->rev2)
		conn->caps |= rev2_caps;
}

void imap_start_enabled(struct imap_conn *conn, struct span words)
{
	if (imap_words_have(words, "IMAP4rev2")) {
		conn->rev2 = conn->utf8 = true;
		conn->caps |= rev2_caps;
	}
	if (imap_words_have(words, "UTF8=ACCEPT"))
		conn->utf8 = true;
}

static void introduced(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	(void)ctx;
	(void)tagged;
	(void)arg;
	conn->handlers.ready(conn->handlers.ctx, conn);
}

/* All that changes what the server says, in one command: what it agrees to it names in ENABLED (RFC 5161). */
static void enable(struct imap_conn *conn)
{
	const char *states = conn->caps & IMAP_CAP_QRESYNC ? " CONDSTORE QRESYNC" : "";
	const char *names = conn->caps & IMAP_CAP_UTF8 ? " UTF8=ACCEPT" : "";
	const char *rev2 = conn->caps & IMAP_CAP_REV2 ? " IMAP4rev2" : "";

	if (conn->caps & (IMAP_CAP_ENABLE | IMAP_CAP_REV2 | IMAP_CAP_UTF8_ONLY) &&
	    (*states || *names || *rev2))
		imap_conn_command(conn, NULL, NULL, 0, "ENABLE%s%s%s", states, names, rev2);
}

/* NAMESPACE first: its prefixes are to be written as paths are kept. */
static void extend(struct imap_conn *conn)
{
	if (conn->caps & IMAP_CAP_NAMESPACE)
		imap_conn_command(conn, NULL, NULL, 0, "NAMESPACE");
	enable(conn);
	if (conn->caps & IMAP_CAP_ID)
		imap_conn_command(conn, introduced, NULL, 0, "ID (\"name\" \"mailweave\")");
	else
		imap_conn_command(conn, introduced, NULL, 0, "NOOP");
}

/* Between near machines it costs both of them more time than the line would. */
static bool worth_compressing(const struct imap_conn *conn)
{
	return conn->compress && conn->caps & IMAP_CAP_COMPRESS &&
	       mailconn_round_trip_us(conn->mail) >= 1000 * conn->compress_ms;
}

/* All that follows the OK is compressed, both ways. Nothing may be sent until it is here (RFC 4978 section 3). */
static void compressed(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	(void)ctx;
	(void)arg;
	if (tagged->status == IMAP_OK)
		conn->deflate = imap_deflate_new();
	extend(conn);
}

/* Our own CAPABILITY was answered. The last of what follows says that the connection is ready. */
static void capable(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged, uint64_t arg)
{
	(void)ctx;
	(void)arg;
	if (tagged->status != IMAP_OK)
		imap_conn_die_of(conn, "protocol_error", "the server refused CAPABILITY");
	else if (worth_compressing(conn))
		imap_conn_command(conn, compressed, NULL, 0, "COMPRESS DEFLATE");
	else
		extend(conn);
}

void imap_start(struct imap_conn *conn)
{
	imap_conn_command(conn, capable, NULL, 0, "CAPABILITY");
}
