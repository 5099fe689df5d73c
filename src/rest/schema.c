/*
 * Entities as JSON Schema (2020-12, that of OpenAPI 3.1).
 */
#include "bana/arena.h"
#include "bana/crud.h"
#include "bana/openapi.h"
#include "bana/query.h"
#include "bana/row.h"

#define ID_SCHEMA      "{\"$ref\":\"#/components/schemas/Id\"}"
#define INSTANT_SCHEMA "{\"$ref\":\"#/components/schemas/Instant\"}"

const char bana_schemas_common[] =
	"\"Id\":{\"type\":\"string\",\"pattern\":\"^[1-9][0-9]{0,18}$\",\"maxLength\":19,"
	"\"description\":\"Snowflake, decimal: (ms since 2025-01-01) << 22 | node << 12 | "
	"sequence. "
	"Sorts by time.\",\"examples\":[\"249557679503089664\"]},"
	"\"Instant\":{\"type\":\"string\",\"format\":\"date-time\",\"minLength\":24,\"maxLength\":"
	"24,"
	"\"description\":\"ISO 8601 in UTC, with "
	"milliseconds.\",\"examples\":[\"2026-11-20T15:33:07.361Z\"]},"
	"\"Checks\":{\"type\":\"object\",\"description\":\"What the service stands on. A part that "
	"is not required may fail: submits go on without it.\",\"additionalProperties\":{"
	"\"type\":\"object\",\"required\":[\"status\",\"required\",\"reason\"],"
	"\"additionalProperties\":false,\"properties\":{"
	"\"status\":{\"type\":\"string\",\"enum\":[\"ok\",\"failed\"]},"
	"\"required\":{\"type\":\"boolean\"},"
	"\"reason\":{\"type\":\"string\",\"examples\":[\"the database does not answer\"]}}}},"
	"\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457, with the members that ignis "
	"clients read.\","
	"\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\",\"message\","
	"\"statusCode\",\"requestId\",\"details\"],"
	"\"additionalProperties\":false,\"properties\":{"
	"\"type\":{\"type\":\"string\",\"pattern\":\"^urn:bana:problem:[a-z-]+$\",\"examples\":["
	"\"urn:bana:problem:validation\"]},"
	"\"title\":{\"type\":\"string\",\"examples\":[\"Unprocessable content\"]},"
	"\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599,\"examples\":[422]},"
	"\"detail\":{\"type\":\"string\",\"examples\":[\"ValidationError\"]},"
	"\"instance\":{\"type\":\"string\",\"description\":\"The path that was asked for.\"},"
	"\"message\":{\"type\":\"string\",\"examples\":[\"ValidationError\"]},"
	"\"statusCode\":{\"type\":\"integer\",\"description\":\"The same as "
	"`status`.\",\"examples\":[422]},"
	"\"requestId\":{\"type\":\"string\",\"description\":\"To be told to support: the log has "
	"it.\"},"
	"\"allowed\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
	"\"description\":\"Of a 409 about a status: those that may follow the present one.\"},"
	"\"details\":{\"type\":\"object\",\"required\":[\"url\",\"path\"],\"additionalProperties\":"
	"false,\"properties\":{"
	"\"url\":{\"type\":\"string\"},\"path\":{\"type\":\"string\"},"
	"\"checks\":{\"$ref\":\"#/components/schemas/Checks\"},"
	"\"cause\":{\"type\":\"array\",\"maxItems\":100,\"description\":\"Every reason, not just "
	"the first.\",\"items\":{"
	"\"type\":\"object\",\"required\":[\"path\",\"message\",\"code\"],\"additionalProperties\":"
	"false,\"properties\":{"
	"\"path\":{\"type\":\"string\",\"description\":\"Where, dot-joined from the root of what "
	"was sent.\",\"examples\":[\"email\"]},"
	"\"message\":{\"type\":\"string\",\"examples\":[\"Invalid email address\"]},"
	"\"code\":{\"type\":\"string\",\"description\":\"As zod 4 names "
	"it.\",\"enum\":[\"invalid_type\",\"too_small\",\"too_big\","
	"\"invalid_format\",\"invalid_value\",\"unrecognized_keys\",\"custom\"]},"
	"\"expected\":{\"type\":\"string\",\"description\":\"Of invalid_type: the type.\"}}}}}}}}";

