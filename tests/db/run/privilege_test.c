#include "db/support.h"

/* What the worker's role may do, and all that it must not: 42501 is "insufficient privilege". */
static void the_workers_role_has_the_least_it_needs(void **state)
{
	/* clang-format off */
	static const struct { bool may; const char *sql; } rows[] = {
		{true, "SELECT * FROM outreach.\"Inquiry\""}, {true, "SELECT * FROM outreach.\"CasbinRule\""},
		{true, "INSERT INTO outreach.\"Inquiry\" (id, first_name, email, message) VALUES (1, 'a', 'b@c.de', 'm')"},
		{true, "INSERT INTO outreach.\"Subscriber\" (id, email, unsubscribe_token) VALUES (1, 'b@c.de', 1)"},
		{true, "UPDATE outreach.\"Inquiry\" SET status = '104_IN_REVIEW' WHERE id = 1"},
		{true, "UPDATE outreach.\"Inquiry\" SET deleted_at = now() WHERE id = 1"},
		{true, "UPDATE outreach.\"Subscriber\" SET status = '401_DEACTIVATED', modified_at = now()"},
		{true, "INSERT INTO outreach.\"Consent\" (id, subscriber_id, email, email_normalized, action, status) VALUES (1, 1, 'b@c.de', 'b@c.de', 'a', 's')"},
		{true, "UPDATE outreach.\"Consent\" SET email = 'x', email_normalized = 'x', ip_hash = NULL, modified_at = now(), version = version + 1"},
		{false, "UPDATE outreach.\"Consent\" SET consent_version = 'v2'"}, {false, "UPDATE outreach.\"Consent\" SET created_at = now()"},
		{false, "DELETE FROM outreach.\"Consent\""},
		{false, "UPDATE outreach.\"Inquiry\" SET id = 2"}, {false, "UPDATE outreach.\"Inquiry\" SET created_at = now()"},
		{false, "UPDATE outreach.\"Subscriber\" SET id = 2"}, {false, "DELETE FROM outreach.\"Inquiry\""},
		{false, "DELETE FROM outreach.\"Subscriber\""}, {false, "TRUNCATE outreach.\"Inquiry\""},
		{false, "DELETE FROM outreach.\"CasbinRule\""}, {false, "UPDATE outreach.\"CasbinRule\" SET v4 = 'allow'"},
		{false, "INSERT INTO outreach.\"CasbinRule\" (ptype, v0, v1, v2, v3, v4) VALUES ('p', 'X', '*', 'o', 'a', 'allow')"},
		{false, "INSERT INTO outreach.\"Migration\" (name, checksum) VALUES ('x', 'y')"},
		{false, "DELETE FROM outreach.\"Migration\""}, {false, "INSERT INTO outreach.\"SeededRule\" VALUES ('a', 'b', 'c')"},
		{false, "DROP TABLE outreach.\"Inquiry\""}, {false, "ALTER TABLE outreach.\"Inquiry\" ADD x int"},
		{false, "CREATE TABLE outreach.x ()"}, {false, "CREATE TABLE public.x ()"}, {false, "CREATE SCHEMA x"},
		{false, "CREATE INDEX ON outreach.\"Inquiry\" (email)"}, {false, "DROP SCHEMA outreach CASCADE"},
		{false, "CREATE ROLE x"}, {false, "CREATE DATABASE x"}, {false, "CREATE EXTENSION pg_trgm"},
		{false, "ALTER ROLE outreach_app SUPERUSER"}, {false, "SET ROLE postgres"}, {false, "ALTER SYSTEM SET fsync = off"},
		{false, "COPY outreach.\"Inquiry\" TO PROGRAM 'id'"}, {false, "SELECT pg_read_file('/etc/passwd')"},
		{false, "LOCK TABLE outreach.\"Inquiry\" IN ACCESS EXCLUSIVE MODE"},
		{false, "GRANT ALL ON outreach.\"Inquiry\" TO PUBLIC"}, {false, "CREATE FUNCTION outreach.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
		{false, "CREATE TRIGGER t BEFORE INSERT ON outreach.\"Inquiry\" EXECUTE FUNCTION suppress_redundant_updates_trigger()"},
	};
	/* clang-format on */
	struct db db;
	db_open(&db, state);
	PGconn *app = PQconnectdb(db.app_url);
	assert_int_equal(CONNECTION_OK, PQstatus(app));
	PQsetNoticeProcessor(app, ignore_notice, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *code = state_of(app, rows[i].sql);
		/* ALTER SYSTEM, CREATE DATABASE and GRANT without right say it each in its own way
		 */
		bool refused = *code != '\0';
		if (strncmp(rows[i].sql, "GRANT", 5) == 0) /* only warns: look at what it did */
			refused =
				number(db.admin,
					"SELECT count(*) FROM information_schema.table_privileges "
					"WHERE table_schema = 'outreach' AND grantee = 'PUBLIC'") ==
				0;
		assert_row(refused != rows[i].may, "%s: '%s'", rows[i].sql, code);
	}
	PQfinish(app);
	db_close(&db);
}

static void the_workers_role_has_no_attribute_and_owns_nothing(void **state)
{
	struct db db;
	db_open(&db, state);
	assert_string_equal(
		ask(db.admin,
			"SELECT concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, "
			"rolreplication, "
			"rolbypassrls, rolcanlogin) FROM pg_roles WHERE rolname = 'outreach_app'"),
		"f f f f f t");
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM pg_class WHERE relowner = "
					     "'outreach_app'::regrole"));
	assert_int_equal(0, number(db.admin, "SELECT count(*) FROM pg_auth_members WHERE member = "
					     "'outreach_app'::regrole"));
	db_close(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(the_workers_role_has_the_least_it_needs),
		unit_case(the_workers_role_has_no_attribute_and_owns_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
