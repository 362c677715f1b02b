#include "gateway/account_fields.h"

#include "gateway/presets.h"

#define BLOCKED_MAX 1000
#define FOLDERS_MAX 1000
#define MEMBERS_MAX 100

static const char *const SECURITIES[] = {"tls", "starttls", "none", NULL};
static const char *const SHARINGS[] = {"shared", "private", NULL};
static const char *const ALL[] = {"all", NULL};
static const char *const STATES[] = {
	"init",	  "connecting",		 "syncing",	 "connected", "disconnected",
	"paused", "authenticationError", "connectError", NULL};

static const struct json_field ADDRESS_ENTRY[] = {
	{.name = "", .type = FIELD_LINE, .min = 2, .max = 320}};
static const struct json_field FOLDER[] = {{.name = "", .type = FIELD_LINE, .min = 1, .max = 1024}};
static const struct json_field CLIENT_ID[] = {{.name = "", .type = FIELD_ID}};

#define SERVER_FIELDS                                                           \
	{.name = "host", .type = FIELD_LINE, .min = 1, .max = 253},             \
		{.name = "port", .type = FIELD_INT, .min = 1, .max = 65535},    \
		{.name = "security", .type = FIELD_ENUM, .values = SECURITIES}, \
	{                                                                       \
		.name = "user", .type = FIELD_LINE, .min = 1, .max = 320        \
	}

static const struct json_field SERVER[] = {
	SERVER_FIELDS,
	{.name = "password", .type = FIELD_TEXT, .flags = FIELD_SECRET, .min = 1, .max = 1024},
	{.name = "accessToken",
	 .type = FIELD_TEXT,
	 .flags = FIELD_SECRET,
	 .min = 1,
	 .max = 6000,
	 .help = "OAuth access token instead of a password (OAUTHBEARER, XOAUTH2); whoever gives "
		 "it renews it."},
	{.name = NULL},
};
static const struct json_field SERVER_SHOWN[] = {SERVER_FIELDS, {.name = NULL}};

#define CONNECTION_FIELDS                                                             \
	{.name = "provider",                                                          \
	 .type = FIELD_ENUM,                                                          \
	 .values = preset_names,                                                      \
	 .help = "Gives hosts and ports that imap and smtp leave out."},              \
		{.name = "imap",                                                      \
		 .type = FIELD_OBJECT,                                                \
		 .fields = SERVER,                                                    \
		 .help = "user defaults to the address."},                            \
		{.name = "smtp",                                                      \
		 .type = FIELD_OBJECT,                                                \
		 .fields = SERVER,                                                    \
		 .help = "user, password and accessToken default to those of imap."}, \
		{.name = "oauth", .type = FIELD_FREE, .help = "Not offered yet."},    \
	{                                                                             \
		.name = "activesync", .type = FIELD_FREE, .help = "Not offered yet."  \
	}

static const struct json_field ALIAS[] = {{.name = "", .type = FIELD_ADDRESS}};
static const struct json_field SEND_LIMITS[] = {
	{.name = "perDay",
	 .type = FIELD_INT,
	 .max = 1000000,
	 .help = "Recipients in 24 hours; 0: no limit."},
	{.name = "perMinute", .type = FIELD_INT, .max = 100000, .help = "Messages; 0: no limit."},
	{.name = NULL},
};

#define CHOICE_FIELDS                                                                           \
	{.name = "folders",                                                                     \
	 .type = FIELD_ENUM_OR_LIST,                                                            \
	 .max = FOLDERS_MAX,                                                                    \
	 .values = ALL,                                                                         \
	 .fields = FOLDER},                                                                     \
		{.name = "since",                                                               \
		 .type = FIELD_LINE,                                                            \
		 .max = 32,                                                                     \
		 .help = "First sync's window: 3d, 2w, 6m, 1y, all or a date. Default: 3d."},   \
		{.name = "defaultSharing",                                                      \
		 .type = FIELD_ENUM,                                                            \
		 .flags = FIELD_NULL,                                                           \
		 .values = SHARINGS},                                                           \
		{.name = "senderName", .type = FIELD_LINE, .flags = FIELD_NULL, .max = 255},    \
		{.name = "aliases",                                                             \
		 .type = FIELD_LIST,                                                            \
		 .max = 20,                                                                     \
		 .fields = ALIAS,                                                               \
		 .help = "Other addresses that its provider lets it send as."},                 \
		{.name = "sendLimits",                                                          \
		 .type = FIELD_OBJECT,                                                          \
		 .flags = FIELD_NULL,                                                           \
		 .fields = SEND_LIMITS,                                                         \
		 .help = "Default: as the provider allows."},                                   \
		{.name = "archiveInProvider", .type = FIELD_BOOL},                              \
		{.name = "deleteInProvider", .type = FIELD_BOOL},                               \
		{.name = "blocked",                                                             \
		 .type = FIELD_LIST,                                                            \
		 .max = BLOCKED_MAX,                                                            \
		 .fields = ADDRESS_ENTRY},                                                      \
	{                                                                                       \
		.name = "members", .type = FIELD_LIST, .max = MEMBERS_MAX, .fields = CLIENT_ID, \
		.help = "Users who view and manage the mailbox together with its owner."        \
	}

