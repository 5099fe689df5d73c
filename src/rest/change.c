#include "bana/change.h"

#include "bana/actor.h"
#include "bana/audit.h"
#include "bana/pg.h"
#include "bana/row.h"

#include <assert.h>

const char bana_now[] = "now";

enum { NOW = 0, FIRST_CELL = 1 }; /* columns of what is read */

/* BEGIN, and the rows, locked: whoever else changes one of them waits for us, or we for them. */
static BANA_RES lock_rows(struct bana_ctx *ctx, const struct bana_change *change,
	const struct bana_sql *where, const struct bana_rows **rows)
{
	struct bana_sql *sql = bana_alloc(ctx->arena, sizeof *sql);
	struct bana_buf text;
	char digits[BANA_INT_BYTES];
	unsigned char view[BANA_FIELDS_MAX];
	size_t fields = bana_view_of(change->entity, 0, view);
	unsigned n = 1;
	*sql = *where;
	bana_buf_init(&text, ctx->arena);
	bana_buf_text(&text, "SELECT now()::timestamptz(3)");
	for (size_t i = 0; i < fields; i++)
		bana_column_add(&text, &change->entity->fields[view[i]], &n);
	bana_buf_print(&text, " FROM %s WHERE %s ORDER BY id LIMIT %s FOR UPDATE",
		change->entity->table, where->text.at,
		bana_sql_ref(sql,
			bana_join(ctx->arena, bana_int_write(change->rows_max + 1, digits), NULL),
			"bigint"));
	struct bana_step steps[] = {
		{"BEGIN", 0, NULL, NULL}, {text.at, sql->count, sql->values, NULL}};
	TRY(bana_pg_batch(ctx, steps, 2));
	*rows = steps[1].rows;
	if (bana_rows_count(*rows) <= (size_t)change->rows_max)
		return BANA_DONE;
	bana_issue_add(ctx, "where", "too_big", NULL,
		bana_print(ctx->arena,
			"Too big: it selects more than %lld rows; nothing was changed",
			(long long)change->rows_max));
	return bana_issues_close(ctx);
}

/* The row as it will be; the fault says why it will not. */
static BANA_RES judge(struct bana_ctx *ctx, const struct bana_change *change,
	struct bana_changed *row, const char *now)
{
	const struct bana_entity *e = change->entity;
	const struct bana_field *version = bana_field_stored(e, "version");
	size_t at = version == NULL ? 0 : bana_field_place(e, version);
	row->after = row->before;
	if (version != NULL)
		TRY(bana_match_check(ctx, change->match, row->before.cells[at].text));
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_cell *cell = &change->patch->cells[i];
		if (cell->set && e->fields[i].column != NULL)
			bana_row_set(&row->after, i, cell->text == bana_now ? now : cell->text);
	}
	TRY(bana_life_check(ctx, e, change->patch, &row->before, &row->after, now));
	for (size_t i = 0; i < e->count; i++)
		row->differs = row->differs ||
			       !bana_cell_same(row->before.cells[i].text, row->after.cells[i].text);
	return BANA_DONE;
}

/* What every change does besides. */
static void move_on(
	struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *after, const char *now)
{
	const struct bana_field *f;
	int64_t version;
	char digits[BANA_INT_BYTES];
	if ((f = bana_field_stored(e, "modified_at")) != NULL)
		bana_row_set(after, bana_field_place(e, f), now);
	if ((f = bana_field_stored(e, "modified_by")) != NULL)
		bana_row_set(after, bana_field_place(e, f),
			ctx->actor == NULL ? NULL : ctx->actor->user_id);
	if ((f = bana_field_stored(e, "version")) != NULL) {
		struct bana_cell *cell = &after->cells[bana_field_place(e, f)];
		bana_res parsed =
			bana_parse_int(bana_str_of(cell->text), 0, INT64_MAX - 1, &version);
		assert(parsed.fault == BANA_OK);
		cell->text = bana_join(ctx->arena, bana_int_write(version + 1, digits), NULL);
	}
}

static void judge_rows(
	struct bana_ctx *ctx, struct bana_change *change, const struct bana_rows *rows)
{
	const struct bana_entity *e = change->entity;
	unsigned char view[BANA_FIELDS_MAX];
	size_t fields = bana_view_of(e, 0, view);
	size_t id = bana_field_place(e, bana_field_stored(e, "id"));
	change->count = bana_rows_count(rows);
	change->rows = bana_alloc(ctx->arena, (change->count + 1) * sizeof *change->rows);
	for (size_t i = 0; i < change->count; i++) {
		struct bana_changed *row = &change->rows[i];
		const char *now = bana_rows_text(rows, i, NOW);
		bana_row_read(rows, i, FIRST_CELL, view, fields, &row->before);
		row->id = row->before.cells[id].text;
		row->fault = judge(ctx, change, row, now).fault;
		if (row->fault == BANA_OK && row->differs)
			move_on(ctx, e, &row->after, now);
		row->failure = ctx->failure;
		if (row->fault != BANA_OK && !change->each)
			return;
		bana_failure_clear(ctx);
	}
}

