/*
 * The life of a row: the only place that judges a change of its status.
 */
#include "bana/change.h"

static bool may_move(const struct bana_life *life, const char *from, const char *to)
{
	for (size_t i = 0; i < life->move_count; i++) {
		if (strcmp(life->moves[i].from, from) == 0 && strcmp(life->moves[i].to, to) == 0)
			return true;
	}
	return life->move_count == 0;
}

static BANA_RES refuse_move(
	struct bana_ctx *ctx, const struct bana_life *life, const char *from, const char *to)
{
	struct bana_buf allowed;
	bana_buf_init(&allowed, ctx->arena);
	bana_buf_text(&allowed, "[");
	for (size_t i = 0; i < life->move_count; i++) {
		if (strcmp(life->moves[i].from, from) != 0)
			continue;
		bana_buf_text(&allowed, allowed.len == 1 ? "" : ",");
		bana_buf_json_str(&allowed, bana_str_of(life->moves[i].to));
	}
	bana_buf_text(&allowed, "]");
	ctx->failure.allowed = allowed.at;
	return bana_fail(ctx, BANA_CONFLICT,
		bana_print(ctx->arena, "Status cannot go from %s to %s", from, to), NULL);
}

const struct bana_effect *bana_life_effect(
	const struct bana_entity *e, const struct bana_row *patch, size_t field)
{
	const struct bana_life *life = e->life;
	if (life == NULL || !patch->cells[life->status].set || patch->cells[field].set)
		return NULL;
	for (size_t i = 0; i < life->effect_count; i++) {
		if (life->effects[i].field == field &&
			strcmp(life->effects[i].status, patch->cells[life->status].text) == 0)
			return &life->effects[i];
	}
	return NULL;
}

static void take_effect(const struct bana_entity *e, const struct bana_row *patch,
	struct bana_row *after, const char *now)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_effect *effect = bana_life_effect(e, patch, i);
		if (effect == NULL || (effect->kind == BANA_FIRST && after->cells[i].text != NULL))
			continue;
		bana_row_set(after, i, effect->kind == BANA_CLEAR ? NULL : now);
	}
}

BANA_RES bana_life_check(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct bana_row *patch, const struct bana_row *before, struct bana_row *after,
	const char *now)
{
	const struct bana_life *life = e->life;
	if (life == NULL)
		return BANA_DONE;
	const char *from = before->cells[life->status].text;
	const char *to = after->cells[life->status].text;
	if (strcmp(from, to) != 0) {
		if (!may_move(life, from, to))
			return refuse_move(ctx, life, from, to);
		take_effect(e, patch, after, now);
	}
	for (size_t i = 0; i < life->need_count; i++) {
		const struct bana_need *need = &life->needs[i];
		if (after->cells[need->field].text != NULL && strcmp(to, need->status) != 0)
			bana_issue_add(ctx, e->fields[need->field].name, "custom", NULL,
				bana_print(ctx->arena, "Only with status %s", need->status));
	}
	return bana_issues_close(ctx);
}
