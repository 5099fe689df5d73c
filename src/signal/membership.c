#include "signal/service.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, USER_ID, ORGANIZER_ID, MERCHANT_ID,
	ROLE, STATUS, LOCALE, DELETED_AT, VERSION, FIELDS
};

static const struct bana_choice statuses[] = {
	{"201_ACTIVATED",   "Belongs to it, and is told"},
	{"401_DEACTIVATED", "Not told for the time being"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*               name           column          type          min  max   flags                                     choices   default */
	[ID]           = {"id",          "id",           BANA_ID,      0, 0,   READ | BANA_SNOWFLAKE,                      NULL,     NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]   = {"createdAt",   "created_at",   BANA_INSTANT, 0, 0,   READ | BANA_MADE,                           NULL,     NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]  = {"modifiedAt",  "modified_at",  BANA_INSTANT, 0, 0,   READ | BANA_MADE,                           NULL,     NULL,
		"When it was last changed.", "\"2026-11-20T15:33:07.361Z\""},
	[CREATED_BY]   = {"createdBy",   "created_by",   BANA_TEXT,    0, 128, READ | NULLS,                               NULL,     NULL,
		"Who made it: `userId` of the token.", "\"1\""},
	[MODIFIED_BY]  = {"modifiedBy",  "modified_by",  BANA_TEXT,    0, 128, READ | NULLS,                               NULL,     NULL,
		"Who changed it last; null: nobody.", "null"},
	[USER_ID]      = {"userId",      "user_id",      BANA_TEXT,    1, 128, READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"The member: `userId` of their tokens.", "\"42\""},
	[ORGANIZER_ID] = {"organizerId", "organizer_id", BANA_TEXT,    1, 128, READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"The organisation.", "\"7\""},
	[MERCHANT_ID]  = {"merchantId",  "merchant_id",  BANA_TEXT,    0, 128, READ | BANA_STAFF | NULLS,                  NULL,     NULL,
		"The merchant of it; null: the organisation as such.", "null"},
	[ROLE]         = {"role",        "role",         BANA_TEXT,    1, 64,  READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"`OWNER` members of the organisation are told what concerns any of its merchants.", "\"OWNER\""},
	[STATUS]       = {"status",      "status",       BANA_ENUM,    0, 0,   READ | BANA_STAFF,                          statuses, "201_ACTIVATED",
		"Only who is activated is told.", "\"201_ACTIVATED\""},
	[LOCALE]       = {"locale",      "locale",       BANA_TEXT,    0, 16,  READ | BANA_STAFF | NULLS,                  NULL,     NULL,
		"Language of their notifications; null: APP_ENV_SIGNAL_LOCALE.", "\"de\""},
	[DELETED_AT]   = {"deletedAt",   "deleted_at",   BANA_INSTANT, 0, 0,   0,                                          NULL,     NULL,
		"Soft deletion.", NULL},
	[VERSION]      = {"version",     "version",      BANA_INT,     0, 0,   BANA_MADE,                                  NULL,     NULL,
		"Counts changes, for ETag.", NULL},
};
/* clang-format on */

const struct bana_entity signal_membership = {
	.name = "Membership",
	.table = "signal.\"Membership\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/memberships",
	.says = "Who belongs to which organisation and merchant.",
};
