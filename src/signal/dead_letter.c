#include "signal/service.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/consume.h"
#include "bana/crud.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "bana/sql.h"

/* clang-format off */
enum {
	ID, CREATED_AT, TOPIC, PARTITION, OFFSET, PAYLOAD_BYTES, EXCERPT, REASON, ATTEMPTS, STATUS,
	RESOLVED_AT, RESOLVED_BY, FIELDS
};

static const struct bana_choice statuses[] = {
	{"100_NEW",       "Waits for somebody"},
	{"200_REPLAYED",  "Was taken after all"},
	{"505_DISCARDED", "Will not be taken"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*                name            column           type          min  max   flags                    choices default */
	[ID]            = {"id",           "id",            BANA_ID,      0, 0,   READ | BANA_SNOWFLAKE,     NULL, NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]    = {"createdAt",    "created_at",    BANA_INSTANT, 0, 0,   READ | BANA_MADE,          NULL, NULL,
		"When it was put here.", "\"2026-11-20T15:33:07.361Z\""},
	[TOPIC]         = {"topic",        "topic",         BANA_TEXT,    1, 249, READ,                      NULL, NULL,
		"Topic it came from.", "\"signal.activity-notification\""},
	[PARTITION]     = {"partition",    "partition",     BANA_INT,     0, 2147483647, READ,               NULL, NULL,
		"Partition it came from.", "0"},
	[OFFSET]        = {"offset",       "offset",        BANA_ID,      0, 0,   READ,                      NULL, NULL,
		"Offset it had there.", "\"1042\""},
	[PAYLOAD_BYTES] = {"payloadBytes", "payload_bytes", BANA_INT,     0, 2147483647, READ,               NULL, NULL,
		"Length of its value, which `/payload` gives whole.", "17"},
	[EXCERPT]       = {"excerpt",      "excerpt",       BANA_TEXT,    0, 500, BANA_SHOWN,                NULL, NULL,
		"Beginning of its value; what is no text is shown as `?`.", "\"{\\\"eventType\\\":\""},
	[REASON]        = {"reason",       "reason",        BANA_TEXT,    1, 8192, READ,                     NULL, NULL,
		"Everything that is wrong with it.", "\"ValidationError; actorId: Invalid input: expected string, received undefined\""},
	[ATTEMPTS]      = {"attempts",     "attempts",      BANA_INT,     1, 2147483647, READ,               NULL, NULL,
		"How often it was tried.", "1"},
	[STATUS]        = {"status",       "status",        BANA_ENUM,    0, 0,   READ,                      statuses, "100_NEW",
		"What became of it.", "\"100_NEW\""},
	[RESOLVED_AT]   = {"resolvedAt",   "resolved_at",   BANA_INSTANT, 0, 0,   READ | NULLS,              NULL, NULL,
		"When it was replayed or discarded.", "null"},
	[RESOLVED_BY]   = {"resolvedBy",   "resolved_by",   BANA_TEXT,    0, 128, READ | NULLS,              NULL, NULL,
		"By whom.", "null"},
};
/* clang-format on */

const struct bana_entity signal_dead_letter = {
	.name = "DeadLetter",
	.table = "signal.\"DeadLetter\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/dead-letters",
	.says = "Events that could not be taken as they are, kept whole.",
};

/* ---- in -------------------------------------------------------------------------------------- */

enum { EXCERPT_BYTES = 500, REASON_BYTES = 4000 };

/* What PostgreSQL can hold as text, and people can read. */
static const char *excerpt(struct bana_ctx *ctx, bana_str value)
{
	size_t bytes = value.len < EXCERPT_BYTES ? value.len : EXCERPT_BYTES;
	char *text = bana_copy(ctx->arena, value.at == NULL ? "" : value.at, bytes);
	while (bytes > 0 && value.len > EXCERPT_BYTES && (text[bytes - 1] & 0x80) != 0)
		bytes--; /* perhaps half a character */
	text[bytes] = '\0';
	bool valid = bana_utf8_valid((bana_str){text, bytes});
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == 0 || (c >= 0x80 && !valid))
			text[i] = '?';
	}
	return text;
}

