#include "db/support.h"

static long backend(struct db *db)
{
	return strtol(value_of(db, "SELECT pg_backend_pid()"), NULL, 10);
}

static void terminate(struct db *db, long pid)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%ld, 5000)", pid);
	assert_string_equal(ask(db->admin, sql), "t");
}

static void the_session_is_as_it_must_be(void **state)
{
	/* clang-format off */
	static const struct { const char *sql, *value; } rows[] = {
		{"SHOW TimeZone", "UTC"}, {"SHOW DateStyle", "ISO, MDY"}, {"SHOW client_encoding", "UTF8"},
		{"SHOW statement_timeout", "600ms"}, {"SHOW lock_timeout", "200ms"},
		{"SHOW application_name", "unit-worker"}, {"SHOW synchronous_commit", "on"},
	};
	/* clang-format on */
	struct db db;
	db_open(&db, state);
	ask(db.admin, "ALTER ROLE outreach_app SET synchronous_commit = off");
	ask(db.admin, "ALTER ROLE outreach_app SET TimeZone = 'Asia/Tokyo'");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(value_of(&db, rows[i].sql), rows[i].value);
	assert_int_not_equal(0,
		number(db.admin, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
				 "'unit-worker' AND state = 'idle'"));
	ask(db.admin, "ALTER ROLE outreach_app RESET ALL");
	db_close(&db);
}

static void an_unsafe_server_is_refused_unless_allowed(void **state)
{
	struct db db;
	db_make(&db, state);
	db.pg = bana_pg_new(&(struct bana_pg_options){.url = db.owner_url,
		.name = "u",
		.connect_ms = 500,
		.statement_ms = 500,
		.lock_ms = 500});
	db.u->ctx.db = db.pg;
	assert_fault(UNAVAILABLE, bana_pg_ready(&db.u->ctx, db.pg)); /* fsync is off here */
	assert_non_null(strstr(db.u->ctx.failure.why, "APP_ENV_DATABASE_ALLOW_UNSAFE"));
	db_close(&db);
}

static void a_statement_is_prepared_once(void **state)
{
	struct db db;
	db_open(&db, state);
	for (int i = 0; i < 5; i++) {
		const char *values[] = {"7", NULL};
		const struct bana_rows *rows;
		assert_ok(bana_pg_exec(
			db_fresh(&db), "SELECT $1::int + 1, $2::text, ''", 2, values, &rows));
		assert_int_equal(1, bana_rows_count(rows));
		assert_string_equal(bana_rows_text(rows, 0, 0), "8");
		assert_null(bana_rows_text(rows, 0, 1)); /* NULL in, NULL out */
		assert_string_equal(bana_rows_text(rows, 0, 2), "");
	}
	assert_string_equal(value_of(&db, "SELECT count(*) FROM pg_prepared_statements"), "2");
	assert_string_equal(value_of(&db, "SELECT sum(generic_plans + custom_plans) FROM "
					  "pg_prepared_statements WHERE statement "
					  "LIKE 'SELECT $1::int%'"),
		"5");
	db_close(&db);
}

static void more_statements_than_places_still_run(void **state)
{
	struct db db;
	db_open(&db, state);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 150; i++) {
			char sql[64], expected[16];
			snprintf(sql, sizeof sql, "SELECT %d", i);
			snprintf(expected, sizeof expected, "%d", i);
			assert_string_equal(value_of(&db, sql), expected);
		}
	}
	assert_string_equal(value_of(&db, "SELECT count(*) FROM pg_prepared_statements"), "128");
	db_close(&db);
}

static void a_backend_ended_while_idle_costs_no_statement(void **state)
{
	struct db db;
	db_open(&db, state);
	for (int i = 0; i < 20; i++) {
		long pid = backend(&db);
		terminate(&db, pid);
		assert_string_equal(value_of(&db, "SELECT 1"), "1");
		assert_int_not_equal(pid, backend(&db));
	}
	db_close(&db);
}

