/*
 * An entity is a table of fields. From its rows the generic code derives validation, SQL text and
 * JSON; nothing else knows the columns.
 */
#ifndef BANA_ENTITY_H
#define BANA_ENTITY_H

#include "bana/buf.h"

struct bana_ctx;
struct bana_journal;
struct bana_json;
struct bana_statistic;
struct bana_step;

enum bana_type {
	BANA_TEXT,    /* text; min and max count Unicode characters after trimming */
	BANA_EMAIL,   /* text; an address of RFC 5321 as people have them; see bana/email.h */
	BANA_ENUM,    /* text; one of `choices` */
	BANA_ID,      /* bigint; a decimal string in JSON */
	BANA_OBJECT,  /* json; max bytes of its compact text, at most BANA_OBJECT_DEPTH deep */
	BANA_TEXTS,   /* text[]; at most `max` items of 1 to `min` characters */
	BANA_SMALL,   /* smallint */
	BANA_INSTANT, /* timestamptz(3); ISO 8601 UTC in JSON */
	BANA_INT,     /* integer */
	BANA_BOOL,    /* boolean */

	/* text; bana_email_key of the entity's first EMAIL, by which addresses are compared.
	 * Written with that by insert and change, set by nobody, hidden: flags 0 */
	BANA_EMAIL_KEY,
};

enum {
	BANA_PUBLIC = 1,      /* may be set by anyone who may submit */
	BANA_STAFF = 2,       /* may be set by staff */
	BANA_REQUIRED = 4,    /* by those who may set it */
	BANA_NULLABLE = 8,    /* null is a value */
	BANA_SHOWN = 16,      /* in reads and lists */
	BANA_FILTERED = 32,   /* may be filtered and sorted by; of an OBJECT its members */
	BANA_MADE = 64,       /* by the database when the row is made */
	BANA_SNOWFLAKE = 128, /* an id of ours, given when the row is made */
	BANA_MASKED = 256,    /* shown in part in lists to who lacks <Entity>.readPersonal */
	BANA_PERSONAL = 512,  /* about a person: erased with them, never written to the audit log */

	BANA_PARTIAL = 1024, /* beside who sets: required fields may be absent */

	BANA_FIELDS_MAX = 40,
	BANA_OBJECT_DEPTH = 4,
};

struct bana_choice {
	const char *value;
	const char *says; /* what it means, for people */
};

struct bana_field {
	const char *name; /* of the JSON member */
	const char *
		column; /* NULL: taken from a body and left in the row, but never stored or shown */
	enum bana_type type;
	unsigned min, max;
	unsigned flags;
	const struct bana_choice *choices; /* ENUM: closed by a NULL value */
	const char *fallback;              /* when absent on insert; NULL: SQL NULL */
	const char *says, *example; /* for the OpenAPI document; the example is JSON or NULL */
};

/* A row may go from one status to the other. */
struct bana_move {
	const char *from, *to;
};

enum bana_effect_kind {
	BANA_NOW,   /* the field becomes the time of the move */
	BANA_FIRST, /* the same, unless it holds one already */
	BANA_CLEAR, /* the field becomes null */
};

/* What reaching a status does to another field of the row. */
struct bana_effect {
	const char *status;
	unsigned char field;
	enum bana_effect_kind kind;
};

/* A field that may only hold a value while the row has that status. */
struct bana_need {
	unsigned char field;
	const char *status;
};

/* The life of a row: rest/life.c judges what staff does with its status, and reads nothing else. */
struct bana_life {
	unsigned char status;          /* the field */
	const char *begin;             /* what a row that staff makes comes from */
	const struct bana_move *moves; /* count 0: any to any */
	size_t move_count;
	const struct bana_effect *effects;
	size_t effect_count;
	const struct bana_need *needs;
	size_t need_count;
	const char *erased; /* status after the person's data was erased; NULL: as it was */
};

/*
 * What the calls of bana/crud.h need: an `id` for every list and read; to make rows `created_by`;
 * to change them `version`, `modified_at`, `modified_by`; to delete and restore `deleted_at`
 * (without it every row is there).
 */
struct bana_entity {
	const char *name;  /* its permissions are <name>.<method> */
	const char *table; /* quoted, with its schema; NULL: a body that is not stored */
	const struct bana_field *fields;
	size_t count;
	const char *path; /* of its collection, "/inquiries"; NULL: none */
	const char *says;
	const char *owner; /* column of the user whose row it is: nobody else sees it; NULL: none */
	const struct bana_life *life;            /* NULL: no status */
	const struct bana_statistic *statistics; /* see bana/crud.h */
	size_t statistic_count;
	/* For bana_row_insert_once: the column that two rows have in common when they are one;
	 * and one that is null unless a row was put aside. NULL: none. */
	const char *same, *aside;
	/* What goes into the transaction besides: told of the rows that a call makes or changes,
	 * it fills in 0 to BANA_JOURNAL_STEPS steps behind theirs and returns how many; NULL: none.
	 */
	size_t (*journal)(
		struct bana_ctx *ctx, const struct bana_journal *journal, struct bana_step *steps);
};

