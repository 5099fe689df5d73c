/*
 * The calls about one row, and about all rows that a condition selects.
 */
#include "bana/crud.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/audit.h"
#include "bana/change.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/query.h"
#include "bana/req.h"
#include "bana/row.h"

#include <assert.h>

static const char *cell_of(
	const struct bana_entity *e, const struct bana_row *row, const char *column)
{
	const struct bana_field *f = bana_field_stored(e, column);
	return f == NULL ? NULL : row->cells[bana_field_place(e, f)].text;
}

static BANA_RES reply_row(struct bana_req *q, int status, const struct bana_row *row,
	const unsigned char *view, size_t count)
{
	const struct bana_entity *e = q->route->entity;
	const char *etag = bana_etag(&q->ctx, cell_of(e, row, "version"));
	struct bana_buf json;
	if (etag != NULL)
		bana_reply_header(q, "ETag", etag);
	bana_buf_init(&json, q->ctx.arena);
	bana_row_write(&json, e, row, view, count);
	return bana_reply_one(q, status, bana_buf_str(&json));
}

/* Of `filter` only `fields` counts: the id says which row. */
static BANA_RES find_by_id(struct bana_req *q)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	struct bana_query *query = NULL;
	bana_str filter;
	if (bana_query_find(q->query, "filter", &filter)) {
		query = bana_alloc(q->ctx.arena, sizeof *query);
		TRY(bana_query_read(q, 0, query));
	}
	TRY(bana_row_find(&q->ctx, q->route->entity, q->args[0], row));
	if (query == NULL)
		return reply_row(q, 200, row, NULL, 0);
	return reply_row(q, 200, row, query->view, query->view_count);
}

/* ---- making a row -----------------------------------------------------------------------------
 */

/* Before it was made: nothing but where its life begins. */
static void set_beginning(const struct bana_entity *e, struct bana_row *before)
{
	*before = (struct bana_row){0};
	if (e->life != NULL)
		before->cells[e->life->status].text = e->life->begin;
}

static BANA_RES read_now(struct bana_ctx *ctx, const char **now)
{
	struct bana_step steps[] = {
		{"BEGIN", 0, NULL, NULL}, {"SELECT now()::timestamptz(3)", 0, NULL, NULL}};
	TRY(bana_pg_batch(ctx, steps, 2));
	*now = bana_rows_text(steps[1].rows, 0, 0);
	return BANA_DONE;
}

/* INSERT, audit, journal and COMMIT; the id and what the database made come into `row`. */
static BANA_RES insert_row(struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *row)
{
	struct bana_audit audit;
	struct bana_step steps[3 + BANA_JOURNAL_STEPS];
	const struct bana_entry entry = {NULL, row};
	bana_row_insert_step(ctx, e, row, &steps[0]);
	bana_audit_begin(ctx, &audit, e, "create");
	bana_audit_add(ctx, &audit, cell_of(e, row, "id"), NULL, row);
	bana_audit_step(ctx, &audit, &steps[1]);
	size_t count = 2 + bana_journal_steps(ctx, e, "create", &entry, 1, steps + 2);
	steps[count++] = (struct bana_step){"COMMIT", 0, NULL, NULL};
	TRY(bana_pg_batch(ctx, steps, count));
	bana_row_inserted(e, &steps[0], row);
	return BANA_DONE;
}

static BANA_RES create(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_entity *e = q->route->entity;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row), *before;
	const char *now;
	before = bana_alloc(ctx->arena, sizeof *before);
	TRY(bana_req_row(q, e, BANA_STAFF, row));
	TRY(read_now(ctx, &now));
	set_beginning(e, before);
	if (e->life != NULL && !row->cells[e->life->status].set)
		bana_row_set(row, e->life->status, e->fields[e->life->status].fallback);
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	*patch = *row;
	TRY(bana_life_check(ctx, e, patch, before, row, now));
	bana_row_set(
		row, bana_field_place(e, bana_field_stored(e, "created_by")), ctx->actor->user_id);
	TRY(insert_row(ctx, e, row));
	bana_reply_header(q, "Location",
		bana_join(ctx->arena, ctx->app->base_path, e->path, "/", cell_of(e, row, "id"),
			NULL));
	return reply_row(q, 201, row, NULL, 0);
}

/* ---- changing one -----------------------------------------------------------------------------
 */

static BANA_RES change_one(struct bana_req *q, const char *action, const struct bana_row *patch)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_entity *e = q->route->entity;
	bool restore = strcmp(action, "restore") == 0;
	struct bana_sql *where = bana_alloc(ctx->arena, sizeof *where);
	struct bana_change change = {.entity = e,
		.action = action,
		.patch = patch,
		.match = q->param(q->source, "HTTP_IF_MATCH"),
		.rows_max = 1};
	TRY(bana_id_check(ctx, e, q->args[0]));
	bana_sql_init(where, ctx->arena);
	bana_sql_text(where, "id = ");
	bana_sql_value(where, bana_copy(ctx->arena, q->args[0].at, q->args[0].len), "bigint");
	/* what is restored may be there already: then nothing changes */
	bana_sql_text(where, restore ? "" : " AND deleted_at IS NULL");
	TRY(bana_change_run(ctx, &change, where));
	if (change.count == 0)
		return bana_row_missing(ctx, e);
	return reply_row(q, 200, &change.rows[0].after, NULL, 0);
}

