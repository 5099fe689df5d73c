/*
 * Newsletter subscriptions. No answer tells whether an address or a token is known: every case runs
 * the same single statement and gets the same body. Subscribing writes a row in every case, so that
 * its time tells nothing either.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/crud.h"
#include "bana/email.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "outreach/link.h"

#include <strings.h>

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, EMAIL, FIRST_NAME, LOCALE, TOPICS,
	SOURCE, STATUS, SUBSCRIBED_AT, CONFIRMED_AT, UNSUBSCRIBED_AT, UNSUBSCRIBE_REASON,
	CONSENT_VERSION, CONSENTED_AT, UNSUBSCRIBE_TOKEN, CONFIRM_TOKEN_HASH, IP_HASH, DELETED_AT,
	VERSION, EMAIL_NORMALIZED, WEBSITE, FORM_STAMP, ALTCHA,
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

/* The body of an unsubscribe call; not stored. */
enum { CALL_TOKEN, CALL_REASON, CALL_FIELDS };
static const struct bana_field call_fields[CALL_FIELDS] = {
	[CALL_TOKEN]  = {"token",  NULL, BANA_TEXT, 1, 64,  BANA_PUBLIC | BANA_REQUIRED, NULL, NULL,
		"Of the link: a Snowflake, or a signed one.", "\"249557679503089664\""},
	[CALL_REASON] = {"reason", NULL, BANA_TEXT, 0, 500, BANA_PUBLIC | NULLS,         NULL, NULL,
		"Why, in their words.", "\"Too many mails\""},
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

static const struct bana_entity unsubscribe_call = {.name = "Unsubscribe",
	.fields = call_fields,
	.count = CALL_FIELDS,
	.says = "Which subscription is to end."};

static BANA_RES accepted(struct bana_req *q)
{
	return bana_reply_one(q, 200, BANA_STR("{\"status\":\"accepted\"}"));
}

/* New: a row. Known: only a deactivated one changes, and gets a fresh token with it. */
static BANA_RES subscribe(struct bana_req *q)
{
	static const char sql[] =
		"INSERT INTO outreach.\"Subscriber\" AS s (id, email, first_name, locale, topics, "
		"source,"
		" consent_version, ip_hash, unsubscribe_token, email_normalized, status, "
		"subscribed_at, consented_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '201_ACTIVATED', now(), now())"
		" ON CONFLICT (email_normalized) WHERE deleted_at IS NULL DO UPDATE SET"
		" (status, unsubscribe_token, subscribed_at, consent_version, consented_at,"
		" unsubscribed_at, unsubscribe_reason, modified_at, version) = (SELECT"
		" CASE WHEN was THEN excluded.status ELSE s.status END,"
		" CASE WHEN was THEN excluded.unsubscribe_token ELSE s.unsubscribe_token END,"
		" CASE WHEN was THEN excluded.subscribed_at ELSE s.subscribed_at END,"
		" CASE WHEN was THEN excluded.consent_version ELSE s.consent_version END,"
		" CASE WHEN was THEN excluded.consented_at ELSE s.consented_at END,"
		" CASE WHEN was THEN NULL ELSE s.unsubscribed_at END,"
		" CASE WHEN was THEN NULL ELSE s.unsubscribe_reason END,"
		" CASE WHEN was THEN now() ELSE s.modified_at END, s.version + was::int"
		" FROM (SELECT s.status = '401_DEACTIVATED' AS was) AS before)";
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	TRY(bana_req_row(q, &outreach_subscriber, BANA_PUBLIC, row));
	const struct bana_cell *c = row->cells;
	const char *values[] = {
		bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool)),
		c[EMAIL].text, c[FIRST_NAME].text, c[LOCALE].text,
		bana_cell_value(ctx, &fields[TOPICS],
			c[TOPICS].set ? c[TOPICS].text : fields[TOPICS].fallback),
		c[SOURCE].text, c[CONSENT_VERSION].text, outreach_address_hash(q),
		bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool)),
		bana_email_key(ctx->arena, bana_str_of(c[EMAIL].text))};
	TRY(bana_pg_exec(ctx, sql, sizeof values / sizeof *values, values, NULL));
	return accepted(q);
}

