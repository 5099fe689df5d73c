/*
 * One condition: a name, an operator, a value, from one table of operators and one of types.
 */
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/email.h"
#include "bana/json.h"
#include "bana/query.h"

enum family { EQUAL = 1, ORDER = 2, PATTERN = 4, LIST = 8, RANGE = 16, ARRAY = 32 };

enum { SCALARS = EQUAL | ORDER | LIST | RANGE, TEXTUAL = SCALARS | PATTERN };

/* clang-format off */
static const struct operation {
	const char *name;
	const char *before, *after; /* of the operand */
	const char *with_null;      /* instead, when the operand is null */
	enum family family;
	bool whole;                 /* compares the value as a whole: tells nothing of a part of it */
} operations[] = {
	{"eq",          " = ",              "",    " IS NULL",      EQUAL,    true},
	{"is",          " = ",              "",    " IS NULL",      EQUAL,    true},
	{"ne",          " <> ",             "",    " IS NOT NULL",  EQUAL,    false},
	{"neq",         " <> ",             "",    " IS NOT NULL",  EQUAL,    false},
	{"isn",         " <> ",             "",    " IS NOT NULL",  EQUAL,    false},
	{"gt",          " > ",              "",    NULL,            ORDER,    false},
	{"gte",         " >= ",             "",    NULL,            ORDER,    false},
	{"lt",          " < ",              "",    NULL,            ORDER,    false},
	{"lte",         " <= ",             "",    NULL,            ORDER,    false},
	{"like",        " LIKE ",           "",    NULL,            PATTERN,  false},
	{"nlike",       " NOT LIKE ",       "",    NULL,            PATTERN,  false},
	{"ilike",       " ILIKE ",          "",    NULL,            PATTERN,  false},
	{"nilike",      " NOT ILIKE ",      "",    NULL,            PATTERN,  false},
	{"in",          " = ANY(",          ")",   NULL,            LIST,     true},
	{"inq",         " = ANY(",          ")",   NULL,            LIST,     true},
	{"nin",         " <> ALL(",         ")",   NULL,            LIST,     false},
	{"between",     " BETWEEN ",        "",    NULL,            RANGE,    false},
	{"notBetween",  " NOT BETWEEN ",    "",    NULL,            RANGE,    false},
	{"contains",    " @> ",             "",    NULL,            ARRAY,    false},
	{"containedBy", " <@ ",             "",    NULL,            ARRAY,    false},
	{"overlaps",    " && ",             "",    NULL,            ARRAY,    false},
};

/* What a type can be asked, and what its values are in SQL. */
static const struct type {
	const char *cast;
	unsigned families;
	const char *expected; /* of a value, in zod's words */
} types[] = {
	[BANA_TEXT]    = {"text",        TEXTUAL,                      "string"},
	[BANA_EMAIL]   = {"text",        TEXTUAL,                      "string"},
	[BANA_ENUM]    = {"text",        TEXTUAL,                      "string"},
	[BANA_ID]      = {"bigint",      SCALARS,                      "string"},
	[BANA_OBJECT]  = {"text",        TEXTUAL,                      "string"}, /* a member of it */
	[BANA_TEXTS]   = {"text[]",      EQUAL | ARRAY,                "array"},
	[BANA_SMALL]   = {"bigint",      SCALARS,                      "number"},
	[BANA_INT]     = {"bigint",      SCALARS,                      "number"},
	[BANA_INSTANT] = {"timestamptz", SCALARS,                      "string"},
	[BANA_BOOL]    = {"boolean",     EQUAL,                        "boolean"},
};
/* clang-format on */

/* One comparison being read. */
struct comparison {
	struct bana_where *w;
	struct bana_operand of;
	const struct operation *op;
	const char *path;
	bool numeric; /* a member of an OBJECT compared as a number */
	bool key;     /* an address compared by its normalised copy */
};

const char *bana_cast_of(const struct bana_field *field, bool path)
{
	return path ? "text" : types[field->type].cast;
}

static void invalid(struct comparison *c, const char *path, const char *code, const char *message)
{
	bana_issue_add(c->w->ctx, path, code, NULL, message);
}

/* ---- values -----------------------------------------------------------------------------------
 */

