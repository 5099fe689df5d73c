/*
 * Endpoints: who is told. Staff never sees a secret again after the answer that made it.
 */
#include "outreach/webhook.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/audit.h"
#include "bana/change.h"
#include "bana/clock.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "outreach/outreach.h"

#include <assert.h>

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, URL, DESCRIPTION, EVENTS, ENABLED,
	DISABLED_REASON, FAILING_SINCE, SECRET, PREVIOUS_SECRET, PREVIOUS_SECRET_UNTIL, DELETED_AT,
	VERSION, FIELDS
};

static const struct bana_field fields[FIELDS] = {
	/*                name               column             type          min  max   flags                          choices default */
	[ID]            = {"id",             "id",              BANA_ID,      0, 0,    READ | BANA_SNOWFLAKE,         NULL, NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]    = {"createdAt",      "created_at",      BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL, NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]   = {"modifiedAt",     "modified_at",     BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL, NULL,
		"When it was last changed.", "\"2026-11-20T15:33:07.361Z\""},
	[CREATED_BY]    = {"createdBy",      "created_by",      BANA_TEXT,    0, 128,  READ | NULLS,                  NULL, NULL,
		"Who made it: `userId` of the token.", "\"42\""},
	[MODIFIED_BY]   = {"modifiedBy",     "modified_by",     BANA_TEXT,    0, 128,  READ | NULLS,                  NULL, NULL,
		"Who changed it last; null: nobody.", "null"},
	[URL]           = {"url",            "url",             BANA_TEXT,    10, 2048, READ | BANA_STAFF | BANA_REQUIRED, NULL, NULL,
		"Where events are posted to. No credentials, no private address unless a setting allows it.", "\"https://crm.example.com/hooks/bana\""},
	[DESCRIPTION]   = {"description",    "description",     BANA_TEXT,    0, 500,  READ | BANA_STAFF | NULLS,     NULL, NULL,
		"For people.", "\"Sales CRM\""},
	[EVENTS]        = {"events",         "events",          BANA_TEXTS,   64, 16,  READ | BANA_STAFF,             NULL, "[]",
		"Types of events it is told of; empty: all.", "[\"inquiry.submitted\"]"},
	[ENABLED]       = {"enabled",        "enabled",         BANA_BOOL,    0, 0,    READ | BANA_STAFF,             NULL, "true",
		"Nothing is sent, and no event kept for it, while it is not.", "true"},
	[DISABLED_REASON] = {"disabledReason", "disabled_reason", BANA_TEXT,  0, 200,  READ | NULLS,                  NULL, NULL,
		"Why it was disabled by the sender; null: it was not.", "null"},
	[FAILING_SINCE] = {"failingSince",   "failing_since",   BANA_INSTANT, 0, 0,    READ | NULLS,                  NULL, NULL,
		"Since when no attempt was taken; null: the last one was.", "null"},
	[SECRET]        = {"secret",         "secret",          BANA_TEXT,    0, 128,  0,                             NULL, NULL,
		"Key of the signatures.", NULL},
	[PREVIOUS_SECRET] = {"previousSecret", "previous_secret", BANA_TEXT,  0, 128,  NULLS,                         NULL, NULL,
		"The one before the last rotation.", NULL},
	[PREVIOUS_SECRET_UNTIL] = {"previousSecretUntil", "previous_secret_until", BANA_INSTANT, 0, 0, READ | NULLS,  NULL, NULL,
		"Until when the secret before the last rotation signs as well.", "null"},
	[DELETED_AT]    = {"deletedAt",      "deleted_at",      BANA_INSTANT, 0, 0,    0,                             NULL, NULL,
		"Soft deletion.", NULL},
	[VERSION]       = {"version",        "version",         BANA_INT,     0, 0,    BANA_MADE,                     NULL, NULL,
		"Counts the changes: the ETag.", NULL},
};
/* clang-format on */

const struct bana_entity outreach_webhook = {
	.name = "Webhook",
	.table = "outreach.\"Webhook\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/webhooks",
	.says = "Endpoints that are told what happens to inquiries.",
};

/* ---- what the table of fields cannot say ----------------------------------------------------- */

