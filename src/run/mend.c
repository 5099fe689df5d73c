#include "run/mend.h"

#include "bana/app.h"
#include "bana/ctx.h"
#include "bana/email.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/row.h"

enum { ROWS_MAX = 1000 };

enum { ID, EMAIL, KEY }; /* columns of what is read */

static BANA_RES migrated(struct bana_ctx *ctx, bool *is)
{
	const struct bana_service *service = ctx->app->service;
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx,
		bana_join(ctx->arena, "SELECT 1 FROM ", service->name,
			".\"Migration\" WHERE name = $1", NULL),
		1, &service->migration, &rows));
	*is = bana_rows_count(rows) > 0;
	return BANA_DONE;
}

static BANA_RES mend_row(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct bana_field *email, const struct bana_rows *rows, size_t i)
{
	const char *id = bana_rows_text(rows, i, ID), *given = bana_rows_text(rows, i, EMAIL);
	const char *old = bana_rows_text(rows, i, KEY);
	const char *key = bana_email_key(ctx->arena, bana_str_of(given));
	const char *values[] = {key, id, given};
	if (bana_cell_same(old, key))
		return BANA_DONE;
	bana_res result = bana_pg_exec(ctx,
		bana_print(ctx->arena, "UPDATE %s SET \"%s\" = $1 WHERE id = $2 AND \"%s\" = $3",
			e->table, bana_field_email_key(e)->column, email->column),
		3, values, NULL);
	if (result.fault != BANA_CONFLICT)
		return result;
	bana_failure_clear(ctx);
	bana_log(ctx, BANA_WARN, "another row has the same address", "entity", e->name, "id", id,
		NULL);
	return BANA_DONE;
}

/* The rows behind `*after`, a page of them; `*after` becomes the last one, or NULL. */
static BANA_RES mend_page(struct bana_ctx *ctx, const struct bana_entity *e, const char **after)
{
	const struct bana_field *email = bana_field_email(e, 0);
	const struct bana_rows *rows;
	const char *sql = bana_print(ctx->arena,
		"SELECT id, \"%s\", \"%s\" FROM %s WHERE \"%s\" ~ '[^\\x01-\\x7f]' AND id > $1"
		" ORDER BY id LIMIT %d",
		email->column, bana_field_email_key(e)->column, e->table, email->column, ROWS_MAX);
	TRY(bana_pg_exec(ctx, sql, 1, after, &rows));
	size_t count = bana_rows_count(rows);
	for (size_t i = 0; i < count; i++)
		TRY(mend_row(ctx, e, email, rows, i));
	*after = count < ROWS_MAX ? NULL : bana_rows_text(rows, count - 1, ID);
	return BANA_DONE;
}

BANA_RES run_mend(struct bana_ctx *ctx)
{
	bool is;
	TRY(migrated(ctx, &is));
	for (const struct bana_entity *const *e = ctx->app->service->entities; is && *e != NULL;
		e++) {
		const char *after = bana_field_email_key(*e) == NULL ? NULL : "0";
		while (after != NULL)
			TRY(mend_page(ctx, *e, &after));
	}
	return BANA_DONE;
}
