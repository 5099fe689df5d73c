#include "db/outreach/requests.h"

#include "bana/pg.h"
#include "outreach/challenge.h"

#define COUNT_USED "SELECT count(*) FROM outreach.\"UsedChallenge\""

static void a_challenge_is_good_once(void **state)
{
	struct desk d;
	bool first;
	desk_open(&d, state);
	db_fresh(&d.db);
	struct bana_ctx *ctx = &d.db.u->ctx;
	assert_ok(outreach_challenge_use(ctx, "a", &first));
	assert_true(first);
	for (int i = 0; i < 3; i++) {
		assert_ok(outreach_challenge_use(ctx, "a", &first));
		assert_false(first);
	}
	assert_ok(outreach_challenge_use(ctx, "b", &first));
	assert_true(first);
	assert_int_equal(
		2, number(d.db.admin, COUNT_USED " WHERE expires_at BETWEEN now() + interval '24 "
						 "hours' AND now() + interval '26 hours'"));
	desk_close(&d);
}

static void a_use_goes_with_its_transaction(void **state)
{
	struct desk d;
	struct bana_step steps[3] = {{.sql = "BEGIN"}};
	bool first;
	desk_open(&d, state);
	db_fresh(&d.db);
	struct bana_ctx *ctx = &d.db.u->ctx;
	outreach_challenge_use_step(ctx, "a", &steps[1]);
	assert_ok(bana_pg_batch(ctx, steps, 2));
	assert_true(outreach_challenge_fresh(&steps[1]));
	bana_pg_rollback(ctx);
	assert_int_equal(0, number(d.db.admin, COUNT_USED));
	steps[2] = (struct bana_step){.sql = "COMMIT"};
	assert_ok(bana_pg_batch(ctx, steps, 3));
	assert_true(outreach_challenge_fresh(&steps[1]));
	assert_ok(outreach_challenge_use(ctx, "a", &first));
	assert_false(first);
	desk_close(&d);
}

/* Those that are over go, in pieces, with the uses that come. */
static void what_expired_is_forgotten_and_nothing_else(void **state)
{
	struct desk d;
	bool first;
	desk_open(&d, state);
	ask(d.db.admin, "INSERT INTO outreach.\"UsedChallenge\" SELECT 'old' || n, now() - "
			"interval '1 s' FROM generate_series(1, 250) n");
	ask(d.db.admin, "INSERT INTO outreach.\"UsedChallenge\" SELECT 'new' || n, now() + "
			"interval '1 h' FROM generate_series(1, 50) n");
	long before = 250;
	for (int i = 0; i < 5000 && before > 0; i++) {
		db_fresh(&d.db);
		struct bana_ctx *ctx = &d.db.u->ctx;
		assert_ok(outreach_challenge_use(ctx, bana_print(ctx->arena, "use%d", i), &first));
		bool puts_off = ctx->after != NULL;
		bana_after_run(ctx);
		if (!puts_off)
			continue;
		long left = number(d.db.admin, COUNT_USED " WHERE digest LIKE 'old%'");
		assert_true(before - left <= 100);
		before = left;
	}
	assert_int_equal(0, before);
	assert_int_equal(50, number(d.db.admin, COUNT_USED " WHERE digest LIKE 'new%'"));
	desk_close(&d);
}

/* Fields for the door are read, and leave no trace in the row. */
static void fields_without_a_column_are_taken_and_not_stored(void **state)
{
	struct desk d;
	const char *text;
	desk_open(&d, state);
	assert_int_equal(201,
		send(&d, "POST", "/inquiries/submit", "application/json",
			"{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"website\":"
			"\"trap-text\",\"formStamp\":\"stamp-text\",\"altcha\":\"proof-text\"}",
			&text));
	assert_int_equal(200,
		send(&d, "POST", "/subscribers/subscribe", "application/x-www-form-urlencoded",
			"email=c%40d.de&website=trap-text&formStamp=stamp-text&altcha=proof-text",
			&text));
	assert_int_equal(2,
		number(d.db.admin,
			"SELECT (SELECT count(*) FROM outreach.\"Inquiry\" i WHERE i::text !~ "
			"'-text') + (SELECT count(*) FROM outreach.\"Subscriber\" s WHERE s::text "
			"!~ '-text')"));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_challenge_is_good_once),
		unit_case(a_use_goes_with_its_transaction),
		unit_case(what_expired_is_forgotten_and_nothing_else),
		unit_case(fields_without_a_column_are_taken_and_not_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
