/*
 * GET .../statistics?from=&to=&timeZone=: the numbers of the entity's table of statistics, all of
 * them in one statement.
 */
#include "bana/clock.h"
#include "bana/crud.h"
#include "bana/ctx.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/sql.h"

#include <assert.h>

enum { DAYS_DEFAULT = 30, DAYS_MAX = 1100, ZONE_BYTES_MAX = 64 };

static const int64_t day_us = 86400LL * 1000000;

/* From `from` on (NULL: of all time), before `to`, in days of `zone`: SQL of each. */
struct span {
	struct bana_sql *sql;
	const char *from, *to, *zone;
	const char *from_text, *zone_text; /* as asked for */
	const char *days_from;             /* where the days begin */
};

/* An instant of the query string; a date, or a time without zone, is one of the client's zone. */
static const char *read_instant(
	struct bana_req *q, struct span *s, const char *name, int64_t *at, const char **given)
{
	struct bana_ctx *ctx = &q->ctx;
	bana_str raw, text = {"", 0};
	bool zoned;
	*given = NULL;
	if (!bana_query_find(q->query, name, &raw) || raw.len == 0)
		return NULL;
	if (bana_percent_decode(ctx->arena, raw, false, &text).fault != BANA_OK ||
		bana_instant_parse(text, at, &zoned).fault != BANA_OK) {
		bana_issue_add(ctx, name, "invalid_format", NULL,
			"Invalid date: expected ISO 8601 like 2026-11-20 or 2026-11-20T15:33:07Z");
		return NULL;
	}
	*given = bana_copy(ctx->arena, text.at, text.len);
	const char *value = bana_instant_write(ctx->arena, *at);
	if (zoned)
		return bana_sql_ref(s->sql, value, "timestamptz");
	return bana_join(ctx->arena, "(", bana_sql_ref(s->sql, value, "timestamp"),
		" AT TIME ZONE ", s->zone, ")", NULL);
}

/* UTC, or Area/City: what else PostgreSQL takes for a zone ("+7", "Foo+3") counts the wrong way. */
static bool zone_plain(const char *name)
{
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	size_t len = strlen(name), area = strspn(name, LETTERS);
	return strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0 ||
	       (area > 0 && name[area] == '/' && len <= ZONE_BYTES_MAX &&
		       strspn(name, LETTERS "0123456789/_+-") == len);
#undef LETTERS
}

static void read_zone(struct bana_req *q, struct span *s)
{
	bana_str raw, text = BANA_STR("UTC");
	bool given = bana_query_find(q->query, "timeZone", &raw) && raw.len > 0;
	bool decoded =
		!given || bana_percent_decode(q->ctx.arena, raw, false, &text).fault == BANA_OK;
	s->zone_text = bana_copy(q->ctx.arena, text.at, text.len);
	s->zone = bana_sql_ref(s->sql, s->zone_text, "text");
	if (!decoded || !zone_plain(s->zone_text))
		bana_issue_add(&q->ctx, "timeZone", "invalid_format", NULL,
			"Invalid time zone: expected an IANA name like Asia/Ho_Chi_Minh");
}

static BANA_RES read_span(struct bana_req *q, struct span *s)
{
	int64_t from_at = 0, to_at = bana_now_us();
	const char *to_text;
	read_zone(q, s);
	s->from = read_instant(q, s, "from", &from_at, &s->from_text);
	s->to = read_instant(q, s, "to", &to_at, &to_text);
	TRY(bana_issues_close(&q->ctx));
	if (s->to == NULL)
		s->to = "now()";
	s->days_from = s->from;
	if (s->from == NULL) {
		s->days_from = bana_print(q->ctx.arena, /* whole days, the first one, too */
			"(date_trunc('day', (%s - interval '%d days') AT TIME ZONE %s) AT TIME "
			"ZONE %s)",
			s->to, DAYS_DEFAULT, s->zone, s->zone);
		return BANA_DONE;
	}
	if (to_at <= from_at)
		bana_issue_add(
			&q->ctx, "to", "too_small", NULL, "Too small: expected a time after from");
	if (to_at - from_at > DAYS_MAX * day_us)
		bana_issue_add(&q->ctx, "to", "too_big", NULL,
			bana_print(q->ctx.arena, "Too big: expected at most %d days after from",
				DAYS_MAX));
	return bana_issues_close(&q->ctx);
}

