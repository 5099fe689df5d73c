/*
 * From a JSON object to a row, with every reason why not. Texts and codes are those of zod 4, which
 * ignis clients know.
 */
#include "bana/ctx.h"
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
		return "number";
	default:
		return "string";
	}
}

static void wrong_type(
	struct taking *t, const char *path, const char *expected, const char *received)
{
	bana_issue_add(t->ctx, path, "invalid_type", expected,
		bana_print(t->ctx->arena, "Invalid input: expected %s, received %s", expected,
			received));
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
	for (const char *const *c = t->field->choices; *c != NULL; c++) {
		if (bana_str_is(text, *c)) {
			t->cell->text = *c;
			return;
		}
		bana_buf_print(&options, "%s\"%s\"", options.len == 0 ? "" : "|", *c);
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

/* A PostgreSQL array literal: every item quoted. */
static void add_item(struct bana_buf *literal, bana_str item)
{
	bana_buf_text(literal, literal->len == 1 ? "\"" : ",\"");
	for (size_t i = 0; i < item.len; i++) {
		if (item.at[i] == '"' || item.at[i] == '\\')
			bana_buf_text(literal, "\\");
		bana_buf_add(literal, &item.at[i], 1);
	}
	bana_buf_text(literal, "\"");
}

static void take_texts(struct taking *t)
{
	const struct bana_field *f = t->field;
	size_t count = bana_json_len(t->value);
	if (!sized(t, f->name, "array", "items", count, 0, f->max))
		return;
	struct bana_buf literal;
	bana_buf_init(&literal, t->ctx->arena);
	bana_buf_text(&literal, "{");
	for (size_t i = 0; i < count; i++) {
		const struct bana_json *item = bana_json_at(t->value, i);
		const char *path = bana_print(t->ctx->arena, "%s.%zu", f->name, i);
		if (bana_json_kind(item) != BANA_JSON_STRING) {
			wrong_type(t, path, "string", bana_json_kind_name(item));
			continue;
		}
		bana_str text = bana_utf8_trim(bana_json_str(item));
		if (sized(t, path, "string", "characters", bana_utf8_count(text), 1, f->min))
			add_item(&literal, text);
	}
	bana_buf_text(&literal, "}");
	t->cell->text = literal.at;
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

/* clang-format off */
static const struct { enum bana_json_kind kind; void (*take)(struct taking *t); } takers[] = {
	[BANA_TEXT]    = {BANA_JSON_STRING, take_text},
	[BANA_EMAIL]   = {BANA_JSON_STRING, take_text},
	[BANA_ENUM]    = {BANA_JSON_STRING, take_choice},
	[BANA_ID]      = {BANA_JSON_STRING, take_id},
	[BANA_OBJECT]  = {BANA_JSON_OBJECT, take_object},
	[BANA_TEXTS]   = {BANA_JSON_ARRAY,  take_texts},
	[BANA_SMALL]   = {BANA_JSON_INT,    take_small},
};
/* clang-format on */

static void take(struct taking *t)
{
	const struct bana_field *f = t->field;
	assert(f->type < sizeof takers / sizeof *takers); /* nobody may set the others */
	if (t->value == NULL && (f->flags & BANA_NULLABLE))
		t->cell->set = true;
	else if (bana_json_kind(t->value) != takers[f->type].kind)
		wrong_type(t, f->name, expected_of(f), bana_json_kind_name(t->value));
	else {
		t->cell->set = true;
		takers[f->type].take(t);
	}
}

/* Members that no field of this sender answers to. */
static void refuse_unknown(struct bana_ctx *ctx, const struct bana_entity *entity, unsigned who,
	const struct bana_json *object)
{
	enum { NAME_SHOWN = 64 };
	for (struct bana_json_member m = {0}; bana_json_next(object, &m);) {
		bool known = false;
		for (size_t i = 0; i < entity->count && !known; i++)
			known = (entity->fields[i].flags & who) &&
				strcmp(entity->fields[i].name, m.name) == 0;
		if (known)
			continue;
		size_t shown = 0; /* a whole number of characters of a name of any length */
		while (m.name[shown] != '\0' &&
			(shown < NAME_SHOWN || (m.name[shown] & 0xC0) == 0x80))
			shown++;
		const char *name = bana_copy(ctx->arena, m.name, shown);
		bana_issue_add(ctx, name, "unrecognized_keys", NULL,
			bana_print(ctx->arena, "Unrecognized key: \"%s\"", name));
	}
}

BANA_RES bana_row_take(struct bana_ctx *ctx, const struct bana_entity *entity, unsigned who,
	const struct bana_json *object, struct bana_row *row)
{
	assert(entity->count <= BANA_FIELDS_MAX);
	if (bana_json_kind(object) != BANA_JSON_OBJECT) {
		bana_issue_add(ctx, "root", "invalid_type", "object",
			bana_print(ctx->arena, "Invalid input: expected object, received %s",
				bana_json_kind_name(object)));
		return bana_issues_close(ctx);
	}
	for (size_t i = 0; i < entity->count; i++) {
		struct taking t = {ctx, &entity->fields[i], NULL, &row->cells[i]};
		if (!(t.field->flags & who))
			continue;
		if (bana_json_get(object, t.field->name, &t.value))
			take(&t);
		else if (t.field->flags & BANA_REQUIRED)
			wrong_type(&t, t.field->name, expected_of(t.field), "undefined");
	}
	refuse_unknown(ctx, entity, who, object);
	return bana_issues_close(ctx);
}
