#include "db/outreach/requests.h"

#define JSON "application/json"
#define GOOD "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\"}"

static void a_submit_is_stored_before_it_is_answered(void **state)
{
	struct desk d;
	const char *text;
	desk_open(&d, state);
	assert_int_equal(201, send(&d, "POST", "/inquiries/submit", JSON, GOOD, &text));
	const char *id = strstr(text, "\"id\":\"");
	assert_non_null(id);
	char sql[512], number_text[32];
	snprintf(
		number_text, sizeof number_text, "%.*s", (int)strspn(id + 6, "0123456789"), id + 6);
	snprintf(sql, sizeof sql,
		"SELECT concat_ws('|', first_name, email, message, type, status, user_agent, "
		"ip_hash, content_hash = "
		"encode(sha256('\"a@b.de\"\"100_GENERAL\"\"A\"\"\"\"\"\"\"\"\"\"m\"'), 'hex')) "
		"FROM outreach.\"Inquiry\" WHERE id = %s",
		number_text);
	assert_string_equal(ask(d.db.admin, sql),
		"A|a@b.de|m|100_GENERAL|100_NEW|unit \xc3\xa4|"
		"0fc5fa5ba9f79f2975fb742a0fb38fe64d9e458c750b1ca914c2a454c93e5179|t");
	snprintf(sql, sizeof sql, "Location: /v1/api/outreach/inquiries/%s\r\n", number_text);
	assert_non_null(strstr(text, sql));
	/* exactly these members in this order */
	const char *body = strstr(text, "\r\n\r\n") + 4;
	snprintf(sql, sizeof sql,
		"{\"count\":1,\"data\":{\"id\":\"%s\",\"type\":\"100_GENERAL\",\"status\":"
		"\"100_NEW\",\"createdAt\":\"",
		number_text);
	assert_int_equal(0, strncmp(body, sql, strlen(sql)));
	desk_close(&d);
}

static void bad_submits_leave_nothing_behind(void **state)
{
	/* clang-format off */
	static const struct { const char *type, *body; int status; } rows[] = {
		{JSON, "", 422}, {JSON, "{}", 422}, {JSON, "[]", 422}, {JSON, "{", 400}, {JSON, "nonsense", 400},
		{"text/plain", GOOD, 415}, {NULL, GOOD, 415},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"status\":\"303_COMPLETED\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"id\":\"5\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"createdAt\":\"2020-01-01\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"type\":\"nope\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"\\u0000\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"\xed\xa0\x80\"}", 400},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"\\ud800\"}", 400},
		{JSON, "{\"firstName\":\"A\",\"firstName\":\"B\",\"email\":\"a@b.de\",\"message\":\"m\"}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"metadata\":{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"metadata\":{\"a\":\"\\u0000\"}}", 422},
		{JSON, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"metadata\":{\"a\":1e999}}", 422},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status =
			send(&d, "POST", "/inquiries/submit", rows[i].type, rows[i].body, NULL);
		assert_row(status == rows[i].status, "%s: %d", rows[i].body, status);
	}
	assert_int_equal(0, number(d.db.admin, "SELECT count(*) FROM outreach.\"Inquiry\""));
	desk_close(&d);
}

/* What JSON lets through must never be the database's to refuse: jsonb has limits of its own. */
static void odd_metadata_is_stored_or_refused_but_never_an_error(void **state)
{
	static const char *const values[] = {"{\"a\":1e308}", "{\"a\":-0}", "{\"a\":1E-400}",
		"{\"\":\"\"}", "{\"a\":\"\\uffff\"}", "{\"a\":\"\\ud83d\\ude00\"}",
		"{\"a\":9223372036854775807}", "{\"a\":0.1e-300}", "{\"a\\\"b\":[true,false,null]}",
		"{\"a\":1.0}", "{\"a\":123456789012345678901234567890.5}"};
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(values); i++) {
		char body[512];
		snprintf(body, sizeof body,
			"{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"m\",\"metadata\":%"
			"s}",
			values[i]);
		int status = send(&d, "POST", "/inquiries/submit", JSON, body, NULL);
		assert_row(status == 201 || status == 422, "%s: %d", values[i], status);
	}
	desk_close(&d);
}

