/*
 * An entity is a table of fields. From its rows the generic code derives validation, SQL text and
 * JSON; nothing else knows the columns.
 */
#ifndef BANA_ENTITY_H
#define BANA_ENTITY_H

#include "bana/buf.h"

struct bana_ctx;
struct bana_json;

enum bana_type {
	BANA_TEXT,    /* text; min and max count Unicode characters after trimming */
	BANA_EMAIL,   /* text; an address of RFC 5321 as people have them; see rest/email.c */
	BANA_ENUM,    /* text; one of `choices` */
	BANA_ID,      /* bigint; a decimal string in JSON */
	BANA_OBJECT,  /* json; max bytes of its compact text, at most BANA_OBJECT_DEPTH deep */
	BANA_TEXTS,   /* text[]; at most `max` items of 1 to `min` characters */
	BANA_SMALL,   /* smallint */
	BANA_INSTANT, /* timestamptz(3); ISO 8601 UTC in JSON */
};

enum {
	BANA_PUBLIC = 1,    /* may be set by anyone who may submit */
	BANA_STAFF = 2,     /* may be set by staff */
	BANA_REQUIRED = 4,  /* by those who may set it */
	BANA_NULLABLE = 8,  /* null is a value */
	BANA_SHOWN = 16,    /* in reads and lists */
	BANA_FILTERED = 32, /* may be filtered and sorted by */
	BANA_MADE = 64,     /* by the database when the row is made */

	BANA_FIELDS_MAX = 40,
	BANA_OBJECT_DEPTH = 4,
};

struct bana_field {
	const char *name;   /* of the JSON member */
	const char *column; /* NULL: not stored */
	enum bana_type type;
	unsigned min, max;
	unsigned flags;
	const char *const *choices; /* ENUM: NULL-terminated */
	const char *fallback;       /* when absent on insert; NULL: SQL NULL */
};

struct bana_entity {
	const char *name;
	const char *table; /* quoted, with its schema; NULL: a body that is not stored */
	const struct bana_field *fields;
	size_t count;
};

struct bana_cell {
	const char *text; /* as PostgreSQL takes and gives it; NULL: SQL NULL */
	bool set;         /* somebody gave it a value, maybe NULL */
};

/* Parallel to the entity's fields; in the arena. */
struct bana_row {
	struct bana_cell cells[BANA_FIELDS_MAX];
};

/*
 * Take a JSON object into `row`: only fields that carry `who`, trimmed, checked against the table.
 * INVALID: one issue for every bad, missing or unknown member, not just the first.
 */
BANA_RES bana_row_take(struct bana_ctx *ctx, const struct bana_entity *entity, unsigned who,
	const struct bana_json *object, struct bana_row *row);

/* application/x-www-form-urlencoded as the JSON object it stands for: empty values are left out,
 * list fields become lists, a repeated field of another type fails later. MALFORMED: bad escapes.
 */
BANA_RES bana_form_read(struct bana_ctx *ctx, const struct bana_entity *entity, bana_str form,
	const struct bana_json **object);

/* Set one cell; `text` lives in the arena or longer. */
void bana_row_set(struct bana_row *row, size_t field, const char *text);

/* INSERT, one statement: unset cells take the fallback; MADE ones come back into `row`. Faults of
 * bana_pg_exec. */
BANA_RES bana_row_insert(
	struct bana_ctx *ctx, const struct bana_entity *entity, struct bana_row *row);

/* The shown columns of the row with this id that is not deleted. NOT_FOUND: there is none. */
BANA_RES bana_row_find(struct bana_ctx *ctx, const struct bana_entity *entity, const char *id,
	struct bana_row *row);

/* The named fields in that order as a JSON object; `view` NULL: every shown one. */
void bana_row_write(struct bana_buf *out, const struct bana_entity *entity,
	const struct bana_row *row, const unsigned char *view, size_t count);

/* The rule of BANA_EMAIL. */
bool bana_email_valid(bana_str text);

#endif