static const char *text_value(struct comparison *c, bana_str text, const char *path)
{
	if (bana_utf8_count(text) <= BANA_QUERY_TEXT_MAX)
		return c->key ? bana_email_key(c->w->ctx->arena, text)
			      : bana_copy(c->w->ctx->arena, text.at, text.len);
	invalid(c, path, "too_big",
		bana_print(c->w->ctx->arena, "Too big: expected string to have <=%d characters",
			BANA_QUERY_TEXT_MAX));
	return NULL;
}

static const char *id_value(struct comparison *c, bana_str text, const char *path)
{
	int64_t id;
	if (bana_parse_int(text, 0, INT64_MAX, &id).fault == BANA_OK)
		return bana_copy(c->w->ctx->arena, text.at, text.len);
	invalid(c, path, "invalid_format", "Invalid id");
	return NULL;
}

static const char *instant_value(
	struct comparison *c, const struct bana_json *value, const char *path)
{
	int64_t at;
	bool zoned;
	bana_res read = bana_json_kind(value) == BANA_JSON_INT
				? bana_instant_from_ms(bana_json_int(value), &at)
				: bana_instant_parse(bana_json_str(value), &at, &zoned);
	if (read.fault == BANA_OK)
		return bana_instant_write(c->w->ctx->arena, at);
	invalid(c, path, "invalid_format",
		"Invalid date: expected ISO 8601, or milliseconds since 1970");
	return NULL;
}

static bool number(const struct bana_json *value)
{
	enum bana_json_kind kind = bana_json_kind(value);
	return kind == BANA_JSON_INT || kind == BANA_JSON_REAL;
}

/* As PostgreSQL takes it; NULL: an issue was made. */
static const char *value_of(struct comparison *c, const struct bana_json *value, const char *path)
{
	enum bana_json_kind kind = bana_json_kind(value);
	enum bana_type type = c->of.field->type;
	if (c->of.path && (number(value) || kind == BANA_JSON_BOOL)) {
		c->numeric = c->numeric || number(value);
		return bana_json_write(c->w->ctx, value).at;
	}
	if (type == BANA_INSTANT && (kind == BANA_JSON_INT || kind == BANA_JSON_STRING))
		return instant_value(c, value, path);
	if (type == BANA_ID && kind == BANA_JSON_INT)
		return id_value(c, bana_json_write(c->w->ctx, value), path);
	if ((type == BANA_SMALL || type == BANA_INT) && kind == BANA_JSON_INT)
		return bana_json_write(c->w->ctx, value).at;
	if (type == BANA_BOOL && kind == BANA_JSON_BOOL)
		return bana_json_bool(value) ? "true" : "false";
	if (type == BANA_ID && kind == BANA_JSON_STRING)
		return id_value(c, bana_json_str(value), path);
	if (strcmp(types[type].expected, "string") == 0 && kind == BANA_JSON_STRING)
		return text_value(c, bana_json_str(value), path);
	bana_issue_type(c->w->ctx, path, types[type].expected, value);
	return NULL;
}

/* The items of a list (a lone value is a list of one) as an array literal; NULL: issues. */
static const char *list_of(struct comparison *c, const struct bana_json *list)
{
	struct bana_ctx *ctx = c->w->ctx;
	struct bana_buf literal;
	bool many = bana_json_kind(list) == BANA_JSON_ARRAY, good = true;
	size_t count = many ? bana_json_len(list) : 1;
	if (count > BANA_QUERY_LIST_MAX) {
		invalid(c, c->path, "too_big",
			bana_print(ctx->arena, "Too big: expected array to have <=%d items",
				BANA_QUERY_LIST_MAX));
		return NULL;
	}
	bana_buf_init(&literal, ctx->arena);
	bana_buf_text(&literal, "{");
	for (size_t i = 0; i < count; i++) {
		const struct bana_json *item = many ? bana_json_at(list, i) : list;
		const char *path = many ? bana_print(ctx->arena, "%s.%zu", c->path, i) : c->path;
		const char *text = NULL;
		if (c->of.field->type != BANA_TEXTS)
			text = value_of(c, item, path);
		else if (bana_json_kind(item) == BANA_JSON_STRING)
			text = text_value(c, bana_json_str(item), path);
		else
			bana_issue_type(ctx, path, "string", item);
		good = good && text != NULL;
		if (text != NULL)
			bana_array_add(&literal, bana_str_of(text));
	}
	bana_buf_text(&literal, "}");
	return good ? literal.at : NULL;
}

