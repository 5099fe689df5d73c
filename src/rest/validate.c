/*
 * From a JSON object to a row, with every reason why not. Texts and codes are those of zod 4, which
 * ignis clients know.
 */
#include "bana/ctx.h"
#include "bana/email.h"
#include "bana/entity.h"
#include "bana/json.h"

#include <assert.h>

struct taking {
	struct bana_ctx *ctx;
	const struct bana_field *field;
	const struct bana_json *value;
	struct bana_cell *cell;
};

static const char *expected_of(const struct bana_field *field)
{
	switch (field->type) {
	case BANA_OBJECT:
		return "object";
	case BANA_TEXTS:
		return "array";
	case BANA_SMALL:
	case BANA_INT:
		return "number";
	case BANA_BOOL:
		return "boolean";
	default:
		return "string";
	}
}

static void wrong_type(
	struct bana_ctx *ctx, const char *path, const char *expected, const char *received)
{
	bana_issue_add(ctx, path, "invalid_type", expected,
		bana_print(
			ctx->arena, "Invalid input: expected %s, received %s", expected, received));
}

void bana_issue_type(
	struct bana_ctx *ctx, const char *path, const char *expected, const struct bana_json *got)
{
	bool real = bana_json_kind(got) == BANA_JSON_REAL; /* all our numbers are whole */
	wrong_type(ctx, path, real && strcmp(expected, "number") == 0 ? "int" : expected,
		bana_json_kind_name(got));
}

void bana_issue_absent(struct bana_ctx *ctx, const char *path, const char *expected)
{
	wrong_type(ctx, path, expected, "undefined");
}

/* `of` is "string" or "array", `unit` "characters" or "items". */
static bool sized(struct taking *t, const char *path, const char *of, const char *unit, size_t size,
	unsigned min, unsigned max)
{
	if (size < min)
		bana_issue_add(t->ctx, path, "too_small", NULL,
			bana_print(t->ctx->arena, "Too small: expected %s to have >=%u %s", of, min,
				unit));
	if (size > max)
		bana_issue_add(t->ctx, path, "too_big", NULL,
			bana_print(t->ctx->arena, "Too big: expected %s to have <=%u %s", of, max,
				unit));
	return size >= min && size <= max;
}

static void take_text(struct taking *t)
{
	const struct bana_field *f = t->field;
	bana_str text = bana_utf8_trim(bana_json_str(t->value));
	if (!sized(t, f->name, "string", "characters", bana_utf8_count(text), f->min, f->max))
		return;
	if (f->type == BANA_EMAIL && !bana_email_valid(text))
		bana_issue_add(t->ctx, f->name, "invalid_format", NULL, "Invalid email address");
	else
		t->cell->text = bana_copy(t->ctx->arena, text.at, text.len);
}

static void take_choice(struct taking *t)
{
	bana_str text = bana_json_str(t->value);
	struct bana_buf options;
	bana_buf_init(&options, t->ctx->arena);
	for (const struct bana_choice *c = t->field->choices; c->value != NULL; c++) {
		if (bana_str_is(text, c->value)) {
			t->cell->text = c->value;
			return;
		}
		bana_buf_print(&options, "%s\"%s\"", options.len == 0 ? "" : "|", c->value);
	}
	bana_issue_add(t->ctx, t->field->name, "invalid_value", NULL,
		bana_print(t->ctx->arena, "Invalid option: expected one of %s", options.at));
}

static void take_object(struct taking *t)
{
	if (bana_json_depth(t->value) > BANA_OBJECT_DEPTH) {
		bana_issue_add(t->ctx, t->field->name, "too_big", NULL,
			bana_print(t->ctx->arena, "Too big: expected object to be <=%d levels deep",
				BANA_OBJECT_DEPTH));
		return;
	}
	bana_str text = bana_json_write(t->ctx, t->value);
	if (sized(t, t->field->name, "object", "bytes", text.len, 0, t->field->max))
		t->cell->text = text.at;
}

static void take_texts(struct taking *t)
{
	const struct bana_field *f = t->field;
	size_t count = bana_json_len(t->value);
	if (!sized(t, f->name, "array", "items", count, 0, f->max))
		return;
	struct bana_buf json;
	bana_buf_init(&json, t->ctx->arena);
	bana_buf_text(&json, "[");
	for (size_t i = 0; i < count; i++) {
		const struct bana_json *item = bana_json_at(t->value, i);
		const char *path = bana_print(t->ctx->arena, "%s.%zu", f->name, i);
		if (bana_json_kind(item) != BANA_JSON_STRING) {
			bana_issue_type(t->ctx, path, "string", item);
			continue;
		}
		bana_str text = bana_utf8_trim(bana_json_str(item));
		if (!sized(t, path, "string", "characters", bana_utf8_count(text), 1, f->min))
			continue;
		bana_buf_text(&json, i == 0 ? "" : ",");
		bana_buf_json_str(&json, text);
	}
	bana_buf_text(&json, "]");
	t->cell->text = json.at;
}