/* Plan caches are dropped when DDL changes what a statement returns: the next one must work. */
static void a_changed_table_heals_by_itself(void **state)
{
	struct db db;
	db_open(&db, state);
	ask(db.admin, "CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1);"
		      "GRANT SELECT ON public.t TO outreach_app");
	assert_string_equal(value_of(&db, "SELECT * FROM public.t"), "1");
	ask(db.admin, "ALTER TABLE public.t ALTER a TYPE text USING 'x'");
	value_of(&db, "SELECT * FROM public.t"); /* may fail once, with UNAVAILABLE */
	assert_string_equal(value_of(&db, "SELECT * FROM public.t"), "x");
	db_close(&db);
}

static void errors_are_told_by_sqlstate(void **state)
{
	/* clang-format off */
	static const struct { const char *sql; enum bana_fault fault; const char *why; } rows[] = {
		{"INSERT INTO public.t VALUES (1, 1)", BANA_CONFLICT, "SQLSTATE 23505"},
		{"INSERT INTO public.t VALUES (2, 99)", BANA_CONFLICT, "SQLSTATE 23503"},
		{"INSERT INTO public.t VALUES (3, -1)", BANA_INVALID, "SQLSTATE 23514"},
		{"INSERT INTO public.t VALUES (NULL, 1)", BANA_INVALID, "SQLSTATE 23502"},
		{"INSERT INTO public.x VALUES ('[1,5]')", BANA_CONFLICT, "SQLSTATE 23P01"},
		{"SELECT 'x'::int", BANA_INVALID, "SQLSTATE 22P02"}, {"SELECT 1/0", BANA_INVALID, "SQLSTATE 22012"},
		{"SELECT 99999999999::int", BANA_INVALID, "SQLSTATE 22003"},
		{"SELECT pg_sleep(30)", BANA_UNAVAILABLE, "SQLSTATE 57014"},
		{"SELEC 1", BANA_INTERNAL, "SQLSTATE 42601"}, {"SELECT * FROM nowhere", BANA_INTERNAL, "SQLSTATE 42P01"},
		{"SELECT nothing", BANA_INTERNAL, "SQLSTATE 42703"},
		{"CREATE TABLE public.mine ()", BANA_INTERNAL, "SQLSTATE 42501"},
		{"DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", BANA_UNAVAILABLE, "SQLSTATE 40001"},
		{"DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", BANA_UNAVAILABLE, "SQLSTATE 40P01"},
		{"DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", BANA_UNAVAILABLE, "SQLSTATE 53100"},
		{"DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$", BANA_UNAVAILABLE, "SQLSTATE 57P01"},
		{"DO $$ BEGIN RAISE SQLSTATE '25006'; END $$", BANA_UNAVAILABLE, "SQLSTATE 25006"},
		{"DO $$ BEGIN RAISE SQLSTATE '0A000'; END $$", BANA_UNAVAILABLE, "SQLSTATE 0A000"},
		{"DO $$ BEGIN RAISE SQLSTATE '08006'; END $$", BANA_UNAVAILABLE, "SQLSTATE 08006"},
		{"DO $$ BEGIN RAISE SQLSTATE 'XX000'; END $$", BANA_INTERNAL, "SQLSTATE XX000"},
		{"SELECT pg_terminate_backend(pg_backend_pid())", BANA_UNAVAILABLE, ""},
	};
	/* clang-format on */
	struct db db;
	db_open(&db, state);
	ask(db.admin, "CREATE TABLE public.p (id int PRIMARY KEY); INSERT INTO public.p VALUES (1);"
		      "CREATE TABLE public.t (id int PRIMARY KEY, p int REFERENCES public.p CHECK "
		      "(p > 0));"
		      "INSERT INTO public.t VALUES (1, 1);"
		      "CREATE TABLE public.x (r int4range, EXCLUDE USING gist (r WITH &&));"
		      "INSERT INTO public.x VALUES ('[1,5]');"
		      "GRANT SELECT, INSERT ON public.t, public.x, public.p TO outreach_app");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_ctx *ctx = db_fresh(&db);
		bana_res r = bana_pg_exec(ctx, rows[i].sql, 0, NULL, NULL);
		assert_row(r.fault == rows[i].fault, "%s: %d %s", rows[i].sql, (int)r.fault,
			ctx->failure.why);
		assert_row(strncmp(ctx->failure.why, rows[i].why, strlen(rows[i].why)) == 0,
			"%s: %s", rows[i].sql, ctx->failure.why);
		assert_int_equal(rows[i].fault == BANA_UNAVAILABLE, ctx->failure.retry_after_s > 0);
		assert_row(ctx->failure.message == NULL ||
				   strstr(ctx->failure.message, "public") == NULL,
			"%s leaks %s", rows[i].sql, ctx->failure.message);
		assert_string_equal(value_of(&db, "SELECT 1"), "1"); /* and on it goes */
	}
	db_close(&db);
}

