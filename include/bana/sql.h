/*
 * SQL being built: text of ours, and the values that go with it as $1, $2, ... A value never
 * becomes text, whatever it is.
 */
#ifndef BANA_SQL_H
#define BANA_SQL_H

#include "bana/buf.h"

enum { BANA_SQL_VALUES_MAX = 1024 };

struct bana_sql {
	struct bana_buf text;
	const char *values[BANA_SQL_VALUES_MAX]; /* as PostgreSQL takes them; NULL: SQL NULL */
	size_t count;
};

/* In place; text and values live in `arena`. */
void bana_sql_init(struct bana_sql *sql, struct bana_arena *arena);

/* Static text of ours. */
static inline void bana_sql_text(struct bana_sql *sql, const char *text)
{
	bana_buf_text(&sql->text, text);
}

/* Add a value and get its `$n::cast`, to be used in the text as often as need be; in the arena. The
 * caller bounds how many there are. `cast` is a type's name. */
const char *bana_sql_ref(struct bana_sql *sql, const char *value, const char *cast);

/* Append it at once. */
void bana_sql_value(struct bana_sql *sql, const char *value, const char *cast);

/* A PostgreSQL array literal being built: begin with "{", end with "}"; every item is quoted. */
void bana_array_add(struct bana_buf *literal, bana_str item);

/* Such literals being built together, for unnest($1::text[], $2::text[], ...). */
enum { BANA_COLUMNS_MAX = 12 };
struct bana_columns {
	struct bana_buf at[BANA_COLUMNS_MAX];
	size_t count;
};

/* `count` empty ones, in the arena. */
void bana_columns_begin(struct bana_arena *arena, struct bana_columns *columns, size_t count);

/* The next item of a column; NULL: SQL NULL. */
void bana_columns_add(struct bana_columns *columns, size_t column, const char *text);
void bana_columns_add_int(struct bana_columns *columns, size_t column, int64_t value);

/* Close them; `values` gets one literal each. */
void bana_columns_end(struct bana_columns *columns, const char **values);

#endif
