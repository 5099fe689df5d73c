/*
 * Personal data for those who need to recognise a row, not to write to the person.
 */
#include "bana/arena.h"
#include "bana/entity.h"

/* Bytes of the first UTF-8 character. */
static size_t first_character(bana_str text)
{
	size_t n = text.len == 0 ? 0 : 1;
	while (n < text.len && (text.at[n] & 0xC0) == 0x80)
		n++;
	return n;
}

/* The last part of a host name, with its dot. */
static bana_str top_level(bana_str domain)
{
	for (size_t i = domain.len; i > 0; i--) {
		if (domain.at[i - 1] == '.')
			return (bana_str){domain.at + i - 1, domain.len - i + 1};
	}
	return (bana_str){"", 0};
}

const char *bana_mask(struct bana_arena *arena, const struct bana_field *field, const char *text)
{
	bana_str all = bana_str_of(text), domain;
	if (field->type == BANA_EMAIL) {
		bana_str local = bana_str_cut(all, '@', &domain);
		bana_str end = top_level(domain);
		return bana_print(arena, "%.*s***@***%.*s", (int)first_character(local), local.at,
			(int)end.len, end.at);
	}
	enum { TAIL_CHARACTERS = 2, LENGTH_MIN = 6 }; /* of a shorter one the tail would be half */
	if (bana_utf8_count(all) < LENGTH_MIN)
		return "***";
	size_t from = all.len;
	for (size_t kept = 0; kept < TAIL_CHARACTERS; kept++) {
		do
			from--;
		while ((all.at[from] & 0xC0) == 0x80);
	}
	return bana_print(arena, "***%s", text + from);
}

void bana_row_mask(struct bana_arena *arena, const struct bana_entity *e, const unsigned char *view,
	size_t count, struct bana_row *row)
{
	for (size_t i = 0; i < count; i++) {
		struct bana_cell *cell = &row->cells[view[i]];
		if ((e->fields[view[i]].flags & BANA_MASKED) && cell->text != NULL)
			cell->text = bana_mask(arena, &e->fields[view[i]], cell->text);
	}
}
