/*
 * A list as CSV (RFC 4180), of any length in the memory of a few hundred rows: the query is a
 * cursor of PostgreSQL, read and written part by part while the client reads.
 */
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crud.h"
#include "bana/page.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/row.h"

#include <stdlib.h>

#define PART_ROWS        200
#define TEXT_OF_(number) #number
#define TEXT_OF(number)  TEXT_OF_(number)

enum { SLICE_BYTES = 32 * 1024, IDLE_MARGIN_MS = 60 * 1000 };

static const char fetch[] = "FETCH " TEXT_OF(PART_ROWS) " FROM bana_export";

/* An export on its way. */
struct download {
	struct bana_query query;
	const struct bana_rows *first; /* fetched before the answer begins: it can still fail */
	int64_t deadline_tick;
};

/* What a spreadsheet would take for a formula (OWASP, CSV injection); it gets an apostrophe. */
static bool formula(bana_str text)
{
	return text.len > 0 && text.at[0] != '\0' && strchr("=+-@\t\r\n", text.at[0]) != NULL;
}

static bool needs_quotes(bana_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == ',' || text.at[i] == '\r' ||
			text.at[i] == '\n')
			return true;
	}
	return false;
}

static void write_cell(struct bana_buf *out, bana_str text)
{
	bool quoted = needs_quotes(text);
	bana_buf_text(out, quoted ? "\"" : "");
	bana_buf_text(out, formula(text) ? "'" : "");
	for (size_t from = 0; from < text.len;) {
		const char *quote = memchr(text.at + from, '"', text.len - from);
		size_t to = quote == NULL ? text.len : (size_t)(quote - text.at) + 1;
		bana_buf_add(out, text.at + from, to - from);
		bana_buf_text(out, quote == NULL ? "" : "\"");
		from = to;
	}
	bana_buf_text(out, quoted ? "\"" : "");
}

/* `iso` is room for an instant. */
static bana_str cell_text(struct bana_arena *arena, const struct bana_query *query, size_t field,
	const char *text, char iso[BANA_ISO_BYTES])
{
	const struct bana_field *f = &query->entity->fields[field];
	if (text == NULL)
		return (bana_str){"", 0};
	if (f->type == BANA_INSTANT)
		text = bana_iso_from_pg(text, iso);
	else if (query->masked && (f->flags & BANA_MASKED))
		text = bana_mask(arena, f, text);
	return bana_str_of(text);
}

static void write_names(struct bana_buf *out, const struct bana_query *query)
{
	for (size_t i = 0; i < query->view_count; i++) {
		bana_buf_text(out, i == 0 ? "" : ",");
		bana_buf_text(out, query->entity->fields[query->view[i]].name);
	}
	bana_buf_text(out, "\r\n");
}

static void write_rows(
	struct bana_buf *out, const struct bana_query *query, const struct bana_rows *rows)
{
	char iso[BANA_ISO_BYTES];
	for (size_t r = 0; r < bana_rows_count(rows); r++) {
		for (size_t i = 0; i < query->view_count; i++) {
			bana_buf_text(out, i == 0 ? "" : ",");
			write_cell(out, cell_text(out->arena, query, query->view[i],
						bana_rows_text(rows, r, i), iso));
		}
		bana_buf_text(out, "\r\n");
	}
}

/* The time is looked at before every slice: each may wait for the client as long as a socket does.
 */
static bool write_slices(struct bana_req *q, struct bana_sink *sink, bana_str text)
{
	const struct download *download = q->streamed;
	while (text.len > 0) {
		size_t len = text.len < SLICE_BYTES ? text.len : SLICE_BYTES;
		if (bana_tick_us() > download->deadline_tick) {
			q->ctx.failure.why = "export: took longer than APP_ENV_EXPORT_MS";
			return false;
		}
		if (!sink->write(sink, (bana_str){text.at, len})) {
			q->ctx.failure.why = "export: the client stopped reading";
			return false;
		}
		text = (bana_str){text.at + len, text.len - len};
	}
	return true;
}

