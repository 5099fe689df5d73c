/*
 * filter={"where","order","limit","skip"|"offset","fields"}: its members other than where.
 */
#include "bana/query.h"

#include "bana/actor.h"
#include "bana/json.h"
#include "bana/req.h"
#include "bana/row.h"

#include <strings.h>

/* ---- order ------------------------------------------------------------------------------------
 */

static void add_order(struct bana_query *query, const struct bana_operand *by, bool descending)
{
	query->order[query->order_count++] = (struct bana_order){
		.name = by->name,
		.sql = by->sql,
		.cast = bana_cast_of(by->field, by->path),
		.field = by->field,
		.descending = descending,
		.nullable = by->path || (by->field->flags & BANA_NULLABLE),
		.path = by->path,
	};
}

/* The id comes last, in the direction of the one before, so that no two rows are in the same place.
 */
static void close_order(struct bana_ctx *ctx, struct bana_query *query)
{
	size_t n = query->order_count;
	bool descending = n > 0 && query->order[n - 1].descending;
	const struct bana_field *id = bana_field_stored(query->entity, "id");
	bool there = false;
	struct bana_buf text;
	bana_buf_init(&text, ctx->arena);
	bana_buf_text(&text, query->entity->name);
	for (size_t i = 0; i < n; i++)
		there = there || (query->order[i].field == id);
	if (!there)
		add_order(query, &(struct bana_operand){id, "id", "\"id\"", false}, descending);
	for (size_t i = 0; i < query->order_count; i++)
		bana_buf_print(&text, " %s %c", query->order[i].name,
			query->order[i].descending ? 'D' : 'A');
	query->order_text = text.at;
}

/* "createdAt DESC": the direction, if any, becomes *descending; false: it is none. */
static bool cut_direction(bana_str item, bana_str *name, bool *descending)
{
	bana_str word;
	*name = bana_str_cut(item, ' ', &word);
	word = bana_utf8_trim(word);
	*descending = word.len == 4 && strncasecmp(word.at, "desc", 4) == 0;
	return word.len == 0 || *descending ||
	       (word.len == 3 && strncasecmp(word.at, "asc", 3) == 0);
}

static void read_order_item(struct bana_where *w, const struct bana_json *item, const char *path)
{
	struct bana_ctx *ctx = w->ctx;
	struct bana_operand by;
	bana_str name;
	bool descending;
	if (bana_json_kind(item) != BANA_JSON_STRING) {
		bana_issue_type(ctx, path, "string", item);
		return;
	}
	bana_str text = bana_utf8_trim(bana_json_str(item));
	if (!cut_direction(text, &name, &descending)) {
		bana_where_unknown(w, path,
			bana_print(ctx->arena,
				"[FilterBuilder][toOrderBy] Table: %s | Invalid direction: '%s' | "
				"Expected: 'ASC' or 'DESC'",
				w->query->entity->name,
				bana_name_shown(
					ctx->arena, bana_copy(ctx->arena, name.at + name.len + 1,
							    text.len - name.len - 1))));
		return;
	}
	if (!bana_operand_find(w, "toOrderBy", bana_copy(ctx->arena, name.at, name.len), path, &by))
		return;
	if (by.field->type == BANA_TEXTS || (by.field->type == BANA_OBJECT && !by.path)) {
		bana_issue_add(ctx, path, "invalid_value", NULL, "Lists and objects have no order");
		return;
	}
	if (w->query->masked && (by.field->flags & BANA_MASKED)) {
		w->forbidden = true;
		bana_issue_add(
			ctx, path, "custom", NULL, "Shown to you in part: not to be sorted by");
		return;
	}
	add_order(w->query, &by, descending);
}

