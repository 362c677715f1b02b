#include "gateway/message_fields.h"

#define TEXT_OCTETS (20 << 20)
#define CONTENT_OCTETS (26 << 20)
#define RECIPIENTS_MAX 500
#define ATTACHMENTS_MAX 100

static const char *const ACTIONS[] = {"reply", "replyAll", "forward", NULL};
static const char *const SHARINGS[] = {"shared", "private", NULL};
static const char *const DELAYS[] = {"daily_limit", "rate_limit", NULL};
static const char *const STATUSES[] = {"scheduled", "queued",  "sending",   "sent", "delayed",
				       "failed",    "unknown", "cancelled", NULL};

/* Line breaks are let through here, so that message_check can name the header they are in (SND-09). */
static const struct json_field ADDRESS[] = {
	{.name = "name", .type = FIELD_TEXT, .flags = FIELD_NULL, .max = 255},
	{.name = "email", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = 512},
	{.name = NULL},
};
static const struct json_field ADDRESSES[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = ADDRESS},
};

static const struct json_field ATTACHMENT[] = {
	{.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 255},
	{.name = "type", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 127},
	{.name = "contentId", .type = FIELD_TEXT, .max = 255},
	{.name = "content",
	 .type = FIELD_TEXT,
	 .max = CONTENT_OCTETS,
	 .help = "Base64; this or blobId."},
	{.name = "blobId",
	 .type = FIELD_LINE,
	 .max = 200,
	 .help = "<message id>/<partId> of mail that you see, or <message id>: all of a message of "
		 "yours."},
	{.name = NULL},
};
static const struct json_field ATTACHMENTS[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = ATTACHMENT},
};

static const struct json_field REFERENCE[] = {
	{.name = "messageId", .type = FIELD_LINE, .flags = FIELD_REQUIRED, .max = 128},
	{.name = "action", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .values = ACTIONS},
	{.name = "inline",
	 .type = FIELD_BOOL,
	 .help = "Quotes the original; of a forward true unless given."},
	{.name = "forwardAttachments",
	 .type = FIELD_BOOL,
	 .help = "Takes its attachments along; of a forward true unless given."},
	{.name = NULL},
};

static const struct json_field TRACKING[] = {
	{.name = "opens", .type = FIELD_BOOL},
	{.name = "clicks", .type = FIELD_BOOL},
	{.name = NULL},
};

static const struct json_field UNSUBSCRIBE[] = {
	{.name = "url", .type = FIELD_LINE, .max = 800, .help = "https; taken by one click."},
	{.name = "email", .type = FIELD_ADDRESS},
	{.name = "ours",
	 .type = FIELD_BOOL,
	 .help = "Made by us: who follows it goes on the company's list."},
	{.name = NULL},
};

#define RECIPIENTS(field)                                                                     \
	{                                                                                     \
		.name = field, .type = FIELD_LIST, .max = RECIPIENTS_MAX, .fields = ADDRESSES \
	}

const struct json_field message_post_fields[] = {
	{.name = "accountId", .type = FIELD_ID, .flags = FIELD_REQUIRED},
	{.name = "from", .type = FIELD_OBJECT, .fields = ADDRESS},
	{.name = "separate",
	 .type = FIELD_BOOL,
	 .help = "One copy each for the addresses in to, with its own fields and tracking; cc, bcc "
		 "and reference do not go with it."},
	RECIPIENTS("to"),
	RECIPIENTS("cc"),
	RECIPIENTS("bcc"),
	RECIPIENTS("replyTo"),
	{.name = "subject", .type = FIELD_TEXT, .max = 998},
	{.name = "html", .type = FIELD_TEXT, .max = TEXT_OCTETS},
	{.name = "text", .type = FIELD_TEXT, .max = TEXT_OCTETS},
	{.name = "attachments", .type = FIELD_LIST, .max = ATTACHMENTS_MAX, .fields = ATTACHMENTS},
	{.name = "reference", .type = FIELD_OBJECT, .fields = REFERENCE},
	{.name = "template", .type = FIELD_LINE, .max = 64, .help = "Not offered yet."},
	{.name = "fields",
	 .type = FIELD_FREE,
	 .help = "Values of {{fields}} by name, and whose to take: personId, organizationId, "
		 "dealId, "
		 "leadId, projectId."},
	{.name = "unsubscribe",
	 .type = FIELD_OBJECT,
	 .fields = UNSUBSCRIBE,
	 .help = "For mail to many: its List-Unsubscribe."},
	{.name = "sharing", .type = FIELD_ENUM, .values = SHARINGS},
	{.name = "tracking", .type = FIELD_OBJECT, .fields = TRACKING},
	{.name = "sendAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "undoSeconds",
	 .type = FIELD_INT,
	 .max = 300,
	 .help = "How long it can be taken back. Default: the user's preference, else the "
		 "company's."},
	{.name = "dryRun", .type = FIELD_BOOL, .help = "Checks all, sends nothing."},
	{.name = NULL},
};

static const struct json_field FREE[] = {{.name = "", .type = FIELD_FREE}};

static const char *const SEVERITIES[] = {"stop", "warning", NULL};
static const char *const VERDICTS[] = {"valid", "refused", NULL};
static const struct json_field FINDING[] = {
	{.name = "severity", .type = FIELD_ENUM, .values = SEVERITIES},
	{.name = "code", .type = FIELD_LINE},
	{.name = "field", .type = FIELD_LINE},
	{.name = "detail", .type = FIELD_LINE},
	{.name = "remedy", .type = FIELD_LINE},
	{.name = NULL},
};
static const struct json_field FINDINGS[] = {
	{.name = "", .type = FIELD_OBJECT, .fields = FINDING},
};

const struct json_field message_check_answer_fields[] = {
	{.name = "status", .type = FIELD_ENUM, .values = VERDICTS},
	{.name = "findings", .type = FIELD_LIST, .fields = FINDINGS},
	{.name = NULL},
};

const struct json_field outbox_answer_fields[] = {
	{.name = "id", .type = FIELD_LINE},
	{.name = "accountId", .type = FIELD_ID},
	{.name = "status", .type = FIELD_ENUM, .values = STATUSES},
	{.name = "attempts", .type = FIELD_INT},
	{.name = "nextAttemptAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "delayReason",
	 .type = FIELD_ENUM,
	 .flags = FIELD_NULL,
	 .values = DELAYS,
	 .help = "Which of the account's limits it waits for."},
	{.name = "serverReply", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "filing", .type = FIELD_LINE, .flags = FIELD_NULL},
	{.name = "recipients", .type = FIELD_LIST, .fields = FREE},
	{.name = "bulk",
	 .type = FIELD_BOOL,
	 .help = "A copy of mail to many, which stands in nobody's way."},
	{.name = "createdAt", .type = FIELD_TIME},
	{.name = "sendAt", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = "undoUntil", .type = FIELD_TIME, .flags = FIELD_NULL},
	{.name = NULL},
};