static void a_lock_is_not_waited_for_long(void **state)
{
	struct db db;
	db_open(&db, state);
	ask(db.admin, "CREATE TABLE public.t (id int); GRANT ALL ON public.t TO outreach_app");
	ask(db.admin, "BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE");
	int64_t begun = bana_tick_us();
	assert_fault(UNAVAILABLE,
		bana_pg_exec(db_fresh(&db), "INSERT INTO public.t VALUES (1)", 0, NULL, NULL));
	assert_in_range((bana_tick_us() - begun) / 1000, 190, 500);
	assert_non_null(strstr(db.u->ctx.failure.why, "55P03"));
	ask(db.admin, "ROLLBACK");
	assert_ok(bana_pg_exec(db_fresh(&db), "INSERT INTO public.t VALUES (1)", 0, NULL, NULL));
	db_close(&db);
}

static void a_transaction_is_all_or_nothing(void **state)
{
	struct db db;
	db_open(&db, state);
	ask(db.admin, "CREATE TABLE public.t (id int PRIMARY KEY); GRANT ALL ON public.t TO "
		      "outreach_app");
	struct bana_ctx *ctx = db_fresh(&db);
	bana_pg_rollback(ctx); /* before anything: nothing */
	assert_ok(bana_pg_begin(ctx));
	assert_ok(bana_pg_exec(ctx, "INSERT INTO public.t VALUES (1)", 0, NULL, NULL));
	bana_pg_rollback(ctx);
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM public.t"));
	assert_ok(bana_pg_begin(ctx));
	assert_ok(bana_pg_exec(ctx, "INSERT INTO public.t VALUES (1)", 0, NULL, NULL));
	assert_fault(CONFLICT, bana_pg_exec(ctx, "INSERT INTO public.t VALUES (1)", 0, NULL, NULL));
	bana_pg_rollback(ctx); /* also out of one that failed */
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM public.t"));
	assert_ok(bana_pg_begin(db_fresh(&db)));
	assert_ok(bana_pg_exec(
		&db.u->ctx, "INSERT INTO public.t VALUES (1), (2), (3)", 0, NULL, NULL));
	assert_ok(bana_pg_commit(&db.u->ctx));
	bana_pg_rollback(&db.u->ctx); /* nothing left to undo */
	assert_int_equal(3, number(db.admin, "SELECT count(*) FROM public.t"));
	db_close(&db);
}

static void a_transaction_is_not_carried_on_by_another_connection(void **state)
{
	struct db db;
	db_open(&db, state);
	struct bana_ctx *ctx = &db.u->ctx;
	ask(db.admin, "DROP TABLE IF EXISTS public.lost; CREATE TABLE public.lost (x int);"
		      "GRANT ALL ON public.lost TO PUBLIC");
	long pid = backend(&db);
	assert_ok(bana_pg_begin(ctx));
	assert_ok(bana_pg_exec(ctx, "INSERT INTO public.lost VALUES (1)", 0, NULL, NULL));
	terminate(&db, pid);
	assert_fault(UNAVAILABLE, bana_pg_exec(ctx, "SELECT 1", 0, NULL, NULL));
	assert_fault(UNAVAILABLE, bana_pg_commit(ctx));
	bana_pg_rollback(ctx);
	assert_string_equal(value_of(&db, "SELECT 1"), "1"); /* a new one is made now */
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM public.lost"));
	db_close(&db);
}