static bool known(bana_str event)
{
	for (const struct bana_choice *c = outreach_webhook_events; c->value != NULL; c++) {
		if (bana_str_is(event, c->value))
			return true;
	}
	return false;
}

static void check_events(struct bana_ctx *ctx, const char *json)
{
	const struct bana_json *list;
	if (bana_json_parse(ctx, bana_str_of(json), 1, &list).fault != BANA_OK)
		return; /* it was written by the check of the field */
	for (size_t i = 0; i < bana_json_len(list); i++) {
		if (!known(bana_json_str(bana_json_at(list, i))))
			bana_issue_add(ctx, bana_print(ctx->arena, "events.%zu", i),
				"invalid_value", NULL, "Invalid option: no such event");
	}
}

static BANA_RES check(struct bana_ctx *ctx, const struct bana_row *row)
{
	struct bana_networks networks;
	bana_ignore(outreach_webhook_networks(ctx, &networks), "then none is allowed");
	if (row->cells[URL].set) {
		const char *refused = outreach_webhook_refused(bana_str_of(row->cells[URL].text),
			&networks, outreach_settings.webhook_http);
		if (refused != NULL)
			bana_issue_add(ctx, "url", "invalid_format", NULL,
				bana_join(ctx->arena, "Invalid URL: ", refused, NULL));
	}
	if (row->cells[EVENTS].set)
		check_events(ctx, row->cells[EVENTS].text);
	return bana_issues_close(ctx);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* `secret` NULL: it is not shown. */
static BANA_RES reply(
	struct bana_req *q, int status, const struct bana_row *row, const char *secret)
{
	struct bana_buf json;
	assert(row != NULL); /* there is one when it was made or changed */
	bana_reply_header(q, "ETag", bana_etag(&q->ctx, row->cells[VERSION].text));
	bana_buf_init(&json, q->ctx.arena);
	bana_row_write(&json, &outreach_webhook, row, NULL, 0);
	if (secret != NULL) {
		json.len--; /* the brace */
		bana_buf_json_member(&json, "secret", secret);
		bana_buf_text(&json, "}");
	}
	return bana_reply_one(q, status, bana_buf_str(&json));
}

static BANA_RES create(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	struct bana_audit audit;
	struct bana_step steps[4] = {{.sql = "BEGIN"}};
	TRY(bana_req_row(q, &outreach_webhook, BANA_STAFF, row));
	TRY(check(ctx, row));
	bana_row_set(row, SECRET, outreach_webhook_secret(ctx));
	bana_row_set(row, CREATED_BY, ctx->actor->user_id);
	bana_row_insert_step(ctx, &outreach_webhook, row, &steps[1]);
	bana_audit_begin(ctx, &audit, &outreach_webhook, "create");
	bana_audit_add(ctx, &audit, row->cells[ID].text, NULL, row);
	bana_audit_step(ctx, &audit, &steps[2]);
	steps[3] = (struct bana_step){.sql = "COMMIT"};
	TRY(bana_pg_batch(ctx, steps, 4));
	bana_row_inserted(&outreach_webhook, &steps[1], row);
	bana_reply_header(q, "Location",
		bana_join(ctx->arena, ctx->app->base_path, outreach_webhook.path, "/",
			row->cells[ID].text, NULL));
	return reply(q, 201, row, row->cells[SECRET].text);
}

/* One endpoint, changed. */
static BANA_RES change(struct bana_ctx *ctx, const char *id, const struct bana_row *patch,
	const char *match, const struct bana_row **after)
{
	struct bana_sql *where = bana_alloc(ctx->arena, sizeof *where);
	struct bana_change change = {.entity = &outreach_webhook,
		.action = "update",
		.patch = patch,
		.match = match,
		.rows_max = 1};
	bana_sql_init(where, ctx->arena);
	bana_sql_text(where, "deleted_at IS NULL AND id = ");
	bana_sql_value(where, id, "bigint");
	TRY(bana_change_run(ctx, &change, where));
	if (change.count == 0)
		return bana_row_missing(ctx, &outreach_webhook);
	*after = &change.rows[0].after;
	return BANA_DONE;
}

/* The id of the path. */
static BANA_RES read_id(struct bana_req *q, const char **id)
{
	TRY(bana_id_check(&q->ctx, &outreach_webhook, q->args[0]));
	*id = bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len);
	return BANA_DONE;
}

