/*
 * The delivery log: one row for each event and endpoint, sent or to be sent.
 */
#include "outreach/webhook.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "outreach/outreach.h"

/* clang-format off */
enum {
	ID, CREATED_AT, EVENT_ID, WEBHOOK_ID, TYPE, STATUS, ATTEMPTS, NEXT_ATTEMPT_AT,
	LEASED_UNTIL, LAST_ATTEMPT_AT, LAST_STATUS_CODE, LAST_ERROR, DELIVERED_AT, FIELDS
};

static const struct bana_choice statuses[] = {
	{"100_PENDING",   "To be sent, for the first time or again"},
	{"200_DELIVERED", "The endpoint has answered 2xx"},
	{"505_FAILED",    "Given up; it can be replayed"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*                   name              column              type          min  max   flags              choices default */
	[ID]               = {"id",            "id",               BANA_ID,      0, 0,    READ | BANA_MADE,  NULL, NULL,
		"Decimal; in the order in which they were made.", "\"42\""},
	[CREATED_AT]       = {"createdAt",     "created_at",       BANA_INSTANT, 0, 0,    READ | BANA_MADE,  NULL, NULL,
		"When the event happened.", "\"2026-11-20T15:33:07.361Z\""},
	[EVENT_ID]         = {"eventId",       "event_id",         BANA_ID,      0, 0,    READ,              NULL, NULL,
		"The event: `webhook-id` of every attempt.", "\"249557679503089664\""},
	[WEBHOOK_ID]       = {"webhookId",     "webhook_id",       BANA_ID,      0, 0,    READ,              NULL, NULL,
		"The endpoint.", "\"249557679503089664\""},
	[TYPE]             = {"type",          "type",             BANA_TEXT,    1, 64,   READ,              NULL, NULL,
		"Type of the event.", "\"inquiry.submitted\""},
	[STATUS]           = {"status",        "status",           BANA_ENUM,    0, 0,    READ,              statuses, "100_PENDING",
		"What became of it.", "\"200_DELIVERED\""},
	[ATTEMPTS]         = {"attempts",      "attempts",         BANA_INT,     0, 2147483647, READ,        NULL, NULL,
		"How often it was tried, since it was last replayed.", "1"},
	[NEXT_ATTEMPT_AT]  = {"nextAttemptAt", "next_attempt_at",  BANA_INSTANT, 0, 0,    READ | NULLS,      NULL, NULL,
		"Not before then it is tried again; null: never.", "null"},
	[LEASED_UNTIL]     = {"leasedUntil",   "leased_until",     BANA_INSTANT, 0, 0,    NULLS,             NULL, NULL,
		"Until when a sender may be at it.", NULL},
	[LAST_ATTEMPT_AT]  = {"lastAttemptAt", "last_attempt_at",  BANA_INSTANT, 0, 0,    READ | NULLS,      NULL, NULL,
		"When the last attempt ended; null: none has.", "\"2026-11-20T15:33:07.422Z\""},
	[LAST_STATUS_CODE] = {"lastStatusCode", "last_status_code", BANA_INT,    0, 999,  READ | NULLS,      NULL, NULL,
		"What the endpoint answered last; null: nothing.", "204"},
	[LAST_ERROR]       = {"lastError",     "last_error",       BANA_TEXT,    0, 200,  READ | NULLS,      NULL, NULL,
		"Why the last attempt was not taken; null: it was.", "null"},
	[DELIVERED_AT]     = {"deliveredAt",   "delivered_at",     BANA_INSTANT, 0, 0,    READ | NULLS,      NULL, NULL,
		"When the endpoint took it.", "\"2026-11-20T15:33:07.422Z\""},
};
/* clang-format on */

const struct bana_entity outreach_webhook_delivery = {
	.name = "WebhookDelivery",
	.table = "outreach.\"WebhookDelivery\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/webhook-deliveries",
	.says = "What was sent to which endpoint, and what is to be.",
};

static BANA_RES reply(struct bana_req *q, int status, const char *id)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	struct bana_buf json;
	TRY(bana_row_find(&q->ctx, &outreach_webhook_delivery, bana_str_of(id), row));
	bana_buf_init(&json, q->ctx.arena);
	bana_row_write(&json, &outreach_webhook_delivery, row, NULL, 0);
	return bana_reply_one(q, status, bana_buf_str(&json));
}

