#include "db/outreach/requests.h"

#include "bana/row.h"

#include "outreach/link.h"

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static const char accepted[] = "{\"count\":1,\"data\":{\"status\":\"accepted\"}}";

static int subscribe(struct desk *d, const char *body)
{
	const char *text;
	int status = send(d, "POST", "/subscribers/subscribe", JSON, body, &text);
	if (status == 200)
		assert_string_equal(strstr(text, "\r\n\r\n") + 4, accepted);
	return status;
}

static const char *row(struct desk *d, const char *columns)
{
	char sql[256];
	snprintf(
		sql, sizeof sql, "SELECT concat_ws('|', %s) FROM outreach.\"Subscriber\"", columns);
	return ask(d->db.admin, sql);
}

static void an_address_is_stored_once_whatever_its_case(void **state)
{
	struct desk d;
	desk_open(&d, state);
	assert_int_equal(200,
		subscribe(&d,
			"{\"email\":\"A@Example.com\",\"firstName\":\"A\",\"topics\":[\"x\",\"y\"],"
			"\"consentVersion\":\"v1\"}"));
	char before[512];
	snprintf(before, sizeof before, "%s", row(&d, "\"Subscriber\"::text"));
	assert_string_equal(
		row(&d, "email, first_name, topics, status, consent_version, subscribed_at IS NOT "
			"NULL, consented_at IS NOT NULL, ip_hash"),
		"A@Example.com|A|{x,y}|201_ACTIVATED|v1|t|t|"
		"0fc5fa5ba9f79f2975fb742a0fb38fe64d9e458c750b1ca914c2a454c93e5179");
	assert_int_equal(200, subscribe(&d, "{\"email\":\"a@EXAMPLE.com\",\"firstName\":\"B\","
					    "\"consentVersion\":\"v2\"}"));
	assert_int_equal(1, number(d.db.admin, "SELECT count(*) FROM outreach.\"Subscriber\""));
	assert_string_equal(row(&d, "\"Subscriber\"::text"), before); /* nothing changed */
	desk_close(&d);
}

static void only_a_deactivated_or_pending_one_is_activated(void **state)
{
	/* clang-format off */
	static const struct { const char *status; bool changes; } rows[] = {
		{"103_PENDING", true}, {"201_ACTIVATED", false}, {"403_BLOCKED", false}, {"405_ARCHIVED", false},
		{"401_DEACTIVATED", true},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[512], before[512];
		snprintf(sql, sizeof sql,
			"DELETE FROM outreach.\"Subscriber\"; INSERT INTO outreach.\"Subscriber\" "
			"(id, email, status, "
			"unsubscribe_token, unsubscribed_at, unsubscribe_reason, modified_at) "
			"VALUES (1, 'a@b.de', '%s', 77, "
			"'2020-01-01', 'r', '2020-01-01')",
			rows[i].status);
		ask(d.db.admin, sql);
		snprintf(before, sizeof before, "%s", row(&d, "\"Subscriber\"::text"));
		assert_int_equal(
			200, subscribe(&d, "{\"email\":\"a@b.de\",\"consentVersion\":\"v9\"}"));
		assert_row(
			(strcmp(row(&d, "\"Subscriber\"::text"), before) != 0) == rows[i].changes,
			"%s", rows[i].status);
	}
	assert_string_equal(
		row(&d, "id, status, unsubscribe_token <> 77, unsubscribed_at, unsubscribe_reason, "
			"modified_at > '2025-01-01', consent_version"),
		"1|201_ACTIVATED|t|t|v9");
	ask(d.db.admin, "UPDATE outreach.\"Subscriber\" SET deleted_at = now()");
	assert_int_equal(200, subscribe(&d, "{\"email\":\"a@b.de\"}")); /* a deleted one is none */
	assert_int_equal(2, number(d.db.admin, "SELECT count(*) FROM outreach.\"Subscriber\""));
	desk_close(&d);
}