static void limits_count_characters(void **state)
{
	static char body[40000], message[30000];
	struct desk d;
	desk_open(&d, state);
	for (int i = 0; i < 5000; i++)
		memcpy(message + 4 * i, "\xf0\x9f\x98\x80", 4);
	snprintf(body, sizeof body, "{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"%s\"}",
		message);
	assert_int_equal(201, send(&d, "POST", "/inquiries/submit", JSON, body, NULL));
	assert_int_equal(
		5000, number(d.db.admin, "SELECT length(message) FROM outreach.\"Inquiry\""));
	snprintf(body, sizeof body,
		"{\"firstName\":\"A\",\"email\":\"a@b.de\",\"message\":\"%sx\"}", message);
	assert_int_equal(422, send(&d, "POST", "/inquiries/submit", JSON, body, NULL));
	desk_close(&d);
}

static void probes_tell_the_process_from_the_database(void **state)
{
	struct desk d;
	const char *text;
	desk_open(&d, state);
	assert_int_equal(200, send(&d, "GET", "/healthz", NULL, "", NULL));
	assert_int_equal(200, send(&d, "GET", "/readyz", NULL, "", NULL));
	PQfinish(d.db.admin);
	cluster("halt");
	assert_int_equal(200, send(&d, "GET", "/healthz", NULL, "", NULL));
	int status = 0; /* asked at most once a second */
	for (int i = 0; i < 400 && status != 503; i++, usleep(5000))
		status = send(&d, "GET", "/readyz", NULL, "", &text);
	assert_int_equal(503, status);
	assert_non_null(strstr(text, "Retry-After: 1\r\n"));
	assert_non_null(strstr(text, "\"reason\":\"the database does not answer\""));
	assert_int_equal(503, send(&d, "POST", "/inquiries/submit", JSON, GOOD, &text));
	cluster("resume");
	d.db.admin = admin_connect(d.db.name);
	for (int i = 0; i < 400 && send(&d, "GET", "/readyz", NULL, "", NULL) != 200; i++)
		usleep(5000);
	assert_int_equal(201, send(&d, "POST", "/inquiries/submit", JSON, GOOD, NULL));
	assert_int_equal(1, number(d.db.admin, "SELECT count(*) FROM outreach.\"Inquiry\""));
	desk_close(&d);
}

static void requests_without_a_token_see_nothing(void **state)
{
	/* clang-format off */
	static const struct { const char *method, *path; int status; } rows[] = {
		{"GET", "/inquiries/1", 401}, {"HEAD", "/inquiries/1", 401}, {"GET", "/ws?rooms=outreach/inquiries", 401},
		{"GET", "/inquiries/1?access_token=x", 401}, {"GET", "/nowhere", 404}, {"DELETE", "/inquiries/1", 401},
		{"PUT", "/inquiries/1", 405},
		{"OPTIONS", "/inquiries/1", 204}, {"OPTIONS", "/nowhere", 404}, {"GET", "/inquiries/submit", 405},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status = send(&d, rows[i].method, rows[i].path, NULL, "", NULL);
		/* no key set could be had: 503 is as closed as 401 */
		assert_row(status == rows[i].status || (rows[i].status == 401 && status == 503),
			"%s %s: %d", rows[i].method, rows[i].path, status);
	}
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_submit_is_stored_before_it_is_answered),
		unit_case(bad_submits_leave_nothing_behind),
		unit_case(odd_metadata_is_stored_or_refused_but_never_an_error),
		unit_case(limits_count_characters),
		unit_case(probes_tell_the_process_from_the_database),
		unit_case(requests_without_a_token_see_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
