/*
 * The conditions of a filter (ignis.md 2.3): objects of names, and, or. What a name is compared
 * with is compare.c's.
 */
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/query.h"

void bana_where_unknown(struct bana_where *w, const char *path, const char *text)
{
	bana_issue_add(w->ctx, path, "unrecognized_keys", NULL, text);
	if (w->unknown == NULL)
		w->unknown = text;
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* [A-Za-z_][A-Za-z0-9_-]* or digits. */
static bool part_valid(bana_str part)
{
	bool word = part.len > 0 && part.len <= 64, digits = word;
	for (size_t i = 0; i < part.len; i++) {
		char c = part.at[i];
		bool digit = c >= '0' && c <= '9';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		word = word && (letter || (i > 0 && (digit || c == '-')));
		digits = digits && digit;
	}
	return word || digits;
}

/* "a[0].b" as "a.0.b", which is the same path (ignis.md 2.3 knows both). */
static bana_str dotted(struct bana_arena *arena, const char *path)
{
	struct bana_buf out;
	bana_buf_init(&out, arena);
	bana_buf_text(&out, "");
	for (size_t i = 0; path[i] != '\0'; i++) {
		size_t digits = path[i] == '[' ? strspn(path + i + 1, "0123456789") : 0;
		if (i == 0 || digits == 0 || path[i + 1 + digits] != ']') {
			bana_buf_add(&out, path + i, 1);
			continue;
		}
		bana_buf_text(&out, ".");
		bana_buf_add(&out, path + i + 1, digits);
		i += digits + 1;
	}
	return bana_buf_str(&out);
}

/* The "a.b" of "metadata.a.b": the parts become one parameter. */
static bool path_sql(struct bana_where *w, const struct bana_field *field, const char *name,
	struct bana_operand *operand)
{
	bana_str rest = dotted(w->ctx->arena, strchr(name, '.') + 1);
	struct bana_buf parts;
	unsigned count = 0;
	bana_buf_init(&parts, w->ctx->arena);
	bana_buf_text(&parts, "{");
	while (rest.len > 0) {
		bana_str part = bana_str_cut(rest, '.', &rest);
		if (!part_valid(part) || ++count > BANA_PATH_PARTS_MAX)
			return false;
		bana_array_add(&parts, part);
	}
	bana_buf_text(&parts, "}");
	if (count == 0 || name[strlen(name) - 1] == '.')
		return false;
	const char *ref = bana_sql_ref(&w->query->sql, parts.at, "text[]");
	*operand = (struct bana_operand){field, name,
		bana_join(w->ctx->arena, "(\"", field->column, "\" #>> ", ref, ")", NULL), true};
	return true;
}

bool bana_operand_find(struct bana_where *w, const char *clause, const char *name, const char *path,
	struct bana_operand *operand)
{
	bana_str rest, head = bana_str_cut(bana_str_of(name), '.', &rest);
	const struct bana_field *field = bana_field_find(w->query->entity, head);
	bool is_path = head.len < strlen(name);
	bool open = field != NULL && (field->flags & BANA_FILTERED);
	if (open && is_path && field->type == BANA_OBJECT && path_sql(w, field, name, operand))
		return true;
	if (open && !is_path) {
		/* addresses compare without regard to case */
		bool fold = field->type == BANA_EMAIL;
		*operand = (struct bana_operand){field, name,
			bana_join(w->ctx->arena, fold ? "lower(\"" : "\"", field->column,
				fold ? "\")" : "\"", NULL),
			false};
		return true;
	}
	bana_where_unknown(w, path,
		bana_print(w->ctx->arena,
			"[FilterBuilder][%s] Table: %s | Column NOT FOUND | key: '%s'", clause,
			w->query->entity->name, bana_name_shown(w->ctx->arena, name)));
	return false;
}

/* ---- objects ----------------------------------------------------------------------------------
 */

/* Is one more condition within the bound? */
static bool counted(struct bana_where *w, const char *path)
{
	if (++w->conditions == BANA_QUERY_CONDITIONS_MAX + 1)
		bana_issue_add(w->ctx, path, "too_big", NULL,
			bana_print(w->ctx->arena, "Too big: expected at most %d conditions",
				BANA_QUERY_CONDITIONS_MAX));
	return w->conditions <= BANA_QUERY_CONDITIONS_MAX;
}

static void compare_field(
	struct bana_where *w, const char *name, const struct bana_json *value, const char *path)
{
	struct bana_operand of;
	if (!counted(w, path) || !bana_operand_find(w, "toWhere", name, path, &of))
		return;
	if (bana_json_kind(value) != BANA_JSON_OBJECT) {
		bool list = bana_json_kind(value) == BANA_JSON_ARRAY;
		bana_compare(
			w, &of, list && of.field->type != BANA_TEXTS ? "in" : "eq", value, path);
		return;
	}
	struct bana_json_member m = {0};
	if (!bana_json_next(value, &m)) {
		bana_issue_add(w->ctx, path, "too_small", NULL,
			"Too small: expected object to have >=1 operators");
		return;
	}
	do {
		const char *word = bana_name_shown(w->ctx->arena, m.name);
		const char *at = bana_join(w->ctx->arena, path, ".", word, NULL);
		if (!bana_compare(w, &of, m.name, m.value, at))
			bana_where_unknown(w, at,
				bana_print(w->ctx->arena,
					"[FilterBuilder][toWhere] Invalid query operator: '%s'",
					word));
	} while (bana_json_next(value, &m) && counted(w, path));
}

static void read_object(
	struct bana_where *w, const struct bana_json *where, const char *path, unsigned depth);

/* `and`, `or`: a list of where objects; an object is a list of one. */
static void read_group(struct bana_where *w, bool either, const struct bana_json *list,
	const char *path, unsigned depth)
{
	struct bana_sql *sql = &w->query->sql;
	bool many = bana_json_kind(list) == BANA_JSON_ARRAY;
	size_t count = many ? bana_json_len(list) : 1;
	if (count == 0 || count > BANA_QUERY_CONDITIONS_MAX) {
		bana_issue_add(w->ctx, path, count == 0 ? "too_small" : "too_big", NULL,
			bana_print(w->ctx->arena, "Expected 1 to %d where objects",
				BANA_QUERY_CONDITIONS_MAX));
		return;
	}
	bana_sql_text(sql, " AND (");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			bana_sql_text(sql, either ? " OR " : " AND ");
		bana_sql_text(sql, "(TRUE");
		read_object(w, many ? bana_json_at(list, i) : list,
			many ? bana_print(w->ctx->arena, "%s.%zu", path, i) : path, depth + 1);
		bana_sql_text(sql, ")");
	}
	bana_sql_text(sql, ")");
}