static void read_order(struct bana_where *w, const struct bana_json *order)
{
	if (bana_json_kind(order) == BANA_JSON_STRING) {
		read_order_item(w, order, "filter.order");
		return;
	}
	if (bana_json_kind(order) != BANA_JSON_ARRAY) {
		bana_issue_type(w->ctx, "filter.order", "array", order);
		return;
	}
	size_t count = bana_json_len(order);
	if (count > BANA_QUERY_ORDER_MAX) {
		bana_issue_add(w->ctx, "filter.order", "too_big", NULL,
			bana_print(w->ctx->arena, "Too big: expected array to have <=%d items",
				BANA_QUERY_ORDER_MAX));
		return;
	}
	for (size_t i = 0; i < count; i++)
		read_order_item(w, bana_json_at(order, i),
			bana_print(w->ctx->arena, "filter.order.%zu", i));
}

/* ---- fields -----------------------------------------------------------------------------------
 */

/* A hidden field is left out without a word, as ignis does; one that is not there is told. */
static void want_field(
	struct bana_where *w, bool wanted[BANA_FIELDS_MAX], const char *name, const char *path)
{
	const struct bana_field *field = bana_field_find(w->query->entity, bana_str_of(name));
	if (field != NULL)
		wanted[bana_field_place(w->query->entity, field)] = true;
	else
		bana_where_unknown(w, path,
			bana_print(w->ctx->arena,
				"[FilterBuilder][toColumns] Table: %s | Column NOT FOUND | key: "
				"'%s'",
				w->query->entity->name, bana_name_shown(w->ctx->arena, name)));
}

static size_t want_listed(
	struct bana_where *w, bool wanted[BANA_FIELDS_MAX], const struct bana_json *fields)
{
	size_t count = bana_json_len(fields);
	for (size_t i = 0; i < count; i++) {
		const struct bana_json *item = bana_json_at(fields, i);
		const char *path = bana_print(w->ctx->arena, "filter.fields.%zu", i);
		if (bana_json_kind(item) == BANA_JSON_STRING)
			want_field(w, wanted, bana_json_str(item).at, path);
		else
			bana_issue_type(w->ctx, path, "string", item);
	}
	return count;
}

/* {"id": true, "email": true}; false excludes nothing by itself (ignis.md 2.3). */
static size_t want_switched(
	struct bana_where *w, bool wanted[BANA_FIELDS_MAX], const struct bana_json *fields)
{
	size_t count = 0;
	for (struct bana_json_member m = {0}; bana_json_next(fields, &m);) {
		const char *path = bana_join(w->ctx->arena, "filter.fields.",
			bana_name_shown(w->ctx->arena, m.name), NULL);
		bool on = bana_json_kind(m.value) == BANA_JSON_BOOL && bana_json_bool(m.value);
		if (bana_json_kind(m.value) != BANA_JSON_BOOL)
			bana_issue_type(w->ctx, path, "boolean", m.value);
		bool ignored[BANA_FIELDS_MAX];
		want_field(w, on ? wanted : ignored, m.name, path);
		count += on;
	}
	return count;
}

