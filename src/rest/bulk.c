/*
 * POST .../bulk {"ids": [...], "patch": {...}}: one patch for rows that are named, and for each row
 * what became of it.
 */
#include "bana/app.h"
#include "bana/change.h"
#include "bana/crud.h"
#include "bana/json.h"
#include "bana/req.h"

#include <stdlib.h>

BANA_RES bana_ids_read(
	struct bana_ctx *ctx, const struct bana_json *body, int64_t most, const char **literal)
{
	const struct bana_json *list = NULL;
	struct bana_buf ids;
	int64_t id;
	if (!bana_json_get(body, "ids", &list))
		bana_issue_absent(ctx, "ids", "array");
	else if (bana_json_kind(list) != BANA_JSON_ARRAY)
		bana_issue_type(ctx, "ids", "array", list);
	if (bana_json_kind(list) != BANA_JSON_ARRAY)
		return bana_issues_close(ctx);
	size_t count = bana_json_len(list);
	if (count == 0 || count > (size_t)most)
		bana_issue_add(ctx, "ids", count == 0 ? "too_small" : "too_big", NULL,
			bana_print(ctx->arena, "Expected 1 to %lld ids", (long long)most));
	bana_buf_init(&ids, ctx->arena);
	bana_buf_text(&ids, "{");
	for (size_t i = 0; i < count && i < (size_t)most; i++) {
		const struct bana_json *item = bana_json_at(list, i);
		const char *path = bana_print(ctx->arena, "ids.%zu", i);
		if (bana_json_kind(item) != BANA_JSON_STRING)
			bana_issue_type(ctx, path, "string", item);
		else if (bana_parse_int(bana_json_str(item), 1, INT64_MAX, &id).fault != BANA_OK)
			bana_issue_add(ctx, path, "invalid_format", NULL, "Invalid id");
		else
			bana_array_add(&ids, bana_json_str(item));
	}
	bana_buf_text(&ids, "}");
	*literal = ids.at;
	return bana_issues_close(ctx);
}

/* {ids, patch} and nothing else. OK: what is wrong with the patch is among the issues, for what is
 * wrong with the ids to be told with it. */
static BANA_RES read_body(
	struct bana_req *q, const struct bana_json **whole, struct bana_row *patch)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_json *body, *fields;
	TRY(bana_req_json(q, &body));
	*whole = body;
	if (bana_json_kind(body) != BANA_JSON_OBJECT) {
		bana_issue_type(ctx, "root", "object", body);
		return bana_issues_close(ctx);
	}
	for (struct bana_json_member m = {0}; bana_json_next(body, &m);) {
		if (strcmp(m.name, "ids") == 0 || strcmp(m.name, "patch") == 0)
			continue;
		const char *name = bana_name_shown(ctx->arena, m.name);
		bana_issue_add(ctx, name, "unrecognized_keys", NULL,
			bana_print(ctx->arena, "Unrecognized key: \"%s\"", name));
	}
	if (!bana_json_get(body, "patch", &fields)) {
		bana_issue_absent(ctx, "patch", "object");
		return BANA_DONE;
	}
	struct bana_issue **from = ctx->failure.end;
	bana_ignore(bana_row_take(ctx, q->route->entity, BANA_STAFF | BANA_PARTIAL, fields, patch),
		"its issues are closed with those of the ids");
	for (struct bana_issue *issue = *from; issue != NULL; issue = issue->next)
		issue->path = strcmp(issue->path, "root") == 0
				      ? "patch"
				      : bana_join(ctx->arena, "patch.", issue->path, NULL);
	return BANA_DONE;
}

static void write_result(
	struct bana_buf *json, const struct bana_changed *row, const char *id, const char *etag)
{
	enum bana_fault fault = row == NULL ? BANA_NOT_FOUND : row->fault;
	bana_buf_text(json, "{");
	bana_buf_json_member(json, "id", id);
	bana_buf_json_member_int(json, "status", bana_fault_row(fault)->status);
	if (fault == BANA_OK) {
		bana_buf_json_member(json, "etag", etag);
	} else {
		const char *message = row == NULL                   ? "Not found"
				      : row->failure.issues != NULL ? row->failure.issues->message
								    : row->failure.message;
		bana_buf_json_member(json, "message", message);
		if (row != NULL && row->failure.allowed != NULL) {
			bana_buf_json_name(json, "allowed");
			bana_buf_text(json, row->failure.allowed);
		}
	}
	bana_buf_text(json, "}");
}