void bana_ref(struct bana_buf *out, const char *kind, const char *name)
{
	bana_buf_print(out, "{\"$ref\":\"#/components/%s/%s\"}", kind, name);
}

/* ---- one field --------------------------------------------------------------------------------
 */

static void write_type(struct bana_buf *out, const char *type, bool nullable)
{
	if (nullable)
		bana_buf_print(out, "\"type\":[\"%s\",\"null\"]", type);
	else
		bana_buf_print(out, "\"type\":\"%s\"", type);
}

static void write_choices(struct bana_buf *out, const struct bana_field *f, bool nullable)
{
	write_type(out, "string", nullable);
	bana_buf_text(out, ",\"enum\":[");
	for (const struct bana_choice *c = f->choices; c->value != NULL; c++)
		bana_buf_print(out, c == f->choices ? "\"%s\"" : ",\"%s\"", c->value);
	bana_buf_text(out, nullable ? ",null]" : "]");
}

/* What it is, and what each of its values means. What is taken when it is absent stands in the
 * text: of a `default` generators of types make a member that must be there. */
static void write_meaning(struct bana_buf *out, const struct bana_field *f, bool sent)
{
	struct bana_buf text;
	bana_buf_init(&text, out->arena);
	bana_buf_text(&text, f->says);
	if (sent && f->fallback != NULL && f->type == BANA_ENUM)
		bana_buf_print(&text, " Absent in a new row: `%s`.", f->fallback);
	for (const struct bana_choice *c = f->choices; c != NULL && c->value != NULL; c++)
		bana_buf_print(
			&text, "%s- `%s`: %s", c == f->choices ? "\n\n" : "\n", c->value, c->says);
	bana_buf_json_member(out, "description", text.at);
	if (f->example != NULL) {
		bana_buf_json_name(out, "examples");
		bana_buf_print(out, "[%s]", f->example);
	}
}

/* `sent`: as it may come in; else as it goes out. */
static void write_field(struct bana_buf *out, const struct bana_field *f, bool sent)
{
	bool nullable = f->flags & BANA_NULLABLE;
	bana_buf_json_name(out, f->name);
	bana_buf_text(out, "{");
	switch (f->type) {
	case BANA_TEXT:
	case BANA_EMAIL:
	case BANA_EMAIL_KEY:
		write_type(out, "string", nullable);
		bana_buf_print(out, ",\"minLength\":%u,\"maxLength\":%u", f->min, f->max);
		if (f->type == BANA_EMAIL && sent)
			bana_buf_text(out, ",\"format\":\"email\"");
		break;
	case BANA_ENUM:
		write_choices(out, f, nullable);
		break;
	case BANA_ID:
		write_type(out, "string", nullable);
		bana_buf_text(out, ",\"pattern\":\"^[1-9][0-9]{0,18}$\"");
		break;
	case BANA_OBJECT:
		write_type(out, "object", nullable);
		bana_buf_text(out, ",\"additionalProperties\":true");
		break;
	case BANA_TEXTS:
		write_type(out, "array", nullable);
		bana_buf_print(out,
			",\"maxItems\":%u,\"items\":{\"type\":\"string\",\"minLength\":1,"
			"\"maxLength\":%u}",
			f->max, f->min);
		break;
	case BANA_SMALL:
	case BANA_INT:
		write_type(out, "integer", nullable);
		bana_buf_print(out, ",\"minimum\":%u,\"maximum\":%u", f->min, f->max);
		break;
	case BANA_BOOL:
		write_type(out, "boolean", nullable);
		break;
	case BANA_INSTANT:
		write_type(out, "string", nullable);
		bana_buf_text(out, ",\"format\":\"date-time\"");
	}
	write_meaning(out, f, sent);
	bana_buf_text(out, "}");
}

/* ---- one object -------------------------------------------------------------------------------
 */

static void write_object(struct bana_buf *out, const struct bana_entity *e,
	const unsigned char *view, size_t count, bool sent)
{
	bana_buf_text(out, "\"type\":\"object\",\"additionalProperties\":false");
	if (e->says != NULL)
		bana_buf_json_member(out, "description", e->says);
	bana_buf_json_name(out, "properties");
	bana_buf_text(out, "{");
	for (size_t i = 0; i < count; i++)
		write_field(out, &e->fields[view[i]], sent);
	bana_buf_text(out, "}");
}