/* The rest, part by part, each in memory that the next one takes over. */
static bool stream_parts(struct bana_req *q, struct bana_sink *sink, struct bana_ctx *part)
{
	const struct download *download = q->streamed;
	const struct bana_rows *rows;
	struct bana_buf out;
	do {
		bana_arena_reset(part->arena);
		bana_failure_clear(part);
		if (bana_pg_once(part, fetch, 0, NULL, &rows).fault != BANA_OK) {
			q->ctx.failure.why = "export: the database failed";
			return false;
		}
		bana_buf_init(&out, part->arena);
		bana_buf_text(&out, "");
		write_rows(&out, &download->query, rows);
		if (!write_slices(q, sink, bana_buf_str(&out)))
			return false;
	} while (bana_rows_count(rows) == PART_ROWS);
	return true;
}

static bool stream(struct bana_req *q, struct bana_sink *sink)
{
	const struct download *download = q->streamed;
	struct bana_buf out;
	bana_buf_init(&out, q->ctx.arena);
	write_names(&out, &download->query);
	write_rows(&out, &download->query, download->first);
	if (!write_slices(q, sink, bana_buf_str(&out)))
		return false;
	if (bana_rows_count(download->first) < PART_ROWS)
		return true;
	struct bana_ctx part;
	bana_ctx_init(&part, bana_arena_new(), q->ctx.app);
	part.db = q->ctx.db;
	part.request_id = q->ctx.request_id;
	bool whole = stream_parts(q, sink, &part);
	bana_arena_free(part.arena);
	return whole;
}

static const char *declare(struct bana_ctx *ctx, struct bana_query *query)
{
	struct bana_buf sql;
	unsigned n = 0;
	bana_order_add(query);
	bana_sql_text(&query->sql, " LIMIT ");
	bana_sql_value(&query->sql,
		query->limit == BANA_NO_LIMIT
			? NULL
			: bana_print(ctx->arena, "%lld", (long long)query->limit),
		"bigint");
	bana_sql_text(&query->sql, " OFFSET ");
	bana_sql_value(
		&query->sql, bana_print(ctx->arena, "%lld", (long long)query->skip), "bigint");
	bana_buf_init(&sql, ctx->arena);
	bana_buf_text(&sql, "DECLARE bana_export NO SCROLL CURSOR FOR SELECT ");
	for (size_t i = 0; i < query->view_count; i++)
		bana_column_add(&sql, &query->entity->fields[query->view[i]], &n);
	bana_buf_print(&sql, " FROM %s WHERE %s", query->entity->table, query->sql.text.at);
	return sql.at;
}

static BANA_RES export_csv(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct download *download = bana_alloc(ctx->arena, sizeof *download);
	struct bana_query *query = &download->query;
	char today[BANA_ISO_BYTES];
	TRY(bana_query_read(q, BANA_ALL_ROWS, query));
	if (query->view_count == 0)
		query->view_count = bana_view_of(query->entity, BANA_SHOWN, query->view);
	const char *sql = declare(ctx, query);
	TRY(bana_pg_begin(ctx));
	/* between two parts it idles in its transaction for as long as the client takes to read,
	 * and it is the deadline that ends it, which knows why */
	TRY(bana_pg_once(ctx,
		bana_print(ctx->arena, "SET LOCAL idle_in_transaction_session_timeout = %lld",
			(long long)ctx->app->settings->export_ms + IDLE_MARGIN_MS),
		0, NULL, NULL));
	TRY(bana_pg_once(ctx, sql, query->sql.count, query->sql.values, NULL));
	TRY(bana_pg_once(ctx, fetch, 0, NULL, &download->first));
	download->deadline_tick = bana_tick_us() + ctx->app->settings->export_ms * 1000;
	bana_iso_write(bana_now_us(), today);
	bana_reply_header(q, "Content-Disposition",
		bana_print(ctx->arena, "attachment; filename=\"%s-%.10s.csv\"",
			query->entity->path + 1, today));
	q->status = 200;
	q->media = bana_crud_export.media;
	q->stream = stream;
	q->streamed = download;
	return BANA_DONE;
}

const struct bana_call bana_crud_export = {
	.handle = export_csv,
	.name = "export",
	.status = 200,
	.gives = BANA_GIVES_TEXT,
	.media = "text/csv; charset=utf-8; header=present",
	.takes = BANA_TAKES_FILTER,
	.headers = "Content-Disposition",
};