/* ---- SQL --------------------------------------------------------------------------------------
 */

/* A member of an OBJECT is text; as a number only where it looks like one. */
static void add_expression(struct comparison *c)
{
	struct bana_sql *sql = &c->w->query->sql;
	if (!c->numeric) {
		bana_sql_text(sql, c->of.sql);
		return;
	}
	bana_buf_print(&sql->text,
		"CASE WHEN %s ~ '^-?[0-9]{1,255}(\\.[0-9]{1,255})?([eE][+-]?[0-9]{1,3})?$'"
		" THEN %s::numeric END",
		c->of.sql, c->of.sql);
}

static const char *cast_of(const struct comparison *c)
{
	return c->numeric ? "numeric" : bana_cast_of(c->of.field, c->of.path);
}

/* Parts and ranges of addresses are compared without regard to case. */
static bool folds(const struct comparison *c)
{
	return c->of.field->type == BANA_EMAIL && !c->key;
}

static void add_value(struct comparison *c, const char *value)
{
	struct bana_sql *sql = &c->w->query->sql;
	bool fold = folds(c);
	bana_sql_text(sql, fold ? "lower(" : "");
	bana_sql_value(sql, value, cast_of(c));
	bana_sql_text(sql, fold ? ")" : "");
}

static void add_array(struct comparison *c, const char *literal)
{
	struct bana_sql *sql = &c->w->query->sql;
	bool fold = folds(c);
	bana_sql_text(sql, fold ? "lower(" : "");
	bana_sql_value(sql, literal, "text");
	bana_sql_text(sql, fold ? ")::" : "::");
	bana_sql_text(sql, c->of.field->type == BANA_TEXTS ? "text" : cast_of(c));
	bana_sql_text(sql, "[]");
}

static void begin(struct comparison *c)
{
	bana_sql_text(&c->w->query->sql, " AND ");
	add_expression(c);
	bana_sql_text(&c->w->query->sql, c->op->before);
}

static void compare_scalar(struct comparison *c, const struct bana_json *value)
{
	struct bana_sql *sql = &c->w->query->sql;
	if (value == NULL && c->op->with_null != NULL) {
		bana_sql_text(sql, " AND ");
		add_expression(c);
		bana_sql_text(sql, c->op->with_null);
		return;
	}
	const char *text = value_of(c, value, c->path);
	if (text == NULL)
		return;
	begin(c);
	add_value(c, text);
}

