/*
 * Newsletter subscriptions. No answer tells whether an address is known: every case runs the same
 * single statement, which writes the same two rows, and gets the same body. So its time tells
 * nothing either. What becomes of a known one: docs/subscriptions.md.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/crud.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "outreach/consent.h"
#include "outreach/gate.h"
#include "outreach/link.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, EMAIL, FIRST_NAME, LOCALE, TOPICS,
	SOURCE, STATUS, SUBSCRIBED_AT, CONFIRMED_AT, UNSUBSCRIBED_AT, UNSUBSCRIBE_REASON,
	CONSENT_VERSION, CONSENTED_AT, UNSUBSCRIBE_TOKEN, CONFIRM_TOKEN_HASH, CONFIRM_EXPIRES_AT,
	IP_HASH, DELETED_AT, VERSION, EMAIL_NORMALIZED, WEBSITE, FORM_STAMP, ALTCHA,
	FIELDS
};

static const struct bana_choice statuses[] = {
	{"103_PENDING", "Not confirmed"},
	{"201_ACTIVATED", "Receives the newsletter"},
	{"401_DEACTIVATED", "Unsubscribed; may subscribe again"},
	{"403_BLOCKED", "Never again, whatever the public form is told"},
	{"405_ARCHIVED", "Put away"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*                     name                  column                type          min  max  flags                       choices   default */
	[ID]                 = {"id",                "id",                 BANA_ID,      0,  0,    READ | BANA_SNOWFLAKE,                       NULL,     NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]         = {"createdAt",         "created_at",         BANA_INSTANT, 0,  0,    READ | BANA_MADE,           NULL,     NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]        = {"modifiedAt",        "modified_at",        BANA_INSTANT, 0,  0,    READ | BANA_MADE,           NULL,     NULL,
		"When it was last changed.", "\"2026-11-20T15:33:07.361Z\""},
	[CREATED_BY]         = {"createdBy",         "created_by",         BANA_TEXT,    0,  128,  READ | NULLS,                       NULL,     NULL,
		"Who made it: `userId` of the token; null: a visitor.", "null"},
	[MODIFIED_BY]        = {"modifiedBy",        "modified_by",        BANA_TEXT,    0,  128,  READ | NULLS,                       NULL,     NULL,
		"Who changed it last; null: nobody, or a visitor.", "\"42\""},
	[EMAIL]              = {"email",             "email",              BANA_EMAIL,   3,  254,  READ | ANY | BANA_REQUIRED | BANA_MASKED | BANA_PERSONAL, NULL,     NULL,
		"The address; one subscription each, compared without regard to case and to how an international domain is written.", "\"ada@example.com\""},
	[FIRST_NAME]         = {"firstName",         "first_name",         BANA_TEXT,    0,  100,  READ | ANY | NULLS | BANA_PERSONAL,         NULL,     NULL,
		"First name.", "\"Ada\""},
	[LOCALE]             = {"locale",            "locale",             BANA_TEXT,    0,  16,   READ | ANY | NULLS,         NULL,     NULL,
		"Language of the newsletter.", "\"en-GB\""},
	[TOPICS]             = {"topics",            "topics",             BANA_TEXTS,   64, 20,   READ | ANY,                 NULL,     "[]",
		"What they want to hear of.", "[\"news\"]"},
	[SOURCE]             = {"source",            "source",             BANA_TEXT,    0,  64,   READ | ANY | NULLS,         NULL,     NULL,
		"Where they subscribed.", "\"footer\""},
	[STATUS]             = {"status",            "status",             BANA_ENUM,    0,  0,    READ | BANA_STAFF,          statuses, "201_ACTIVATED",
		"Where the subscription stands.", "\"201_ACTIVATED\""},
	[SUBSCRIBED_AT]      = {"subscribedAt",      "subscribed_at",      BANA_INSTANT, 0,  0,    READ | NULLS,                       NULL,     NULL,
		"When it last began.", "\"2026-11-20T15:33:07.361Z\""},
	[CONFIRMED_AT]       = {"confirmedAt",       "confirmed_at",       BANA_INSTANT, 0,  0,    READ | NULLS,                       NULL,     NULL,
		"When the address was confirmed.", "null"},
	[UNSUBSCRIBED_AT]    = {"unsubscribedAt",    "unsubscribed_at",    BANA_INSTANT, 0,  0,    READ | NULLS,                       NULL,     NULL,
		"When it last ended.", "null"},
	[UNSUBSCRIBE_REASON] = {"unsubscribeReason", "unsubscribe_reason", BANA_TEXT,    0,  500,  READ | NULLS | BANA_PERSONAL,                       NULL,     NULL,
		"Why, in their words.", "null"},
	[CONSENT_VERSION]    = {"consentVersion",    "consent_version",    BANA_TEXT,    0,  64,   READ | ANY | NULLS,         NULL,     NULL,
		"Version of the text they agreed to.", "\"2026-01\""},
	[CONSENTED_AT]       = {"consentedAt",       "consented_at",       BANA_INSTANT, 0,  0,    READ | NULLS,                       NULL,     NULL,
		"When they agreed.", "\"2026-11-20T15:33:07.361Z\""},
	[UNSUBSCRIBE_TOKEN]  = {"unsubscribeToken",  "unsubscribe_token",  BANA_ID,      0,  0,    BANA_SNOWFLAKE, NULL,     NULL,
		"In the links of the newsletter.", NULL},
	[CONFIRM_TOKEN_HASH] = {"confirmTokenHash",  "confirm_token_hash", BANA_TEXT,    0,  64,   NULLS, NULL,     NULL,
		"Of the link that confirms the address.", NULL},
	[CONFIRM_EXPIRES_AT] = {"confirmExpiresAt",  "confirm_expires_at", BANA_INSTANT, 0,  0,    NULLS, NULL,     NULL,
		"Until when that link counts.", NULL},
	[IP_HASH]            = {"ipHash",            "ip_hash",            BANA_TEXT,    0,  64,    NULLS | BANA_PERSONAL,                          NULL,     NULL,
		"HMAC of the address it came from.", NULL},
	[DELETED_AT]         = {"deletedAt",         "deleted_at",         BANA_INSTANT, 0,  0,    0,                          NULL,     NULL,
		"Soft deletion.", NULL},
	[VERSION]            = {"version",           "version",            BANA_INT,     0,  0,    BANA_MADE,                  NULL,     NULL,
		"Counts the changes: the ETag.", NULL},
	[EMAIL_NORMALIZED] = {"emailNormalized", "email_normalized", BANA_EMAIL_KEY, 0, 254, 0, NULL, NULL,
		"The address as it is compared.", NULL},
	[WEBSITE]            = {"website",           NULL,                 BANA_TEXT,    0,  200,   BANA_PUBLIC | NULLS,         NULL,     NULL,
		"Leave empty: people do not see it. Whoever fills it in is taken for a program. Not stored.", "\"\""},
	[FORM_STAMP]         = {"formStamp",         NULL,                 BANA_TEXT,    0,  100,   BANA_PUBLIC | NULLS,         NULL,     NULL,
		"When the form was opened: `stamp` of `GET /form-stamp`. Not stored.", "null"},
	[ALTCHA]             = {"altcha",            NULL,                 BANA_TEXT,    0,  4096, BANA_PUBLIC | NULLS,         NULL,     NULL,
		"The solution of a challenge of `GET /challenge`, as ALTCHA's widget sends it. Good once. Not stored.", "null"},
};

