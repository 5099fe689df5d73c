#include "signal/service.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/crud.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/live.h"
#include "bana/page.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/query.h"
#include "bana/req.h"
#include "bana/row.h"

/* clang-format off */
enum {
	ID, CREATED_AT, TYPE, ORGANIZER_ID, MERCHANT_ID, RECIPIENT_ID, ACTOR_ID, ACTOR, CONTENT,
	ACTION_URL, DATA, IS_READ, READ_AT, SEEN_AT, ARCHIVED_AT, DELETED_AT, OCCURRED_AT, SEQ,
	EXPIRES_AT, FIELDS
};

static const struct bana_field fields[FIELDS] = {
	/*               name            column           type          min  max   flags                    choices default */
	[ID]           = {"id",           "id",           BANA_ID,      0, 0,   READ | BANA_SNOWFLAKE,          NULL, NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]   = {"createdAt",    "created_at",   BANA_INSTANT, 0, 0,   READ | BANA_MADE,               NULL, NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[TYPE]         = {"type",         "type",         BANA_TEXT,    1, 256, READ,                           NULL, NULL,
		"`eventType` of the event.", "\"PAYMENT_SUCCESS\""},
	[ORGANIZER_ID] = {"organizerId",  "organizer_id", BANA_TEXT,    0, 128, READ | NULLS,                   NULL, NULL,
		"The organisation it happened in.", "\"7\""},
	[MERCHANT_ID]  = {"merchantId",   "merchant_id",  BANA_TEXT,    0, 128, READ | NULLS,                   NULL, NULL,
		"The merchant, if one is concerned.", "null"},
	[RECIPIENT_ID] = {"recipientId",  "recipient_id", BANA_TEXT,    1, 128, READ,                           NULL, NULL,
		"Whom it tells: `userId` of the token.", "\"42\""},
	[ACTOR_ID]     = {"actorId",      "actor_id",     BANA_TEXT,    1, 128, READ,                           NULL, NULL,
		"Who did it.", "\"2\""},
	[ACTOR]        = {"actor",        "actor",        BANA_OBJECT,  0, 4096, READ,                          NULL, NULL,
		"Who did it, as the event says.", "{\"id\":\"2\",\"name\":\"Grace\",\"type\":\"User\"}"},
	[CONTENT]      = {"content",      "content",      BANA_TEXT,    0, 4096, READ,                          NULL, NULL,
		"What it says, in the language of the recipient.", "\"Payment received: Invoice 2026-17\""},
	[ACTION_URL]   = {"actionUrl",    "action_url",   BANA_TEXT,    0, 4096, READ | NULLS,                  NULL, NULL,
		"Where to look at it.", "\"/payments/1001\""},
	[DATA]         = {"data",         "data",         BANA_OBJECT,  0, 4096, READ,                          NULL, NULL,
		"`data` of the event.", "{\"payment\":{\"id\":\"1001\",\"subject\":\"Invoice 2026-17\"}}"},
	[IS_READ]      = {"isRead",       "is_read",      BANA_BOOL,    0, 0,   READ,                           NULL, "false",
		"Was it read?", "false"},
	[READ_AT]      = {"readAt",       "read_at",      BANA_INSTANT, 0, 0,   READ | NULLS,                   NULL, NULL,
		"When it was read.", "null"},
	[SEEN_AT]      = {"seenAt",       "seen_at",      BANA_INSTANT, 0, 0,   READ | NULLS,                   NULL, NULL,
		"When it was first on a screen.", "null"},
	[ARCHIVED_AT]  = {"archivedAt",   "archived_at",  BANA_INSTANT, 0, 0,   READ | NULLS,                   NULL, NULL,
		"When it was put away; it is no longer counted as unread.", "null"},
	[DELETED_AT]   = {"deletedAt",    "deleted_at",   BANA_INSTANT, 0, 0,   0,                              NULL, NULL,
		"Soft deletion.", NULL},
	[OCCURRED_AT]  = {"occurredAt",   "occurred_at",  BANA_INSTANT, 0, 0,   READ,                           NULL, NULL,
		"When it happened, as the event says.", "\"2026-11-20T15:33:06.902Z\""},
	[SEQ]          = {"seq",          "seq",          BANA_INT,     1, 2147483647, READ,                    NULL, NULL,
		"Counts the notifications of the recipient from 1, without gaps.", "17"},
	[EXPIRES_AT]   = {"expiresAt",    "expires_at",   BANA_INSTANT, 0, 0,   READ,                           NULL, NULL,
		"When it goes.", "\"2027-02-18T15:33:07.361Z\""},
};
/* clang-format on */

const struct bana_entity signal_notification = {
	.name = "ActivityNotification",
	.table = "signal.\"ActivityNotification\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/notifications",
	.says = "One row for each event and recipient; everyone sees their own.",
	.owner = "recipient_id",
};

BANA_RES signal_own_room(struct bana_ctx *ctx, const char *recipient_id)
{
	if (strcmp(ctx->actor->user_id, recipient_id) == 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_FORBIDDEN, "The notifications of another", NULL);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* GET /notifications?after=17: what came after that, oldest first. */
static BANA_RES feed(struct bana_req *q)
{
	struct bana_query *query = bana_alloc(q->ctx.arena, sizeof *query);
	bana_str after;
	int64_t seq;
	bana_query_init(&q->ctx, &signal_notification, query);
	if (bana_query_find(q->query, "after", &after)) {
		if (bana_parse_int(after, 0, INT32_MAX, &seq).fault != BANA_OK)
			bana_issue_add(&q->ctx, "after", "invalid_format", NULL,
				"Expected a number from 0 to 2147483647");
		TRY(bana_issues_close(&q->ctx));
		bana_query_after(query, &fields[SEQ], bana_copy(q->ctx.arena, after.at, after.len));
	}
	TRY(bana_query_read_on(q, 0, query));
	return bana_page_reply(q, query);
}

static BANA_RES unread_count(struct bana_req *q)
{
	const char *user = q->ctx.actor->user_id;
	const struct bana_rows *rows;
	TRY(bana_pg_exec(&q->ctx,
		"SELECT unread_count, last_seq FROM signal.\"RecipientState\" WHERE recipient_id = "
		"$1",
		1, &user, &rows));
	bool known = bana_rows_count(rows) > 0;
	return bana_reply_text(q, 200, NULL,
		bana_str_of(bana_join(q->ctx.arena,
			"{\"count\":", known ? bana_rows_text(rows, 0, 0) : "0",
			",\"seq\":", known ? bana_rows_text(rows, 0, 1) : "0", "}", NULL)));
}

/* ---- changing -------------------------------------------------------------------------------- */

#define UNREAD "(NOT n.is_read AND n.archived_at IS NULL AND n.deleted_at IS NULL)"

enum change { CHANGE_READ, CHANGE_UNREAD, CHANGE_SEEN, CHANGE_ARCHIVE, CHANGE_DELETE };

/* What a change does to the rows that it concerns; to the others nothing, so that it can be sent
 * again. */
/* clang-format off */
static const struct {
	const char *set, *concerns;
	const char *is_read; /* of the frame: null: as it was */
} changes[] = {
	[CHANGE_READ]    = {"is_read = true, read_at = now()",  "NOT n.is_read",          "true"},
	[CHANGE_UNREAD]  = {"is_read = false, read_at = NULL",  "n.is_read",              "false"},
	[CHANGE_SEEN]    = {"seen_at = now()",                  "n.seen_at IS NULL",      "null"},
	[CHANGE_ARCHIVE] = {"archived_at = now()",              "n.archived_at IS NULL",  "null"},
	[CHANGE_DELETE]  = {"deleted_at = now()",               "TRUE",                   "null"},
};
/* clang-format on */

struct outcome {
	int64_t changed, unread, seq;
};

static int64_t number(const struct bana_rows *rows, size_t column)
{
	int64_t value = 0;
	if (bana_rows_count(rows) > 0)
		bana_ignore(bana_parse_int(bana_str_of(bana_rows_text(rows, 0, column)), 0,
				    INT32_MAX, &value),
			"it is a number of ours");
	return value;
}

/* One transaction in one round trip. The recipient's state is locked first, as who delivers does,
 * so the counter is exact whoever else is at it. `which`: "n.id = ANY($2::bigint[])" or so. */
static BANA_RES change(struct bana_ctx *ctx, enum change kind, const char *which, const char *value,
	struct outcome *outcome)
{
	const char *values[] = {ctx->actor->user_id, value};
	const char *sql = bana_join(ctx->arena,
		"WITH old AS (SELECT n.id, " UNREAD " AS was FROM signal.\"ActivityNotification\" n"
		" WHERE n.recipient_id = $1 AND n.deleted_at IS NULL AND ",
		which, " AND ", changes[kind].concerns,
		"), changed AS (UPDATE signal.\"ActivityNotification\" n SET ", changes[kind].set,
		" FROM old WHERE n.id = old.id AND n.deleted_at IS NULL AND ",
		changes[kind].concerns,
		" RETURNING old.was, " UNREAD " AS unread),"
		" sum AS (SELECT count(*) AS changed, count(*) FILTER (WHERE unread)"
		" - count(*) FILTER (WHERE was) AS more FROM changed) "
		"UPDATE signal.\"RecipientState\" SET unread_count = unread_count + sum.more FROM "
		"sum"
		" WHERE recipient_id = $1 RETURNING sum.changed, unread_count, last_seq",
		NULL);
	struct bana_step steps[] = {{"BEGIN", 0, NULL, NULL},
		{"SELECT 1 FROM signal.\"RecipientState\" WHERE recipient_id = $1 FOR UPDATE", 1,
			values, NULL},
		{sql, 2, values, NULL}, {"COMMIT", 0, NULL, NULL}};
	TRY(bana_pg_batch(ctx, steps, 4));
	*outcome = (struct outcome){
		number(steps[2].rows, 0), number(steps[2].rows, 1), number(steps[2].rows, 2)};
	return BANA_DONE;
}

/* `which` as a member of the frame: "ids":["1"] or "upToSeq":17. */
static void announce(
	struct bana_ctx *ctx, enum change kind, const char *which, const struct outcome *o)
{
	const char *user = ctx->actor->user_id;
	if (o->changed == 0 || !bana_room_name_valid(bana_str_of(user)))
		return;
	bana_announce(ctx,
		&(struct bana_announcement){
			.event = "observation/signal/notification/updated",
			.data = bana_str_of(bana_print(ctx->arena,
				"{%s,\"isRead\":%s,\"unreadCount\":%lld,\"seq\":%lld}", which,
				changes[kind].is_read, (long long)o->unread, (long long)o->seq)),
			.rooms = {bana_join(ctx->arena, "signal/notification/", user, NULL)},
			.id_name = "recipientId",
			.id = user,
		});
}

static BANA_RES change_one(struct bana_req *q, enum change kind)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	struct outcome outcome = {0};
	struct bana_buf json;
	if (kind == CHANGE_DELETE)
		TRY(bana_row_find(ctx, &signal_notification, q->args[0], row));
	TRY(bana_id_check(ctx, &signal_notification, q->args[0]));
	const char *id = bana_copy(ctx->arena, q->args[0].at, q->args[0].len);
	TRY(change(ctx, kind, "n.id = $2::bigint", id, &outcome));
	if (kind != CHANGE_DELETE)
		TRY(bana_row_find(ctx, &signal_notification, q->args[0], row));
	announce(ctx, kind, bana_join(ctx->arena, "\"ids\":[\"", id, "\"]", NULL), &outcome);
	bana_buf_init(&json, ctx->arena);
	bana_row_write(&json, &signal_notification, row, NULL, 0);
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* {"upToSeq": n}: the number as text; NULL, perhaps with an issue. */
static const char *read_up_to(struct bana_ctx *ctx, const struct bana_json *up_to)
{
	if (bana_json_kind(up_to) != BANA_JSON_INT) {
		bana_issue_type(ctx, "upToSeq", "number", up_to);
		return NULL;
	}
	if (bana_json_int(up_to) < 0 || bana_json_int(up_to) > INT32_MAX)
		bana_issue_add(
			ctx, "upToSeq", "too_big", NULL, "Expected a number from 0 to 2147483647");
	return bana_json_write(ctx, up_to).at;
}

/* {ids} or {upToSeq}, and nothing else. */
static BANA_RES read_which(
	struct bana_req *q, const char **which, const char **value, const char **member)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_json *body, *ids = NULL, *up_to = NULL;
	TRY(bana_req_json(q, &body));
	if (bana_json_kind(body) != BANA_JSON_OBJECT)
		bana_issue_type(ctx, "root", "object", body);
	TRY(bana_issues_close(ctx));
	bool named = bana_json_get(body, "ids", &ids),
	     ranged = bana_json_get(body, "upToSeq", &up_to);
	for (struct bana_json_member m = {0}; bana_json_next(body, &m);) {
		if (strcmp(m.name, "ids") != 0 && strcmp(m.name, "upToSeq") != 0)
			bana_issue_add(ctx, bana_name_shown(ctx->arena, m.name),
				"unrecognized_keys", NULL, "Unrecognized key");
	}
	if (named == ranged)
		bana_issue_add(ctx, "root", "custom", NULL, "Expected either ids or upToSeq");
	else if (named)
		TRY(bana_ids_read(ctx, body, ctx->app->settings->bulk_rows_max, value));
	else
		*value = read_up_to(ctx, up_to);
	TRY(bana_issues_close(ctx));
	*which = named ? "n.id = ANY($2::bigint[])" : "n.seq <= $2::int";
	*member = named ? bana_join(ctx->arena, "\"ids\":", bana_json_write(ctx, ids).at, NULL)
			: bana_join(ctx->arena, "\"upToSeq\":", *value, NULL);
	return BANA_DONE;
}

static BANA_RES change_many(struct bana_req *q, enum change kind)
{
	const char *which = NULL, *value = NULL, *member = NULL;
	struct outcome outcome = {0};
	TRY(read_which(q, &which, &value, &member));
	TRY(change(&q->ctx, kind, which, value, &outcome));
	announce(&q->ctx, kind, member, &outcome);
	return bana_reply_one(q, 200,
		bana_str_of(bana_print(q->ctx.arena,
			"{\"changed\":%lld,\"unreadCount\":%lld,\"seq\":%lld}",
			(long long)outcome.changed, (long long)outcome.unread,
			(long long)outcome.seq)));
}

/* clang-format off */
const struct bana_call signal_feed = {
	.handle = feed, .name = "find", .status = 200, .gives = BANA_GIVES_ROWS,
	.takes = BANA_TAKES_FILTER | BANA_TAKES_CURSOR | BANA_TAKES_COUNT,
	.parameters = "{\"name\":\"after\",\"in\":\"query\",\"description\":\"Only what came after this `seq`, in that order: what a client missed.\","
		"\"schema\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":2147483647}}",
	.headers = "Content-Range,Link,Preference-Applied",
};
const struct bana_call signal_unread_count = {
	.handle = unread_count, .name = "unreadCount", .status = 200, .gives = BANA_GIVES_PLAIN,
	.schema = "{\"type\":\"object\",\"required\":[\"count\",\"seq\"],\"additionalProperties\":false,\"properties\":{"
		"\"count\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"Neither read nor archived.\"},"
		"\"seq\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"The last `seq` given to this recipient.\"}}}",
};