/* One assignment: what was asked for, or what the status brings with it. */
static void add_assignment(struct bana_ctx *ctx, const struct bana_change *change, size_t i,
	const char *now, struct bana_sql *sql)
{
	const struct bana_entity *e = change->entity;
	const struct bana_field *f = &e->fields[i];
	const struct bana_cell *cell = &change->patch->cells[i];
	const struct bana_effect *effect = bana_life_effect(e, change->patch, i);
	if (f->column == NULL || (!cell->set && effect == NULL))
		return;
	bana_buf_print(&sql->text, "\"%s\" = ", f->column);
	if (cell->set) {
		bana_sql_value(sql,
			cell->text == bana_now ? now : bana_cell_value(ctx, f, cell->text),
			bana_type_name(f));
		bana_sql_text(sql, ", ");
		return;
	}
	const struct bana_field *status = &e->fields[e->life->status];
	bana_buf_print(&sql->text, "CASE WHEN \"%s\" = ", status->column);
	bana_sql_value(sql, change->patch->cells[e->life->status].text, "text");
	bana_buf_print(&sql->text, " THEN \"%s\" ELSE ", f->column);
	if (effect->kind == BANA_FIRST)
		bana_buf_print(&sql->text, "coalesce(\"%s\", ", f->column);
	bana_sql_value(sql, effect->kind == BANA_CLEAR ? NULL : now, bana_type_name(f));
	bana_sql_text(sql, effect->kind == BANA_FIRST ? ") END, " : " END, ");
}

static void update_step(struct bana_ctx *ctx, const struct bana_change *change, const char *now,
	const char *ids, struct bana_step *step)
{
	const struct bana_entity *e = change->entity;
	struct bana_sql *sql = bana_alloc(ctx->arena, sizeof *sql);
	bana_sql_init(sql, ctx->arena);
	bana_buf_print(&sql->text, "UPDATE %s SET ", e->table);
	for (size_t i = 0; i < e->count; i++)
		add_assignment(ctx, change, i, now, sql);
	bana_sql_text(sql, "version = version + 1, modified_at = ");
	bana_sql_value(sql, now, "timestamptz");
	bana_sql_text(sql, ", modified_by = ");
	bana_sql_value(sql, ctx->actor == NULL ? NULL : ctx->actor->user_id, "text");
	bana_sql_text(sql, " WHERE id = ANY(");
	bana_sql_value(sql, ids, "bigint[]");
	bana_sql_text(sql, ")");
	*step = (struct bana_step){sql->text.at, sql->count, sql->values, NULL};
}

static BANA_RES write_rows(struct bana_ctx *ctx, struct bana_change *change, const char *now)
{
	struct bana_audit audit;
	struct bana_step steps[3 + BANA_JOURNAL_STEPS];
	struct bana_entry *entries = bana_alloc(ctx->arena, (change->count + 1) * sizeof *entries);
	struct bana_buf ids;
	bana_buf_init(&ids, ctx->arena);
	bana_buf_text(&ids, "{");
	bana_audit_begin(ctx, &audit, change->entity, change->action);
	for (size_t i = 0; i < change->count; i++) {
		const struct bana_changed *row = &change->rows[i];
		if (row->fault != BANA_OK || !row->differs)
			continue;
		entries[audit.count] = (struct bana_entry){&row->before, &row->after};
		bana_array_add(&ids, bana_str_of(row->id));
		bana_audit_add(ctx, &audit, row->id, &row->before, &row->after);
	}
	bana_buf_text(&ids, "}");
	if (audit.count == 0)
		return bana_pg_commit(ctx);
	update_step(ctx, change, now, ids.at, &steps[0]);
	bana_audit_step(ctx, &audit, &steps[1]);
	size_t count = 2 + bana_journal_steps(ctx, change->entity, change->action, entries,
				   audit.count, steps + 2);
	steps[count++] = (struct bana_step){"COMMIT", 0, NULL, NULL};
	return bana_pg_batch(ctx, steps, count);
}

BANA_RES bana_change_run(
	struct bana_ctx *ctx, struct bana_change *change, const struct bana_sql *where)
{
	const struct bana_rows *rows;
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	*patch = *change->patch;
	bana_row_derive(ctx, change->entity, patch);
	change->patch = patch;
	TRY(lock_rows(ctx, change, where, &rows));
	judge_rows(ctx, change, rows);
	for (size_t i = 0; i < change->count && !change->each; i++) {
		if (change->rows[i].fault != BANA_OK)
			return (bana_res){change->rows[i].fault};
	}
	if (change->count == 0)
		return bana_pg_commit(ctx);
	return write_rows(ctx, change, bana_rows_text(rows, 0, NOW));
}
