/*
 * Several statements in one round trip, and a cache of statements that never runs full.
 */
#include "db/support.h"

#include "bana/pg.h"

static void open_table(struct db *db, void **state)
{
	db_make(db, state);
	ask(db->admin, "CREATE TABLE t (n int PRIMARY KEY)");
	db_connect(db, db->owner_url);
}

static void close_table(struct db *db)
{
	db_close(db);
}

static void a_batch_answers_every_step(void **state)
{
	struct db db;
	open_table(&db, state);
	const char *one = "1", *two = "2";
	struct bana_step steps[] = {{"INSERT INTO t VALUES ($1::int)", 1, &one, NULL},
		{"INSERT INTO t VALUES ($1::int)", 1, &two, NULL},
		{"SELECT sum(n) FROM t", 0, NULL, NULL},
		{"SELECT n FROM t WHERE n = $1::int", 1, &two, NULL}};
	assert_ok(bana_pg_batch(db_fresh(&db), steps, COUNT(steps)));
	assert_string_equal("3", bana_rows_text(steps[2].rows, 0, 0));
	assert_string_equal("2", bana_rows_text(steps[3].rows, 0, 0));
	assert_string_equal("2", value_of(&db, "SELECT count(*) FROM t"));
	close_table(&db);
}

static void a_batch_with_a_fault_leaves_nothing(void **state)
{
	struct db db;
	open_table(&db, state);
	struct bana_step steps[] = {{"INSERT INTO t VALUES (1)", 0, NULL, NULL},
		{"INSERT INTO t VALUES (1)", 0, NULL, NULL}, {"SELECT 1", 0, NULL, NULL}};
	assert_fault(CONFLICT, bana_pg_batch(db_fresh(&db), steps, COUNT(steps)));
	assert_string_equal("0", value_of(&db, "SELECT count(*) FROM t"));
	struct bana_step odd[] = {{"INSERT INTO t VALUES (1)", 0, NULL, NULL},
		{"SELECT n / 0 FROM t", 0, NULL, NULL}};
	assert_fault(INVALID, bana_pg_batch(db_fresh(&db), odd, COUNT(odd)));
	assert_string_equal("0", value_of(&db, "SELECT count(*) FROM t"));
	struct bana_step none[] = {{"SELECT nope", 0, NULL, NULL}};
	assert_fault(INTERNAL, bana_pg_batch(db_fresh(&db), none, 1));
	assert_string_equal("1", value_of(&db, "SELECT 1"));
	close_table(&db);
}

static void a_transaction_may_span_batches(void **state)
{
	struct db db;
	open_table(&db, state);
	struct bana_step begin[] = {
		{"BEGIN", 0, NULL, NULL}, {"INSERT INTO t VALUES (1)", 0, NULL, NULL}};
	struct bana_step end[] = {
		{"INSERT INTO t VALUES (2)", 0, NULL, NULL}, {"COMMIT", 0, NULL, NULL}};
	struct bana_ctx *ctx = db_fresh(&db);
	assert_ok(bana_pg_batch(ctx, begin, 2));
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM t"));
	assert_ok(bana_pg_batch(ctx, end, 2));
	assert_int_equal(2, number(db.admin, "SELECT count(*) FROM t"));
	/* what is begun and not committed goes with the request */
	begin[1].sql = "INSERT INTO t VALUES (3)";
	ctx = db_fresh(&db);
	assert_ok(bana_pg_batch(ctx, begin, 2));
	bana_pg_rollback(ctx);
	assert_string_equal("2", value_of(&db, "SELECT count(*) FROM t"));
	close_table(&db);
}

static void a_fault_inside_a_transaction_is_not_committed(void **state)
{
	struct db db;
	open_table(&db, state);
	struct bana_step begin[] = {
		{"BEGIN", 0, NULL, NULL}, {"INSERT INTO t VALUES (1)", 0, NULL, NULL}};
	struct bana_step end[] = {
		{"INSERT INTO t VALUES (1)", 0, NULL, NULL}, {"COMMIT", 0, NULL, NULL}};
	struct bana_ctx *ctx = db_fresh(&db);
	assert_ok(bana_pg_batch(ctx, begin, 2));
	assert_fault(CONFLICT, bana_pg_batch(ctx, end, 2));
	bana_pg_rollback(ctx);
	assert_string_equal("0", value_of(&db, "SELECT count(*) FROM t"));
	/* COMMIT of a failed transaction is PostgreSQL's ROLLBACK: no success */
	ctx = db_fresh(&db);
	assert_ok(bana_pg_begin(ctx));
	assert_fault(INTERNAL, bana_pg_exec(ctx, "SELECT nope", 0, NULL, NULL));
	struct bana_step commit[] = {{"COMMIT", 0, NULL, NULL}};
	assert_fault(INTERNAL, bana_pg_batch(ctx, commit, 1));
	assert_string_equal("1", value_of(&db, "SELECT 1"));
	close_table(&db);
}

static void a_connection_that_dies_in_a_batch_is_no_success(void **state)
{
	struct db db;
	open_table(&db, state);
	struct bana_step steps[] = {{"BEGIN", 0, NULL, NULL},
		{"INSERT INTO t VALUES (1)", 0, NULL, NULL},
		{"SELECT pg_terminate_backend(pg_backend_pid())", 0, NULL, NULL},
		{"COMMIT", 0, NULL, NULL}};
	assert_fault(UNAVAILABLE, bana_pg_batch(db_fresh(&db), steps, COUNT(steps)));
	bana_pg_rollback(&db.u->ctx);
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM t"));
	for (int i = 0; i < 100 && strcmp(value_of(&db, "SELECT 1"), "1") != 0; i++)
		usleep(10000);
	assert_string_equal("1", value_of(&db, "SELECT 1"));
	close_table(&db);
}

