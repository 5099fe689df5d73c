#include "bana/row.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/sql.h"

#include <assert.h>
#include <stdlib.h>

const char *bana_type_name(const struct bana_field *field)
{
	static const char *const names[] = {
		[BANA_TEXT] = "text",
		[BANA_EMAIL] = "text",
		[BANA_EMAIL_KEY] = "text",
		[BANA_ENUM] = "text",
		[BANA_ID] = "bigint",
		[BANA_OBJECT] = "json",
		[BANA_TEXTS] = "text[]",
		[BANA_SMALL] = "smallint",
		[BANA_INT] = "integer",
		[BANA_INSTANT] = "timestamptz",
		[BANA_BOOL] = "boolean",
	};
	return names[field->type];
}

const struct bana_field *bana_field_find(const struct bana_entity *e, bana_str name)
{
	for (size_t i = 0; i < e->count; i++) {
		if (bana_str_is(name, e->fields[i].name))
			return &e->fields[i];
	}
	return NULL;
}

const struct bana_field *bana_field_stored(const struct bana_entity *e, const char *column)
{
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].column != NULL && strcmp(e->fields[i].column, column) == 0)
			return &e->fields[i];
	}
	return NULL;
}

size_t bana_view_of(
	const struct bana_entity *e, unsigned flags, unsigned char view[BANA_FIELDS_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (flags == 0 ? e->fields[i].column != NULL : e->fields[i].flags & flags)
			view[count++] = (unsigned char)i;
	}
	return count;
}

bool bana_cell_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void bana_row_set(struct bana_row *row, size_t field, const char *text)
{
	assert(field < BANA_FIELDS_MAX);
	row->cells[field] = (struct bana_cell){text, true};
}

/* Lists come as JSON, so that only PostgreSQL parses its literals. */
void bana_column_add(struct bana_buf *sql, const struct bana_field *f, unsigned *n)
{
	bool list = f->type == BANA_TEXTS;
	bana_buf_text(sql, (*n)++ == 0 ? "" : ", ");
	bana_buf_text(sql, list ? "to_json(\"" : "\"");
	bana_buf_text(sql, f->column);
	bana_buf_text(sql, list ? "\")" : "\"");
}

void bana_row_read(const struct bana_rows *rows, size_t index, size_t first,
	const unsigned char *view, size_t count, struct bana_row *row)
{
	for (size_t i = 0; i < count; i++)
		bana_row_set(row, view[i], bana_rows_text(rows, index, first + i));
}

/* Columns of an INSERT: those that get a value, their values as $1, $2, ..., and those that the
 * database makes. */
struct columns {
	struct bana_buf names, values, typed, made;
	unsigned count, made_count;
	unsigned same; /* which of the values is that of e->same; 0: none */
};

static void name_columns(struct bana_ctx *ctx, const struct bana_entity *e, struct columns *c)
{
	*c = (struct columns){.count = 0};
	bana_buf_init(&c->names, ctx->arena);
	bana_buf_init(&c->values, ctx->arena);
	bana_buf_init(&c->typed, ctx->arena);
	bana_buf_init(&c->made, ctx->arena);
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		if (f->column == NULL)
			continue;
		if (f->flags & BANA_MADE) {
			bana_column_add(&c->made, f, &c->made_count);
			continue;
		}
		const char *comma = c->count++ == 0 ? "" : ", ";
		bana_buf_print(&c->names, "%s\"%s\"", comma, f->column);
		bana_buf_print(&c->values, "%s$%u", comma, c->count);
		bana_buf_print(&c->typed, "%s$%u::%s", comma, c->count, bana_type_name(f));
		if (e->same != NULL && strcmp(e->same, f->column) == 0)
			c->same = c->count;
	}
}

static const char *insert_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	struct columns c;
	name_columns(ctx, e, &c);
	return bana_print(ctx->arena, "INSERT INTO %s (%s) VALUES (%s) RETURNING %s", e->table,
		c.names.at, c.values.at, c.made_count == 0 ? "1" : c.made.at);
}

