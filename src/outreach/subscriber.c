/*
 * Newsletter subscriptions. No answer tells whether an address or a token is known: every case runs
 * the same single statement and gets the same body. Subscribing writes a row in every case, so that
 * its time tells nothing either.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/entity.h"
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
	FIELDS
};

static const char *const statuses[] = {
	"103_PENDING", "201_ACTIVATED", "401_DEACTIVATED", "403_BLOCKED", "405_ARCHIVED", NULL};

static const struct bana_field fields[FIELDS] = {
	/*                     name                  column                type          min  max  flags                       choices   default */
	[ID]                 = {"id",                "id",                 BANA_ID,      0,  0,    READ,                       NULL,     NULL},
	[CREATED_AT]         = {"createdAt",         "created_at",         BANA_INSTANT, 0,  0,    READ | BANA_MADE,           NULL,     NULL},
	[MODIFIED_AT]        = {"modifiedAt",        "modified_at",        BANA_INSTANT, 0,  0,    READ | BANA_MADE,           NULL,     NULL},
	[CREATED_BY]         = {"createdBy",         "created_by",         BANA_TEXT,    0,  128,  READ,                       NULL,     NULL},
	[MODIFIED_BY]        = {"modifiedBy",        "modified_by",        BANA_TEXT,    0,  128,  READ,                       NULL,     NULL},
	[EMAIL]              = {"email",             "email",              BANA_EMAIL,   3,  254,  READ | ANY | BANA_REQUIRED, NULL,     NULL},
	[FIRST_NAME]         = {"firstName",         "first_name",         BANA_TEXT,    0,  100,  READ | ANY | NULLS,         NULL,     NULL},
	[LOCALE]             = {"locale",            "locale",             BANA_TEXT,    0,  16,   READ | ANY | NULLS,         NULL,     NULL},
	[TOPICS]             = {"topics",            "topics",             BANA_TEXTS,   64, 20,   READ | ANY,                 NULL,     "{}"},
	[SOURCE]             = {"source",            "source",             BANA_TEXT,    0,  64,   READ | ANY | NULLS,         NULL,     NULL},
	[STATUS]             = {"status",            "status",             BANA_ENUM,    0,  0,    READ | BANA_STAFF,          statuses, "201_ACTIVATED"},
	[SUBSCRIBED_AT]      = {"subscribedAt",      "subscribed_at",      BANA_INSTANT, 0,  0,    READ,                       NULL,     NULL},
	[CONFIRMED_AT]       = {"confirmedAt",       "confirmed_at",       BANA_INSTANT, 0,  0,    READ,                       NULL,     NULL},
	[UNSUBSCRIBED_AT]    = {"unsubscribedAt",    "unsubscribed_at",    BANA_INSTANT, 0,  0,    READ,                       NULL,     NULL},
	[UNSUBSCRIBE_REASON] = {"unsubscribeReason", "unsubscribe_reason", BANA_TEXT,    0,  500,  READ,                       NULL,     NULL},
	[CONSENT_VERSION]    = {"consentVersion",    "consent_version",    BANA_TEXT,    0,  64,   READ | ANY | NULLS,         NULL,     NULL},
	[CONSENTED_AT]       = {"consentedAt",       "consented_at",       BANA_INSTANT, 0,  0,    READ,                       NULL,     NULL},
	[UNSUBSCRIBE_TOKEN]  = {"unsubscribeToken",  "unsubscribe_token",  BANA_ID,      0,  0,    0,                          NULL,     NULL},
	[CONFIRM_TOKEN_HASH] = {"confirmTokenHash",  "confirm_token_hash", BANA_TEXT,    0,  64,   0,                          NULL,     NULL},
	[IP_HASH]            = {"ipHash",            "ip_hash",            BANA_TEXT,    0,  64,   0,                          NULL,     NULL},
	[DELETED_AT]         = {"deletedAt",         "deleted_at",         BANA_INSTANT, 0,  0,    0,                          NULL,     NULL},
};

/* The body of an unsubscribe call; not stored. */
enum { CALL_TOKEN, CALL_REASON, CALL_FIELDS };
static const struct bana_field call_fields[CALL_FIELDS] = {
	[CALL_TOKEN]  = {"token",  NULL, BANA_TEXT, 1, 64,  BANA_PUBLIC | BANA_REQUIRED, NULL, NULL},
	[CALL_REASON] = {"reason", NULL, BANA_TEXT, 0, 500, BANA_PUBLIC | NULLS,         NULL, NULL},
};
/* clang-format on */