static const struct bana_effect effects[] = {
	{"201_ACTIVATED", SUBSCRIBED_AT, BANA_NOW}, {"201_ACTIVATED", UNSUBSCRIBED_AT, BANA_CLEAR},
	{"201_ACTIVATED", UNSUBSCRIBE_REASON, BANA_CLEAR}, {"401_DEACTIVATED", UNSUBSCRIBED_AT, BANA_NOW},
	{"403_BLOCKED", UNSUBSCRIBED_AT, BANA_FIRST},
};

static const struct bana_statistic statistics[] = {
	{.name = "byStatus", .kind = BANA_BY, .field = STATUS, .says = "Subscriptions made in this time, by their present status."},
	{.name = "perDay", .kind = BANA_DAYS, .days = {{"joined", SUBSCRIBED_AT}, {"left", UNSUBSCRIBED_AT}},
		.says = "Who came and who went on each day of the time zone; without `from` the last 30 days."},
};
/* clang-format on */

static const struct bana_life life = {
	.status = STATUS,
	.begin = "103_PENDING",
	.effects = effects,
	.effect_count = sizeof effects / sizeof *effects,
	.erased = "401_DEACTIVATED",
};

const struct bana_entity outreach_subscriber = {
	.name = "Subscriber",
	.table = "outreach.\"Subscriber\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/subscribers",
	.says = "Who receives the newsletter, or once did.",
	.life = &life,
	.statistics = statistics,
	.statistic_count = sizeof statistics / sizeof *statistics,
};

/* A new address gets a row. Of known ones a deactivated and a pending one move to the status that a
 * new one would have; every other stays as it is. A deactivated one gets fresh links; a pending
 * one, too, unless the link it was sent still counts: then that link counts longer. Each consent is
 * noted, of suspicious ones one a day: a flood is no proof of anything. */