static void a_suspicious_one_has_to_be_confirmed(void **state)
{
	static const struct {
		const char *before;
		bool suspicious, secret;
		const char *after;
	} rows[] = {
		{NULL, false, true, "201_ACTIVATED|f|f"}, {NULL, true, true, "103_PENDING|t|t"},
		{NULL, true, false, "103_PENDING|f|f"}, /* staff decides */
		{"401_DEACTIVATED", true, true, "103_PENDING|t|t"},
		{"201_ACTIVATED", true, true, "201_ACTIVATED|f|f"},
		{"403_BLOCKED", true, true, "403_BLOCKED|f|f"},
		{"103_PENDING", true, false, "103_PENDING|t|t"}, /* its link goes on */
	};
	static const struct param params[] = {{"REMOTE_ADDR", "192.0.2.7"}, {NULL, NULL}};
	const struct bana_entity *e = &outreach_subscriber;
	size_t email = bana_field_place(e, bana_field_find(e, BANA_STR("email")));
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_row in = {0};
		struct bana_req q;
		ask(d.db.admin, "DELETE FROM outreach.\"Subscriber\"");
		ask(d.db.admin, "DELETE FROM outreach.\"Consent\"");
		if (rows[i].before != NULL) {
			char sql[256];
			snprintf(sql, sizeof sql,
				"INSERT INTO outreach.\"Subscriber\" (id, email, status, "
				"unsubscribe_token) VALUES (1, 'a@b.de', '%s', 77)",
				rows[i].before);
			ask(d.db.admin, sql);
			ask(d.db.admin,
				"UPDATE outreach.\"Subscriber\" SET confirm_token_hash = 'h', "
				"confirm_expires_at = now() + interval '156 hours' "
				"WHERE status = '103_PENDING'");
		}
		db_fresh(&d.db);
		req_init(&q, d.db.u, "POST", "/subscribers/subscribe", params);
		outreach_settings.secret = rows[i].secret ? "0123456789abcdef0123456789abcdef" : "";
		bana_row_set(&in, email, "a@b.de");
		bana_row_derive(&q.ctx, e, &in);
		assert_ok(outreach_subscribe_row(&q, &in, rows[i].suspicious));
		const char *is = row(&d,
			"status, confirm_token_hash IS NOT NULL, coalesce(confirm_expires_at "
			"BETWEEN now() + interval '6 days' AND now() + interval '7 days 1 second', "
			"false)");
		assert_row(strcmp(is, rows[i].after) == 0, "%zu: %s", i, is);
		assert_int_equal(
			1, number(d.db.admin, "SELECT count(*) FROM outreach.\"Consent\""));
	}
	desk_close(&d);
}

