/*
 * Lists of an entity: a page, the first row, how many.
 */
#include "bana/app.h"
#include "bana/audit.h"
#include "bana/change.h"
#include "bana/crud.h"
#include "bana/page.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/row.h"

#include <strings.h>

/* The columns of the SELECT: those of the view, then the order's expressions that are not among
 * them, for the cursor, and the version. */
struct columns {
	unsigned count, version;
	unsigned of_order[BANA_QUERY_ORDER_MAX + 1]; /* where each of the order's stands */
};

static void add_columns(struct bana_buf *sql, const struct bana_query *query, struct columns *c)
{
	c->count = 0;
	for (size_t i = 0; i < query->view_count; i++)
		bana_column_add(sql, &query->entity->fields[query->view[i]], &c->count);
	for (size_t i = 0; i < query->order_count; i++) {
		const struct bana_order *by = &query->order[i];
		unsigned place = 0;
		while (place < query->view_count &&
			(by->path || by->field->type == BANA_EMAIL ||
				&query->entity->fields[query->view[place]] != by->field))
			place++;
		c->of_order[i] = place;
		if (place < query->view_count)
			continue;
		c->of_order[i] = c->count;
		bana_buf_text(sql, c->count++ == 0 ? "" : ", ");
		bana_buf_text(sql, by->sql);
	}
}

/* SELECT ... of the query, `limit` rows of it. */
static const char *select_sql(
	struct bana_ctx *ctx, struct bana_query *query, int64_t limit, struct columns *c)
{
	struct bana_buf sql;
	char digits[BANA_INT_BYTES];
	bana_order_add(query);
	bana_sql_text(&query->sql, " LIMIT ");
	const char *text = bana_int_write(limit, digits);
	bana_sql_value(&query->sql, bana_copy(ctx->arena, text, strlen(text)), "bigint");
	bana_sql_text(&query->sql, " OFFSET ");
	text = bana_int_write(query->skip, digits);
	bana_sql_value(&query->sql, bana_copy(ctx->arena, text, strlen(text)), "bigint");
	bana_buf_init(&sql, ctx->arena);
	bana_buf_text(&sql, "SELECT ");
	add_columns(&sql, query, c);
	c->version = c->count;
	if (bana_field_stored(query->entity, "version") != NULL)
		bana_column_add(&sql, bana_field_stored(query->entity, "version"), &c->count);
	bana_buf_text(&sql, " FROM ");
	bana_buf_text(&sql, query->entity->table);
	bana_buf_text(&sql, " WHERE ");
	bana_buf_add(&sql, query->sql.text.at, query->sql.text.len);
	return sql.at;
}

static void count_step(struct bana_ctx *ctx, struct bana_query *query, struct bana_step *step)
{
	const char *where = bana_copy(ctx->arena, query->sql.text.at, query->where_len);
	*step = (struct bana_step){bana_join(ctx->arena, "SELECT count(*) FROM ",
					   query->entity->table, " WHERE ", where, NULL),
		query->where_values, query->sql.values, NULL};
}

static void write_row(struct bana_buf *out, struct bana_ctx *ctx, const struct bana_query *query,
	const struct bana_rows *rows, size_t index)
{
	struct bana_row row;
	bana_row_read(rows, index, 0, query->view, query->view_count, &row);
	if (query->masked)
		bana_row_mask(ctx->arena, query->entity, query->view, query->view_count, &row);
	bana_row_write(out, query->entity, &row, query->view, query->view_count);
}

/* Is the preference `count` with this value? Names compare without case, a value may be quoted. */
static bool prefers(bana_str preference, const char *wanted)
{
	bana_str value, name = bana_utf8_trim(bana_str_cut(preference, '=', &value));
	value = bana_utf8_trim(value);
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		value = (bana_str){value.at + 1, value.len - 2};
	return name.len == 5 && strncasecmp(name.at, "count", 5) == 0 && bana_str_is(value, wanted);
}

/* Prefer: count=none leaves the total out, count=exact asks for it (RFC 7240). */
static bool wants_total(struct bana_req *q, bool otherwise)
{
	const char *header = bana_req_header(q, "HTTP_PREFER");
	bana_str rest = bana_str_of(header == NULL ? "" : header);
	while (rest.len > 0) {
		bana_str wish = bana_str_cut(rest, ',', &rest);
		bool none = prefers(wish, "none");
		if (!none && !prefers(wish, "exact"))
			continue;
		bana_reply_header(q, "Preference-Applied", none ? "count=none" : "count=exact");
		return !none;
	}
	return otherwise;
}

static const char *cursor_behind(struct bana_ctx *ctx, const struct bana_query *query,
	const struct columns *c, const struct bana_rows *rows, const struct bana_page *page)
{
	const char *values[BANA_QUERY_ORDER_MAX + 1] = {NULL};
	for (size_t i = 0; i < query->order_count; i++)
		values[i] = bana_rows_text(rows, page->rows - 1, c->of_order[i]);
	return bana_cursor_write(ctx, query, page->before + (int64_t)page->rows, values);
}

