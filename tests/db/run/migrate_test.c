#include "db/support.h"

#include "outreach/outreach.h"

#include <glob.h>

/* All that makes a schema what it is, and the rows that were seeded, as one digest. */
static const char *fingerprint(PGconn *c)
{
	static char text[64];
	snprintf(text, sizeof text, "%.63s",
		ask(c, "SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM ("
		       " SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type,"
		       "  is_nullable, column_default) FROM information_schema.columns WHERE "
		       "table_schema = 'outreach'"
		       " UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, "
		       "conname,"
		       "  pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = "
		       "'outreach'::regnamespace"
		       " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'outreach'"
		       " UNION ALL SELECT format('table %s %s', relname, relacl) FROM pg_class"
		       "  WHERE relnamespace = 'outreach'::regnamespace"
		       " UNION ALL SELECT format('grant %s %s %s', attrelid::regclass, attname, "
		       "attacl) FROM pg_attribute"
		       "  WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = "
		       "'outreach'::regnamespace)"
		       " UNION ALL SELECT format('rule %s %s %s %s %s %s', ptype, v0, v1, v2, v3, "
		       "v4) FROM outreach.\"CasbinRule\""
		       " UNION ALL SELECT format('applied %s %s', name, checksum) FROM "
		       "outreach.\"Migration\""
		       ") AS s (line)"));
	return text;
}

/* How many migrations there are for Outreach, its own and the platform's. */
static int files(void)
{
	static const char *const folders[] = {"outreach", "platform"};
	int count = 0;
	for (size_t i = 0; i < COUNT(folders); i++) {
		char pattern[4096];
		glob_t found;
		snprintf(pattern, sizeof pattern, "%s/%s/[0-9]*.sql", need("DB_MIGRATIONS"),
			folders[i]);
		assert_int_equal(0, glob(pattern, 0, NULL, &found));
		count += (int)found.gl_pathc;
		globfree(&found);
	}
	return count;
}

static char reference[64];

static int make_reference(void **state)
{
	struct unit *u;
	struct db db;
	struct child c;
	unit_open((void **)&u);
	db_make(&db, (void **)&u);
	if (program(&c, &db, "migrate", NULL) != 0) {
		fprintf(stderr, "migrate: %s\n", c.text);
		return 1;
	}
	snprintf(reference, sizeof reference, "%s", fingerprint(db.admin));
	db_close(&db);
	unit_close((void **)&u);
	(void)state;
	return 0;
}

static void twice_is_as_once(void **state)
{
	struct db db;
	struct child c;
	db_make(&db, state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(0, program(&c, &db, "migrate", NULL));
		assert_string_equal(fingerprint(db.admin), reference);
	}
	assert_int_equal(files(),
		number(db.admin,
			"SELECT count(*) FROM outreach.\"Migration\" WHERE name ~ "
			"'^(platform/)?[0-9]{4}_.*[.]sql$' AND length(checksum) = 64 AND status = "
			"'302_SUCCESS' AND applied_at <= now()"));
	assert_string_equal(outreach_service.migration, /* what /readyz looks for */
		ask(db.admin, "SELECT max(name COLLATE \"C\") FROM outreach.\"Migration\" WHERE "
			      "name !~ '/'"));
	assert_null(strstr(c.text, "migration applied"));
	db_close(&db);
}

static void several_at_once_do_it_once(void **state)
{
	struct db db;
	struct child c[4];
	db_make(&db, state);
	for (size_t i = 0; i < COUNT(c); i++)
		program_start(&c[i], &db, "migrate", NULL);
	int applied = 0;
	for (size_t i = 0; i < COUNT(c); i++) {
		child_wait(&c[i]);
		assert_row(c[i].status == 0, "%s", c[i].text);
		for (const char *at = c[i].text; (at = strstr(at, "migration applied")) != NULL;
			at++)
			applied++;
	}
	assert_int_equal(files(), applied);
	assert_string_equal(fingerprint(db.admin), reference);
	db_close(&db);
}

static void killed_at_any_moment_the_next_run_completes_it(void **state)
{
	static const unsigned moments_us[] = {1000, 3000, 5000, 8000, 10000, 12000, 15000, 18000,
		22000, 26000, 30000, 40000, 60000, 120000};
	int cut = 0;
	for (size_t i = 0; i < COUNT(moments_us); i++) {
		struct db db;
		struct child c;
		db_make(&db, state);
		program_start(&c, &db, "migrate", NULL);
		usleep(moments_us[i]);
		kill(c.pid, SIGKILL);
		child_wait(&c);
		cut += c.status == -1;
		await(db.admin, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = "
				"current_database() AND pid <> pg_backend_pid()");
		assert_row(
			program(&c, &db, "migrate", NULL) == 0, "%u us: %s", moments_us[i], c.text);
		assert_row(strcmp(fingerprint(db.admin), reference) == 0, "%u us", moments_us[i]);
		db_close(&db);
	}
	assert_true(cut > 0);
}