BANA_RES outreach_webhook_disable(struct bana_ctx *ctx, const char *id, const char *reason)
{
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	const struct bana_row *after = NULL;
	bana_row_set(patch, ENABLED, "f");
	bana_row_set(patch, DISABLED_REASON, reason);
	return change(ctx, id, patch, NULL, &after);
}

/* Enabling it begins anew. */
static BANA_RES update(struct bana_req *q)
{
	struct bana_row *patch = bana_alloc(q->ctx.arena, sizeof *patch);
	const struct bana_row *after = NULL;
	const char *id = NULL;
	TRY(read_id(q, &id));
	TRY(bana_req_row(q, &outreach_webhook, BANA_STAFF | BANA_PARTIAL, patch));
	TRY(check(&q->ctx, patch));
	if (patch->cells[ENABLED].set && *patch->cells[ENABLED].text == 't') {
		bana_row_set(patch, DISABLED_REASON, NULL);
		bana_row_set(patch, FAILING_SINCE, NULL);
	}
	TRY(change(&q->ctx, id, patch, q->param(q->source, "HTTP_IF_MATCH"), &after));
	return reply(q, 200, after, NULL);
}

/* The secret as it is, with the version it has. */
static BANA_RES read_secret(
	struct bana_ctx *ctx, const char *id, const char **secret, const char **version)
{
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx,
		"SELECT secret, version FROM outreach.\"Webhook\" WHERE id = $1"
		" AND deleted_at IS NULL",
		1, &id, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_row_missing(ctx, &outreach_webhook);
	*secret = bana_rows_text(rows, 0, 0);
	*version = bana_rows_text(rows, 0, 1);
	return BANA_DONE;
}

/* Whoever rotates at the same time gets STALE: one of two new secrets would be lost. */
static BANA_RES rotate(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	const struct bana_row *after = NULL;
	const char *id = NULL, *old = NULL, *version = NULL, *fresh = outreach_webhook_secret(ctx);
	const int64_t hours = outreach_settings.webhook_rotation_hours;
	char until[BANA_ISO_BYTES]; /* to the millisecond: the answer shows what the column keeps */
	bana_iso_write(bana_now_us() + hours * 3600 * 1000000, until);
	TRY(read_id(q, &id));
	TRY(read_secret(ctx, id, &old, &version));
	TRY(bana_match_check(ctx, q->param(q->source, "HTTP_IF_MATCH"), version));
	bana_row_set(patch, SECRET, fresh);
	bana_row_set(patch, PREVIOUS_SECRET, hours == 0 ? NULL : old);
	bana_row_set(patch, PREVIOUS_SECRET_UNTIL,
		hours == 0 ? NULL : bana_copy(ctx->arena, until, sizeof until - 1));
	TRY(change(ctx, id, patch, bana_etag(ctx, version), &after));
	return reply(q, 200, after, fresh);
}

#define SHOWS_SECRET(says)                                                                      \
	"{\"type\":\"object\",\"required\":[\"id\",\"url\",\"secret\"],\"description\":\"" says \
	", with its secret, which no other answer shows.\",\"properties\":{"                    \
	"\"id\":{\"$ref\":\"#/components/schemas/Id\"},\"url\":{\"type\":\"string\"},"          \
	"\"secret\":{\"type\":\"string\",\"pattern\":\"^whsec_[A-Za-z0-9+/]{43}=$\"}}}"

/* clang-format off */
const struct bana_call outreach_webhook_create = {
	.handle = create, .name = "create", .status = 201, .gives = BANA_GIVES_OTHER,
	.body = BANA_STAFF, .headers = "ETag,Location", .schema = SHOWS_SECRET("The endpoint"),
};
const struct bana_call outreach_webhook_update = {
	.handle = update, .name = "updateById", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_MATCH, .body = BANA_STAFF | BANA_PARTIAL, .faults = "404,412", .headers = "ETag",
};
const struct bana_call outreach_webhook_rotate = {
	.handle = rotate, .name = "rotate", .status = 200, .gives = BANA_GIVES_OTHER,
	.takes = BANA_TAKES_MATCH, .faults = "404,412", .headers = "ETag", .schema = SHOWS_SECRET("The endpoint"),
};
/* clang-format on */
