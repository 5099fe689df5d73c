/*
 * What happened to inquiries, written in the transaction in which it happened, and for each
 * endpoint that wants to know: an outbox. Without such an endpoint nothing is written.
 */
#include "outreach/webhook.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/row.h"
#include "bana/sql.h"
#include "outreach/outreach.h"

#define SUBMITTED "inquiry.submitted"
#define UPDATED   "inquiry.updated"
#define DELETED   "inquiry.deleted"
#define RESTORED  "inquiry.restored"

/* clang-format off */
const struct bana_choice outreach_webhook_events[] = {
	{SUBMITTED, "An inquiry was made, or taken out of quarantine"},
	{UPDATED,   "Its status has changed"},
	{DELETED,   "It was deleted; it can be restored"},
	{RESTORED,  "It is no longer deleted"},
	{NULL, NULL},
};
/* clang-format on */

/* Members of `data`: those that the announcement has, and the status. */
static const char *const members[] = {
	"id", "type", "firstName", "lastName", "email", "businessName", "subject"};

enum { ID, TYPE, INQUIRY_ID, HEAD, MIDDLE, TAIL, MADE, COLUMNS };

/* A row that is made is not there when it was one that came twice. The time is the transaction's,
 * which the row that is made in it has as its own. */
static const char insert_sql[] =
	"WITH e AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[],"
	" $5::text[], $6::text[], $7::bool[]) AS e (id, type, inquiry_id, head, middle, tail, "
	"made)),"
	" target AS (SELECT e.id, e.type, w.id AS webhook_id FROM e JOIN outreach.\"Webhook\" w"
	" ON w.enabled AND w.deleted_at IS NULL"
	" AND (cardinality(w.events) = 0 OR e.type = ANY (w.events))"
	" WHERE NOT e.made OR EXISTS (SELECT FROM outreach.\"Inquiry\" i WHERE i.id = "
	"e.inquiry_id)),"
	" event AS (INSERT INTO outreach.\"WebhookEvent\" (id, type, inquiry_id, payload)"
	" SELECT e.id, e.type, e.inquiry_id, e.head || t.iso || e.middle"
	" || CASE WHEN e.made THEN t.iso ELSE '' END || e.tail"
	" FROM e CROSS JOIN (SELECT to_char(now()::timestamptz(3) AT TIME ZONE 'UTC',"
	" 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS iso) AS t"
	" WHERE e.id IN (SELECT id FROM target))"
	" INSERT INTO outreach.\"WebhookDelivery\" (event_id, webhook_id, type)"
	" SELECT id, webhook_id, type FROM target ORDER BY id, webhook_id";

static const char forget_sql[] =
	"WITH e AS (UPDATE outreach.\"WebhookEvent\" SET payload = NULL"
	" WHERE inquiry_id = ANY ($1::bigint[]) RETURNING id)"
	" UPDATE outreach.\"WebhookDelivery\" d SET status = '505_FAILED', next_attempt_at = NULL,"
	" leased_until = NULL, last_error = 'erased, on demand of the person in it'"
	" FROM e WHERE d.event_id = e.id AND d.status = '100_PENDING'";

static const char *cell(const struct bana_entity *e, const struct bana_row *row, const char *name)
{
	const struct bana_field *f = bana_field_find(e, bana_str_of(name));
	return row == NULL ? NULL : row->cells[bana_field_place(e, f)].text;
}

static bool quarantined(const struct bana_entity *e, const struct bana_row *row)
{
	return row != NULL && cell(e, row, "quarantinedAt") != NULL;
}

/* NULL: nothing that anybody is told of. */
static const char *event_of(const struct bana_journal *j, const struct bana_entry *entry)
{
	const struct bana_entity *e = j->entity;
	if (quarantined(e, entry->after))
		return NULL;
	if (entry->before == NULL || quarantined(e, entry->before))
		return SUBMITTED;
	if (strcmp(j->action, "delete") == 0)
		return DELETED;
	if (strcmp(j->action, "restore") == 0)
		return RESTORED;
	return bana_cell_same(cell(e, entry->before, "status"), cell(e, entry->after, "status"))
		       ? NULL
		       : UPDATED;
}

static void add_member(struct bana_buf *out, const struct bana_entity *e,
	const struct bana_row *row, const char *name)
{
	const struct bana_field *f = bana_field_find(e, bana_str_of(name));
	bana_buf_json_name(out, name);
	bana_cell_write(out, f, row->cells[bana_field_place(e, f)].text);
}

/* {"type":T,"timestamp":" <now> ","data":{...,"createdAt":" <now, of a new row> ","status":S}} */
static void add_event(struct bana_ctx *ctx, struct bana_columns *columns, const char *type,
	const struct bana_entity *e, const struct bana_entry *entry)
{
	struct bana_buf middle, tail;
	char iso[BANA_ISO_BYTES];
	bool made = entry->before == NULL;
	bana_buf_init(&middle, ctx->arena);
	bana_buf_init(&tail, ctx->arena);
	bana_buf_text(&middle, "\",\"data\":{");
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		add_member(&middle, e, entry->after, members[i]);
	bana_buf_text(&middle, ",\"createdAt\":\"");
	if (!made)
		bana_buf_text(&middle, bana_iso_from_pg(cell(e, entry->after, "createdAt"), iso));
	bana_buf_text(&tail, "\"");
	add_member(&tail, e, entry->after, "status");
	bana_buf_text(&tail, "}}");
	bana_columns_add_int(columns, ID, bana_snowflake(ctx->app->pool));
	bana_columns_add(columns, TYPE, type);
	bana_columns_add(columns, INQUIRY_ID, cell(e, entry->after, "id"));
	bana_columns_add(columns, HEAD,
		bana_join(ctx->arena, "{\"type\":\"", type, "\",\"timestamp\":\"", NULL));
	bana_columns_add(columns, MIDDLE, middle.at);
	bana_columns_add(columns, TAIL, tail.at);
	bana_columns_add(columns, MADE, made ? "t" : "f");
}

static void forget(struct bana_ctx *ctx, const struct bana_journal *j, struct bana_step *step)
{
	struct bana_columns ids;
	const char **value = bana_alloc(ctx->arena, sizeof *value);
	bana_columns_begin(ctx->arena, &ids, 1);
	for (size_t i = 0; i < j->count; i++)
		bana_columns_add(&ids, 0, cell(j->entity, j->entries[i].after, "id"));
	bana_columns_end(&ids, value);
	*step = (struct bana_step){forget_sql, 1, value, NULL};
}

size_t outreach_webhook_journal(
	struct bana_ctx *ctx, const struct bana_journal *j, struct bana_step *steps)
{
	struct bana_columns columns;
	size_t count = 0;
	if (strcmp(j->action, "erase") == 0) { /* also of what was written before it was off */
		forget(ctx, j, steps);
		return 1;
	}
	if (!outreach_settings.webhooks)
		return 0;
	bana_columns_begin(ctx->arena, &columns, COLUMNS);
	for (size_t i = 0; i < j->count; i++) {
		const char *type = event_of(j, &j->entries[i]);
		if (type != NULL)
			add_event(ctx, &columns, type, j->entity, &j->entries[i]);
		count += type != NULL;
	}
	if (count == 0)
		return 0;
	bana_count(ctx->app->pool, BANA_METRIC_WEBHOOKS_EVENTS, count);
	const char **values = bana_alloc(ctx->arena, COLUMNS * sizeof *values);
	bana_columns_end(&columns, values);
	*steps = (struct bana_step){insert_sql, COLUMNS, values, NULL};
	return 1;
}
