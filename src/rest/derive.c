/*
 * What a row holds because of another of its fields: the copy by which addresses are compared.
 */
#include "bana/row.h"

#include "bana/ctx.h"
#include "bana/email.h"

const struct bana_field *bana_field_email(const struct bana_entity *e, unsigned flags)
{
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].type == BANA_EMAIL && (e->fields[i].flags & flags) == flags)
			return &e->fields[i];
	}
	return NULL;
}

const struct bana_field *bana_field_email_key(const struct bana_entity *e)
{
	for (size_t i = 0; i < e->count; i++) {
		if (e->fields[i].type == BANA_EMAIL_KEY)
			return &e->fields[i];
	}
	return NULL;
}

void bana_row_derive(struct bana_ctx *ctx, const struct bana_entity *e, struct bana_row *row)
{
	const struct bana_field *key = bana_field_email_key(e);
	if (key == NULL)
		return;
	const struct bana_cell *email = &row->cells[bana_field_place(e, bana_field_email(e, 0))];
	if (email->set)
		bana_row_set(row, bana_field_place(e, key),
			email->text == NULL ? NULL
					    : bana_email_key(ctx->arena, bana_str_of(email->text)));
}
