/*
 * Between the files of rest/: rows as columns of a statement.
 */
#ifndef BANA_ROW_H
#define BANA_ROW_H

#include "bana/entity.h"

struct bana_rows;
struct bana_step;

/* What PostgreSQL calls the field's type. */
const char *bana_type_name(const struct bana_field *field);

/* NOT_FOUND in words: "Inquiry not found". */
BANA_RES bana_row_missing(struct bana_ctx *ctx, const struct bana_entity *entity);

/* Are two cells' texts the same, or both null? */
bool bana_cell_same(const char *a, const char *b);

/* Append the fields' columns as they are asked for; `*n` counts them, for the commas. */
void bana_column_add(struct bana_buf *sql, const struct bana_field *field, unsigned *n);

/* The fields that carry any of `flags`, as a view; every stored one for 0. Returns how many. */
size_t bana_view_of(
	const struct bana_entity *entity, unsigned flags, unsigned char view[BANA_FIELDS_MAX]);

/* Columns `first`, `first + 1`, ... of a result row into the cells of `view`. */
void bana_row_read(const struct bana_rows *rows, size_t index, size_t first,
	const unsigned char *view, size_t count, struct bana_row *row);

/* Set what follows from the cells that are set: the normalised copy of the address. */
void bana_row_derive(struct bana_ctx *ctx, const struct bana_entity *entity, struct bana_row *row);

/* The INSERT as a step of a batch, and what it returned taken in afterwards. */
void bana_row_insert_step(struct bana_ctx *ctx, const struct bana_entity *entity,
	struct bana_row *row, struct bana_step *step);
void bana_row_inserted(
	const struct bana_entity *entity, const struct bana_step *step, struct bana_row *row);

/* The steps of the entity's journal about these entries; returns how many of the up to
 * BANA_JOURNAL_STEPS there are. */
size_t bana_journal_steps(struct bana_ctx *ctx, const struct bana_entity *entity,
	const char *action, const struct bana_entry *entries, size_t count,
	struct bana_step *steps);

#endif