void bana_schema_row(struct bana_buf *out, const struct bana_entity *e, const unsigned char *view,
	size_t count, bool all_required)
{
	bana_buf_text(out, "{");
	write_object(out, e, view, count, false);
	for (size_t i = 0; i < count && all_required; i++)
		bana_buf_print(
			out, i == 0 ? ",\"required\":[\"%s\"" : ",\"%s\"", e->fields[view[i]].name);
	bana_buf_text(out, all_required ? "]}" : "}");
}

void bana_schema_body(struct bana_buf *out, const struct bana_entity *e, unsigned who)
{
	unsigned char view[BANA_FIELDS_MAX];
	bool partial = who & BANA_PARTIAL;
	size_t count = bana_view_of(e, who & ~(unsigned)BANA_PARTIAL, view), required = 0;
	bana_buf_text(out, "{");
	write_object(out, e, view, count, true);
	for (size_t i = 0; i < count && !partial; i++) {
		if (e->fields[view[i]].flags & BANA_REQUIRED)
			bana_buf_print(out, required++ == 0 ? ",\"required\":[\"%s\"" : ",\"%s\"",
				e->fields[view[i]].name);
	}
	bana_buf_text(out, required > 0 ? "]}" : "}");
}

const char *bana_schema_body_name(
	struct bana_arena *arena, const struct bana_entity *e, unsigned who)
{
	const char *kind = who & BANA_PARTIAL  ? "Patch"
			   : who & BANA_PUBLIC ? "Submission"
					       : "Input";
	return bana_join(arena, e->name, e->table == NULL ? "" : kind, NULL);
}

/* ---- filters ----------------------------------------------------------------------------------
 */

static const char *value_schema(struct bana_arena *arena, enum bana_type type)
{
	switch (type) {
	case BANA_ID:
		return ID_SCHEMA;
	case BANA_INSTANT:
		return "{\"type\":[\"string\",\"integer\"],\"description\":\"ISO 8601, or "
		       "milliseconds since 1970.\"}";
	case BANA_SMALL:
	case BANA_INT:
		return "{\"type\":\"integer\"}";
	case BANA_BOOL:
		return "{\"type\":\"boolean\"}";
	case BANA_OBJECT:
		return bana_print(arena,
			"{\"type\":[\"string\",\"number\",\"boolean\"],\"maxLength\":%d}",
			BANA_QUERY_TEXT_MAX);
	default:
		return bana_print(
			arena, "{\"type\":\"string\",\"maxLength\":%d}", BANA_QUERY_TEXT_MAX);
	}
}

/* The columns that may be filtered or, unless they are lists, sorted by. */
static void write_names(struct bana_buf *out, const struct bana_entity *e, bool sorted)
{
	unsigned n = 0;
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		bool list = f->type == BANA_TEXTS;
		if ((f->flags & BANA_FILTERED) && f->type != BANA_OBJECT && !(sorted && list))
			bana_buf_print(out, n++ == 0 ? "%s" : "|%s", e->fields[i].name);
	}
}

static void write_where(struct bana_buf *out, const struct bana_entity *e)
{
	const struct bana_field *paths = NULL;
	bana_buf_print(out,
		"{\"type\":\"object\",\"description\":\"Conditions, all of which hold; a bare "
		"value is equality, "
		"null asks for null, a list for any of "
		"it.\",\"additionalProperties\":false,\"properties\":{"
		"\"and\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/components/"
		"schemas/%sWhere\"}},"
		"\"or\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/components/"
		"schemas/%sWhere\"}}",
		e->name, e->name);
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		if (!(f->flags & BANA_FILTERED))
			continue;
		if (f->type == BANA_OBJECT) {
			paths = f;
			continue;
		}
		bana_buf_json_name(out, f->name);
		bana_condition_schema(out, f->type, value_schema(out->arena, f->type));
	}
	bana_buf_text(out, "}");
	/* not patternProperties: of those generators of types make an index signature, which takes
	 * any name, and does not go with `and` and `or` */
	bana_buf_text(out, ",\"propertyNames\":{\"pattern\":\"^(and|or|");
	write_names(out, e, false);
	if (paths != NULL)
		bana_buf_print(out, "|%s(\\\\.([A-Za-z_][A-Za-z0-9_-]*|[0-9]+)){1,%d}", paths->name,
			BANA_PATH_PARTS_MAX);
	bana_buf_text(out, ")$\"}");
	if (paths != NULL) {
		bana_buf_json_name(out, "unevaluatedProperties");
		bana_condition_schema(out, BANA_OBJECT, value_schema(out->arena, BANA_OBJECT));
	}
	bana_buf_text(out, "}");
}