const struct bana_entity outreach_subscriber = {
	"Subscriber", "outreach.\"Subscriber\"", fields, sizeof fields / sizeof *fields};

static const struct bana_entity unsubscribe_call = {
	"Unsubscribe", NULL, call_fields, sizeof call_fields / sizeof *call_fields};

static BANA_RES accepted(struct bana_req *q)
{
	return bana_reply_one(q, 200, BANA_STR("{\"status\":\"accepted\"}"));
}

/* New: a row. Known: only a deactivated one changes, and gets a fresh token with it. */
BANA_RES outreach_subscriber_subscribe(struct bana_req *q)
{
	static const char sql[] =
		"INSERT INTO outreach.\"Subscriber\" AS s (id, email, first_name, locale, topics, "
		"source,"
		" consent_version, ip_hash, unsubscribe_token, status, subscribed_at, consented_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '201_ACTIVATED', now(), now())"
		" ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO UPDATE SET"
		" (status, unsubscribe_token, subscribed_at, consent_version, consented_at,"
		" unsubscribed_at, unsubscribe_reason, modified_at) = (SELECT"
		" CASE WHEN was THEN excluded.status ELSE s.status END,"
		" CASE WHEN was THEN excluded.unsubscribe_token ELSE s.unsubscribe_token END,"
		" CASE WHEN was THEN excluded.subscribed_at ELSE s.subscribed_at END,"
		" CASE WHEN was THEN excluded.consent_version ELSE s.consent_version END,"
		" CASE WHEN was THEN excluded.consented_at ELSE s.consented_at END,"
		" CASE WHEN was THEN NULL ELSE s.unsubscribed_at END,"
		" CASE WHEN was THEN NULL ELSE s.unsubscribe_reason END,"
		" CASE WHEN was THEN now() ELSE s.modified_at END"
		" FROM (SELECT s.status = '401_DEACTIVATED' AS was) AS before)";
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	TRY(bana_req_row(q, &outreach_subscriber, BANA_PUBLIC, row));
	const struct bana_cell *c = row->cells;
	const char *values[] = {
		bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool)),
		c[EMAIL].text, c[FIRST_NAME].text, c[LOCALE].text,
		c[TOPICS].set ? c[TOPICS].text : fields[TOPICS].fallback, c[SOURCE].text,
		c[CONSENT_VERSION].text, outreach_address_hash(q),
		bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool))};
	TRY(bana_pg_exec(ctx, sql, sizeof values / sizeof *values, values, NULL));
	return accepted(q);
}

/* A token that is not ours is looked up all the same, as one that no row has. */
static BANA_RES deactivate(struct bana_ctx *ctx, const char *token, const char *reason)
{
	static const char sql[] =
		"UPDATE outreach.\"Subscriber\" SET status = '401_DEACTIVATED', unsubscribed_at = "
		"now(),"
		" unsubscribe_reason = $2, modified_at = now() WHERE unsubscribe_token = $1"
		" AND deleted_at IS NULL AND status IN ('103_PENDING', '201_ACTIVATED')";
	const char *snowflake;
	TRY(outreach_link_read(ctx, bana_str_of(token), &snowflake));
	const char *values[] = {snowflake, reason};
	return bana_pg_exec(ctx, sql, 2, values, NULL);
}

BANA_RES outreach_subscriber_unsubscribe(struct bana_req *q)
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

BANA_RES outreach_subscriber_link_page(struct bana_req *q)
{
	const char *snowflake;
	TRY(outreach_link_read(&q->ctx, q->args[0], &snowflake));
	return page(q, "Unsubscribe",
		"<p>Do you no longer want to receive our newsletter?</p>\n"
		"<form method=\"post\"><button>Unsubscribe</button></form>\n");
}

BANA_RES outreach_subscriber_link_use(struct bana_req *q)
{
	const char *token = bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len);
	TRY(deactivate(&q->ctx, token, NULL));
	if (!wants_page(q))
		return accepted(q);
	return page(q, "You are unsubscribed", "<p>You will receive no more newsletters.</p>\n");
}
