#include "unit/rest/entity.h"
#include "unit/support.h"

#include "bana/change.h"

/* A life for the entity of the tests: KIND is the status, MADE_AT what reaching 200_TWO sets. */
static const struct bana_move moves[] = {{"100_ONE", "200_TWO"}};
static const struct bana_effect effects[] = {{"200_TWO", MADE_AT, BANA_FIRST},
	{"200_TWO", NOTE, BANA_CLEAR}, {"200_TWO", STAFF, BANA_NOW}};
static const struct bana_need needs[] = {{SCORE, "200_TWO"}};
static const struct bana_life life = {.status = KIND,
	.begin = "100_ONE",
	.moves = moves,
	.move_count = 1,
	.effects = effects,
	.effect_count = 3,
	.needs = needs,
	.need_count = 1};
static const struct bana_entity mortal = {
	.name = "Thing", .fields = thing_fields, .count = FIELDS, .life = &life};

/* From `before` by `patch`; what comes of it in `after`. */
static bana_res go(struct bana_ctx *ctx, const struct bana_row *before,
	const struct bana_row *patch, struct bana_row *after)
{
	*after = *before;
	for (size_t i = 0; i < FIELDS; i++) {
		if (patch->cells[i].set)
			after->cells[i] = patch->cells[i];
	}
	return bana_life_check(ctx, &mortal, patch, before, after, "NOW");
}

static void a_move_brings_its_effects(void **state)
{
	struct unit *u = *state;
	struct bana_row before = {0}, patch = {0}, after;
	before.cells[KIND].text = "100_ONE";
	before.cells[NOTE].text = "a note";
	bana_row_set(&patch, KIND, "200_TWO");
	assert_ok(go(&u->ctx, &before, &patch, &after));
	assert_string_equal(after.cells[MADE_AT].text, "NOW");
	assert_string_equal(after.cells[STAFF].text, "NOW");
	assert_null(after.cells[NOTE].text);
	/* what is there already stays where only the first counts */
	before.cells[MADE_AT].text = before.cells[STAFF].text = "THEN";
	assert_ok(go(&u->ctx, &before, &patch, &after));
	assert_string_equal(after.cells[MADE_AT].text, "THEN");
	assert_string_equal(after.cells[STAFF].text, "NOW");
	/* and what was asked for wins over an effect */
	bana_row_set(&patch, NOTE, "mine");
	assert_ok(go(&u->ctx, &before, &patch, &after));
	assert_string_equal(after.cells[NOTE].text, "mine");
}

static void no_move_has_no_effect(void **state)
{
	struct unit *u = *state;
	struct bana_row before = {0}, patch = {0}, after;
	before.cells[KIND].text = "200_TWO";
	before.cells[NOTE].text = "a note";
	assert_ok(go(&u->ctx, &before, &patch, &after));
	bana_row_set(&patch, KIND, "200_TWO"); /* where it is */
	assert_ok(go(&u->ctx, &before, &patch, &after));
	assert_string_equal(after.cells[NOTE].text, "a note");
	assert_null(after.cells[MADE_AT].text);
}

static void another_move_is_refused_with_what_is_allowed(void **state)
{
	struct unit *u = *state;
	struct bana_row before = {0}, patch = {0}, after;
	before.cells[KIND].text = "200_TWO";
	bana_row_set(&patch, KIND, "100_ONE");
	assert_fault(CONFLICT, go(&u->ctx, &before, &patch, &after));
	assert_string_equal(u->ctx.failure.allowed, "[]");
	assert_string_equal(u->ctx.failure.message, "Status cannot go from 200_TWO to 100_ONE");
	before.cells[KIND].text = "100_ONE";
	bana_row_set(&patch, KIND, "300_THREE");
	assert_fault(CONFLICT, go(fresh(u), &before, &patch, &after));
	assert_string_equal(u->ctx.failure.allowed, "[\"200_TWO\"]");
}

static void a_need_is_of_the_status_that_will_be(void **state)
{
	struct unit *u = *state;
	struct bana_row before = {0}, patch = {0}, after;
	before.cells[KIND].text = "100_ONE";
	bana_row_set(&patch, SCORE, "5");
	assert_fault(INVALID, go(&u->ctx, &before, &patch, &after));
	assert_string_equal(u->ctx.failure.issues->path, "score");
	bana_row_set(&patch, KIND, "200_TWO");
	assert_ok(go(fresh(u), &before, &patch, &after));
	bana_row_set(&patch, SCORE, NULL);
	patch.cells[KIND].set = false;
	assert_ok(go(fresh(u), &before, &patch, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_move_brings_its_effects),
		unit_case(no_move_has_no_effect),
		unit_case(another_move_is_refused_with_what_is_allowed),
		unit_case(a_need_is_of_the_status_that_will_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