/* No longer than it need be, and not cut within a character. */
static const char *shortened(struct bana_ctx *ctx, const char *reason)
{
	size_t bytes = strlen(reason);
	if (bytes <= REASON_BYTES)
		return reason;
	bytes = REASON_BYTES;
	while (((unsigned char)reason[bytes] & 0xC0) == 0x80)
		bytes--;
	return bana_copy(ctx->arena, reason, bytes);
}

static const char *base64(struct bana_ctx *ctx, bana_str bytes)
{
	return bytes.at == NULL ? NULL : bana_base64url(ctx->arena, bytes.at, bytes.len);
}

void signal_bury_step(struct bana_ctx *ctx, const struct signal_event *events, size_t count,
	struct bana_step *step)
{
	enum { COLUMNS = 11 };
	struct bana_columns columns;
	const char **values = bana_alloc(ctx->arena, COLUMNS * sizeof *values);
	bana_columns_begin(ctx->arena, &columns, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		const struct bana_message *m = events[i].message;
		const char *const cells[COLUMNS] = {
			bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool)),
			m->topic, bana_print(ctx->arena, "%d", m->partition),
			bana_print(ctx->arena, "%lld", (long long)m->offset), base64(ctx, m->key),
			base64(ctx, m->event_id), m->value.at == NULL ? "" : base64(ctx, m->value),
			bana_print(ctx->arena, "%zu", m->value.len), excerpt(ctx, m->value),
			shortened(ctx, events[i].refused), events[i].key};
		for (size_t c = 0; c < COLUMNS; c++)
			bana_columns_add(&columns, c, cells[c]);
	}
	bana_columns_end(&columns, values);
	*step = (struct bana_step){
		"INSERT INTO signal.\"DeadLetter\" (id, topic, \"partition\", \"offset\","
		" message_key, event_id, payload, payload_bytes, excerpt, reason, dedup_key)"
		" SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[],"
		" $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[],"
		" $11::text[]) ON CONFLICT (dedup_key) DO NOTHING",
		COLUMNS, values, NULL};
}

/* ---- out ------------------------------------------------------------------------------------- */

static BANA_RES decode(struct bana_ctx *ctx, const char *text, bana_str *bytes)
{
	*bytes = (bana_str){NULL, 0};
	if (text == NULL)
		return BANA_DONE;
	return bana_base64url_decode(ctx->arena, bana_str_of(text), bytes);
}