const struct json_field account_post_fields[] = {
	{.name = "id", .type = FIELD_ID, .help = "Default: made by us."},
	{.name = "userId", .type = FIELD_ID, .help = "Its owner. Default: the user who asks."},
	{.name = "email", .type = FIELD_ADDRESS, .flags = FIELD_REQUIRED},
	CONNECTION_FIELDS,
	CHOICE_FIELDS,
	{.name = NULL},
};

const struct json_field account_verify_fields[] = {
	{.name = "email", .type = FIELD_ADDRESS, .flags = FIELD_REQUIRED},
	CONNECTION_FIELDS,
	{.name = NULL},
};

const struct json_field account_patch_fields[] = {
	{.name = "imap", .type = FIELD_OBJECT, .fields = SERVER},
	{.name = "smtp", .type = FIELD_OBJECT, .fields = SERVER},
	CHOICE_FIELDS,
	{.name = NULL},
};

const struct json_field account_reauthenticate_fields[] = {
	{.name = "imap", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, .fields = SERVER},
	{.name = "smtp", .type = FIELD_OBJECT, .fields = SERVER},
	{.name = NULL},
};

static const struct json_field PROGRESS[] = {
	{.name = "total", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "done", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "rate", .type = FIELD_LINE, .flags = FIELD_NULL, .help = "Messages a second."},
	{.name = "remainingSeconds", .type = FIELD_INT, .flags = FIELD_NULL},
	{.name = "initialDone", .type = FIELD_BOOL},
	{.name = NULL},
};

static const struct json_field LAST_ERROR[] = {
	{.name = "code", .type = FIELD_LINE},
	{.name = "detail", .type = FIELD_LINE},
	{.name = "remedy", .type = FIELD_LINE},
	{.name = "at", .type = FIELD_TIME},
	{.name = NULL},
};

static const char *const WAITS[] = {"connections", "octets", NULL};
static const struct json_field WAITING[] = {
	{.name = "for",
	 .type = FIELD_ENUM,
	 .values = WAITS,
	 .help = "connections: as many as the mail server is to bear are open; octets: as many as "
		 "may be read within 24 hours were read. First syncs and backfills wait before "
		 "new mail does."},
	{.name = "until", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = NULL},
};

static const struct json_field COUNTS[] = {
	{.name = "messages",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .help = "Null for who is not of the mailbox."},
	{.name = "screened",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .help = "Null for who is not of the mailbox."},
	{.name = "pending", .type = FIELD_INT},
	{.name = "setAside", .type = FIELD_INT},
	{.name = NULL},
};

const struct json_field account_change_fields[] = {
	{.name = "at", .type = FIELD_TIME},
	{.name = "state", .type = FIELD_LINE},
	{.name = "code", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = NULL},
};

static const struct json_field CHANGE[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = account_change_fields}};

static const char *const NAME_STATES[] = {"none", "unconfirmed", "set", "replaced", NULL};

const struct json_field account_answer_fields[] = {
	{.name = "id", .type = FIELD_ID},
	{.name = "userId", .type = FIELD_ID},
	{.name = "email", .type = FIELD_ADDRESS},
	{.name = "provider", .type = FIELD_ENUM, .flags = FIELD_NULL, .values = preset_names},
	{.name = "imap", .type = FIELD_OBJECT, .fields = SERVER_SHOWN},
	{.name = "smtp", .type = FIELD_OBJECT, .fields = SERVER_SHOWN},
	CHOICE_FIELDS,
	{.name = "state", .type = FIELD_ENUM, .values = STATES},
	{.name = "stateSince", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "progress", .type = FIELD_OBJECT, .fields = PROGRESS},
	{.name = "counts", .type = FIELD_OBJECT, .fields = COUNTS},
	{.name = "lastError", .type = FIELD_OBJECT, .flags = FIELD_NULL, .fields = LAST_ERROR},
	{.name = "waiting", .type = FIELD_OBJECT, .flags = FIELD_NULL, .fields = WAITING},
	{.name = "lastReadAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "nextRetryAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "lastSentAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "smtpStatus",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .help = "`ok`, or why the last login for sending failed."},
	{.name = "senderNameState",
	 .type = FIELD_ENUM,
	 .values = NAME_STATES,
	 .help = "Set: a test message came back with it. Replaced: with another one."},
	{.name = "senderNameSeen",
	 .type = FIELD_LINE,
	 .flags = FIELD_NULL,
	 .help = "Under which name the last test message came back."},
	{.name = "senderNameSeenAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "changes",
	 .type = FIELD_LIST,
	 .fields = CHANGE,
	 .help = "The last changes of state, newest first."},
	{.name = "lag",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .help = "Seconds since all that the mail server has was read last; 0 while it keeps up."},
	{.name = "createdAt", .type = FIELD_TIME},
	{.name = NULL},
};
