#include "outreach/consent.h"

#include "outreach/outreach.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, MODIFIED_BY, SUBSCRIBER_ID, EMAIL, ACTION, STATUS, CONSENT_VERSION,
	SOURCE, IP_HASH, VERSION, EMAIL_NORMALIZED,
	FIELDS
};

static const struct bana_choice actions[] = {
	{"100_GIVEN", "Somebody asked for a subscription of the address"},
	{"200_CONFIRMED", "The link in a mail to the address was used"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*                  name              column             type          min  max  flags                      choices   default */
	[ID]              = {"id",             "id",              BANA_ID,      0,  0,   READ | BANA_SNOWFLAKE,     NULL,     NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]      = {"createdAt",      "created_at",      BANA_INSTANT, 0,  0,   READ | BANA_MADE,          NULL,     NULL,
		"When it was given or confirmed.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]     = {"modifiedAt",     "modified_at",     BANA_INSTANT, 0,  0,   BANA_MADE,                 NULL,     NULL,
		"When the person was erased from it.", NULL},
	[MODIFIED_BY]     = {"modifiedBy",     "modified_by",     BANA_TEXT,    0,  128, NULLS,                     NULL,     NULL,
		"Who erased them.", NULL},
	[SUBSCRIBER_ID]   = {"subscriberId",   "subscriber_id",   BANA_ID,      0,  0,   READ | BANA_REQUIRED,      NULL,     NULL,
		"Whose subscription it is.", "\"249557679503089664\""},
	[EMAIL]           = {"email",          "email",           BANA_EMAIL,   3,  254, READ | BANA_REQUIRED | BANA_MASKED | BANA_PERSONAL, NULL, NULL,
		"The address, as it was written.", "\"ada@example.com\""},
	[ACTION]          = {"action",         "action",          BANA_ENUM,    0,  0,   READ | BANA_REQUIRED,      actions,  NULL,
		"What was done.", "\"100_GIVEN\""},
	[STATUS]          = {"status",         "status",          BANA_TEXT,    0,  32,  READ | BANA_REQUIRED,      NULL,     NULL,
		"Of the subscription afterwards: a blocked one stays blocked.", "\"201_ACTIVATED\""},
	[CONSENT_VERSION] = {"consentVersion", "consent_version", BANA_TEXT,    0,  64,  READ | NULLS,              NULL,     NULL,
		"Version of the text they agreed to.", "\"2026-01\""},
	[SOURCE]          = {"source",         "source",          BANA_TEXT,    0,  64,  READ | NULLS,              NULL,     NULL,
		"Where they agreed.", "\"footer\""},
	[IP_HASH]         = {"ipHash",         "ip_hash",         BANA_TEXT,    0,  64,  NULLS | BANA_PERSONAL,     NULL,     NULL,
		"HMAC of the address it came from.", NULL},
	[VERSION]         = {"version",        "version",         BANA_INT,     0,  0,   BANA_MADE,                 NULL,     NULL,
		"Counts the changes.", NULL},
	[EMAIL_NORMALIZED] = {"emailNormalized", "email_normalized", BANA_EMAIL_KEY, 0, 254, 0, NULL, NULL,
		"The address as it is compared.", NULL},
};
/* clang-format on */

const struct bana_entity outreach_consent = {
	.name = "Consent",
	.table = "outreach.\"Consent\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/consents",
	.says = "Proof of consent to the newsletter: a row each time it was given or confirmed.",
};