/* The seconds come behind the values. Without a row: there is one already. */
static const char *once_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	struct columns c;
	struct bana_buf sql;
	name_columns(ctx, e, &c);
	bana_buf_init(&sql, ctx->arena);
	bana_buf_print(&sql,
		"INSERT INTO %s (%s) SELECT %s WHERE NOT EXISTS (SELECT FROM %s AS old"
		" WHERE old.\"%s\" = $%u AND old.created_at > now() - make_interval(secs => $%u)",
		e->table, c.names.at, c.typed.at, e->table, e->same, c.same, c.count + 1);
	if (bana_field_stored(e, "deleted_at") != NULL)
		bana_buf_text(&sql, " AND old.deleted_at IS NULL");
	bana_buf_print(&sql, ") RETURNING id, %s", c.made.at);
	return sql.at;
}

/* The one that was in the way a moment before, rather one that was not put aside; and whether it
 * was. */
static const char *earlier_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	struct columns c;
	struct bana_buf sql;
	name_columns(ctx, e, &c);
	bana_buf_init(&sql, ctx->arena);
	bana_buf_print(&sql, "SELECT id, %s, ", c.made.at);
	if (e->aside != NULL)
		bana_buf_print(&sql, "\"%s\" IS NOT NULL", e->aside);
	else
		bana_buf_text(&sql, "false");
	bana_buf_print(&sql,
		" AS aside FROM %s WHERE \"%s\" = $1"
		" AND created_at > now() - make_interval(secs => $2)",
		e->table, e->same);
	if (bana_field_stored(e, "deleted_at") != NULL)
		bana_buf_text(&sql, " AND deleted_at IS NULL");
	bana_buf_text(&sql, " ORDER BY aside, id DESC LIMIT 1");
	return sql.at;
}

static const char *find_sql(struct bana_ctx *ctx, const struct bana_entity *e)
{
	struct bana_buf sql;
	unsigned n = 0;
	bana_buf_init(&sql, ctx->arena);
	bana_buf_text(&sql, "SELECT ");
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].flags & (BANA_SHOWN | BANA_MADE))
			bana_column_add(&sql, &e->fields[i], &n);
	}
	bana_buf_print(&sql, " FROM %s WHERE id = $1", e->table);
	if (bana_field_stored(e, "deleted_at") != NULL)
		bana_buf_text(&sql, " AND deleted_at IS NULL");
	if (e->owner != NULL)
		bana_buf_print(&sql, " AND %s = $2", e->owner);
	return sql.at;
}

/* The texts never change, so each entity's are built once a process and kept. */
static const char *kept(struct bana_ctx *ctx, const struct bana_entity *e,
	const char *(*build)(struct bana_ctx *ctx, const struct bana_entity *e))
{
	static struct {
		const struct bana_entity *entity;
		const char *(*build)(struct bana_ctx *ctx, const struct bana_entity *e);
		char *sql;
	} texts[32];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i].entity == NULL) {
			texts[i].sql = strdup(build(ctx, e));
			if (texts[i].sql == NULL)
				abort();
			texts[i].entity = e;
			texts[i].build = build;
		}
		if (texts[i].entity == e && texts[i].build == build)
			return texts[i].sql;
	}
	return build(ctx, e);
}

static const char *unset_value(struct bana_ctx *ctx, const struct bana_field *f)
{
	if (!(f->flags & BANA_SNOWFLAKE))
		return f->fallback;
	char digits[BANA_INT_BYTES];
	const char *text = bana_int_write(bana_snowflake(ctx->app->pool), digits);
	return bana_copy(ctx->arena, text, strlen(text));
}