void bana_schema_filter(struct bana_buf *out, const struct bana_entity *e)
{
	unsigned char view[BANA_FIELDS_MAX];
	size_t count = bana_view_of(e, BANA_SHOWN, view);
	bana_buf_json_name(out, bana_join(out->arena, e->name, "Where", NULL));
	write_where(out, e);
	bana_buf_json_name(out, bana_join(out->arena, e->name, "Filter", NULL));
	bana_buf_print(out,
		"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
		"\"where\":{\"$ref\":\"#/components/schemas/%sWhere\"},"
		"\"order\":{\"type\":\"array\",\"maxItems\":%d,\"description\":\"Columns with ASC "
		"or DESC; the id "
		"comes last by itself.\",\"items\":{\"type\":\"string\",\"pattern\":\"^(",
		e->name, BANA_QUERY_ORDER_MAX);
	write_names(out, e, true);
	bana_buf_print(out,
		"|[a-z]+\\\\.[A-Za-z0-9_.-]+)( ([Aa][Ss][Cc]|[Dd][Ee][Ss][Cc]))?$\"},"
		"\"examples\":[[\"createdAt DESC\"]]},"
		"\"limit\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":%d,"
		"\"description\":\"Rows of a page, %d when absent; an export has no such "
		"limits.\"},"
		"\"skip\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":%d,\"description\":"
		"\"Rows to leave out; "
		"better follow the Link.\"},"
		"\"offset\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":%d,\"description\":"
		"\"The same; `skip` wins.\"},"
		"\"fields\":{\"description\":\"Only these fields.\",\"anyOf\":["
		"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[",
		BANA_QUERY_LIMIT_MAX, BANA_QUERY_LIMIT, BANA_QUERY_SKIP_MAX, BANA_QUERY_SKIP_MAX);
	for (size_t i = 0; i < count; i++)
		bana_buf_print(out, i == 0 ? "\"%s\"" : ",\"%s\"", e->fields[view[i]].name);
	bana_buf_text(out,
		"]}},{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}}]}}}");
}

/* ---- statistics -------------------------------------------------------------------------------
 */

static void write_statistic(
	struct bana_buf *out, const struct bana_entity *e, const struct bana_statistic *st)
{
	static const char number[] = "{\"type\":\"integer\",\"minimum\":0}";
	bana_buf_json_name(out, st->name);
	if (st->kind == BANA_VALUE) {
		bana_buf_text(out, "{\"type\":[\"number\",\"null\"]");
	} else if (st->kind == BANA_BY) {
		bana_buf_text(out,
			"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
		for (const struct bana_choice *c = e->fields[st->field].choices; c->value != NULL;
			c++) {
			bana_buf_json_name(out, c->value);
			bana_buf_text(out, number);
		}
		bana_buf_text(out, "}");
	} else {
		bana_buf_text(out,
			"{\"type\":\"array\",\"items\":{\"type\":\"object\","
			"\"additionalProperties\":false,"
			"\"properties\":{\"date\":{\"type\":\"string\",\"format\":\"date\"}");
		for (size_t i = 0; i < 4 && st->days[i].name != NULL; i++) {
			bana_buf_json_name(out, st->days[i].name);
			bana_buf_text(out, number);
		}
		bana_buf_text(out, "}}");
	}
	bana_buf_json_member(out, "description", st->says);
	bana_buf_text(out, "}");
}

void bana_schema_statistics(struct bana_buf *out, const struct bana_entity *e)
{
	bana_buf_json_name(out, bana_join(out->arena, e->name, "Statistics", NULL));
	bana_buf_text(out, "{\"type\":\"object\",\"additionalProperties\":false,\"required\":["
			   "\"timeZone\",\"total\"");
	for (size_t i = 0; i < e->statistic_count; i++)
		bana_buf_print(out, ",\"%s\"", e->statistics[i].name);
	bana_buf_text(out, "],\"properties\":{\"timeZone\":{\"type\":\"string\"},"
			   "\"total\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"Rows "
			   "made in this time.\"}");
	for (size_t i = 0; i < e->statistic_count; i++)
		write_statistic(out, e, &e->statistics[i]);
	bana_buf_text(out, "}}");
}