/* A page of a query that has been read; one row more is asked for, to know whether one follows. */
BANA_RES bana_page_reply(struct bana_req *q, struct bana_query *query)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_page page;
	struct columns columns = {0};
	struct bana_step steps[2];
	struct bana_buf json;
	TRY(bana_page_begin(q, query, &page));
	page.counted = wants_total(q, !page.follows);
	count_step(ctx, query, &steps[1]);
	steps[0].sql = select_sql(ctx, query, query->limit + 1, &columns);
	steps[0].count = query->sql.count;
	steps[0].values = query->sql.values;
	if (page.counted)
		TRY(bana_pg_batch(ctx, steps, 2));
	else
		TRY(bana_pg_exec(
			ctx, steps[0].sql, steps[0].count, steps[0].values, &steps[0].rows));
	bool more = bana_rows_count(steps[0].rows) > (size_t)query->limit;
	page.rows = bana_rows_count(steps[0].rows) - more;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "[");
	for (size_t i = 0; i < page.rows; i++) {
		bana_buf_text(&json, i == 0 ? "" : ",");
		write_row(&json, ctx, query, steps[0].rows, i);
	}
	bana_buf_text(&json, "]");
	if (page.counted)
		TRY(bana_parse_int(bana_str_of(bana_rows_text(steps[1].rows, 0, 0)), 0, INT64_MAX,
			&page.total));
	if (more && page.rows > 0)
		page.cursor = cursor_behind(ctx, query, &columns, steps[0].rows, &page);
	TRY(bana_page_headers(q, &page));
	return bana_reply_list(q, 200, bana_buf_str(&json), page.rows);
}

static BANA_RES find(struct bana_req *q)
{
	struct bana_query *query = bana_alloc(q->ctx.arena, sizeof *query);
	TRY(bana_query_read(q, 0, query));
	return bana_page_reply(q, query);
}

static BANA_RES find_one(struct bana_req *q)
{
	struct bana_query *query = bana_alloc(q->ctx.arena, sizeof *query);
	const struct bana_rows *rows;
	struct columns columns = {0};
	struct bana_buf json;
	TRY(bana_query_read(q, 0, query));
	const char *sql = select_sql(&q->ctx, query, 1, &columns);
	TRY(bana_pg_exec(&q->ctx, sql, query->sql.count, query->sql.values, &rows));
	if (bana_rows_count(rows) == 0)
		return bana_row_missing(&q->ctx, query->entity);
	if (columns.version < columns.count)
		bana_reply_header(
			q, "ETag", bana_etag(&q->ctx, bana_rows_text(rows, 0, columns.version)));
	bana_buf_init(&json, q->ctx.arena);
	write_row(&json, &q->ctx, query, rows, 0);
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

static BANA_RES count(struct bana_req *q)
{
	struct bana_query *query = bana_alloc(q->ctx.arena, sizeof *query);
	struct bana_step step;
	TRY(bana_query_read_where(q, query));
	count_step(&q->ctx, query, &step);
	TRY(bana_pg_exec(&q->ctx, step.sql, step.count, step.values, &step.rows));
	return bana_reply_text(q, 200, NULL,
		bana_str_of(bana_join(
			q->ctx.arena, "{\"count\":", bana_rows_text(step.rows, 0, 0), "}", NULL)));
}

/* The rows of the audit log about one row, oldest first; also of a deleted one. */
static BANA_RES timeline(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_entity *of = q->route->entity, *audit = ctx->app->service->audit;
	struct bana_query *query = bana_alloc(ctx->arena, sizeof *query);
	const struct bana_rows *rows;
	TRY(bana_id_check(ctx, of, q->args[0]));
	const char *id = bana_copy(ctx->arena, q->args[0].at, q->args[0].len);
	TRY(bana_pg_exec(ctx,
		bana_join(ctx->arena, "SELECT 1 FROM ", of->table, " WHERE id = $1", NULL), 1, &id,
		&rows));
	if (bana_rows_count(rows) == 0)
		return bana_row_missing(ctx, of);
	bana_query_init(ctx, audit, query);
	bana_query_narrow(query, "entity", of->name, "text");
	bana_query_narrow(query, "entity_id", id, "bigint");
	TRY(bana_query_read_on(q, 0, query));
	return bana_page_reply(q, query);
}

/* clang-format off */
const struct bana_call bana_crud_find = {
	.handle = find, .name = "find", .status = 200, .gives = BANA_GIVES_ROWS,
	.takes = BANA_TAKES_FILTER | BANA_TAKES_CURSOR | BANA_TAKES_COUNT,
	.headers = "Content-Range,Link,Preference-Applied",
};
const struct bana_call bana_crud_find_one = {
	.handle = find_one, .name = "findOne", .status = 200, .gives = BANA_GIVES_ROW,
	.takes = BANA_TAKES_FILTER, .faults = "404", .headers = "ETag",
};
const struct bana_call bana_crud_count = {
	.handle = count, .name = "count", .status = 200, .gives = BANA_GIVES_PLAIN,
	.takes = BANA_TAKES_WHERE,
	.schema = "{\"type\":\"object\",\"required\":[\"count\"],\"additionalProperties\":false,"
		"\"properties\":{\"count\":{\"type\":\"integer\",\"minimum\":0,\"examples\":[3]}}}",
};
const struct bana_call bana_crud_timeline = {
	.handle = timeline, .name = "timelineOf", .status = 200, .gives = BANA_GIVES_OTHERS,
	.takes = BANA_TAKES_FILTER | BANA_TAKES_CURSOR | BANA_TAKES_COUNT, .faults = "404",
	.schema = "{\"$ref\":\"#/components/schemas/AuditLogPart\"}",
	.headers = "Content-Range,Link,Preference-Applied",
};
/* clang-format on */