/* PostgreSQL takes no pattern that ends in a lone backslash. */
static bool pattern_whole(const char *text)
{
	size_t len = strlen(text), slashes = 0;
	while (slashes < len && text[len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static void compare_pattern(struct comparison *c, const struct bana_json *value)
{
	if (bana_json_kind(value) != BANA_JSON_STRING) {
		bana_issue_type(c->w->ctx, c->path, "string", value);
		return;
	}
	const char *text = text_value(c, bana_json_str(value), c->path);
	if (text == NULL)
		return;
	if (!pattern_whole(text)) {
		invalid(c, c->path, "invalid_format", "Invalid pattern: it ends in a lone \\");
		return;
	}
	begin(c);
	add_value(c, text);
}

/* Several values for a member of an OBJECT: numbers beside texts would be cast to numbers. */
static bool mixed(struct comparison *c, const struct bana_json *value)
{
	if (!c->of.path || bana_json_kind(value) != BANA_JSON_ARRAY)
		return false;
	size_t numbers = 0, count = bana_json_len(value);
	for (size_t i = 0; i < count; i++)
		numbers += number(bana_json_at(value, i));
	if (numbers == 0 || numbers == count)
		return false;
	invalid(c, c->path, "invalid_type", "Invalid input: expected items of one type");
	return true;
}

static void compare_list(struct comparison *c, const struct bana_json *value)
{
	const char *literal = mixed(c, value) ? NULL : list_of(c, value);
	if (literal == NULL)
		return;
	begin(c);
	add_array(c, literal);
	bana_sql_text(&c->w->query->sql, c->op->after);
}

static void compare_range(struct comparison *c, const struct bana_json *value)
{
	struct bana_ctx *ctx = c->w->ctx;
	if (bana_json_kind(value) != BANA_JSON_ARRAY || bana_json_len(value) != 2) {
		invalid(c, c->path, "invalid_type", "Invalid input: expected array of 2 items");
		return;
	}
	const char *low =
		value_of(c, bana_json_at(value, 0), bana_join(ctx->arena, c->path, ".0", NULL));
	const char *high =
		value_of(c, bana_json_at(value, 1), bana_join(ctx->arena, c->path, ".1", NULL));
	if (low == NULL || high == NULL || mixed(c, value))
		return;
	begin(c);
	add_value(c, low);
	bana_sql_text(&c->w->query->sql, " AND ");
	add_value(c, high);
}

/* Whole addresses are one when their normalised copies are. */
static void use_key(struct comparison *c)
{
	const struct bana_field *key = bana_field_email_key(c->w->query->entity);
	if (c->of.field->type != BANA_EMAIL || key == NULL || !(c->op->family & (EQUAL | LIST)))
		return;
	c->key = true;
	c->of.sql = bana_join(c->w->ctx->arena, "\"", key->column, "\"", NULL);
}

static void compare(struct comparison *c, const struct bana_json *value)
{
	struct bana_where *w = c->w;
	if (!(types[c->of.field->type].families & c->op->family)) {
		invalid(c, c->path, "invalid_value",
			bana_print(w->ctx->arena, "Invalid operator: %s does not apply to %s",
				c->op->name, c->of.field->name));
		return;
	}
	if (c->of.field->type == BANA_OBJECT && !c->of.path &&
		(value != NULL || c->op->with_null == NULL)) {
		invalid(c, c->path, "invalid_value",
			bana_print(w->ctx->arena,
				"An object is compared by its members (%s.name), or with null",
				c->of.field->name));
		return;
	}
	if (w->query->masked && (c->of.field->flags & BANA_MASKED) && !c->op->whole) {
		w->forbidden = true;
		invalid(c, c->path, "custom", "Shown to you in part: only eq and in are for you");
		return;
	}
	use_key(c);
	bool array = c->of.field->type == BANA_TEXTS && value != NULL;
	if (c->op->family == LIST || array || c->op->family == ARRAY) {
		compare_list(c, value);
	} else if (c->op->family == PATTERN) {
		compare_pattern(c, value);
	} else if (c->op->family == RANGE) {
		compare_range(c, value);
	} else {
		compare_scalar(c, value);
	}
}

bool bana_compare(struct bana_where *w, const struct bana_operand *of, const char *name,
	const struct bana_json *value, const char *path)
{
	struct comparison c = {.w = w, .of = *of, .path = path};
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		c.op = &operations[i];
		compare(&c, value);
		return true;
	}
	return false;
}

/* ---- for the OpenAPI document -----------------------------------------------------------------
 */

/* What an operator of the family takes: one value, or a list of them. */
static void operand_schema(struct bana_buf *out, const struct operation *op, const char *value)
{
	bool list = op->family == LIST || op->family == ARRAY || op->family == RANGE;
	bana_buf_json_name(out, op->name);
	if (op->with_null != NULL)
		bana_buf_print(out, "{\"anyOf\":[%s,{\"type\":\"null\"}]}", value);
	else if (op->family == PATTERN)
		bana_buf_print(out, "{\"type\":\"string\",\"maxLength\":%d}", BANA_QUERY_TEXT_MAX);
	else if (list)
		bana_buf_print(out,
			"{\"type\":\"array\",\"items\":%s,\"minItems\":%d,\"maxItems\":%d}", value,
			op->family == RANGE ? 2 : 0, op->family == RANGE ? 2 : BANA_QUERY_LIST_MAX);
	else
		bana_buf_text(out, value);
}

void bana_condition_schema(struct bana_buf *out, enum bana_type type, const char *value)
{
	bana_buf_text(out, "{\"anyOf\":[");
	if (type != BANA_TEXTS)
		bana_buf_print(out, "%s,", value);
	bana_buf_print(out,
		"{\"type\":\"null\"},{\"type\":\"array\",\"items\":%s,\"maxItems\":%d},"
		"{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":false,"
		"\"properties\":{",
		value, BANA_QUERY_LIST_MAX);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		if (types[type].families & operations[i].family &&
			!(type == BANA_TEXTS && operations[i].family == EQUAL))
			operand_schema(out, &operations[i], value);
	}
	bana_buf_text(out, "}}]}");
}