static void read_fields(struct bana_where *w, const struct bana_json *fields)
{
	struct bana_query *query = w->query;
	bool wanted[BANA_FIELDS_MAX] = {false};
	size_t count;
	if (bana_json_kind(fields) == BANA_JSON_ARRAY)
		count = want_listed(w, wanted, fields);
	else if (bana_json_kind(fields) == BANA_JSON_OBJECT)
		count = want_switched(w, wanted, fields);
	else {
		bana_issue_type(w->ctx, "filter.fields", "array", fields);
		return;
	}
	if (count == 0)
		return;
	query->view_count = 0;
	for (size_t i = 0; i < query->entity->count; i++) {
		if (wanted[i] && (query->entity->fields[i].flags & BANA_SHOWN))
			query->view[query->view_count++] = (unsigned char)i;
	}
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

static void read_number(struct bana_where *w, const struct bana_json *number, const char *path,
	int64_t max, int64_t *value)
{
	if (bana_json_kind(number) != BANA_JSON_INT)
		bana_issue_type(w->ctx, path, "number", number);
	else if (bana_json_int(number) < 0)
		bana_issue_add(
			w->ctx, path, "too_small", NULL, "Too small: expected number to be >=0");
	else if (bana_json_int(number) > max)
		bana_issue_add(w->ctx, path, "too_big", NULL,
			bana_print(w->ctx->arena, "Too big: expected number to be <=%lld",
				(long long)max));
	else
		*value = bana_json_int(number);
}

/* There are no relations to include. */
static void read_include(struct bana_where *w, const struct bana_json *include)
{
	const struct bana_json *first, *name;
	if (bana_json_kind(include) != BANA_JSON_ARRAY) {
		bana_issue_type(w->ctx, "filter.include", "array", include);
		return;
	}
	if (bana_json_len(include) == 0)
		return;
	first = bana_json_at(include, 0);
	bool named =
		bana_json_get(first, "relation", &name) && bana_json_kind(name) == BANA_JSON_STRING;
	bana_where_unknown(w, "filter.include.0",
		bana_print(w->ctx->arena,
			"[FilterBuilder][toInclude] Relation NOT FOUND | relation: '%s'",
			named ? bana_name_shown(w->ctx->arena, bana_json_str(name).at) : ""));
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* The value of a query parameter as JSON; an absent or empty one is {}. */
static BANA_RES read_json(struct bana_req *q, const char *name, const struct bana_json **json)
{
	struct bana_ctx *ctx = &q->ctx;
	bana_str raw = {"", 0}, text;
	bana_query_find(q->query, name, &raw);
	bana_res parsed = bana_percent_decode(ctx->arena, raw, true, &text);
	if (parsed.fault == BANA_OK)
		parsed = bana_json_parse(
			ctx, text.len == 0 ? BANA_STR("{}") : text, BANA_JSON_DEPTH_MAX * 2, json);
	if (parsed.fault == BANA_OK)
		return parsed;
	struct bana_issue *issue = ctx->failure.issues;
	if (issue == NULL)
		bana_issue_add(ctx, name, "invalid_format", NULL,
			ctx->failure.detail == NULL ? "Not percent-encoded UTF-8"
						    : ctx->failure.detail);
	else
		issue->path = name;
	if (parsed.fault == BANA_MALFORMED)
		ctx->failure.message =
			bana_join(ctx->arena, "Malformed query parameter: ", name, NULL);
	return parsed;
}

void bana_query_close_where(struct bana_query *query)
{
	query->where_len = query->sql.text.len;
	query->where_values = query->sql.count;
}

void bana_query_init(
	struct bana_ctx *ctx, const struct bana_entity *entity, struct bana_query *query)
{
	query->entity = entity;
	query->narrowed = query->masked = false;
	query->first = NULL;
	query->order_count = 0;
	query->limit = BANA_QUERY_LIMIT;
	query->skip = 0;
	query->view_count = bana_view_of(entity, BANA_SHOWN, query->view);
	bana_sql_init(&query->sql, ctx->arena);
	bana_sql_text(&query->sql,
		bana_field_stored(entity, "deleted_at") == NULL ? "TRUE" : "deleted_at IS NULL");
	if (entity->owner != NULL)
		bana_query_narrow(query, entity->owner, ctx->actor->user_id, "text");
	bana_query_close_where(query);
	close_order(ctx, query);
}

void bana_query_narrow(
	struct bana_query *query, const char *column, const char *value, const char *cast)
{
	bana_sql_text(&query->sql, " AND ");
	bana_sql_text(&query->sql, column);
	bana_sql_text(&query->sql, " = ");
	bana_sql_value(&query->sql, value, cast);
	bana_query_close_where(query);
}

void bana_query_after(struct bana_query *query, const struct bana_field *field, const char *value)
{
	bana_buf_print(&query->sql.text, " AND \"%s\" > ", field->column);
	bana_sql_value(&query->sql, value, bana_cast_of(field, false));
	bana_query_close_where(query);
	query->first = field;
}

static void read_where(struct bana_where *w, const struct bana_json *where)
{
	bana_where_read(w, where, "filter.where");
	bana_query_close_where(w->query);
}

static void read_limit(struct bana_where *w, const struct bana_json *limit)
{
	bool all = w->query->limit == BANA_NO_LIMIT;
	read_number(
		w, limit, "filter.limit", all ? INT64_MAX : BANA_QUERY_LIMIT_MAX, &w->query->limit);
}

static void read_offset(struct bana_where *w, const struct bana_json *offset)
{
	read_number(w, offset, "filter.offset", BANA_QUERY_SKIP_MAX, &w->query->skip);
}

static void read_skip(struct bana_where *w, const struct bana_json *skip)
{
	read_number(w, skip, "filter.skip", BANA_QUERY_SKIP_MAX, &w->query->skip);
}

/* In this order: the values of `where` come first, and `skip` wins over `offset`. */
/* clang-format off */
static const struct {
	const char *name;
	void (*read)(struct bana_where *w, const struct bana_json *value);
} members[] = {
	{"where",   read_where},
	{"order",   read_order},
	{"fields",  read_fields},
	{"limit",   read_limit},
	{"offset",  read_offset},
	{"skip",    read_skip},
	{"include", read_include},
};
/* clang-format on */
enum { MEMBERS = sizeof members / sizeof *members };

static void refuse_unknown(struct bana_where *w, const struct bana_json *filter)
{
	struct bana_arena *arena = w->ctx->arena;
	for (struct bana_json_member m = {0}; bana_json_next(filter, &m);) {
		size_t i = 0;
		while (i < MEMBERS && strcmp(members[i].name, m.name) != 0)
			i++;
		if (i < MEMBERS)
			continue;
		const char *name = bana_name_shown(arena, m.name);
		bana_issue_add(w->ctx, bana_join(arena, "filter.", name, NULL), "unrecognized_keys",
			NULL, bana_print(arena, "Unrecognized key: \"%s\"", name));
	}
}

BANA_RES bana_query_read_on(struct bana_req *q, unsigned flags, struct bana_query *query)
{
	struct bana_where w = {.ctx = &q->ctx, .query = query};
	const struct bana_json *filter, *value;
	query->masked = q->masked;
	query->order_count = 0;
	if (flags & BANA_ALL_ROWS)
		query->limit = BANA_NO_LIMIT;
	TRY(read_json(q, "filter", &filter));
	if (bana_json_kind(filter) != BANA_JSON_OBJECT) {
		bana_issue_type(&q->ctx, "filter", "object", filter);
		return bana_issues_close(&q->ctx);
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		if (bana_json_get(filter, members[i].name, &value))
			members[i].read(&w, value);
	}
	refuse_unknown(&w, filter);
	if (query->order_count == 0 && query->first != NULL)
		add_order(query,
			&(struct bana_operand){query->first, query->first->name,
				bana_print(q->ctx.arena, "\"%s\"", query->first->column), false},
			false);
	close_order(&q->ctx, query);
	return bana_where_close(&w);
}

BANA_RES bana_query_read(struct bana_req *q, unsigned flags, struct bana_query *query)
{
	bana_query_init(&q->ctx, q->route->entity, query);
	return bana_query_read_on(q, flags, query);
}

BANA_RES bana_query_read_where(struct bana_req *q, struct bana_query *query)
{
	struct bana_where w = {.ctx = &q->ctx, .query = query};
	const struct bana_json *where;
	bana_query_init(&q->ctx, q->route->entity, query);
	query->masked = q->masked;
	TRY(read_json(q, "where", &where));
	bana_where_read(&w, where, "where");
	bana_query_close_where(query);
	return bana_where_close(&w);
}
