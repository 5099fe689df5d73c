#include "bana/page.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/json.h"
#include "bana/req.h"

enum { CURSOR_BYTES_MAX = 16384 };

/* ---- the cursor: base64url of ["<order>", <rows before>, value, ...] ----------------------------
 */

const char *bana_cursor_write(struct bana_ctx *ctx, const struct bana_query *query, int64_t before,
	const char *const *values)
{
	struct bana_buf json;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "[");
	bana_buf_json_str(&json, bana_str_of(query->order_text));
	bana_buf_print(&json, ",%lld", (long long)before);
	for (size_t i = 0; i < query->order_count; i++) {
		bana_buf_text(&json, ",");
		if (values[i] == NULL)
			bana_buf_text(&json, "null");
		else
			bana_buf_json_str(&json, bana_str_of(values[i]));
	}
	bana_buf_text(&json, "]");
	return bana_base64url(ctx->arena, json.at, json.len);
}

/* Is it a value that the expression can have? PostgreSQL would say so too, but not where it was. */
static bool value_valid(const struct bana_order *by, const struct bana_json *value)
{
	int64_t number;
	bool zoned;
	if (value == NULL)
		return by->nullable;
	if (bana_json_kind(value) != BANA_JSON_STRING)
		return false;
	bana_str text = bana_json_str(value);
	switch (by->path ? BANA_TEXT : by->field->type) {
	case BANA_ID:
	case BANA_INT:
	case BANA_SMALL:
		return bana_parse_int(text, INT64_MIN, INT64_MAX, &number).fault == BANA_OK;
	case BANA_INSTANT:
		return bana_instant_parse(text, &number, &zoned).fault == BANA_OK;
	case BANA_BOOL:
		return bana_str_is(text, "t") || bana_str_is(text, "f");
	default:
		return true;
	}
}

static BANA_RES refuse(struct bana_ctx *ctx, const char *why)
{
	bana_issue_add(ctx, "cursor", "invalid_format", NULL, why);
	return bana_issues_close(ctx);
}

static BANA_RES read_cursor(struct bana_ctx *ctx, const struct bana_query *query, bana_str text,
	int64_t *before, const char **values)
{
	static const char odd[] = "Invalid cursor: take it from the Link header";
	bana_str bytes;
	const struct bana_json *list;
	if (text.len > CURSOR_BYTES_MAX ||
		bana_base64url_decode(ctx->arena, text, &bytes).fault != BANA_OK)
		return refuse(ctx, odd);
	bana_res parsed = bana_json_parse(ctx, bytes, 1, &list);
	bana_failure_clear(ctx); /* of a text that the client has not written */
	if (parsed.fault != BANA_OK || bana_json_kind(list) != BANA_JSON_ARRAY ||
		bana_json_len(list) < 2 ||
		bana_json_kind(bana_json_at(list, 0)) != BANA_JSON_STRING ||
		bana_json_kind(bana_json_at(list, 1)) != BANA_JSON_INT ||
		bana_json_int(bana_json_at(list, 1)) < 0 ||
		bana_json_int(bana_json_at(list, 1)) > INT64_MAX / 2)
		return refuse(ctx, odd);
	if (!bana_str_is(bana_json_str(bana_json_at(list, 0)), query->order_text))
		return refuse(ctx, "Invalid cursor: it belongs to another order");
	if (bana_json_len(list) != query->order_count + 2)
		return refuse(ctx, odd);
	for (size_t i = 0; i < query->order_count; i++) {
		const struct bana_json *value = bana_json_at(list, i + 2);
		if (!value_valid(&query->order[i], value))
			return refuse(ctx, odd);
		values[i] = value == NULL ? NULL
					  : bana_copy(ctx->arena, bana_json_str(value).at,
						    bana_json_str(value).len);
	}
	*before = bana_json_int(bana_json_at(list, 1));
	return BANA_DONE;
}

/* ---- what comes after a row -------------------------------------------------------------------
 */

/* One direction, and no nulls behind the value (descending they come first): a comparison of rows,
 * which an index on the same columns answers. */
static bool uniform(const struct bana_query *query, const char *const *values)
{
	for (size_t i = 0; i < query->order_count; i++) {
		const struct bana_order *by = &query->order[i];
		if (by->descending != query->order[0].descending || values[i] == NULL ||
			(by->nullable && !by->descending))
			return false;
	}
	return true;
}

static void add_list(struct bana_sql *sql, const struct bana_query *query, const char **refs)
{
	bana_sql_text(sql, "(");
	for (size_t i = 0; i < query->order_count; i++) {
		bana_sql_text(sql, i == 0 ? "" : ", ");
		bana_sql_text(sql, refs == NULL ? query->order[i].sql : refs[i]);
	}
	bana_sql_text(sql, ")");
}

/* Behind the value in this column alone. PostgreSQL puts nulls last, and first when descending. */
static void add_behind(struct bana_sql *sql, const struct bana_order *by, const char *ref)
{
	if (ref == NULL) {
		bana_sql_text(sql, by->descending ? by->sql : "FALSE");
		bana_sql_text(sql, by->descending ? " IS NOT NULL" : "");
		return;
	}
	bana_sql_text(sql, "(");
	bana_sql_text(sql, by->sql);
	bana_sql_text(sql, by->descending ? " < " : " > ");
	bana_sql_text(sql, ref);
	if (by->nullable && !by->descending) {
		bana_sql_text(sql, " OR ");
		bana_sql_text(sql, by->sql);
		bana_sql_text(sql, " IS NULL");
	}
	bana_sql_text(sql, ")");
}