static void read_object(
	struct bana_where *w, const struct bana_json *where, const char *path, unsigned depth)
{
	if (depth > BANA_QUERY_DEPTH_MAX) {
		bana_issue_add(w->ctx, path, "too_big", NULL,
			bana_print(w->ctx->arena, "Too big: expected <=%d levels of and, or",
				BANA_QUERY_DEPTH_MAX));
		return;
	}
	if (bana_json_kind(where) != BANA_JSON_OBJECT) {
		bana_issue_type(w->ctx, path, "object", where);
		return;
	}
	bool empty = true;
	for (struct bana_json_member m = {0}; bana_json_next(where, &m); empty = false) {
		const char *member = bana_join(
			w->ctx->arena, path, ".", bana_name_shown(w->ctx->arena, m.name), NULL);
		bool either = strcmp(m.name, "or") == 0;
		if (either || strcmp(m.name, "and") == 0)
			read_group(w, either, m.value, member, depth);
		else
			compare_field(w, m.name, m.value, member);
	}
	/* in a group an empty object would mean every row: said outright it is fine, by slip it is
	 * not */
	if (empty && depth > 0)
		bana_issue_add(w->ctx, path, "too_small", NULL,
			"Too small: expected object to have >=1 conditions");
}

void bana_where_read(struct bana_where *w, const struct bana_json *where, const char *path)
{
	read_object(w, where, path, 0);
	w->query->narrowed = w->conditions > 0;
}

BANA_RES bana_where_close(struct bana_where *w)
{
	if (w->unknown != NULL)
		return bana_fail(w->ctx, BANA_MALFORMED, w->unknown, NULL);
	if (w->forbidden)
		return bana_fail(w->ctx, BANA_FORBIDDEN, "A field is shown to you in part", NULL);
	return bana_issues_close(w->ctx);
}
