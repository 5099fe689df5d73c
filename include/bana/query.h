/*
 * The filter language of ignis (ignis.md 2.3) read into SQL: which rows, in what order, which of
 * their fields. Names come from the entity table, values become parameters.
 */
#ifndef BANA_QUERY_H
#define BANA_QUERY_H

#include "bana/entity.h"
#include "bana/sql.h"

struct bana_ctx;
struct bana_json;
struct bana_req;

enum {
	BANA_QUERY_LIMIT = 10, /* rows when the client does not say */
	BANA_QUERY_LIMIT_MAX = 1000,
	BANA_QUERY_SKIP_MAX = 1000000000,
	BANA_QUERY_DEPTH_MAX = 8, /* and, or in one another */
	BANA_QUERY_CONDITIONS_MAX = 100,
	BANA_QUERY_LIST_MAX = 1000, /* items of one list */
	BANA_QUERY_TEXT_MAX = 1000, /* characters of one text */
	BANA_QUERY_ORDER_MAX = 8,
	BANA_PATH_PARTS_MAX = 8, /* of metadata.a.b */
};

#define BANA_NO_LIMIT (-1LL)

/* One column, or expression, to sort by. */
struct bana_order {
	const char *name; /* as asked for */
	const char *sql;  /* the expression */
	const char *cast; /* type of a value of it: "bigint" */
	const struct bana_field *field;
	bool descending, nullable;
	bool path; /* a member of an OBJECT, not the field itself */
};

struct bana_query {
	const struct bana_entity *entity;
	struct bana_sql sql; /* begins with the conditions: "deleted_at IS NULL AND ..." */
	size_t where_len, where_values;                    /* how much of it they are */
	bool narrowed;                                     /* `where` said something */
	struct bana_order order[BANA_QUERY_ORDER_MAX + 1]; /* the last is the id */
	size_t order_count;
	const struct bana_field *first; /* to sort by when the client does not say; NULL: the id */
	const char *order_text;         /* as asked for, to know a cursor by */
	unsigned char view[BANA_FIELDS_MAX]; /* fields asked for, in the entity's order */
	size_t view_count;
	int64_t limit, skip; /* rows; BANA_NO_LIMIT */
	bool masked;         /* MASKED fields are shown in part, and compared whole only */
};

/* What a caller allows. */
enum {
	BANA_ALL_ROWS = 1, /* no limit unless the client sets one, and no largest one */
};

/*
 * Read `filter` of the query string; absent or empty is {}. `flags`: BANA_ALL_ROWS.
 * MALFORMED: no JSON, or an unknown column, operator, direction or relation. FORBIDDEN: a masked
 * field compared otherwise than whole. INVALID: a wrong type, a limit passed. Every reason has its
 * path inside the filter.
 */
BANA_RES bana_query_read(struct bana_req *q, unsigned flags, struct bana_query *query);

/* The same into a query that was begun, and perhaps narrowed, already. */
BANA_RES bana_query_read_on(struct bana_req *q, unsigned flags, struct bana_query *query);

/* The same of `where` alone. */
BANA_RES bana_query_read_where(struct bana_req *q, struct bana_query *query);

/* Rows of the entity that are not deleted, and no condition yet; with the default order. */
void bana_query_init(
	struct bana_ctx *ctx, const struct bana_entity *entity, struct bana_query *query);

/* Only rows whose column has this value; `column` and `cast` are ours. Before it is read on. */
void bana_query_narrow(
	struct bana_query *query, const char *column, const char *value, const char *cast);

/* Only rows whose field is greater than this value, sorted by it unless told otherwise; before it
 * is read on. */
void bana_query_after(struct bana_query *query, const struct bana_field *field, const char *value);

/* ---- between the files of rest/ ---------------------------------------------------------------
 */

struct bana_where {
	struct bana_ctx *ctx;
	struct bana_query *query;
	unsigned conditions;
	const char *unknown; /* first name that nothing answers to, in ignis' words; NULL: none */
	bool forbidden;
};

/* Append " AND (...)" for a where object; problems become issues, and are summed up in `w`. */
void bana_where_read(struct bana_where *w, const struct bana_json *where, const char *path);

/* What the issues, and the names nothing answers to, come to. */
BANA_RES bana_where_close(struct bana_where *w);

/* What a name stands for. */
struct bana_operand {
	const struct bana_field *field;
	const char *name; /* as asked for: lives as long as the filter */
	const char *sql;
	bool path;
};
/* The field or JSON path that `name` is, if it may be filtered and sorted by. `clause` is "toWhere"
 * or "toOrderBy", for the words of the issue. False: it was made. */
bool bana_operand_find(struct bana_where *w, const char *clause, const char *name, const char *path,
	struct bana_operand *operand);

/* Append one condition; problems become issues. False: there is no such operator. */
bool bana_compare(struct bana_where *w, const struct bana_operand *of, const char *name,
	const struct bana_json *value, const char *path);

/* JSON Schema of what a field of this type may be compared with; `value` is that of one value. */
void bana_condition_schema(struct bana_buf *out, enum bana_type type, const char *value);

/* What was appended so far are the conditions. */
void bana_query_close_where(struct bana_query *query);

/* Note an unknown name: `text` in ignis' words. */
void bana_where_unknown(struct bana_where *w, const char *path, const char *text);

/* Cast of the field's values in SQL. */
const char *bana_cast_of(const struct bana_field *field, bool path);

#endif