/* ---- the statement: rows of (statistic, series, key, value) -------------------------------------
 */

enum { TOTAL = -1 };

static void add_rows(struct bana_sql *sql, const struct bana_entity *e, const struct span *s,
	const char *column, const char *from)
{
	bana_buf_print(&sql->text, " FROM %s WHERE deleted_at IS NULL AND \"%s\" < %s", e->table,
		column, s->to);
	if (from != NULL)
		bana_buf_print(&sql->text, " AND \"%s\" >= %s", column, from);
}

static void add_days(struct bana_sql *sql, const struct bana_entity *e, const struct span *s,
	int index, int series, const char *column)
{
	bana_buf_print(&sql->text,
		" UNION ALL SELECT %d, %d, to_char(day, 'YYYY-MM-DD'), coalesce(n, 0)::text"
		" FROM generate_series(date_trunc('day', %s AT TIME ZONE %s),"
		" (%s - interval '1 us') AT TIME ZONE %s, interval '1 day') AS all_days (day)"
		" LEFT JOIN (SELECT date_trunc('day', \"%s\" AT TIME ZONE %s) AS day,"
		" count(*) AS n",
		index, series, s->days_from, s->zone, s->to, s->zone, column, s->zone);
	add_rows(sql, e, s, column, s->days_from);
	bana_sql_text(sql, " GROUP BY 1) AS counted USING (day)");
}

static void add_statistic(
	struct bana_sql *sql, const struct bana_entity *e, const struct span *s, int index)
{
	const struct bana_statistic *st = &e->statistics[index];
	const char *column;
	switch (st->kind) {
	case BANA_VALUE:
		bana_buf_print(
			&sql->text, " UNION ALL SELECT %d, 0, NULL, (%s)::text", index, st->sql);
		add_rows(sql, e, s, "created_at", s->from);
		return;
	case BANA_BY:
		column = e->fields[st->field].column;
		bana_buf_print(&sql->text, " UNION ALL SELECT %d, 0, \"%s\", count(*)::text", index,
			column);
		add_rows(sql, e, s, "created_at", s->from);
		bana_buf_print(&sql->text, " GROUP BY \"%s\"", column);
		return;
	case BANA_DAYS:
		for (int i = 0; i < 4 && st->days[i].name != NULL; i++)
			add_days(sql, e, s, index, i, e->fields[st->days[i].field].column);
	}
}

