#include "unit/req.h"
#include "unit/rest/entity.h"

#include "bana/page.h"

static const struct bana_route route = {
	"GET", "/things", NULL, &thing, "Thing.find", "read", 0, ""};

/* A query with this order, and the cursor behind a row with these values; then what follows it. */
static bana_res follow(
	struct unit *u, const char *order, const char *const *values, struct bana_query **query)
{
	struct bana_req *q;
	struct bana_page page;
	fresh(u);
	q = bana_alloc(u->ctx.arena, sizeof *q);
	*query = bana_alloc(u->ctx.arena, sizeof **query);
	char *target = bana_print(u->ctx.arena, "/things?filter=%s", order);
	req_init(q, u, "GET", target, NULL);
	q->route = &route;
	assert_ok(bana_query_read(q, 0, *query));
	const char *cursor = bana_cursor_write(&q->ctx, *query, 25, values);
	req_init(q, u, "GET", bana_print(u->ctx.arena, "%s&cursor=%s", target, cursor), NULL);
	q->route = &route;
	assert_ok(bana_query_read(q, 0, *query));
	bana_res result = bana_page_begin(q, *query, &page);
	u->ctx.failure = q->ctx.failure;
	if (result.fault == BANA_OK) {
		assert_true(page.follows);
		assert_int_equal(25, page.before);
	}
	return result;
}

static void what_follows_a_row_is_said_in_one_comparison_or_in_steps(void **state)
{
	/* clang-format off */
	static const struct { const char *order, *values[4], *sql; } rows[] = {
		{"{}", {"7"}, "TRUE AND (\"id\") > ($1::bigint)"},
		{"{%22order%22:[%22ref%20DESC%22]}", {"7"}, "TRUE AND (\"id\") < ($1::bigint)"},
		{"{%22order%22:[%22name%22]}", {"a", "7"}, "TRUE AND (\"name\", \"id\") > ($1::text, $2::bigint)"},
		{"{%22order%22:[%22madeAt%20DESC%22]}", {"2026-11-20 15:33:07.361+00", "7"},
			"TRUE AND (\"made_at\", \"id\") < ($1::timestamptz, $2::bigint)"},
		{"{%22order%22:[%22mail%20DESC%22]}", {"a@b.de", "7"}, "TRUE AND (lower(\"mail\"), \"id\") < ($1::text, $2::bigint)"},
		{"{%22order%22:[%22name%22,%22ref%20DESC%22]}", {"a", "7"},
			"TRUE AND \"name\" >= $1::text AND ((\"name\" > $1::text) OR \"name\" = $1::text AND (\"id\" < $2::bigint))"},
		{"{%22order%22:[%22score%22]}", {"3", "7"},
			"TRUE AND ((\"score\" > $1::bigint OR \"score\" IS NULL) OR \"score\" = $1::bigint AND (\"id\" > $2::bigint))"},
		{"{%22order%22:[%22score%22]}", {NULL, "7"}, "TRUE AND (FALSE OR \"score\" IS NULL AND (\"id\" > $1::bigint))"},
		{"{%22order%22:[%22score%20DESC%22]}", {NULL, "7"}, "TRUE AND (\"score\" IS NOT NULL OR \"score\" IS NULL AND (\"id\" < $1::bigint))"},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_query *query;
		bana_res r = follow(u, rows[i].order, rows[i].values, &query);
		assert_row(r.fault == BANA_OK, "%s", rows[i].order);
		assert_string_equal(query->sql.text.at, rows[i].sql);
	}
}

static void a_value_that_the_column_cannot_have_is_refused(void **state)
{
	/* clang-format off */
	static const struct { const char *order, *values[4]; } rows[] = {
		{"{}", {"x"}}, {"{}", {NULL}}, {"{}", {"007"}}, {"{%22order%22:[%22madeAt%22]}", {"now", "7"}},
		{"{%22order%22:[%22madeAt%22]}", {NULL, "7"}}, {"{%22order%22:[%22score%22]}", {"3.5", "7"}},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_query *query;
		assert_row(follow(u, rows[i].order, rows[i].values, &query).fault == BANA_INVALID,
			"row %zu", i);
		assert_string_equal(u->ctx.failure.issues->path, "cursor");
	}
}

static void a_forged_cursor_is_refused(void **state)
{
	/* clang-format off */
	static const char *const rows[] = {
		"", "x", "!!", "e30", "W10", "WyJ4Il0", "bnVsbA", "WyJUaGluZyBpZCBBIiwxXQ", /* ["Thing id A",1] */
		"WyJUaGluZyBpZCBBIiwtMSwiNyJd",  /* ["Thing id A",-1,"7"] */
		"WyJUaGluZyBpZCBBIiw5MjIzMzcyMDM2ODU0Nzc1ODA3LCI3Il0", /* ["Thing id A",9223372036854775807,"7"] */
		"WyJUaGluZyBpZCBEIiwxLCI3Il0",   /* ["Thing id D",1,"7"]: another order */
		"WyJUaGluZyBpZCBBIiwxLDdd",      /* ["Thing id A",1,7] */
		"WyJUaGluZyBpZCBBIiwxLCI3IiwiOCJd", /* ["Thing id A",1,"7","8"] */
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		struct bana_page page;
		fresh(u);
		struct bana_query *query = bana_alloc(u->ctx.arena, sizeof *query);
		req_init(
			&q, u, "GET", bana_print(u->ctx.arena, "/things?cursor=%s", rows[i]), NULL);
		q.route = &route;
		assert_ok(bana_query_read(&q, 0, query));
		assert_row(bana_page_begin(&q, query, &page).fault == BANA_INVALID, "%s", rows[i]);
	}
}

static void headers_tell_where_the_page_is(void **state)
{
	/* clang-format off */
	static const struct { struct bana_page page; const char *range, *link; } rows[] = {
		{{.counted = true, .total = 3, .rows = 2}, "records 0-1/3", NULL},
		{{.counted = true, .total = 3}, "records */3", NULL}, {{.rows = 2}, "records 0-1/*", NULL}, {{.rows = 0}, "records */*", NULL},
		{{.rows = 25, .before = 50, .cursor = "abc"}, "records 50-74/*", "</things?filter=%7B%7D&x=%3C&cursor=abc>; rel=\"next\""},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		req_init(&q, u, "GET", "/things?filter=%7B%7D&cursor=old&x=<", NULL);
		assert_ok(bana_page_headers(&q, &rows[i].page));
		assert_non_null(strstr(q.headers.at,
			bana_print(u->ctx.arena, "Content-Range: %s\r\n", rows[i].range)));
		if (rows[i].link == NULL)
			assert_null(strstr(q.headers.at, "Link"));
		else
			assert_non_null(strstr(q.headers.at,
				bana_print(u->ctx.arena, "Link: %s\r\n", rows[i].link)));
	}
}

static void a_page_that_cannot_be_followed_is_refused(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	char *target = malloc(16200);
	strcpy(target, "/things?filter=");
	memset(target + 15, 'x', 16000);
	target[16015] = '\0';
	req_init(&q, u, "GET", target, NULL);
	assert_ok(bana_page_headers(&q, &(struct bana_page){.rows = 1}));
	assert_fault(INVALID, bana_page_headers(&q, &(struct bana_page){.rows = 1, .cursor = "x"}));
	free(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(what_follows_a_row_is_said_in_one_comparison_or_in_steps),
		unit_case(a_value_that_the_column_cannot_have_is_refused),
		unit_case(a_forged_cursor_is_refused),
		unit_case(headers_tell_where_the_page_is),
		unit_case(a_page_that_cannot_be_followed_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