#define ONE(symbol, kind, text) \
	static BANA_RES symbol##_handle(struct bana_req *q) { return change_one(q, kind); } \
	const struct bana_call symbol = { \
		.handle = symbol##_handle, .name = text, .status = 200, .gives = BANA_GIVES_ROW, .faults = "404", \
	};
ONE(signal_read_one, CHANGE_READ, "markRead")
ONE(signal_unread_one, CHANGE_UNREAD, "markUnread")
ONE(signal_seen_one, CHANGE_SEEN, "markSeen")
ONE(signal_archive_one, CHANGE_ARCHIVE, "archive")
ONE(signal_delete_one, CHANGE_DELETE, "deleteById")

#define MANY(symbol, kind, text) \
	static BANA_RES symbol##_handle(struct bana_req *q) { return change_many(q, kind); } \
	const struct bana_call symbol = { \
		.handle = symbol##_handle, .name = text, .status = 200, .gives = BANA_GIVES_OTHER, \
		.body = BANA_STAFF, .faults = "422", \
		.body_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"minProperties\":1,\"maxProperties\":1,\"properties\":{" \
			"\"ids\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/components/schemas/Id\"}}," \
			"\"upToSeq\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":2147483647}}}", \
		.schema = "{\"type\":\"object\",\"required\":[\"changed\",\"unreadCount\",\"seq\"],\"additionalProperties\":false,\"properties\":{" \
			"\"changed\":{\"type\":\"integer\",\"minimum\":0},\"unreadCount\":{\"type\":\"integer\",\"minimum\":0}," \
			"\"seq\":{\"type\":\"integer\",\"minimum\":0}}}", \
	};
MANY(signal_read_many, CHANGE_READ, "markManyRead")
MANY(signal_unread_many, CHANGE_UNREAD, "markManyUnread")
MANY(signal_seen_many, CHANGE_SEEN, "markManySeen")
MANY(signal_archive_many, CHANGE_ARCHIVE, "archiveMany")
/* clang-format on */
