#include "unit/req.h"

#include "bana/app.h"

static const char *render(struct bana_req *q)
{
	struct bana_buf out;
	bana_buf_init(&out, q->ctx.arena);
	bana_reply_render(q, &out);
	return out.at;
}

static void one_row_comes_in_an_envelope(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "POST", "/x", NULL);
	bana_reply_header(&q, "Location", "/x/1");
	assert_ok(bana_reply_one(&q, 201, BYTES("{\"id\":\"1\"}")));
	assert_string_equal(render(&q),
		"Status: 201 Created\r\nX-Request-Id: req-1\r\nCache-Control: "
		"no-store\r\nLocation: /x/1\r\nx-response-count: "
		"1\r\n"
		"x-response-format: object\r\nContent-Type: application/json\r\nContent-Length: "
		"29\r\n\r\n{\"count\":1,\"data\":{\"id\":\"1\"}}");
}

static void the_envelope_is_left_out_on_wish(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *wish; bool envelope; } rows[] = {
		{NULL, true}, {"true", true}, {"1", true}, {"yes", true}, {"FALSE", true},
		{"false", false}, {"0", false}, {"", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct param params[] = {
			{"HTTP_X_REQUEST_COUNT", rows[i].wish}, {NULL, NULL}};
		struct bana_req q;
		req_init(&q, u, "GET", "/x", params);
		assert_ok(bana_reply_one(&q, 200, BYTES("{}")));
		assert_string_equal(
			q.reply.at, rows[i].envelope ? "{\"count\":1,\"data\":{}}" : "{}");
	}
}

static void head_has_the_length_but_no_body(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "HEAD", "/x", NULL);
	assert_ok(bana_reply_text(&q, 200, "text/plain", BYTES("hello")));
	assert_string_equal(render(&q),
		"Status: 200 OK\r\nX-Request-Id: req-1\r\nCache-Control: no-store\r\nContent-Type: "
		"text/plain\r\nContent-Length: 5\r\n\r\n");
}

static void no_content_has_no_length(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "OPTIONS", "/x", NULL);
	q.status = 204;
	assert_string_equal(render(&q),
		"Status: 204 No Content\r\nX-Request-Id: req-1\r\nCache-Control: no-store\r\n\r\n");
}

static void origins_are_answered_as_the_setting_says(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *allowed, *origin; bool vary; const char *granted; } rows[] = {
		{"", "https://a.example", false, NULL}, {"https://a.example", NULL, true, NULL},
		{"https://a.example", "https://a.example", true, "https://a.example"},
		{"https://b.example, https://a.example", "https://a.example", true, "https://a.example"},
		{"https://a.example", "https://b.example", true, NULL},
		{"https://a.example", "https://a.example.evil", true, NULL},
		{"https://a.example", "http://a.example", true, NULL}, {"https://a.example", "null", true, NULL},
		{"*", "https://b.example", true, "*"}, {"*", NULL, true, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct param params[] = {{"HTTP_ORIGIN", rows[i].origin}, {NULL, NULL}};
		struct bana_req q;
		u->settings.cors_origins = rows[i].allowed;
		req_init(&q, u, "GET", "/x", params);
		q.status = 200;
		const char *text = render(&q);
		assert_row((strstr(text, "Vary: Origin\r\n") != NULL) == rows[i].vary, "%s",
			rows[i].allowed);
		const char *granted = strstr(text, "Access-Control-Allow-Origin: ");
		assert_row((granted != NULL) == (rows[i].granted != NULL), "%zu", i);
		if (granted != NULL)
			assert_int_equal(
				0, strncmp(granted + 29, rows[i].granted, strlen(rows[i].granted)));
		assert_null(strstr(text, "Allow-Credentials"));
	}
}

static void an_empty_header_is_absent(void **state)
{
	static const struct param params[] = {{"A", ""}, {"B", "b"}, {NULL, NULL}};
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "GET", "/x", params);
	assert_null(bana_req_header(&q, "A"));
	assert_null(bana_req_header(&q, "C"));
	assert_string_equal(bana_req_header(&q, "B"), "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(one_row_comes_in_an_envelope),
		unit_case(the_envelope_is_left_out_on_wish),
		unit_case(head_has_the_length_but_no_body),
		unit_case(no_content_has_no_length),
		unit_case(origins_are_answered_as_the_setting_says),
		unit_case(an_empty_header_is_absent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
