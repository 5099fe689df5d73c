#include "unit/req.h"

#include "bana/app.h"

/* clang-format off */
static const struct param plain[] = {
	{"REQUEST_SCHEME", "https"}, {"HTTP_HOST", "h.example"}, {NULL, NULL}};
/* clang-format on */

static const char *problem(struct bana_req *q, bana_res result)
{
	bana_reply_problem(q, result);
	return q->reply.at;
}

static void old_and_new_clients_find_their_members(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	static const struct bana_route route = {.verb = "GET", .path = "/inquiries/{id}"};
	req_init(&q, u, "GET", "/v1/api/outreach/inquiries/7?x=1", plain);
	q.route = &route;
	assert_string_equal(
		problem(&q, bana_fail(&q.ctx, BANA_NOT_FOUND, "Inquiry not found", NULL)),
		"{\"type\":\"urn:bana:problem:not-found\",\"title\":\"Not found\",\"status\":404,"
		"\"detail\":\"Inquiry not found\",\"instance\":\"/v1/api/outreach/inquiries/7\","
		"\"message\":\"Inquiry not found\",\"statusCode\":404,\"requestId\":\"req-1\","
		"\"details\":{\"url\":\"https://h.example/v1/api/outreach/inquiries/7?x=1\","
		"\"path\":\"/v1/api/outreach/inquiries/7\"}}");
	assert_int_equal(404, q.status);
	assert_string_equal(q.media, "application/problem+json");
}

static void every_reason_is_listed(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "POST", "/x", plain);
	bana_issue_add(&q.ctx, "a", "invalid_type", "string", "Invalid \"input\"");
	bana_issue_add(&q.ctx, "b.0", "too_big", NULL, "Too big");
	const char *text = problem(&q, bana_issues_close(&q.ctx));
	assert_non_null(strstr(text,
		"\"details\":{\"url\":\"https://h.example/x\",\"path\":\"/x\",\"cause\":["
		"{\"path\":\"a\",\"message\":\"Invalid \\\"input\\\"\",\"code\":\"invalid_type\","
		"\"expected\":\"string\"},{\"path\":\"b.0\",\"message\":\"Too big\",\"code\":"
		"\"too_big\"}]}}"));
	assert_non_null(strstr(text, "\"message\":\"ValidationError\",\"statusCode\":422"));
}

static void faults_bring_their_headers(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { enum bana_fault fault; const char *header; } rows[] = {
		{BANA_MALFORMED, NULL}, {BANA_NO_TOKEN, "WWW-Authenticate: Bearer\r\n"}, {BANA_FORBIDDEN, NULL},
		{BANA_NO_METHOD, "Allow: GET, HEAD, OPTIONS\r\n"}, {BANA_UNAVAILABLE, "Retry-After: 1\r\n"},
		{BANA_INTERNAL, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		req_init(&q, u, "GET", "/x", plain);
		bana_reply_header(&q, "Location", "/begun"); /* by a handler that then failed */
		bana_buf_text(&q.reply, "half an answer");
		if (rows[i].fault == BANA_NO_METHOD)
			q.ctx.failure.allow = "GET, HEAD, OPTIONS";
		bana_res r = rows[i].fault == BANA_UNAVAILABLE
				     ? bana_fail_later(&q.ctx, NULL, "secret reason")
				     : bana_fail(&q.ctx, rows[i].fault, NULL, "secret reason");
		const char *text = problem(&q, r);
		assert_int_equal('{', *text);
		assert_null(strstr(text, "secret reason"));
		if (rows[i].header == NULL)
			assert_int_equal(0, q.headers.len);
		else
			assert_string_equal(q.headers.at, rows[i].header);
	}
}

static void no_answer_shows_a_token(void **state)
{
	struct unit *u = *state;
	static const char *const targets[] = {"/ws?rooms=a&access_token=abc.def.ghi",
		"/ws?access_token=abc.def.ghi", "/ws?token=abc.def.ghi"};
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct bana_req q;
		static const struct bana_route ws = {
			.verb = "GET", .path = "/ws", .flags = BANA_QUERY_TOKEN};
		req_init(&q, u, "GET", targets[i], plain);
		q.route = i == 0 ? &ws : NULL; /* found, and not found */
		assert_null(strstr(
			problem(&q, bana_fail(&q.ctx, BANA_NO_TOKEN, NULL, NULL)), "abc.def"));
	}
}

static void odd_hosts_and_paths_stay_inside_their_strings(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *host, *path, *part; } rows[] = {
		{"h\"x", "/a\"b", "\"url\":\"http://h\\\"x/a\\\"b\",\"path\":\"/a\\\"b\""},
		{"\xff\xfe", "/a", "\"url\":\"http://localhost/a\""}, {NULL, "/a", "\"url\":\"http://localhost/a\""},
		{"h\\", "/a", "\"url\":\"http://h\\\\/a\""},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct param params[] = {{"HTTP_HOST", rows[i].host}, {NULL, NULL}};
		struct bana_req q;
		req_init(&q, u, "GET", rows[i].path, params);
		assert_non_null(strstr(
			problem(&q, bana_fail(&q.ctx, BANA_CONFLICT, NULL, NULL)), rows[i].part));
	}
}

static void errors_nest_under_the_root_key_but_for_404_and_422(void **state)
{
	struct unit *u = *state;
	u->settings.error_root_key = "error";
	/* clang-format off */
	static const struct { enum bana_fault fault; bool nested; } rows[] = {
		{BANA_MALFORMED, true}, {BANA_INTERNAL, true}, {BANA_UNAVAILABLE, true},
		{BANA_NOT_FOUND, false}, {BANA_INVALID, false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		req_init(&q, u, "GET", "/x", plain);
		const char *text = problem(&q, (bana_res){rows[i].fault});
		assert_int_equal(rows[i].nested, strncmp(text, "{\"error\":{\"type\"", 16) == 0);
		assert_int_equal(rows[i].nested, strcmp(text + strlen(text) - 3, "}}}") == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(old_and_new_clients_find_their_members),
		unit_case(every_reason_is_listed),
		unit_case(faults_bring_their_headers),
		unit_case(no_answer_shows_a_token),
		unit_case(odd_hosts_and_paths_stay_inside_their_strings),
		unit_case(errors_nest_under_the_root_key_but_for_404_and_422),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