static void add_same(struct bana_sql *sql, const struct bana_order *by, const char *ref)
{
	bana_sql_text(sql, by->sql);
	bana_sql_text(sql, ref == NULL ? " IS NULL" : " = ");
	bana_sql_text(sql, ref == NULL ? "" : ref);
}

/* Behind in the first column, or the same there and behind in the second, ... */
static void add_steps(struct bana_query *query, const char **refs)
{
	struct bana_sql *sql = &query->sql;
	if (!query->order[0].nullable) { /* lets an index on that column begin at the right place */
		bana_sql_text(sql, query->order[0].sql);
		bana_sql_text(sql, query->order[0].descending ? " <= " : " >= ");
		bana_sql_text(sql, refs[0]);
		bana_sql_text(sql, " AND ");
	}
	bana_sql_text(sql, "(");
	for (size_t i = 0; i < query->order_count; i++) {
		bana_sql_text(sql, i == 0 ? "" : " OR ");
		for (size_t j = 0; j < i; j++) {
			add_same(sql, &query->order[j], refs[j]);
			bana_sql_text(sql, " AND ");
		}
		add_behind(sql, &query->order[i], refs[i]);
	}
	bana_sql_text(sql, ")");
}

static void add_after(struct bana_query *query, const char *const *values)
{
	struct bana_sql *sql = &query->sql;
	const char *refs[BANA_QUERY_ORDER_MAX + 1] = {NULL};
	for (size_t i = 0; i < query->order_count; i++)
		refs[i] = values[i] == NULL ? NULL
					    : bana_sql_ref(sql, values[i], query->order[i].cast);
	bana_sql_text(sql, " AND ");
	if (!uniform(query, values)) {
		add_steps(query, refs);
		return;
	}
	add_list(sql, query, NULL);
	bana_sql_text(sql, query->order[0].descending ? " < " : " > ");
	add_list(sql, query, refs);
}

void bana_order_add(struct bana_query *query)
{
	for (size_t i = 0; i < query->order_count; i++) {
		bana_sql_text(&query->sql, i == 0 ? " ORDER BY " : ", ");
		bana_sql_text(&query->sql, query->order[i].sql);
		bana_sql_text(&query->sql, query->order[i].descending ? " DESC" : "");
	}
}

BANA_RES bana_page_begin(struct bana_req *q, struct bana_query *query, struct bana_page *page)
{
	const char *values[BANA_QUERY_ORDER_MAX + 1] = {NULL};
	bana_str text;
	*page = (struct bana_page){.before = query->skip};
	if (!bana_query_find(q->query, "cursor", &text))
		return BANA_DONE;
	TRY(read_cursor(&q->ctx, query, text, &page->before, values));
	page->follows = true;
	query->skip = 0;
	add_after(query, values);
	return BANA_DONE;
}

/* ---- headers ----------------------------------------------------------------------------------
 */

/* The same request with another cursor; `<>"` may not stand in a Link. */
static const char *next_url(struct bana_req *q, const char *cursor)
{
	struct bana_buf url;
	bana_buf_init(&url, q->ctx.arena);
	bana_buf_add(&url, q->target.at, q->target.len);
	bana_buf_text(&url, "?");
	for (bana_str rest = q->query; rest.len > 0;) {
		bana_str value, pair = bana_str_cut(rest, '&', &rest);
		if (pair.len == 0 || bana_str_is(bana_str_cut(pair, '=', &value), "cursor"))
			continue;
		for (size_t i = 0; i < pair.len; i++) {
			if (strchr("<>\"", pair.at[i]) != NULL)
				bana_buf_print(&url, "%%%02X", (unsigned char)pair.at[i]);
			else
				bana_buf_add(&url, pair.at + i, 1);
		}
		bana_buf_text(&url, "&");
	}
	bana_buf_text(&url, "cursor=");
	bana_buf_text(&url, cursor);
	return url.at;
}

BANA_RES bana_page_headers(struct bana_req *q, const struct bana_page *page)
{
	enum { LINK_BYTES_MAX = 16000 }; /* nginx takes a request line of 16k */
	struct bana_arena *arena = q->ctx.arena;
	const char *range = "*", *total = "*";
	if (page->rows > 0)
		range = bana_print(arena, "%lld-%lld", (long long)page->before,
			(long long)page->before + (long long)page->rows - 1);
	if (page->counted)
		total = bana_print(arena, "%lld", (long long)page->total);
	bana_reply_header(q, "Content-Range", bana_print(arena, "records %s/%s", range, total));
	if (page->cursor == NULL)
		return BANA_DONE;
	const char *url = next_url(q, page->cursor);
	if (strlen(url) >
		LINK_BYTES_MAX) { /* without it the client would take this page for the last */
		bana_issue_add(&q->ctx, "filter", "too_big", NULL,
			"Too big to be followed by a next page: shorten it, or raise its limit");
		return bana_issues_close(&q->ctx);
	}
	bana_reply_header(q, "Link", bana_join(arena, "<", url, ">; rel=\"next\"", NULL));
	return BANA_DONE;
}