const char *bana_cell_value(struct bana_ctx *ctx, const struct bana_field *f, const char *text)
{
	const struct bana_json *list;
	if (f->type != BANA_TEXTS || text == NULL)
		return text;
	struct bana_buf literal;
	bana_buf_init(&literal, ctx->arena);
	bana_buf_text(&literal, "{");
	bana_res parsed = bana_json_parse(ctx, bana_str_of(text), 1, &list);
	assert(parsed.fault == BANA_OK); /* it is our own, or PostgreSQL's */
	for (size_t i = 0; i < bana_json_len(list); i++)
		bana_array_add(&literal, bana_json_str(bana_json_at(list, i)));
	bana_buf_text(&literal, "}");
	return literal.at;
}

void bana_row_insert_step(struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *row,
	struct bana_step *step)
{
	const char **values = bana_alloc(ctx->arena, e->count * sizeof *values);
	size_t count = 0;
	bana_row_derive(ctx, e, row);
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].column == NULL || (e->fields[i].flags & BANA_MADE))
			continue;
		if (!row->cells[i].set)
			bana_row_set(row, i, unset_value(ctx, &e->fields[i]));
		values[count++] = bana_cell_value(ctx, &e->fields[i], row->cells[i].text);
	}
	*step = (struct bana_step){kept(ctx, e, insert_sql), count, values, NULL};
}

void bana_row_inserted(
	const struct bana_entity *e, const struct bana_step *step, struct bana_row *row)
{
	unsigned char made[BANA_FIELDS_MAX];
	size_t count = bana_view_of(e, BANA_MADE, made);
	bana_row_read(step->rows, 0, 0, made, count, row);
}

size_t bana_journal_steps(struct bana_ctx *ctx, const struct bana_entity *e, const char *action,
	const struct bana_entry *entries, size_t count, struct bana_step *steps)
{
	const struct bana_journal journal = {e, action, entries, count};
	if (e->journal == NULL || count == 0)
		return 0;
	size_t filled = e->journal(ctx, &journal, steps);
	assert(filled <= BANA_JOURNAL_STEPS);
	return filled;
}

BANA_RES bana_row_insert(struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *row)
{
	struct bana_step steps[1 + BANA_JOURNAL_STEPS], *insert = steps;
	const struct bana_entry entry = {NULL, row};
	bana_row_insert_step(ctx, e, row, insert);
	size_t journal = bana_journal_steps(ctx, e, "create", &entry, 1, steps + 1);
	if (journal == 0)
		TRY(bana_pg_exec(ctx, insert->sql, insert->count, insert->values, &insert->rows));
	else
		TRY(bana_pg_batch(ctx, steps, 1 + journal));
	bana_row_inserted(e, insert, row);
	return BANA_DONE;
}

/* The row that was in the way may be erased, or too old, by now. */
static BANA_RES find_earlier(struct bana_ctx *ctx, const struct bana_entity *e,
	const char *const same_within[2], const struct bana_rows **rows)
{
	TRY(bana_pg_exec(ctx, kept(ctx, e, earlier_sql), 2, same_within, rows));
	if (bana_rows_count(*rows) == 0)
		return bana_fail_later(ctx, NULL, "the row that came first is gone");
	return BANA_DONE;
}

