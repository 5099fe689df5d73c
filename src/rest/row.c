#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/entity.h"
#include "bana/pg.h"

#include <assert.h>
#include <stdlib.h>

void bana_row_set(struct bana_row *row, size_t field, const char *text)
{
	assert(field < BANA_FIELDS_MAX);
	row->cells[field] = (struct bana_cell){text, true};
}

/* How a column is asked for: lists come as JSON, so that only PostgreSQL parses its literals. */
static void add_column(struct bana_buf *sql, const struct bana_field *f, unsigned *n)
{
	bana_buf_print(sql, f->type == BANA_TEXTS ? "%sto_json(\"%s\")" : "%s\"%s\"",
		(*n)++ == 0 ? "" : ", ", f->column);
}

static const char *insert_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	struct bana_buf names, values, made;
	bana_buf_init(&names, ctx->arena);
	bana_buf_init(&values, ctx->arena);
	bana_buf_init(&made, ctx->arena);
	unsigned n = 0, m = 0;
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		if (f->flags & BANA_MADE) {
			add_column(&made, f, &m);
			continue;
		}
		const char *comma = n++ == 0 ? "" : ", ";
		bana_buf_print(&names, "%s\"%s\"", comma, f->column);
		bana_buf_print(&values, "%s$%u", comma, n);
	}
	return bana_print(ctx->arena, "INSERT INTO %s (%s) VALUES (%s) RETURNING %s", e->table,
		names.at, values.at, m == 0 ? "1" : made.at);
}

/* The text never changes, so each entity's is built once a process and kept. */
static const char *kept_insert_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	static struct {
		const struct bana_entity *entity;
		char *sql;
	} kept[16];
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		if (kept[i].entity == NULL) {
			kept[i].sql = strdup(insert_sql(ctx, e));
			if (kept[i].sql == NULL)
				abort();
			kept[i].entity = e;
		}
		if (kept[i].entity == e)
			return kept[i].sql;
	}
	return insert_sql(ctx, e);
}

BANA_RES bana_row_insert(struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *row)
{
	const char *values[BANA_FIELDS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].flags & BANA_MADE)
			continue;
		if (!row->cells[i].set)
			bana_row_set(row, i, e->fields[i].fallback);
		values[count++] = row->cells[i].text;
	}
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx, kept_insert_sql(ctx, e), count, values, &rows));
	size_t column = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].flags & BANA_MADE)
			bana_row_set(row, i, bana_rows_text(rows, 0, column++));
	}
	return BANA_DONE;
}

BANA_RES bana_row_find(
	struct bana_ctx *ctx, const struct bana_entity *e, const char *id, struct bana_row *row)
{
	struct bana_buf sql;
	bana_buf_init(&sql, ctx->arena);
	bana_buf_text(&sql, "SELECT ");
	unsigned n = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].flags & BANA_SHOWN)
			add_column(&sql, &e->fields[i], &n);
	}
	bana_buf_print(&sql, " FROM %s WHERE id = $1 AND deleted_at IS NULL", e->table);
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx, sql.at, 1, &id, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_fail(
			ctx, BANA_NOT_FOUND, bana_print(ctx->arena, "%s not found", e->name), NULL);
	size_t column = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].flags & BANA_SHOWN)
			bana_row_set(row, i, bana_rows_text(rows, 0, column++));
	}
	return BANA_DONE;
}

static void write_cell(struct bana_buf *out, const struct bana_field *f, const char *text)
{
	bana_buf_json_name(out, f->name);
	if (text == NULL)
		bana_buf_text(out, "null");
	else if (f->type == BANA_OBJECT || f->type == BANA_TEXTS || f->type == BANA_SMALL)
		bana_buf_text(out, text);
	else if (f->type == BANA_INSTANT)
		bana_buf_json_str(out, bana_str_of(bana_iso_from_pg(out->arena, text)));
	else
		bana_buf_json_str(out, bana_str_of(text));
}

void bana_row_write(struct bana_buf *out, const struct bana_entity *e, const struct bana_row *row,
	const unsigned char *view, size_t count)
{
	bana_buf_text(out, "{");
	for (size_t i = 0; view != NULL && i < count; i++)
		write_cell(out, &e->fields[view[i]], row->cells[view[i]].text);
	for (size_t i = 0; view == NULL && i < e->count; i++) {
		if (e->fields[i].flags & BANA_SHOWN)
			write_cell(out, &e->fields[i], row->cells[i].text);
	}
	bana_buf_text(out, "}");
}