static const char upsert[] =
	"WITH given AS ("
	"INSERT INTO outreach.\"Subscriber\" AS s (id, email, first_name, locale, topics, source,"
	" consent_version, ip_hash, unsubscribe_token, email_normalized, status,"
	" confirm_token_hash,"
	" confirm_expires_at, subscribed_at, consented_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $14::text, $10::text, $11::text,"
	" CASE WHEN $11::text IS NOT NULL THEN now() + make_interval(days => $12::int) END,"
	" CASE WHEN $10::text = '201_ACTIVATED' THEN now() END, now())"
	" ON CONFLICT (email_normalized) WHERE deleted_at IS NULL DO UPDATE SET"
	" (status, unsubscribe_token, confirm_token_hash, confirm_expires_at, subscribed_at,"
	" confirmed_at, consent_version, consented_at, ip_hash, unsubscribed_at,"
	" unsubscribe_reason, modified_at, version) = (SELECT"
	" CASE WHEN moves THEN excluded.status ELSE s.status END,"
	" CASE WHEN fresh THEN excluded.unsubscribe_token ELSE s.unsubscribe_token END,"
	" CASE WHEN fresh THEN excluded.confirm_token_hash ELSE s.confirm_token_hash END,"
	" CASE WHEN fresh OR (waits AND excluded.confirm_token_hash IS NOT NULL) THEN"
	" excluded.confirm_expires_at ELSE s.confirm_expires_at END,"
	" CASE WHEN begins THEN now() ELSE s.subscribed_at END,"
	" CASE WHEN waits THEN NULL ELSE s.confirmed_at END,"
	" CASE WHEN moves THEN excluded.consent_version ELSE s.consent_version END,"
	" CASE WHEN moves THEN excluded.consented_at ELSE s.consented_at END,"
	" CASE WHEN moves THEN excluded.ip_hash ELSE s.ip_hash END,"
	" CASE WHEN begins THEN NULL ELSE s.unsubscribed_at END,"
	" CASE WHEN begins THEN NULL ELSE s.unsubscribe_reason END,"
	" CASE WHEN moves THEN now() ELSE s.modified_at END, s.version + moves::int"
	" FROM (SELECT moves, moves AND excluded.status = '201_ACTIVATED' AS begins,"
	" moves AND excluded.status = '103_PENDING' AS waits, moves AND NOT (was_pending AND"
	" (excluded.status = '201_ACTIVATED' OR coalesce(s.confirm_expires_at > now(), false)))"
	" AS fresh FROM (SELECT s.status IN ('103_PENDING', '401_DEACTIVATED') AS moves,"
	" s.status = '103_PENDING' AS was_pending) AS before) AS rule)"
	" RETURNING s.id, s.status) " OUTREACH_CONSENT_INSERT
	" SELECT $13::bigint, id, $2::text, $14::text, '100_GIVEN', status, $7::text, $6::text, "
	"$8::text"
	" FROM given WHERE NOT $15::boolean OR NOT EXISTS (SELECT FROM outreach.\"Consent\" AS c"
	" WHERE c.email_normalized = $14 AND c.created_at > now() - interval '1 day')";

static const char *fresh_id(struct bana_ctx *ctx)
{
	return bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool));
}

BANA_RES outreach_subscribe_row(struct bana_req *q, const struct bana_row *row, bool suspicious)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_cell *c = row->cells;
	const char *token = fresh_id(ctx);
	bool waits = suspicious || outreach_settings.double_opt_in;
	const char *values[] = {fresh_id(ctx), c[EMAIL].text, c[FIRST_NAME].text, c[LOCALE].text,
		bana_cell_value(ctx, &fields[TOPICS],
			c[TOPICS].set ? c[TOPICS].text : fields[TOPICS].fallback),
		c[SOURCE].text, c[CONSENT_VERSION].text, outreach_address_hash(q), token,
		waits ? "103_PENDING" : "201_ACTIVATED",
		waits ? outreach_confirm_hash(ctx, outreach_confirm_write(ctx, token)) : NULL,
		bana_print(ctx->arena, "%lld", (long long)outreach_settings.confirm_days),
		fresh_id(ctx), c[EMAIL_NORMALIZED].text, suspicious ? "t" : "f"};
	return bana_pg_exec(ctx, upsert, sizeof values / sizeof *values, values, NULL);
}

static BANA_RES subscribe(struct bana_req *q)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	TRY(bana_req_row(q, &outreach_subscriber, BANA_PUBLIC, row));
	bana_row_derive(&q->ctx, &outreach_subscriber, row);
	const struct bana_cell *c = row->cells;
	const struct outreach_submission submission = {
		.address = c[EMAIL_NORMALIZED].text,
		.names = {c[FIRST_NAME].text, c[SOURCE].text},
		.website = c[WEBSITE].text,
		.stamp = c[FORM_STAMP].text,
		.proof = c[ALTCHA].text,
	};
	struct outreach_verdict verdict;
	TRY(outreach_gate_judge(q, &submission, &verdict));
	TRY(outreach_subscribe_row(q, row, verdict.over));
	if (verdict.begun)
		TRY(bana_pg_commit(&q->ctx));
	outreach_gate_decided(&q->ctx, verdict.over ? OUTREACH_QUARANTINED : OUTREACH_PASSED);
	return bana_reply_one(q, 200, BANA_STR("{\"status\":\"accepted\"}"));
}

/* clang-format off */
const struct bana_call outreach_subscribe = {
	.handle = subscribe, .name = "subscribe", .status = 200, .gives = BANA_GIVES_OTHER, .schema = OUTREACH_ACCEPTED,
	.body = BANA_PUBLIC, .takes_entity = &outreach_subscriber,
	.media = "text/html; charset=utf-8", .page = outreach_subscribe_page,
};
/* clang-format on */