/* By number: the shorter is the smaller, for neither has leading zeros. */
static int by_id(const void *key, const void *row)
{
	const char *wanted = key, *id = ((const struct bana_changed *)row)->id;
	size_t a = strlen(wanted), b = strlen(id);
	return a == b ? strcmp(wanted, id) : a < b ? -1 : 1;
}

/* In the order in which they were asked for. */
static void write_results(struct bana_ctx *ctx, const struct bana_json *ids,
	const struct bana_change *change, struct bana_buf *json)
{
	const struct bana_entity *e = change->entity;
	size_t version = bana_field_place(e, bana_field_stored(e, "version"));
	bana_buf_text(json, "[");
	for (size_t i = 0; i < bana_json_len(ids); i++) {
		const char *id = bana_json_str(bana_json_at(ids, i)).at;
		const struct bana_changed *row =
			bsearch(id, change->rows, change->count, sizeof *change->rows, by_id);
		bana_buf_text(json, i == 0 ? "" : ",");
		write_result(json, row, id,
			row == NULL ? NULL : bana_etag(ctx, row->after.cells[version].text));
	}
	bana_buf_text(json, "]");
}

static BANA_RES bulk(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	struct bana_sql *where = bana_alloc(ctx->arena, sizeof *where);
	const struct bana_json *body, *ids = NULL;
	const char *literal = "{}";
	struct bana_change change = {.entity = q->route->entity,
		.action = "update",
		.patch = patch,
		.each = true,
		.rows_max = ctx->app->settings->bulk_rows_max};
	struct bana_buf json;
	TRY(bana_match_none(q));
	TRY(read_body(q, &body, patch));
	TRY(bana_ids_read(ctx, body, change.rows_max, &literal));
	bana_sql_init(where, ctx->arena);
	bana_sql_text(where, "deleted_at IS NULL AND id = ANY(");
	bana_sql_value(where, literal, "bigint[]");
	bana_sql_text(where, ")");
	TRY(bana_change_run(ctx, &change, where));
	bana_json_get(body, "ids", &ids);
	bana_buf_init(&json, ctx->arena);
	write_results(ctx, ids, &change, &json);
	return bana_reply_list(q, 200, bana_buf_str(&json), bana_json_len(ids));
}

/* clang-format off */
const struct bana_call bana_crud_bulk = {
	.handle = bulk, .name = "bulk", .status = 200, .gives = BANA_GIVES_OTHERS,
	.body = BANA_STAFF | BANA_PARTIAL, .faults = "409", /* what only the database can judge, of all */
	.body_schema = "{\"type\":\"object\",\"required\":[\"ids\",\"patch\"],\"additionalProperties\":false,"
		"\"properties\":{\"ids\":{\"type\":\"array\",\"minItems\":1,"
		"\"description\":\"The rows; APP_ENV_BULK_ROWS_MAX is the most.\","
		"\"items\":{\"$ref\":\"#/components/schemas/Id\"}},"
		"\"patch\":{\"$ref\":\"#/components/schemas/@Patch\"}}}",
	.schema = "{\"type\":\"object\",\"required\":[\"id\",\"status\"],\"additionalProperties\":false,"
		"\"description\":\"What became of one row.\",\"properties\":{"
		"\"id\":{\"$ref\":\"#/components/schemas/Id\"},"
		"\"status\":{\"type\":\"integer\",\"enum\":[200,404,409,422],"
		"\"description\":\"200 changed, or as wanted already; otherwise as the call about one row would answer.\"},"
		"\"etag\":{\"type\":\"string\",\"examples\":[\"\\\"v2\\\"\"]},"
		"\"message\":{\"type\":\"string\",\"description\":\"Why it was not changed.\"},"
		"\"allowed\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
		"\"description\":\"Of a 409: statuses that may follow the present one.\"}}}",
};
/* clang-format on */