static BANA_RES ask(struct bana_ctx *ctx, const struct bana_entity *e, const struct span *s,
	const struct bana_rows **rows)
{
	struct bana_sql *sql = s->sql;
	bana_buf_print(&sql->text, "SELECT %d, 0, NULL, count(*)::text", TOTAL);
	add_rows(sql, e, s, "created_at", s->from);
	for (size_t i = 0; i < e->statistic_count; i++)
		add_statistic(sql, e, s, (int)i);
	bana_sql_text(sql, " ORDER BY 1, 2, 3");
	bana_res asked = bana_pg_exec(ctx, sql->text.at, sql->count, sql->values, rows);
	if (asked.fault != BANA_INVALID)
		return asked;
	bana_failure_clear(ctx); /* of all values only the zone's name is the database's to judge */
	bana_issue_add(ctx, "timeZone", "invalid_value", NULL,
		bana_join(ctx->arena, "Unknown time zone: ", s->zone_text, NULL));
	return bana_issues_close(ctx);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* The rows of one statistic stand together: from `*at`, as many as come back. */
static size_t run_of(const struct bana_rows *rows, size_t *at, int index)
{
	char digits[BANA_INT_BYTES];
	const char *wanted = bana_int_write(index, digits);
	size_t end = *at;
	while (end < bana_rows_count(rows) && strcmp(bana_rows_text(rows, end, 0), wanted) == 0)
		end++;
	size_t from = *at;
	*at = end;
	return end - from;
}

static void write_number(struct bana_buf *json, const char *text)
{
	bana_buf_text(json, text == NULL ? "null" : text);
}

/* Every choice, also those that no row has. */
static void write_by(struct bana_buf *json, const struct bana_field *f,
	const struct bana_rows *rows, size_t from, size_t count)
{
	bana_buf_text(json, "{");
	for (const struct bana_choice *c = f->choices; c->value != NULL; c++) {
		const char *number = "0";
		for (size_t i = from; i < from + count; i++) {
			if (strcmp(bana_rows_text(rows, i, 2), c->value) == 0)
				number = bana_rows_text(rows, i, 3);
		}
		bana_buf_json_name(json, c->value);
		bana_buf_text(json, number);
	}
	bana_buf_text(json, "}");
}

/* The series stand one behind the other, each with the same days. */
static void write_days(struct bana_buf *json, const struct bana_statistic *st,
	const struct bana_rows *rows, size_t from, size_t count)
{
	size_t series = 0;
	while (series < 4 && st->days[series].name != NULL)
		series++;
	assert(series > 0);
	size_t days = count / series;
	bana_buf_text(json, "[");
	for (size_t d = 0; d < days; d++) {
		bana_buf_text(json, d == 0 ? "{" : ",{");
		bana_buf_json_member(json, "date", bana_rows_text(rows, from + d, 2));
		for (size_t i = 0; i < series; i++) {
			bana_buf_json_name(json, st->days[i].name);
			bana_buf_text(json, bana_rows_text(rows, from + i * days + d, 3));
		}
		bana_buf_text(json, "}");
	}
	bana_buf_text(json, "]");
}

static void write_statistics(
	struct bana_buf *json, const struct bana_entity *e, const struct bana_rows *rows)
{
	size_t at = 0;
	run_of(rows, &at, TOTAL);
	bana_buf_json_name(json, "total");
	write_number(json, bana_rows_text(rows, 0, 3));
	for (size_t i = 0; i < e->statistic_count; i++) {
		const struct bana_statistic *st = &e->statistics[i];
		size_t from = at, count = run_of(rows, &at, (int)i);
		bana_buf_json_name(json, st->name);
		if (st->kind == BANA_BY)
			write_by(json, &e->fields[st->field], rows, from, count);
		else if (st->kind == BANA_DAYS)
			write_days(json, st, rows, from, count);
		else
			write_number(json, bana_rows_text(rows, from, 3));
	}
}

static BANA_RES statistics(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct span s = {.sql = bana_alloc(ctx->arena, sizeof *s.sql)};
	const struct bana_rows *rows;
	struct bana_buf json;
	bana_sql_init(s.sql, ctx->arena);
	TRY(read_span(q, &s));
	TRY(ask(ctx, q->route->entity, &s, &rows));
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	bana_buf_json_member(&json, "timeZone", s.zone_text);
	write_statistics(&json, q->route->entity, rows);
	bana_buf_text(&json, "}");
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* clang-format off */
#define INSTANT(name, says, example) \
	"{\"name\":\"" name "\",\"in\":\"query\",\"description\":\"" says " A date, or a time without a zone, is one of " \
	"`timeZone`.\",\"schema\":{\"type\":\"string\",\"minLength\":10,\"maxLength\":40},\"example\":\"" example "\"}"
const struct bana_call bana_crud_statistics = {
	.handle = statistics, .name = "statistics", .status = 200,
	.gives = BANA_GIVES_OTHER, /* its schema is made from the entity's statistics */
	.faults = "422",
	.parameters = INSTANT("from", "Rows made from then on; absent: all.", "2026-11-01") ","
		INSTANT("to", "Rows made before then; absent: now.", "2026-12-01") ","
		"{\"name\":\"timeZone\",\"in\":\"query\",\"description\":\"IANA time zone whose days are counted; absent: UTC.\","
		"\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
		"\"example\":\"Asia/Ho_Chi_Minh\"}",
};
/* clang-format on */
