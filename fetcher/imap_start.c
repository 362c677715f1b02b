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
	{"LIST-EXTENDED", IMAP_CAP_LIST_EXTENDED},
	{"COMPRESS=DEFLATE", IMAP_CAP_COMPRESS},
	{"NAMESPACE", IMAP_CAP_NAMESPACE},
	{"NOTIFY", IMAP_CAP_NOTIFY},
};

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
}

static void introduced(void *ctx, struct imap_conn *conn, const struct imap_resp *tagged,
		       uint64_t arg)
{
	(void)ctx;
	(void)tagged;
	(void)arg;
	conn->handlers.ready(conn->handlers.ctx, conn);
}

static void extend(struct imap_conn *conn)
{
	const unsigned both = IMAP_CAP_ENABLE | IMAP_CAP_QRESYNC;

	if ((conn->caps & both) == both)
		imap_conn_command(conn, NULL, NULL, 0, "ENABLE CONDSTORE QRESYNC");
	if (conn->caps & IMAP_CAP_NAMESPACE)
		imap_conn_command(conn, NULL, NULL, 0, "NAMESPACE");
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
