/*
 * JSON in. json-c builds the tree, but only from text our own single pass has accepted, because
 * json-c is lax even when strict: RFC 8259 grammar, UTF-8 and surrogate pairs are checked first.
 * JSON out is bana/buf.h.
 */
#ifndef BANA_JSON_H
#define BANA_JSON_H

#include "bana/text.h"

struct bana_ctx;
struct bana_json; /* NULL is JSON null */

enum bana_json_kind {
	BANA_JSON_NULL,
	BANA_JSON_BOOL,
	BANA_JSON_INT,
	BANA_JSON_REAL,
	BANA_JSON_STRING,
	BANA_JSON_ARRAY,
	BANA_JSON_OBJECT
};

enum { BANA_JSON_DEPTH_MAX = 16 };

/* What one pass over a text found. */
struct bana_json_scan {
	const char *malformed; /* reason, static text; NULL: well-formed JSON */
	const char *refused;   /* well-formed, but over a limit of ours; static text or NULL */
	size_t at_byte;        /* where the first of the two was seen */
	unsigned members;      /* of all objects together */
};

/* Never fails, never allocates; any bytes may come in. */
void bana_json_scan(bana_str text, unsigned depth_max, struct bana_json_scan *scan);

/*
 * MALFORMED: not JSON, not UTF-8, a lone surrogate. INVALID: deeper than depth_max, a U+0000, an
 * integer beyond 64 bits or a number beyond a double, a member named twice.
 * The tree lives until the arena's reset.
 */
BANA_RES bana_json_parse(
	struct bana_ctx *ctx, bana_str text, unsigned depth_max, const struct bana_json **json);

enum bana_json_kind bana_json_kind(const struct bana_json *json);

/* "string", "number", ... as JavaScript's validators name it; `undefined` is the caller's word. */
const char *bana_json_kind_name(const struct bana_json *json);

/* Each asks for its own kind (asserted). The text lives as long as the tree. */
bana_str bana_json_str(const struct bana_json *json);
int64_t bana_json_int(const struct bana_json *json);
bool bana_json_bool(const struct bana_json *json);
size_t bana_json_len(const struct bana_json *array);
const struct bana_json *bana_json_at(const struct bana_json *array, size_t index);

/* False when absent (or not an object); a member that is null sets *value to NULL. */
bool bana_json_get(
	const struct bana_json *object, const char *name, const struct bana_json **value);

/* The same for a string: false also when the member is of another kind. */
bool bana_json_get_str(const struct bana_json *object, const char *name, bana_str *text);

struct bana_json_member {
	const char *name;
	const struct bana_json *value;
	void *place; /* of the iteration */
};

/* Begin with a zeroed member; false after the last. */
bool bana_json_next(const struct bana_json *object, struct bana_json_member *member);

/* How deep arrays and objects are nested: 0 for a scalar. */
unsigned bana_json_depth(const struct bana_json *json);

/* Compact text again, in the arena. */
bana_str bana_json_write(struct bana_ctx *ctx, const struct bana_json *json);

#endif