/* A backend that dies in the middle, too. */
static void a_server_that_ends_the_session_leaves_no_half(void **state)
{
	struct db db;
	struct child c;
	db_make(&db, state);
	ask(db.admin, "CREATE SCHEMA outreach; CREATE TABLE outreach.\"Subscriber\" (x int)");
	assert_int_not_equal(
		0, program(&c, &db, "migrate", NULL)); /* the second file cannot be applied */
	assert_int_equal(1, number(db.admin, "SELECT count(*) FROM outreach.\"Migration\""));
	assert_int_equal(
		1, number(db.admin, "SELECT count(*) FROM pg_class WHERE relname = 'Inquiry'"));
	assert_int_equal(
		0, number(db.admin, "SELECT count(*) FROM pg_class WHERE relname = 'CasbinRule'"));
	assert_non_null(strstr(c.text, "0002_subscriber.sql"));
	ask(db.admin, "DROP TABLE outreach.\"Subscriber\"");
	assert_int_equal(0, program(&c, &db, "migrate", NULL));
	assert_string_equal(fingerprint(db.admin), reference);
	db_close(&db);
}

/* ---- with migrations of our own -----------------------------------------------------------------
 */

struct folder {
	char path[32];
};

static void put(const struct folder *f, const char *name, const char *text)
{
	char path[160];
	snprintf(path, sizeof path, "%s/outreach/%s", f->path, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void folder_make(struct folder *f)
{
	struct child c;
	char own[160], platform[160];
	strcpy(f->path, "/tmp/bana-mig-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(own, sizeof own, "%s/outreach/seed", f->path);
	snprintf(platform, sizeof platform, "%s/platform/seed", f->path);
	child_start(&c, (const char *[]){"/bin/mkdir", "-p", own, platform, NULL});
	child_wait(&c);
}

static void folder_remove(struct folder *f)
{
	struct child c;
	child_start(&c, (const char *[]){"/bin/rm", "-rf", f->path, NULL});
	child_wait(&c);
}

static void a_changed_file_is_an_error_that_names_it(void **state)
{
	struct db db;
	struct child c;
	struct folder f;
	db_make(&db, state);
	folder_make(&f);
	put(&f, "0001_one.sql", "CREATE TABLE outreach.one ();");
	put(&f, "0002_two.sql", "CREATE TABLE outreach.two ();");
	assert_int_equal(0, program(&c, &db, "migrate", f.path));
	put(&f, "0001_one.sql", "CREATE TABLE outreach.one (); ");
	put(&f, "0003_three.sql", "CREATE TABLE outreach.three ();");
	assert_int_equal(1, program(&c, &db, "migrate", f.path));
	assert_non_null(strstr(c.text, "0001_one.sql"));
	assert_non_null(strstr(c.text, "changed"));
	assert_string_equal(ask(db.admin, "SELECT to_regclass('outreach.three') IS NULL"), "t");
	put(&f, "0001_one.sql", "CREATE TABLE outreach.one ();");
	assert_int_equal(0, program(&c, &db, "migrate", f.path));
	assert_string_equal(ask(db.admin, "SELECT to_regclass('outreach.three') IS NULL"), "f");
	folder_remove(&f);
	db_close(&db);
}

static void broken_sql_applies_nothing_of_its_file(void **state)
{
	/* clang-format off */
	static const char *const broken[] = {
		"CREATE TABLE outreach.two (); SELEC 1;", "CREATE TABLE outreach.two (); CREATE TABLE outreach.two ();",
		"CREATE TABLE outreach.two (); SELECT 1/0;", "CREATE TABLE outreach.two (); SELECT nothing;",
		"CREATE TABLE outreach.two (); DO $$ BEGIN RAISE EXCEPTION 'no'; END $$;",
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct db db;
		struct child c;
		struct folder f;
		db_make(&db, state);
		folder_make(&f);
		put(&f, "0001_one.sql", "CREATE TABLE outreach.one ();");
		put(&f, "0002_two.sql", broken[i]);
		put(&f, "0003_three.sql", "CREATE TABLE outreach.three ();");
		assert_int_equal(1, program(&c, &db, "migrate", f.path));
		assert_row(strstr(c.text, "0002_two.sql") != NULL, "%s is not named: %s", broken[i],
			c.text);
		assert_string_equal(
			ask(db.admin, "SELECT string_agg(relname, ',') FROM pg_class WHERE "
				      "relname IN ('one', 'two', 'three')"),
			"one");
		assert_string_equal(
			ask(db.admin, "SELECT string_agg(name, ',') FROM outreach.\"Migration\""),
			"0001_one.sql");
		put(&f, "0002_two.sql", "CREATE TABLE outreach.two ();");
		assert_int_equal(0, program(&c, &db, "migrate", f.path));
		assert_int_equal(
			3, number(db.admin, "SELECT count(*) FROM outreach.\"Migration\""));
		folder_remove(&f);
		db_close(&db);
	}
}

static void files_are_applied_in_the_order_of_their_numbers(void **state)
{
	struct db db;
	struct child c;
	struct folder f;
	db_make(&db, state);
	folder_make(&f);
	put(&f, "0010_c.sql", "INSERT INTO outreach.o (n) VALUES ('c');");
	put(&f, "0009_b.sql", "INSERT INTO outreach.o (n) VALUES ('b');");
	put(&f, "0001_a.sql",
		"CREATE TABLE outreach.o (i serial, n text); INSERT INTO outreach.o (n) VALUES "
		"('a');");
	put(&f, "notes.sql", "SELEC"); /* none of these is a migration */
	put(&f, "0002_old.sql.bak", "SELEC");
	put(&f, "README", "SELEC");
	put(&f, "seed/20_y.sql", "INSERT INTO outreach.o (n) VALUES ('y');");
	put(&f, "seed/10_x.sql", "INSERT INTO outreach.o (n) VALUES ('x');");
	assert_row(program(&c, &db, "migrate", f.path) == 0, "%s", c.text);
	assert_string_equal(
		ask(db.admin, "SELECT string_agg(n, '' ORDER BY i) FROM outreach.o"), "abcxy");
	assert_int_equal(0, program(&c, &db, "seed", f.path)); /* seeds run every time */
	assert_string_equal(
		ask(db.admin, "SELECT string_agg(n, '' ORDER BY i) FROM outreach.o"), "abcxyxy");
	folder_remove(&f);
	db_close(&db);
}

static void a_missing_folder_or_server_is_told(void **state)
{
	struct db db;
	struct child c;
	db_make(&db, state);
	assert_int_equal(1, program(&c, &db, "migrate", "/nonexistent"));
	assert_non_null(strstr(c.text, "/nonexistent"));
	assert_non_null(strstr(c.text, "APP_ENV_MIGRATIONS_DIR"));
	snprintf(db.owner_url, sizeof db.owner_url, "host=/nowhere dbname=x");
	assert_int_equal(1, program(&c, &db, "migrate", NULL));
	assert_non_null(strstr(c.text, "The database is not available"));
	db_close(&db);
}

static void what_an_administrator_decided_stays(void **state)
{
	struct db db;
	struct child c;
	db_make(&db, state);
	assert_int_equal(0, program(&c, &db, "migrate", NULL));
	ask(db.admin,
		"DELETE FROM outreach.\"CasbinRule\" WHERE v0 = 'CASHIER' AND v2 = 'Inquiry.find'");
	ask(db.admin, "UPDATE outreach.\"CasbinRule\" SET v4 = 'deny' WHERE v0 = 'EMPLOYEE' AND v2 "
		      "= 'Inquiry.find'");
	ask(db.admin,
		"INSERT INTO outreach.\"CasbinRule\" (ptype, v0, v1, v2, v3, v4) VALUES ('p', "
		"'GUEST', '*', 'Inquiry.find', 'read', 'allow')");
	char before[64];
	snprintf(before, sizeof before, "%s", fingerprint(db.admin));
	assert_int_equal(0, program(&c, &db, "migrate", NULL));
	assert_int_equal(0, program(&c, &db, "seed", NULL));
	assert_string_equal(fingerprint(db.admin), before);
	assert_string_not_equal(before, reference);
	db_close(&db);
}

/* The rows of the contract's table, and those of docs/interfaces.md beside them, by role. */
static void the_seeded_rules_are_those_of_the_contract(void **state)
{
	/* clang-format off */
	static const struct { const char *role; long rules; } rows[] = {{"OWNER", 44}, {"EMPLOYEE", 18}, {"CASHIER", 7}, {"SERVICE", 1}};
	/* clang-format on */
	struct db db;
	struct child c;
	db_make(&db, state);
	assert_int_equal(0, program(&c, &db, "migrate", NULL));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[160];
		snprintf(sql, sizeof sql,
			"SELECT count(*) FROM outreach.\"CasbinRule\" WHERE ptype = 'p' AND v0 = "
			"'%s' AND "
			"v1 = '*' AND v4 = 'allow'",
			rows[i].role);
		assert_row(number(db.admin, sql) == rows[i].rules, "%s: %ld", rows[i].role,
			number(db.admin, sql));
	}
	assert_int_equal(
		0, number(db.admin, "SELECT count(*) FROM outreach.\"CasbinRule\" WHERE v0 "
				    "NOT IN ('OWNER', 'EMPLOYEE', 'CASHIER', 'SERVICE')"));
	db_close(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(twice_is_as_once),
		unit_case(several_at_once_do_it_once),
		unit_case(killed_at_any_moment_the_next_run_completes_it),
		unit_case(a_server_that_ends_the_session_leaves_no_half),
		unit_case(a_changed_file_is_an_error_that_names_it),
		unit_case(broken_sql_applies_nothing_of_its_file),
		unit_case(files_are_applied_in_the_order_of_their_numbers),
		unit_case(a_missing_folder_or_server_is_told),
		unit_case(what_an_administrator_decided_stays),
		unit_case(the_seeded_rules_are_those_of_the_contract),
	};
	return cmocka_run_group_tests(tests, make_reference, NULL);
}