static void bad_subscriptions_are_refused(void **state)
{
	/* clang-format off */
	static const struct { const char *type, *body; int status; } rows[] = {
		{JSON, "{}", 422}, {JSON, "{\"email\":\"x\"}", 422}, {JSON, "{\"email\":\"a@b.de\",\"status\":\"201_ACTIVATED\"}", 422},
		{JSON, "{\"email\":\"a@b.de\",\"unsubscribeToken\":\"1\"}", 422}, {JSON, "{\"email\":\"a@b.de\",\"id\":\"1\"}", 422},
		{JSON, "{\"email\":\"a\\u0000@b.de\"}", 422}, {JSON, "{\"email\":", 400}, {"text/plain", "x", 415},
		{FORM, "email=a%40b.de&topics=x&topics=y", 200}, {FORM, "email=%FF", 400}, {FORM, "email=a%40b.de&email=c%40d.de", 422},
		{JSON, "{\"email\":\"a@b.de\",\"topics\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
			"\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\",\"19\",\"20\",\"21\"]}", 422},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(send(&d, "POST", "/subscribers/subscribe", rows[i].type, rows[i].body,
				   NULL) == rows[i].status,
			"%s", rows[i].body);
	assert_string_equal(row(&d, "email, topics"), "a@b.de|{x,y}");
	desk_close(&d);
}

static void every_well_formed_token_is_answered_alike(void **state)
{
	/* clang-format off */
	static const struct { const char *body; int status; bool ends; } rows[] = {
		{"{\"token\":\"77\"}", 200, true}, {"{\"token\":\"77\",\"reason\":\"too many\"}", 200, true},
		{"{\"token\":\" 77 \"}", 200, true}, {"{\"token\":\"78\"}", 200, false},
		{"{\"token\":\"77.AAAAAAAAAAAAAA\"}", 200, false}, {"{\"token\":\"9223372036854775807\"}", 200, false},
		{"{\"token\":\"x\"}", 422, false}, {"{\"token\":\"\"}", 422, false}, {"{\"token\":77}", 422, false}, {"{}", 422, false},
		{"{\"token\":\"77\",\"x\":1}", 422, false}, {"{\"token\":\"77'; DROP TABLE x;--\"}", 422, false},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *text;
		ask(d.db.admin, "DELETE FROM outreach.\"Subscriber\"; INSERT INTO "
				"outreach.\"Subscriber\" (id, email, "
				"unsubscribe_token) VALUES (1, 'a@b.de', 77)");
		int status =
			send(&d, "POST", "/subscribers/unsubscribe", JSON, rows[i].body, &text);
		assert_row(status == rows[i].status, "%s: %d", rows[i].body, status);
		if (status == 200)
			assert_string_equal(strstr(text, "\r\n\r\n") + 4, accepted);
		assert_row((strcmp(row(&d, "status"), "401_DEACTIVATED") == 0) == rows[i].ends,
			"%s", rows[i].body);
	}
	desk_close(&d);
}

static void only_the_button_of_a_link_changes_anything(void **state)
{
	struct desk d;
	desk_open(&d, state);
	ask(d.db.admin, "INSERT INTO outreach.\"Subscriber\" (id, email, unsubscribe_token) VALUES "
			"(1, 'a@b.de', 77)");
	const char *text, *token = outreach_link_write(&d.db.u->ctx, "77");
	char path[64];
	snprintf(path, sizeof path, "/subscribers/unsubscribe/%s", token);
	assert_int_equal(200, send(&d, "GET", path, NULL, "", &text));
	assert_non_null(strstr(text, "<button>Unsubscribe</button>"));
	assert_non_null(strstr(text, "Content-Security-Policy: default-src 'none'"));
	assert_int_equal(200, send(&d, "HEAD", path, NULL, "", &text));
	assert_string_equal(row(&d, "status, unsubscribed_at"), "201_ACTIVATED");
	assert_int_equal(405, send(&d, "DELETE", path, NULL, "", &text));
	outreach_settings.bare_tokens = false;
	assert_int_equal(200, send(&d, "POST", "/subscribers/unsubscribe/77", NULL, "", &text));
	assert_string_equal(row(&d, "status"), "201_ACTIVATED"); /* a bare one is not taken */
	assert_int_equal(200, send(&d, "POST", path, FORM, "List-Unsubscribe=One-Click", &text));
	assert_string_equal(row(&d, "status, unsubscribed_at IS NOT NULL"), "401_DEACTIVATED|t");
	ask(d.db.admin, "UPDATE outreach.\"Subscriber\" SET unsubscribed_at = '2020-01-01'");
	assert_int_equal(200, send(&d, "POST", path, NULL, "", &text)); /* again: nothing more */
	assert_string_equal(row(&d, "unsubscribed_at < '2021-01-01'"), "t");
	assert_int_equal(422, send(&d, "GET", "/subscribers/unsubscribe/x", NULL, "", &text));
	assert_int_equal(400, send(&d, "GET", "/subscribers/unsubscribe/%ff", NULL, "", &text));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(an_address_is_stored_once_whatever_its_case),
		unit_case(only_a_deactivated_or_pending_one_is_activated),
		unit_case(a_suspicious_one_has_to_be_confirmed),
		unit_case(bad_subscriptions_are_refused),
		unit_case(every_well_formed_token_is_answered_alike),
		unit_case(only_the_button_of_a_link_changes_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