static void parameters_of_many_megabytes_pass(void **state)
{
	enum { BYTES = 3 * 1024 * 1024 }; /* far beyond what a socket takes at once */
	struct db db;
	open_table(&db, state);
	char *big = malloc(BYTES + 1);
	memset(big, 'x', BYTES);
	big[BYTES] = '\0';
	const char *value = big;
	struct bana_step steps[] = {{"SELECT length($1)", 1, &value, NULL},
		{"SELECT $1::text", 1, &value, NULL}, {"SELECT length($1)", 1, &value, NULL}};
	assert_ok(bana_pg_batch(db_fresh(&db), steps, COUNT(steps)));
	assert_int_equal(BYTES, strtol(bana_rows_text(steps[2].rows, 0, 0), NULL, 10));
	assert_int_equal(BYTES, strlen(bana_rows_text(steps[1].rows, 0, 0)));
	free(big);
	close_table(&db);
}

/* More shapes of statements than the cache has places: those in use stay, none fails. */
static void the_statement_least_used_makes_room(void **state)
{
	struct db db;
	open_table(&db, state);
	char sql[64];
	for (int i = 0; i < 400; i++) {
		char digits[16];
		snprintf(sql, sizeof sql, "SELECT %d", i);
		snprintf(digits, sizeof digits, "%d", i);
		assert_string_equal(digits, value_of(&db, sql));
		assert_string_equal("hot", value_of(&db, "SELECT 'hot'"));
	}
	const char *kept =
		"SELECT count(*), count(*) FILTER (WHERE statement = 'SELECT ''hot''') FROM "
		"pg_prepared_statements";
	const struct bana_rows *rows;
	assert_ok(bana_pg_once(db_fresh(&db), kept, 0, NULL, &rows));
	assert_string_equal("128", bana_rows_text(rows, 0, 0));
	assert_string_equal("1", bana_rows_text(rows, 0, 1));
	assert_ok(bana_pg_once(db_fresh(&db),
		"SELECT prepare_time < now() - interval '0 s' AND name = 's2' FROM "
		"pg_prepared_statements WHERE statement = 'SELECT ''hot'''",
		0, NULL, &rows));
	assert_string_equal("t", bana_rows_text(rows, 0, 0));
	close_table(&db);
}

/* What ends a failed transaction needs no place in the cache: making one is what such a transaction
 * would refuse. */
static void a_full_cache_keeps_no_failed_transaction(void **state)
{
	struct db db;
	char sql[64];
	open_table(&db, state);
	struct bana_step begin[] = {
		{"BEGIN", 0, NULL, NULL}, {"INSERT INTO t VALUES (1)", 0, NULL, NULL}};
	struct bana_ctx *ctx = db_fresh(&db);
	assert_ok(bana_pg_batch(ctx, begin, 2));
	for (int i = 0; i < 200; i++) {
		snprintf(sql, sizeof sql, "SELECT %d", i);
		assert_ok(bana_pg_exec(ctx, sql, 0, NULL, NULL));
	}
	assert_fault(CONFLICT, bana_pg_exec(ctx, "INSERT INTO t VALUES (1)", 0, NULL, NULL));
	bana_pg_rollback(ctx);
	assert_string_equal("0", value_of(&db, "SELECT count(*) FROM t"));
	assert_string_equal("1", value_of(&db, "SELECT 1"));
	close_table(&db);
}

/* What is called in a transaction of its caller's neither begins nor ends one. */
static void a_held_transaction_is_its_holder_s_to_end(void **state)
{
	struct db db;
	open_table(&db, state);
	struct bana_step whole[] = {
		{.sql = "BEGIN"}, {.sql = "INSERT INTO t VALUES (1)"}, {.sql = "COMMIT"}};
	struct bana_step end[] = {{.sql = "INSERT INTO t VALUES (2)"}, {.sql = "COMMIT"}};
	for (int kept = 0; kept <= 1; kept++) {
		struct bana_ctx *ctx = db_fresh(&db);
		assert_ok(bana_pg_begin(ctx));
		bana_pg_hold(ctx, true);
		assert_ok(bana_pg_batch(ctx, whole, COUNT(whole)));
		assert_ok(bana_pg_begin(ctx));
		assert_ok(bana_pg_commit(ctx));
		assert_int_equal(0, number(db.admin, "SELECT count(*) FROM t"));
		if (kept) {
			bana_pg_hold(ctx, false);
			assert_ok(bana_pg_batch(ctx, end, COUNT(end)));
		} else {
			bana_pg_rollback(ctx); /* and holds no more */
		}
		assert_int_equal(kept * 2, number(db.admin, "SELECT count(*) FROM t"));
	}
	close_table(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_batch_answers_every_step),
		unit_case(a_batch_with_a_fault_leaves_nothing),
		unit_case(a_transaction_may_span_batches),
		unit_case(a_fault_inside_a_transaction_is_not_committed),
		unit_case(a_connection_that_dies_in_a_batch_is_no_success),
		unit_case(parameters_of_many_megabytes_pass),
		unit_case(the_statement_least_used_makes_room),
		unit_case(a_full_cache_keeps_no_failed_transaction),
		unit_case(a_held_transaction_is_its_holder_s_to_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
