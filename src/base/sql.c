#include "bana/sql.h"

#include "bana/arena.h"

#include <assert.h>

void bana_sql_init(struct bana_sql *sql, struct bana_arena *arena)
{
	sql->count = 0;
	bana_buf_init(&sql->text, arena);
	bana_buf_text(&sql->text, "");
}

const char *bana_sql_ref(struct bana_sql *sql, const char *value, const char *cast)
{
	char digits[BANA_INT_BYTES];
	assert(sql->count < BANA_SQL_VALUES_MAX);
	sql->values[sql->count++] = value;
	return bana_join(sql->text.arena, "$", bana_int_write((int64_t)sql->count, digits),
		"::", cast, NULL);
}

void bana_sql_value(struct bana_sql *sql, const char *value, const char *cast)
{
	bana_sql_text(sql, bana_sql_ref(sql, value, cast));
}

void bana_array_add(struct bana_buf *literal, bana_str item)
{
	bana_buf_text(literal, literal->len == 1 ? "\"" : ",\"");
	size_t clean = 0; /* where the run that needs no escape began */
	for (size_t i = 0; i < item.len; i++) {
		if (item.at[i] != '"' && item.at[i] != '\\')
			continue;
		bana_buf_add(literal, item.at + clean, i - clean);
		bana_buf_text(literal, "\\");
		clean = i;
	}
	bana_buf_add(literal, item.at + clean, item.len - clean);
	bana_buf_text(literal, "\"");
}

void bana_columns_begin(struct bana_arena *arena, struct bana_columns *c, size_t count)
{
	assert(count <= BANA_COLUMNS_MAX);
	c->count = count;
	for (size_t i = 0; i < count; i++) {
		bana_buf_init(&c->at[i], arena);
		bana_buf_text(&c->at[i], "{");
	}
}

void bana_columns_add(struct bana_columns *c, size_t column, const char *text)
{
	if (text != NULL) {
		bana_array_add(&c->at[column], bana_str_of(text));
		return;
	}
	bana_buf_text(&c->at[column], c->at[column].len == 1 ? "NULL" : ",NULL");
}

void bana_columns_add_int(struct bana_columns *c, size_t column, int64_t value)
{
	char digits[BANA_INT_BYTES];
	bana_columns_add(c, column, bana_int_write(value, digits));
}

void bana_columns_end(struct bana_columns *c, const char **values)
{
	for (size_t i = 0; i < c->count; i++) {
		bana_buf_text(&c->at[i], "}");
		values[i] = c->at[i].at;
	}
}