/* The row, locked, as the message it was. NOT_FOUND. */
static BANA_RES lock(struct bana_req *q, struct bana_message *m, const char **status)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_rows *rows;
	TRY(bana_id_check(ctx, &signal_dead_letter, q->args[0]));
	const char *id = bana_copy(ctx->arena, q->args[0].at, q->args[0].len);
	TRY(bana_pg_begin(ctx));
	TRY(bana_pg_exec(ctx,
		"SELECT topic, message_key, event_id, payload, status FROM signal.\"DeadLetter\""
		" WHERE id = $1 FOR UPDATE",
		1, &id, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_row_missing(ctx, &signal_dead_letter);
	*m = (struct bana_message){.topic = bana_rows_text(rows, 0, 0)};
	TRY(decode(ctx, bana_rows_text(rows, 0, 1), &m->key));
	TRY(decode(ctx, bana_rows_text(rows, 0, 2), &m->event_id));
	TRY(decode(ctx, bana_rows_text(rows, 0, 3), &m->value));
	*status = bana_rows_text(rows, 0, 4);
	return BANA_DONE;
}

static BANA_RES reply(struct bana_req *q)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	struct bana_buf json;
	TRY(bana_row_find(&q->ctx, &signal_dead_letter, q->args[0], row));
	bana_buf_init(&json, q->ctx.arena);
	bana_row_write(&json, &signal_dead_letter, row, NULL, 0);
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* CONFLICT: somebody else resolved it otherwise meanwhile. */
static BANA_RES resolve(struct bana_req *q, const char *status)
{
	const char *values[] = {bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len), status,
		q->ctx.actor->user_id};
	const struct bana_rows *rows;
	TRY(bana_pg_exec(&q->ctx,
		"UPDATE signal.\"DeadLetter\" SET status = $2, resolved_at = now(),"
		" resolved_by = $3 WHERE id = $1 AND status IN ('100_NEW', $2) RETURNING 1",
		3, values, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_fail(&q->ctx, BANA_CONFLICT, "It was resolved otherwise", NULL);
	return bana_pg_commit(&q->ctx);
}

static BANA_RES refuse_again(struct bana_req *q, const char *reason)
{
	const char *values[] = {bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len), reason};
	TRY(bana_pg_exec(&q->ctx,
		"UPDATE signal.\"DeadLetter\" SET attempts = attempts + 1, reason = $2 WHERE id = "
		"$1",
		2, values, NULL));
	TRY(bana_pg_commit(&q->ctx));
	bana_issue_add(&q->ctx, "payload", "custom", NULL, reason);
	return bana_fail(&q->ctx, BANA_INVALID, "It cannot be taken yet", NULL);
}

/* The same way as from Kafka. The event is taken and the letter resolved one after the other: when
 * the second is lost, a replay finds the event taken and resolves the letter. */
static BANA_RES replay(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_message message = {0};
	struct signal_event event;
	const char *status = "";
	TRY(signal_texts_refresh(ctx));
	TRY(lock(q, &message, &status));
	if (strcmp(status, "505_DISCARDED") == 0)
		return bana_fail(ctx, BANA_CONFLICT, "It was discarded", NULL);
	if (strcmp(status, "200_REPLAYED") == 0) {
		TRY(bana_pg_commit(ctx));
		return reply(q);
	}
	signal_event_read(ctx, &message, &event);
	if (event.refused != NULL)
		return refuse_again(q, event.refused);
	TRY(bana_pg_commit(ctx)); /* the lock was only to look at it */
	TRY(signal_deliver(ctx, &event, 1));
	TRY(bana_pg_begin(ctx));
	TRY(resolve(q, "200_REPLAYED"));
	return reply(q);
}

static BANA_RES discard(struct bana_req *q)
{
	struct bana_message message = {0};
	const char *status = "";
	TRY(lock(q, &message, &status));
	if (strcmp(status, "200_REPLAYED") == 0)
		return bana_fail(&q->ctx, BANA_CONFLICT, "It was replayed", NULL);
	if (strcmp(status, "100_NEW") == 0)
		TRY(resolve(q, "505_DISCARDED"));
	else
		TRY(bana_pg_commit(&q->ctx));
	return reply(q);
}

static BANA_RES payload(struct bana_req *q)
{
	struct bana_message message = {0};
	const char *status = "";
	TRY(lock(q, &message, &status));
	TRY(bana_pg_commit(&q->ctx));
	return bana_reply_text(q, 200, "application/octet-stream",
		message.value.at == NULL ? BANA_STR("") : message.value);
}

/* clang-format off */
const struct bana_call signal_replay = {
	.handle = replay, .name = "replay", .status = 200, .gives = BANA_GIVES_ROW, .faults = "404,409,422",
};
const struct bana_call signal_discard = {
	.handle = discard, .name = "discard", .status = 200, .gives = BANA_GIVES_ROW, .faults = "404,409",
};
const struct bana_call signal_payload = {
	.handle = payload, .name = "payloadOf", .status = 200, .gives = BANA_GIVES_TEXT,
	.media = "application/octet-stream", .faults = "404",
};
/* clang-format on */