enum { BANA_JOURNAL_STEPS = 4 };

/* The field with this JSON name; NULL: there is none. */
const struct bana_field *bana_field_find(const struct bana_entity *entity, bana_str name);

/* The field stored in this column, e.g. "deleted_at"; NULL: the entity has none. */
const struct bana_field *bana_field_stored(const struct bana_entity *entity, const char *column);

/* The entity's first EMAIL that carries all of `flags`; NULL: none. */
const struct bana_field *bana_field_email(const struct bana_entity *entity, unsigned flags);

/* The entity's EMAIL_KEY; NULL: none, and addresses are compared by lower() of the database. */
const struct bana_field *bana_field_email_key(const struct bana_entity *entity);

/* Where the field stands in its entity, and so in a row. */
static inline size_t bana_field_place(
	const struct bana_entity *entity, const struct bana_field *field)
{
	return (size_t)(field - entity->fields);
}

struct bana_cell {
	const char *text; /* as PostgreSQL gives it, a list as JSON; NULL: SQL NULL */
	bool set;         /* somebody gave it a value, maybe NULL */
};

/* Parallel to the entity's fields; in the arena. */
struct bana_row {
	struct bana_cell cells[BANA_FIELDS_MAX];
};

/* One row on its way. */
struct bana_entry {
	const struct bana_row *before; /* all fields; NULL: there was none */
	const struct bana_row *after;  /* all fields, but for a new row the MADE ones; of an erased
					  one the id alone */
};

/* Those of one transaction; in the arena. */
struct bana_journal {
	const struct bana_entity *entity;
	const char *action; /* create (also by a visitor), update, delete, restore, erase */
	const struct bana_entry *entries;
	size_t count; /* at least 1 */
};

/*
 * Take a JSON object into `row`: only fields that carry `who` (BANA_PUBLIC or BANA_STAFF, with
 * BANA_PARTIAL for a change), trimmed, checked against the table.
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

/* INSERT, one statement: unset cells take a new Snowflake where that is their kind, or else the
 * fallback; MADE ones come back into `row`, and cells that are not stored stay. Faults of
 * bana_pg_exec. */
BANA_RES bana_row_insert(
	struct bana_ctx *ctx, const struct bana_entity *entity, struct bana_row *row);

/*
 * The same, unless a row with the same text in the entity's `same` column was made in the last
 * `within_s` seconds, and is not deleted: then nothing is inserted, and id and MADE cells of that
 * one come into `row`. Of two at once the second waits for the first. The transaction that is open
 * ends with it, or it is one of its own. A journal must see for itself whether the row is there.
 */
struct bana_once {
	int64_t within_s;
	bool begun; /* a transaction is open */
	bool fresh; /* out: it was inserted */
	bool aside; /* out: the one that is there was put aside */
};
BANA_RES bana_row_insert_once(struct bana_ctx *ctx, const struct bana_entity *entity,
	struct bana_row *row, struct bana_once *once);

/* The row with this id that is not deleted: shown columns, and the version where there is one.
 * NOT_FOUND: there is none, or `id` is no id (then with the reason). */
BANA_RES bana_row_find(
	struct bana_ctx *ctx, const struct bana_entity *entity, bana_str id, struct bana_row *row);

/* A decimal number of 63 bits without sign or leading zeros, as bana_snowflake makes them.
 * NOT_FOUND otherwise: no row has that id; the reason is in the failure. */
BANA_RES bana_id_check(struct bana_ctx *ctx, const struct bana_entity *entity, bana_str id);

/* The named fields in that order as a JSON object; `view` NULL: every shown one. */
void bana_row_write(struct bana_buf *out, const struct bana_entity *entity,
	const struct bana_row *row, const unsigned char *view, size_t count);

/* The cell's text as PostgreSQL takes it. */
const char *bana_cell_value(struct bana_ctx *ctx, const struct bana_field *field, const char *text);

/* One value as JSON, or null. */
void bana_cell_write(struct bana_buf *out, const struct bana_field *field, const char *text);

/* "jane@example.com" as "j***@***.com", "+49 30 1234567" as "***67"; in the arena. */
const char *bana_mask(struct bana_arena *arena, const struct bana_field *field, const char *text);

/* The MASKED cells of a view, in place. */
void bana_row_mask(struct bana_arena *arena, const struct bana_entity *entity,
	const unsigned char *view, size_t count, struct bana_row *row);

/* The zod-coded issue for a wrong JSON type. */
void bana_issue_type(
	struct bana_ctx *ctx, const char *path, const char *expected, const struct bana_json *got);
void bana_issue_absent(struct bana_ctx *ctx, const char *path, const char *expected);

#endif
