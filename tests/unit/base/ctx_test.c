#include "unit/support.h"

static void the_first_detail_wins(void **state)
{
	struct unit *u = *state;
	struct bana_ctx *ctx = &u->ctx;
	assert_fault(CONFLICT, bana_fail(ctx, BANA_CONFLICT, NULL, "low"));
	assert_fault(INTERNAL, bana_fail(ctx, BANA_INTERNAL, "message", "high"));
	assert_fault(NOT_FOUND, bana_fail(ctx, BANA_NOT_FOUND, "later", "higher"));
	assert_string_equal(ctx->failure.message, "message");
	assert_string_equal(ctx->failure.why, "low");
	assert_int_equal(0, ctx->failure.retry_after_s);
	assert_fault(UNAVAILABLE, bana_fail_later(ctx, NULL, NULL));
	assert_int_equal(1, ctx->failure.retry_after_s);
}

static void issues_keep_their_order_and_are_bounded(void **state)
{
	struct unit *u = *state;
	struct bana_ctx *ctx = &u->ctx;
	assert_ok(bana_issues_close(ctx));
	for (int i = 0; i < 150; i++)
		bana_issue_add(ctx, bana_print(ctx->arena, "p%d", i), "custom", NULL, "m");
	assert_fault(INVALID, bana_issues_close(ctx));
	assert_string_equal(ctx->failure.message, "ValidationError");
	int count = 0;
	char path[16];
	for (const struct bana_issue *i = ctx->failure.issues; i != NULL; i = i->next, count++) {
		snprintf(path, sizeof path, "p%d", count);
		assert_string_equal(i->path, path);
	}
	assert_int_equal(100, count);
}

static void put_text(struct bana_ctx *ctx, void *what)
{
	static int depth;
	bana_issue_add(ctx, what, "custom", NULL, "m");
	if (depth++ == 0) /* what is put off while the list runs is run too */
		bana_after_add(ctx, put_text, bana_copy(ctx->arena, "c", 1));
}

static void what_is_put_off_runs_in_order(void **state)
{
	struct unit *u = *state;
	struct bana_ctx *ctx = &u->ctx;
	bana_after_run(ctx);
	bana_after_add(ctx, put_text, bana_copy(ctx->arena, "a", 1));
	bana_after_add(ctx, put_text, bana_copy(ctx->arena, "b", 1));
	assert_null(ctx->failure.issues);
	bana_after_run(ctx);
	assert_string_equal(ctx->failure.issues->path, "a");
	assert_string_equal(ctx->failure.issues->next->path, "b");
	assert_string_equal(ctx->failure.issues->next->next->path, "c");
}

static void every_fault_has_a_status_a_slug_and_a_title(void **state)
{
	(void)state;
	for (int f = 0; f < BANA_FAULTS_COUNT; f++) {
		const struct bana_fault_row *row = bana_fault_row((enum bana_fault)f);
		assert_true(row->status == 200 || (row->status >= 400 && row->status <= 599));
		assert_true(*row->slug != '\0' && *row->title != '\0');
		for (int g = 0; g < f; g++)
			assert_string_not_equal(
				row->slug, bana_fault_row((enum bana_fault)g)->slug);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(the_first_detail_wins),
		unit_case(issues_keep_their_order_and_are_bounded),
		unit_case(what_is_put_off_runs_in_order),
		unit_case(every_fault_has_a_status_a_slug_and_a_title),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
