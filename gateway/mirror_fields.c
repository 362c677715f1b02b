#include "gateway/mirror_fields.h"

#define ADDRESSES_MAX 100
#define IDS_MAX 1000

static const char *const COMPANY[] = {"company", NULL};
static const char *const ROLES[] = {"admin", "regular", NULL};
static const char *const STATUSES[] = {"open", "won", "lost", "closed", NULL};
static const char *const SHARINGS[] = {"shared", "private", NULL};
static const char *const LINKS[] = {"composer", "system", NULL};

static const struct json_field ADDRESS[] = {{.name = "", .type = FIELD_ADDRESS}};
static const struct json_field CLIENT_ID[] = {{.name = "", .type = FIELD_ID}};

static const struct json_field VISIBLE_TO[] = {
	{.name = "users", .type = FIELD_LIST, .max = IDS_MAX, .fields = CLIENT_ID},
	{.name = "groups", .type = FIELD_LIST, .max = IDS_MAX, .fields = CLIENT_ID},
	{.name = NULL},
};

#define FIELD_THE_ID                                                      \
	{                                                                 \
		.name = "id", .type = FIELD_ID, .help = "As in the path." \
	}
#define FIELD_VISIBLE                                                                   \
	{                                                                               \
		.name = "visibleTo", .type = FIELD_ENUM_OR_OBJECT, .flags = FIELD_NULL, \
		.values = COMPANY, .fields = VISIBLE_TO,                                \
		.help = "Who may see it; its owner always may. Default: company."       \
	}
#define FIELD_OWNER                                                      \
	{                                                                \
		.name = "ownerId", .type = FIELD_ID, .flags = FIELD_NULL \
	}
#define FIELD_ORG                                                               \
	{                                                                       \
		.name = "organizationId", .type = FIELD_ID, .flags = FIELD_NULL \
	}
#define FIELD_FIELDS                                           \
	{                                                      \
		.name = "fields", .type = FIELD_FREE,          \
		.help = "The CRM's own fields, for templates." \
	}
#define FIELD_CREATED                                                        \
	{                                                                    \
		.name = "createdAt", .type = FIELD_TIME, .flags = FIELD_NULL \
	}

const struct json_field mirror_person_fields[] = {
	FIELD_THE_ID,
	{.name = "name", .type = FIELD_LINE, .max = 255},
	{.name = "firstName", .type = FIELD_LINE, .flags = FIELD_NULL, .max = 255},
	{.name = "lastName", .type = FIELD_LINE, .flags = FIELD_NULL, .max = 255},
	FIELD_FIELDS,
	{.name = "emails", .type = FIELD_LIST, .max = ADDRESSES_MAX, .fields = ADDRESS},
	FIELD_ORG,
	FIELD_OWNER,
	FIELD_VISIBLE,
	FIELD_CREATED,
	{.name = NULL},
};

const struct json_field mirror_org_fields[] = {
	FIELD_THE_ID,	{.name = "name", .type = FIELD_LINE, .max = 255},
	FIELD_FIELDS,	FIELD_OWNER,
	FIELD_VISIBLE,	FIELD_CREATED,
	{.name = NULL},
};

const struct json_field mirror_item_fields[] = {
	FIELD_THE_ID,
	{.name = "title", .type = FIELD_LINE, .max = 255},
	FIELD_FIELDS,
	{.name = "status", .type = FIELD_ENUM, .values = STATUSES, .help = "Default: open."},
	{.name = "personIds", .type = FIELD_LIST, .max = IDS_MAX, .fields = CLIENT_ID},
	FIELD_ORG,
	FIELD_OWNER,
	FIELD_VISIBLE,
	FIELD_CREATED,
	{.name = NULL},
};

const struct json_field mirror_user_fields[] = {
	FIELD_THE_ID,
	{.name = "name", .type = FIELD_LINE, .max = 255},
	{.name = "loginEmail", .type = FIELD_ADDRESS, .flags = FIELD_NULL},
	{.name = "emails", .type = FIELD_LIST, .max = ADDRESSES_MAX, .fields = ADDRESS},
	{.name = "role", .type = FIELD_ENUM, .values = ROLES, .help = "Default: regular."},
	{.name = "groups", .type = FIELD_LIST, .max = IDS_MAX, .fields = CLIENT_ID},
	{.name = NULL},
};

static const struct json_field TRACKING[] = {
	{.name = "opens", .type = FIELD_BOOL},
	{.name = "clicks", .type = FIELD_BOOL},
	{.name = NULL},
};

const struct json_field mirror_preference_fields[] = {
	{.name = "defaultSharing",
	 .type = FIELD_ENUM,
	 .flags = FIELD_NULL,
	 .values = SHARINGS,
	 .help = "Of new threads; null: the company's."},
	{.name = "tracking", .type = FIELD_OBJECT, .fields = TRACKING},
	{.name = "emailLinks", .type = FIELD_ENUM, .values = LINKS},
	{.name = "undoSeconds",
	 .type = FIELD_INT,
	 .flags = FIELD_NULL,
	 .max = 300,
	 .help = "How long a message can be taken back; null: as the company's setting."},
	{.name = NULL},
};