static void take_id(struct taking *t)
{
	int64_t id;
	bana_str text = bana_json_str(t->value);
	if (bana_parse_int(text, 1, INT64_MAX, &id).fault == BANA_OK)
		t->cell->text = bana_copy(t->ctx->arena, text.at, text.len);
	else
		bana_issue_add(t->ctx, t->field->name, "invalid_format", NULL, "Invalid id");
}

static void take_small(struct taking *t)
{
	int64_t value = bana_json_int(t->value);
	if (value >= (int64_t)t->field->min && value <= (int64_t)t->field->max)
		t->cell->text = bana_print(t->ctx->arena, "%lld", (long long)value);
	else
		bana_issue_add(t->ctx, t->field->name, "too_big", NULL,
			bana_print(t->ctx->arena, "Out of range: expected number from %u to %u",
				t->field->min, t->field->max));
}

static void take_bool(struct taking *t)
{
	t->cell->text = bana_json_bool(t->value) ? "t" : "f";
}

/* clang-format off */
static const struct { enum bana_json_kind kind; void (*take)(struct taking *t); } takers[] = {
	[BANA_TEXT]    = {BANA_JSON_STRING, take_text},
	[BANA_EMAIL]   = {BANA_JSON_STRING, take_text},
	[BANA_ENUM]    = {BANA_JSON_STRING, take_choice},
	[BANA_ID]      = {BANA_JSON_STRING, take_id},
	[BANA_OBJECT]  = {BANA_JSON_OBJECT, take_object},
	[BANA_TEXTS]   = {BANA_JSON_ARRAY,  take_texts},
	[BANA_SMALL]   = {BANA_JSON_INT,    take_small},
	[BANA_BOOL]    = {BANA_JSON_BOOL,   take_bool},
};
/* clang-format on */

static void take(struct taking *t)
{
	const struct bana_field *f = t->field;
	assert(f->type < sizeof takers / sizeof *takers &&
		takers[f->type].take != NULL); /* nobody may set the others */
	if (t->value == NULL && (f->flags & BANA_NULLABLE))
		t->cell->set = true;
	else if (bana_json_kind(t->value) != takers[f->type].kind)
		bana_issue_type(t->ctx, f->name, expected_of(f), t->value);
	else {
		t->cell->set = true;
		takers[f->type].take(t);
	}
}

/* Members that no field of this sender answers to. */
static void refuse_unknown(struct bana_ctx *ctx, const struct bana_entity *entity, unsigned who,
	const struct bana_json *object)
{
	for (struct bana_json_member m = {0}; bana_json_next(object, &m);) {
		bool known = false;
		for (size_t i = 0; i < entity->count && !known; i++)
			known = (entity->fields[i].flags & who) &&
				strcmp(entity->fields[i].name, m.name) == 0;
		if (known)
			continue;
		const char *name = bana_name_shown(ctx->arena, m.name);
		bana_issue_add(ctx, name, "unrecognized_keys", NULL,
			bana_print(ctx->arena, "Unrecognized key: \"%s\"", name));
	}
}

BANA_RES bana_row_take(struct bana_ctx *ctx, const struct bana_entity *entity, unsigned who,
	const struct bana_json *object, struct bana_row *row)
{
	assert(entity->count <= BANA_FIELDS_MAX);
	if (bana_json_kind(object) != BANA_JSON_OBJECT) {
		bana_issue_type(ctx, "root", "object", object);
		return bana_issues_close(ctx);
	}
	for (size_t i = 0; i < entity->count; i++) {
		struct taking t = {ctx, &entity->fields[i], NULL, &row->cells[i]};
		if (!(t.field->flags & who))
			continue;
		if (bana_json_get(object, t.field->name, &t.value))
			take(&t);
		else if ((t.field->flags & BANA_REQUIRED) && !(who & BANA_PARTIAL))
			bana_issue_absent(ctx, t.field->name, expected_of(t.field));
	}
	refuse_unknown(ctx, entity, who, object);
	return bana_issues_close(ctx);
}
