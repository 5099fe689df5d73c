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

#endif