static const char *id_of(struct bana_req *q)
{
	return bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len);
}

static BANA_RES find(struct bana_req *q)
{
	return reply(q, 200, id_of(q));
}

/* What nobody sends is not promised. */
static BANA_RES check_on(struct bana_ctx *ctx)
{
	return outreach_settings.webhooks
		       ? BANA_DONE
		       : bana_fail(ctx, BANA_CONFLICT,
				 "Webhooks are off: APP_ENV_OUTREACH_WEBHOOKS", NULL);
}

static const char replay_sql[] =
	"UPDATE outreach.\"WebhookDelivery\" d SET status = '100_PENDING', attempts = 0,"
	" next_attempt_at = now(), leased_until = NULL FROM outreach.\"WebhookEvent\" e,"
	" outreach.\"Webhook\" w WHERE d.id = $1 AND e.id = d.event_id AND e.payload IS NOT NULL"
	" AND w.id = d.webhook_id AND w.enabled AND w.deleted_at IS NULL RETURNING 1";

/* The same event again, with the same webhook-id: whoever has had it can tell. */
static BANA_RES replay(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_rows *rows;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	TRY(bana_row_find(ctx, &outreach_webhook_delivery, q->args[0], row));
	TRY(check_on(ctx));
	const char *id = id_of(q);
	TRY(bana_pg_exec(ctx, replay_sql, 1, &id, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_fail(ctx, BANA_CONFLICT,
			"Its endpoint is disabled or deleted, or its event was erased", NULL);
	return reply(q, 200, id);
}

static const char test_sql[] =
	"WITH w AS (SELECT id FROM outreach.\"Webhook\" WHERE id = $1 AND enabled"
	" AND deleted_at IS NULL), e AS (INSERT INTO outreach.\"WebhookEvent\" (id, type, payload)"
	" SELECT $2::bigint, 'webhook.test', $3 FROM w RETURNING id)"
	" INSERT INTO outreach.\"WebhookDelivery\" (event_id, webhook_id, type)"
	" SELECT e.id, w.id, 'webhook.test' FROM e, w RETURNING id";

/* An event that means nothing, for this endpoint alone. */
static BANA_RES test(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_rows *rows;
	char iso[BANA_ISO_BYTES];
	struct bana_row *endpoint = bana_alloc(ctx->arena, sizeof *endpoint);
	TRY(bana_row_find(ctx, &outreach_webhook, q->args[0], endpoint));
	TRY(check_on(ctx));
	bana_iso_write(bana_now_us(), iso);
	const char *values[] = {id_of(q),
		bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool)),
		bana_print(ctx->arena,
			"{\"type\":\"webhook.test\",\"timestamp\":\"%s\",\"data\":{}}", iso)};
	TRY(bana_pg_exec(ctx, test_sql, 3, values, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_fail(ctx, BANA_CONFLICT, "The endpoint is disabled", NULL);
	return reply(q, 202, bana_rows_text(rows, 0, 0));
}

/* clang-format off */
const struct bana_call outreach_webhook_delivery_find = { /* rows without versions, so without ETag */
	.handle = find, .name = "findById", .status = 200, .gives = BANA_GIVES_ROW, .faults = "404",
};
const struct bana_call outreach_webhook_replay = {
	.handle = replay, .name = "replay", .status = 200, .gives = BANA_GIVES_ROW, .faults = "404,409",
};
const struct bana_call outreach_webhook_test = {
	.handle = test, .name = "test", .status = 202, .gives = BANA_GIVES_OTHER, .faults = "404,409",
	.schema = "{\"$ref\":\"#/components/schemas/WebhookDelivery\"}",
};
/* clang-format on */