static void a_failed_commit_is_no_success(void **state)
{
	struct db db;
	db_open(&db, state);
	ask(db.admin, "CREATE TABLE public.t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
		      "GRANT ALL ON public.t TO outreach_app");
	assert_ok(bana_pg_begin(db_fresh(&db)));
	assert_ok(bana_pg_exec(&db.u->ctx, "INSERT INTO public.t VALUES (1), (1)", 0, NULL, NULL));
	assert_fault(CONFLICT, bana_pg_commit(&db.u->ctx));
	bana_pg_rollback(&db.u->ctx);
	/* COMMIT of a broken transaction is answered with ROLLBACK, without an error */
	assert_ok(bana_pg_begin(db_fresh(&db)));
	assert_ok(bana_pg_exec(&db.u->ctx, "INSERT INTO public.t VALUES (5)", 0, NULL, NULL));
	assert_fault(INVALID, bana_pg_exec(&db.u->ctx, "SELECT 1/0", 0, NULL, NULL));
	assert_true(bana_pg_commit(&db.u->ctx).fault != BANA_OK);
	bana_pg_rollback(&db.u->ctx);
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM public.t"));
	db_close(&db);
}

static void a_frozen_backend_is_given_up_in_time(void **state)
{
	struct db db;
	db_open(&db, state);
	long pid = backend(&db);
	kill((pid_t)pid, SIGSTOP);
	int64_t begun = bana_tick_us();
	assert_fault(UNAVAILABLE, bana_pg_exec(db_fresh(&db), "SELECT 2", 0, NULL, NULL));
	int64_t took_ms = (bana_tick_us() - begun) / 1000;
	kill((pid_t)pid, SIGCONT);
	assert_in_range(took_ms, 1090, 1400); /* statement_ms and the grace of 500 */
	assert_string_equal(value_of(&db, "SELECT 1"), "1");
	db_close(&db);
}

static void a_stopped_server_is_unavailable_and_found_again(void **state)
{
	struct db db;
	db_open(&db, state);
	assert_string_equal(value_of(&db, "SELECT 1"), "1");
	PQfinish(db.admin);
	cluster("halt");
	for (int i = 0; i < 20; i++) {
		int64_t begun = bana_tick_us();
		struct bana_ctx *ctx = db_fresh(&db);
		bana_res r = bana_pg_exec(ctx, "SELECT 1", 0, NULL, NULL);
		assert_int_equal(BANA_UNAVAILABLE, r.fault);
		assert_int_equal(1, ctx->failure.retry_after_s);
		assert_true(bana_tick_us() - begun < 600000); /* the limit of a connection */
	}
	cluster("resume");
	int64_t back = bana_tick_us();
	while (strcmp(value_of(&db, "SELECT 1"), "1") != 0) {
		assert_true(bana_tick_us() - back < 1000000); /* the next answer within a second */
		usleep(5000);
	}
	db.admin = admin_connect(db.name);
	db_close(&db);
}

static void nobody_there_leaks_nothing(void **state)
{
	struct db db;
	db_make(&db, state);
	db_connect(&db, "host=/nowhere dbname=x");
	int before = dup(0);
	close(before);
	for (int i = 0; i < 300; i++) {
		assert_fault(UNAVAILABLE, bana_pg_exec(db_fresh(&db), "SELECT 1", 0, NULL, NULL));
		usleep(500);
	}
	int after = dup(0);
	close(after);
	assert_int_equal(before, after);
	bana_pg_free(db.pg);
	db_connect(&db, "this is = no 'address");
	assert_fault(UNAVAILABLE, bana_pg_exec(db_fresh(&db), "SELECT 1", 0, NULL, NULL));
	db_close(&db);
	bana_pg_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(the_session_is_as_it_must_be),
		unit_case(an_unsafe_server_is_refused_unless_allowed),
		unit_case(a_statement_is_prepared_once),
		unit_case(more_statements_than_places_still_run),
		unit_case(a_backend_ended_while_idle_costs_no_statement),
		unit_case(a_changed_table_heals_by_itself),
		unit_case(errors_are_told_by_sqlstate),
		unit_case(a_lock_is_not_waited_for_long),
		unit_case(a_transaction_is_all_or_nothing),
		unit_case(a_transaction_is_not_carried_on_by_another_connection),
		unit_case(a_failed_commit_is_no_success),
		unit_case(a_frozen_backend_is_given_up_in_time),
		unit_case(a_stopped_server_is_unavailable_and_found_again),
		unit_case(nobody_there_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