static BANA_RES update_by_id(struct bana_req *q)
{
	struct bana_row *patch = bana_alloc(q->ctx.arena, sizeof *patch);
	TRY(bana_req_row(q, q->route->entity, BANA_STAFF | BANA_PARTIAL, patch));
	return change_one(q, "update", patch);
}

static struct bana_row *deleted_at(struct bana_req *q, const char *text)
{
	const struct bana_entity *e = q->route->entity;
	struct bana_row *patch = bana_alloc(q->ctx.arena, sizeof *patch);
	bana_row_set(patch, bana_field_place(e, bana_field_stored(e, "deleted_at")), text);
	return patch;
}

static BANA_RES delete_by_id(struct bana_req *q)
{
	return change_one(q, "delete", deleted_at(q, bana_now));
}

static BANA_RES restore(struct bana_req *q)
{
	return change_one(q, "restore", deleted_at(q, NULL));
}

/* ---- changing all that a condition selects ----------------------------------------------------
 */

/* Of all that were selected, the row that stands in the way. */
static void tell_row(struct bana_ctx *ctx, const struct bana_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct bana_changed *row = &change->rows[i];
		if (row->fault != BANA_OK)
			bana_issue_add(ctx, bana_join(ctx->arena, "rows.", row->id, NULL), "custom",
				NULL, row->failure.message);
	}
}

static BANA_RES change_by(struct bana_req *q, const char *action, const struct bana_row *patch)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_query *query = bana_alloc(ctx->arena, sizeof *query);
	struct bana_change change = {.entity = q->route->entity,
		.action = action,
		.patch = patch,
		.rows_max = ctx->app->settings->bulk_rows_max};
	struct bana_buf json;
	TRY(bana_match_none(q));
	TRY(bana_query_read_where(q, query));
	if (!query->narrowed) {
		bana_issue_add(ctx, "where", "too_small", NULL,
			"Too small: expected object to have >=1 conditions");
		return bana_fail(ctx, BANA_MALFORMED, "DENY | Empty where condition", NULL);
	}
	bana_res result = bana_change_run(ctx, &change, &query->sql);
	if (result.fault == BANA_CONFLICT)
		tell_row(ctx, &change);
	TRY(result);
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "[");
	for (size_t i = 0; i < change.count; i++) {
		bana_buf_text(&json, i == 0 ? "" : ",");
		if (q->masked)
			bana_row_mask(ctx->arena, change.entity, query->view, query->view_count,
				&change.rows[i].after);
		bana_row_write(&json, change.entity, &change.rows[i].after, NULL, 0);
	}
	bana_buf_text(&json, "]");
	return bana_reply_list(q, 200, bana_buf_str(&json), change.count);
}

static BANA_RES update_by(struct bana_req *q)
{
	struct bana_row *patch = bana_alloc(q->ctx.arena, sizeof *patch);
	TRY(bana_req_row(q, q->route->entity, BANA_STAFF | BANA_PARTIAL, patch));
	return change_by(q, "update", patch);
}

static BANA_RES delete_by(struct bana_req *q)
{
	return change_by(q, "delete", deleted_at(q, bana_now));
}

/* clang-format off */
const struct bana_call bana_crud_find_by_id = {
	.handle = find_by_id, .name = "findById", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_FILTER, .faults = "404", .headers = "ETag",
};
const struct bana_call bana_crud_create = {
	.handle = create, .name = "create", .status = 201, .gives = BANA_GIVES_ROW,
	.body = BANA_STAFF, .faults = "409", .headers = "ETag,Location",
};
const struct bana_call bana_crud_update_by_id = {
	.handle = update_by_id, .name = "updateById", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_MATCH, .body = BANA_STAFF | BANA_PARTIAL, .faults = "404,409,412",
	.headers = "ETag",
};
const struct bana_call bana_crud_update_by = {
	.handle = update_by, .name = "updateBy", .status = 200, .gives = BANA_GIVES_ROWS,
	.takes = BANA_TAKES_WHERE, .body = BANA_STAFF | BANA_PARTIAL, .faults = "409",
};
const struct bana_call bana_crud_delete_by_id = {
	.handle = delete_by_id, .name = "deleteById", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_MATCH, .faults = "404,412", .headers = "ETag",
};
const struct bana_call bana_crud_delete_by = {
	.handle = delete_by, .name = "deleteBy", .status = 200, .gives = BANA_GIVES_ROWS,
	.takes = BANA_TAKES_WHERE,
};
const struct bana_call bana_crud_restore = {
	.handle = restore, .name = "restore", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_MATCH, .faults = "404,409,412", .headers = "ETag",
};
/* clang-format on */
