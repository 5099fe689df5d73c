#include "db/outreach/requests.h"

#define JSON "application/json"
/* clang-format off */
#define UMLAUT   "Jane@B\xc3\xbc" "cher.example"
#define ALABELS  "jane@xn--bcher-kva.example"
#define CAPITALS "jane@B\xc3\x9c" "CHER.example"
/* clang-format on */

static const char *const forms[] = {UMLAUT, ALABELS, "JANE@XN--BCHER-KVA.Example", CAPITALS};

static void subscribe(struct desk *d, const char *email)
{
	char body[160];
	snprintf(body, sizeof body, "{\"email\":\"%s\"}", email);
	assert_int_equal(200, send(d, "POST", "/subscribers/subscribe", JSON, body, NULL));
}

static void an_international_domain_is_one_subscription_however_it_is_written(void **state)
{
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(forms); i++)
		subscribe(&d, forms[i]);
	assert_string_equal(ask(d.db.admin, "SELECT concat_ws('|', count(*), min(email), "
					    "min(email_normalized)) FROM outreach.\"Subscriber\""),
		"1|" UMLAUT "|" ALABELS);
	subscribe(&d, "jane+tag@xn--bcher-kva.example"); /* somebody else, for all we know */
	subscribe(&d, "j.ane@xn--bcher-kva.example");
	assert_int_equal(3, number(d.db.admin, "SELECT count(*) FROM outreach.\"Subscriber\""));
	desk_close(&d);
}

static void an_inquiry_has_its_normalised_copy(void **state)
{
	struct desk d;
	desk_open(&d, state);
	assert_int_equal(201,
		send(&d, "POST", "/inquiries/submit", JSON,
			"{\"firstName\":\"A\",\"email\":\"" UMLAUT "\",\"message\":\"m\"}", NULL));
	assert_string_equal(
		ask(d.db.admin,
			"SELECT concat_ws('|', email, email_normalized) FROM outreach.\"Inquiry\""),
		UMLAUT "|" ALABELS);
	desk_close(&d);
}

/* What the version before does, which knows nothing of the copy. */
static void rows_of_the_version_before_get_a_copy(void **state)
{
	/* clang-format off */
	static const struct { const char *before, *after, *copy; } rows[] = {
		{"A@B.de", NULL, "a@b.de"}, {"a@b.de", "C@D.de", "c@d.de"}, {"a@b.de", "A@B.DE", "a@b.de"},
		{UMLAUT, "X@Y.de", "x@y.de"}, {"x@y.de", "erased-1@erased.invalid", "erased-1@erased.invalid"},
		{"A@\xc3\x9c.de", NULL, "a@\xc3\x9c.de"}, {"a@b.de", "A@\xc3\xbc.de", "a@\xc3\xbc.de"},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[512];
		snprintf(sql, sizeof sql,
			"DELETE FROM outreach.\"Inquiry\"; INSERT INTO outreach.\"Inquiry\" (id, "
			"first_name, email, message) VALUES (1, 'A', '%s', 'm')",
			rows[i].before);
		ask(d.db.admin, sql);
		snprintf(sql, sizeof sql,
			"UPDATE outreach.\"Inquiry\" SET email = '%s', version = version + 1",
			rows[i].after);
		if (rows[i].after != NULL)
			ask(d.db.admin, sql);
		const char *copy =
			ask(d.db.admin, "SELECT email_normalized FROM outreach.\"Inquiry\"");
		assert_row(strcmp(copy, rows[i].copy) == 0, "%s, %s: %s", rows[i].before,
			rows[i].after, copy);
	}
	ask(d.db.admin,
		"INSERT INTO outreach.\"Subscriber\" AS s (id, email, unsubscribe_token) VALUES "
		"(1, 'A@b.de', 1), (2, 'c@d.de', 2)"
		" ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO UPDATE SET source = 'x'");
	ask(d.db.admin,
		"INSERT INTO outreach.\"Subscriber\" AS s (id, email, unsubscribe_token) VALUES "
		"(3, 'a@B.de', 3)"
		" ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO UPDATE SET source = 'x'");
	assert_string_equal(
		ask(d.db.admin, "SELECT string_agg(concat_ws('|', id, source, email_normalized), "
				"',' ORDER BY id) FROM outreach.\"Subscriber\""),
		"1|x|a@b.de,2|c@d.de");
	desk_close(&d);
}

/* This version changes a spelling without changing the copy: not to be taken for the one before. */
static void another_spelling_of_a_domain_keeps_the_copy(void **state)
{
	struct desk d;
	desk_open(&d, state);
	subscribe(&d, ALABELS);
	ask(d.db.admin, "UPDATE outreach.\"Subscriber\" SET email = '" UMLAUT
			"', email_normalized = '" ALABELS "'");
	assert_string_equal(
		ask(d.db.admin, "SELECT email_normalized FROM outreach.\"Subscriber\""), ALABELS);
	desk_close(&d);
}

static void a_subscription_of_the_version_before_is_known_and_mended(void **state)
{
	struct desk d;
	struct child c;
	desk_open(&d, state);
	ask(d.db.admin, "INSERT INTO outreach.\"Subscriber\" (id, email, unsubscribe_token, "
			"status) VALUES (1, '" UMLAUT "', 1, '401_DEACTIVATED')");
	ask(d.db.admin, "INSERT INTO outreach.\"Inquiry\" (id, first_name, email, message) VALUES "
			"(1, 'A', '" UMLAUT "', 'm')");
	subscribe(&d, UMLAUT);
	assert_string_equal(ask(d.db.admin, "SELECT concat_ws('|', count(*), min(status)) FROM "
					    "outreach.\"Subscriber\""),
		"1|201_ACTIVATED");
	assert_int_equal(0, program(&c, &d.db, "migrate", NULL));
	assert_string_equal(
		ask(d.db.admin,
			"SELECT string_agg(email_normalized, ',') FROM (SELECT email_normalized "
			"FROM outreach.\"Subscriber\""
			" UNION ALL SELECT email_normalized FROM outreach.\"Inquiry\") AS t"),
		ALABELS "," ALABELS);
	subscribe(&d, ALABELS);
	assert_int_equal(1, number(d.db.admin, "SELECT count(*) FROM outreach.\"Subscriber\""));
	/* of two that are one person the second stays, and is told */
	ask(d.db.admin, "INSERT INTO outreach.\"Subscriber\" (id, email, unsubscribe_token, "
			"email_normalized) VALUES (2, 'x@\xc3\xbc.de', 2, 'x@xn--tda.de')");
	ask(d.db.admin, "INSERT INTO outreach.\"Subscriber\" (id, email, unsubscribe_token) VALUES "
			"(3, 'x@u\xcc\x88.de', 3)");
	assert_int_equal(0, program(&c, &d.db, "migrate", NULL));
	assert_non_null(strstr(c.text, "another row has the same address"));
	assert_non_null(strstr(c.text, "id=3"));
	assert_null(strstr(c.text, "x@"));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(an_international_domain_is_one_subscription_however_it_is_written),
		unit_case(an_inquiry_has_its_normalised_copy),
		unit_case(rows_of_the_version_before_get_a_copy),
		unit_case(another_spelling_of_a_domain_keeps_the_copy),
		unit_case(a_subscription_of_the_version_before_is_known_and_mended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
