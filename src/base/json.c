#include "bana/json.h"

#include <assert.h>
#include <json-c/json.h>

#include "bana/ctx.h"

static json_object *tree(const struct bana_json *json)
{
	return (json_object *)(uintptr_t)json; /* json-c's readers take no const */
}

static void put(void *object)
{
	json_object_put(object);
}

static unsigned count_members(json_object *o)
{
	unsigned count = 0;
	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			count += count_members(json_object_array_get_idx(o, i));
	}
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, name, value)
		{
			(void)name;
			count += 1 + count_members(value);
		}
	}
	return count;
}

static BANA_RES refuse(struct bana_ctx *ctx, const char *why)
{
	bana_issue_add(ctx, "root", "custom", NULL, why);
	return bana_issues_close(ctx);
}

BANA_RES bana_json_parse(
	struct bana_ctx *ctx, bana_str text, unsigned depth_max, const struct bana_json **json)
{
	struct bana_json_scan scan;
	bana_json_scan(text, depth_max, &scan);
	if (scan.malformed != NULL) {
		ctx->failure.detail =
			bana_print(ctx->arena, "%s at byte %zu", scan.malformed, scan.at_byte);
		return bana_fail(ctx, BANA_MALFORMED, "Malformed Body Payload", NULL);
	}
	if (scan.refused != NULL)
		return refuse(
			ctx, bana_print(ctx->arena, "%s at byte %zu", scan.refused, scan.at_byte));
	json_tokener *t = json_tokener_new_ex((int)depth_max + 2);
	assert(t != NULL);
	json_object *o = json_tokener_parse_ex(t, text.at, (int)text.len);
	if (json_tokener_get_error(t) == json_tokener_continue) /* a bare number at the very end */
		o = json_tokener_parse_ex(t, "", -1);
	enum json_tokener_error error = json_tokener_get_error(t);
	json_tokener_free(t);
	bana_defer(ctx->arena, put, o);
	if (error != json_tokener_success)
		return bana_fail(ctx, BANA_MALFORMED, "Malformed Body Payload",
			json_tokener_error_desc(error));
	if (count_members(o) != scan.members)
		return refuse(ctx, "The same member twice in one object");
	*json = (const struct bana_json *)o;
	return BANA_DONE;
}

enum bana_json_kind bana_json_kind(const struct bana_json *json)
{
	static const enum bana_json_kind kinds[] = {
		[json_type_null] = BANA_JSON_NULL,
		[json_type_boolean] = BANA_JSON_BOOL,
		[json_type_double] = BANA_JSON_REAL,
		[json_type_int] = BANA_JSON_INT,
		[json_type_object] = BANA_JSON_OBJECT,
		[json_type_array] = BANA_JSON_ARRAY,
		[json_type_string] = BANA_JSON_STRING,
	};
	return kinds[json_object_get_type(tree(json))];
}

const char *bana_json_kind_name(const struct bana_json *json)
{
	static const char *const names[] = {
		"null", "boolean", "number", "number", "string", "array", "object"};
	return names[bana_json_kind(json)];
}

bana_str bana_json_str(const struct bana_json *json)
{
	assert(bana_json_kind(json) == BANA_JSON_STRING);
	return (bana_str){
		json_object_get_string(tree(json)), (size_t)json_object_get_string_len(tree(json))};
}

int64_t bana_json_int(const struct bana_json *json)
{
	assert(bana_json_kind(json) == BANA_JSON_INT);
	return json_object_get_int64(tree(json));
}

bool bana_json_bool(const struct bana_json *json)
{
	assert(bana_json_kind(json) == BANA_JSON_BOOL);
	return json_object_get_boolean(tree(json));
}

size_t bana_json_len(const struct bana_json *array)
{
	assert(bana_json_kind(array) == BANA_JSON_ARRAY);
	return json_object_array_length(tree(array));
}

const struct bana_json *bana_json_at(const struct bana_json *array, size_t index)
{
	return (const struct bana_json *)json_object_array_get_idx(tree(array), index);
}

bool bana_json_get(const struct bana_json *object, const char *name, const struct bana_json **value)
{
	json_object *o;
	if (bana_json_kind(object) != BANA_JSON_OBJECT ||
		!json_object_object_get_ex(tree(object), name, &o))
		return false;
	*value = (const struct bana_json *)o;
	return true;
}

bool bana_json_get_str(const struct bana_json *object, const char *name, bana_str *text)
{
	const struct bana_json *value;
	if (!bana_json_get(object, name, &value) || bana_json_kind(value) != BANA_JSON_STRING)
		return false;
	*text = bana_json_str(value);
	return true;
}

bool bana_json_next(const struct bana_json *object, struct bana_json_member *member)
{
	struct lh_entry *entry = member->place == NULL ? json_object_get_object(tree(object))->head
						       : ((struct lh_entry *)member->place)->next;
	if (entry == NULL)
		return false;
	*member = (struct bana_json_member){lh_entry_k(entry), lh_entry_v(entry), entry};
	return true;
}

unsigned bana_json_depth(const struct bana_json *json)
{
	unsigned deepest = 0;
	if (bana_json_kind(json) == BANA_JSON_ARRAY) {
		for (size_t i = 0; i < bana_json_len(json); i++) {
			unsigned depth = bana_json_depth(bana_json_at(json, i));
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	if (bana_json_kind(json) != BANA_JSON_OBJECT)
		return 0;
	for (struct bana_json_member m = {0}; bana_json_next(json, &m);) {
		unsigned depth = bana_json_depth(m.value);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

bana_str bana_json_write(struct bana_ctx *ctx, const struct bana_json *json)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		tree(json), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	return (bana_str){bana_copy(ctx->arena, text, len), len};
}