/* A token that is not ours is looked up all the same, as one that no row has. */
static BANA_RES deactivate(struct bana_ctx *ctx, const char *token, const char *reason)
{
	static const char sql[] =
		"UPDATE outreach.\"Subscriber\" SET status = '401_DEACTIVATED', unsubscribed_at = "
		"now(),"
		" unsubscribe_reason = $2, modified_at = now(), version = version + 1 WHERE "
		"unsubscribe_token = $1"
		" AND deleted_at IS NULL AND status IN ('103_PENDING', '201_ACTIVATED')";
	const char *snowflake;
	TRY(outreach_link_read(ctx, bana_str_of(token), &snowflake));
	const char *values[] = {snowflake, reason};
	return bana_pg_exec(ctx, sql, 2, values, NULL);
}

static BANA_RES unsubscribe(struct bana_req *q)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	TRY(bana_req_row(q, &unsubscribe_call, BANA_PUBLIC, row));
	TRY(deactivate(&q->ctx, row->cells[CALL_TOKEN].text, row->cells[CALL_REASON].text));
	return accepted(q);
}

static bool wants_page(const struct bana_req *q)
{
	const char *accept = bana_req_header(q, "HTTP_ACCEPT");
	return accept != NULL && strcasestr(accept, "text/html") != NULL;
}

static BANA_RES page(struct bana_req *q, const char *title, const char *content)
{
	bana_reply_header(q, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri "
		"'none'; "
		"frame-ancestors 'none'");
	const char *html = bana_print(q->ctx.arena,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n"
		"<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui;max-width:32rem;"
		"margin:20vh auto;padding:0 1rem}button{font:inherit;padding:.6em 1.2em}</style>\n"
		"<main>\n<h1>%s</h1>\n%s</main>\n</html>\n",
		title, title, content);
	return bana_reply_text(q, 200, "text/html; charset=utf-8", bana_str_of(html));
}

static BANA_RES link_page(struct bana_req *q)
{
	const char *snowflake;
	TRY(outreach_link_read(&q->ctx, q->args[0], &snowflake));
	return page(q, "Unsubscribe",
		"<p>Do you no longer want to receive our newsletter?</p>\n"
		"<form method=\"post\"><button>Unsubscribe</button></form>\n");
}

static BANA_RES link_use(struct bana_req *q)
{
	const char *token = bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len);
	TRY(deactivate(&q->ctx, token, NULL));
	if (!wants_page(q))
		return accepted(q);
	return page(q, "You are unsubscribed", "<p>You will receive no more newsletters.</p>\n");
}

#define ACCEPTED                                                                         \
	"{\"type\":\"object\",\"required\":[\"status\"],\"additionalProperties\":false," \
	"\"description\":\"The same whether the address or token is known or not.\","    \
	"\"properties\":{\"status\":{\"type\":\"string\",\"const\":\"accepted\"}}}"

/* clang-format off */
const struct bana_call outreach_subscribe = {
	.handle = subscribe, .name = "subscribe", .status = 200, .gives = BANA_GIVES_OTHER, .schema = ACCEPTED,
	.body = BANA_PUBLIC, .takes_entity = &outreach_subscriber,
};
const struct bana_call outreach_unsubscribe = {
	.handle = unsubscribe, .name = "unsubscribe", .status = 200, .gives = BANA_GIVES_OTHER, .schema = ACCEPTED,
	.body = BANA_PUBLIC, .takes_entity = &unsubscribe_call,
};
const struct bana_call outreach_link_page = {
	.handle = link_page, .name = "unsubscribePage", .status = 200, .gives = BANA_GIVES_TEXT,
	.media = "text/html; charset=utf-8", .faults = "422",
};
const struct bana_call outreach_link_use = {
	.handle = link_use, .name = "unsubscribeByLink", .status = 200, .gives = BANA_GIVES_OTHER, .schema = ACCEPTED,
	.media = "text/html; charset=utf-8", .faults = "422",
};
/* clang-format on */