BANA_RES bana_row_insert_once(struct bana_ctx *ctx, const struct bana_entity *e,
	struct bana_row *row, struct bana_once *once)
{
	struct bana_step steps[3 + BANA_JOURNAL_STEPS], *insert = &steps[1];
	const struct bana_entry entry = {NULL, row};
	const size_t id = bana_field_place(e, bana_field_stored(e, "id"));
	const char *same = row->cells[bana_field_place(e, bana_field_stored(e, e->same))].text;
	unsigned char made[BANA_FIELDS_MAX];
	size_t made_count = bana_view_of(e, BANA_MADE, made);
	steps[0] = (struct bana_step){
		"SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", 1, &same, NULL};
	bana_row_insert_step(ctx, e, row, insert);
	const size_t count = insert->count;
	const char **values = bana_alloc(ctx->arena, (count + 1) * sizeof *values);
	memcpy(values, insert->values, count * sizeof *values);
	values[count] = bana_print(ctx->arena, "%lld", (long long)once->within_s);
	*insert = (struct bana_step){kept(ctx, e, once_sql), count + 1, values, NULL};
	size_t n = 2 + bana_journal_steps(ctx, e, "create", &entry, 1, steps + 2);
	if (once->begun) /* else the batch is a transaction by itself */
		steps[n++] = (struct bana_step){.sql = "COMMIT"};
	TRY(bana_pg_batch(ctx, steps, n));
	once->fresh = bana_rows_count(insert->rows) > 0;
	if (!once->fresh)
		TRY(find_earlier(ctx, e, (const char *[]){same, values[count]}, &insert->rows));
	once->aside = !once->fresh && *bana_rows_text(insert->rows, 0, 1 + made_count) == 't';
	bana_row_set(row, id, bana_rows_text(insert->rows, 0, 0));
	bana_row_read(insert->rows, 0, 1, made, made_count, row);
	return BANA_DONE;
}

BANA_RES bana_row_missing(struct bana_ctx *ctx, const struct bana_entity *e)
{
	return bana_fail(
		ctx, BANA_NOT_FOUND, bana_join(ctx->arena, e->name, " not found", NULL), NULL);
}

BANA_RES bana_id_check(struct bana_ctx *ctx, const struct bana_entity *e, bana_str text)
{
	int64_t id;
	if (bana_parse_int(text, 1, INT64_MAX, &id).fault == BANA_OK)
		return BANA_DONE;
	bana_issue_add(ctx, "id", "invalid_format", NULL,
		"Invalid id: expected a decimal number of 63 bits without leading zeros");
	return bana_row_missing(ctx, e);
}

BANA_RES bana_row_find(
	struct bana_ctx *ctx, const struct bana_entity *e, bana_str id, struct bana_row *row)
{
	const struct bana_rows *rows;
	unsigned char view[BANA_FIELDS_MAX];
	TRY(bana_id_check(ctx, e, id));
	const char *values[] = {bana_copy(ctx->arena, id.at, id.len),
		e->owner == NULL ? NULL : ctx->actor->user_id};
	TRY(bana_pg_exec(ctx, kept(ctx, e, find_sql), e->owner == NULL ? 1 : 2, values, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_row_missing(ctx, e);
	size_t count = bana_view_of(e, BANA_SHOWN | BANA_MADE, view);
	bana_row_read(rows, 0, 0, view, count, row);
	return BANA_DONE;
}

void bana_cell_write(struct bana_buf *out, const struct bana_field *f, const char *text)
{
	char iso[BANA_ISO_BYTES];
	switch (text == NULL ? BANA_OBJECT : f->type) {
	case BANA_OBJECT:
	case BANA_TEXTS:
	case BANA_SMALL:
	case BANA_INT:
		bana_buf_text(out, text == NULL ? "null" : text);
		return;
	case BANA_BOOL:
		bana_buf_text(out, *text == 't' ? "true" : "false");
		return;
	case BANA_INSTANT:
		bana_buf_json_str(out, bana_str_of(bana_iso_from_pg(text, iso)));
		return;
	default:
		bana_buf_json_str(out, bana_str_of(text));
	}
}

void bana_row_write(struct bana_buf *out, const struct bana_entity *e, const struct bana_row *row,
	const unsigned char *view, size_t count)
{
	unsigned char shown[BANA_FIELDS_MAX];
	if (view == NULL) {
		count = bana_view_of(e, BANA_SHOWN, shown);
		view = shown;
	}
	bana_buf_text(out, "{");
	for (size_t i = 0; i < count; i++) {
		bana_buf_json_name(out, e->fields[view[i]].name);
		bana_cell_write(out, &e->fields[view[i]], row->cells[view[i]].text);
	}
	bana_buf_text(out, "}");
}
