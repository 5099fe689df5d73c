#include "unit/req.h"

static BANA_RES handle(struct bana_req *q)
{
	(void)q;
	return BANA_DONE;
}

static const struct bana_call call = {.handle = handle};

#define ROUTE(verb, path)                                  \
	{                                                  \
		verb, path, &call, NULL, NULL, NULL, 0, "" \
	}
/* clang-format off */
static const struct bana_route routes[] = {
	ROUTE("POST", "/things/submit"), ROUTE("GET", "/things/{id}"), ROUTE("DELETE", "/things/{id}"),
	ROUTE("GET", "/things"), ROUTE("POST", "/things"), ROUTE("GET", "/things/{id}/parts/{part}"),
	ROUTE("POST", "/{any}/last"), ROUTE("POST", "/fixed/end"), ROUTE("GET", "/a/{1}/{2}/{3}/{4}"),
};
/* clang-format on */

static void paths_find_their_route(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *verb, *path; int row; const char *args[2]; } rows[] = {
		{"POST", "/things/submit", 0, {NULL}}, {"GET", "/things/7", 1, {"7"}},
		{"HEAD", "/things/7", 1, {"7"}}, {"DELETE", "/things/7", 2, {"7"}},
		{"GET", "/things", 3, {NULL}}, {"POST", "/things", 4, {NULL}},
		{"GET", "/things/a%2Fb", 1, {"a/b"}}, {"GET", "/things/a%20b", 1, {"a b"}},
		{"GET", "/things/a+b", 1, {"a+b"}}, {"GET", "/things/%C3%A4", 1, {"\xc3\xa4"}},
		{"GET", "/things/..", 1, {".."}}, {"GET", "/things/1/parts/2", 5, {"1", "2"}},
		{"POST", "/x/last", 6, {"x"}},
		/* the placeholder of a route that did not fit leaves nothing behind */
		{"POST", "/fixed/end", 7, {NULL}},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		req_init(&q, u, rows[i].verb, rows[i].path, NULL);
		assert_row(bana_route_find(&q, routes, COUNT(routes)).fault == BANA_OK, "%s %s",
			rows[i].verb, rows[i].path);
		assert_row(q.route == &routes[rows[i].row], "%s %s", rows[i].verb, rows[i].path);
		for (size_t a = 0; a < 2; a++) {
			if (rows[i].args[a] == NULL)
				assert_row(
					q.args[a].at == NULL, "%s: argument %zu", rows[i].path, a);
			else
				assert_row(bana_str_is(q.args[a], rows[i].args[a]), "%s",
					rows[i].path);
		}
	}
}

static void other_paths_and_verbs_are_refused(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *verb, *path; enum bana_fault fault; const char *allow; } rows[] = {
		{"GET", "/", BANA_NOT_FOUND, NULL}, {"GET", "", BANA_NOT_FOUND, NULL},
		{"GET", "/thing", BANA_NOT_FOUND, NULL}, {"GET", "/things/", BANA_NOT_FOUND, NULL},
		{"GET", "//things", BANA_NOT_FOUND, NULL}, {"GET", "/things//parts/2", BANA_NOT_FOUND, NULL},
		{"GET", "/things/1/parts", BANA_NOT_FOUND, NULL}, {"GET", "/things/1/parts/2/", BANA_NOT_FOUND, NULL},
		{"GET", "/Things", BANA_NOT_FOUND, NULL}, {"GET", "/%74hings", BANA_NOT_FOUND, NULL},
		{"GET", "/things/1/2", BANA_NOT_FOUND, NULL}, {"POST", "/things/submit/", BANA_NOT_FOUND, NULL},
		{"PUT", "/things", BANA_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
		{"POST", "/things/7", BANA_NO_METHOD, "GET, HEAD, DELETE, OPTIONS"},
		{"get", "/things", BANA_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
		{"", "/things", BANA_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
		{"HEAD", "/fixed/end", BANA_NO_METHOD, "POST, OPTIONS"},
		{"GET", "/things/%zz", BANA_MALFORMED, NULL}, {"GET", "/things/%00", BANA_MALFORMED, NULL},
		{"GET", "/things/%FF", BANA_MALFORMED, NULL}, {"GET", "/things/%", BANA_MALFORMED, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		req_init(&q, u, rows[i].verb, rows[i].path, NULL);
		bana_res r = bana_route_find(&q, routes, COUNT(routes));
		assert_row(r.fault == rows[i].fault, "%s %s: %d", rows[i].verb, rows[i].path,
			(int)r.fault);
		if (rows[i].allow == NULL)
			assert_null(q.ctx.failure.allow);
		else
			assert_string_equal(q.ctx.failure.allow, rows[i].allow);
	}
}

/* GET /things/submit is a wrong verb, not the thing "submit". */
static void a_path_spelled_out_is_no_parameter(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "GET", "/things/submit", NULL);
	assert_fault(NO_METHOD, bana_route_find(&q, routes, COUNT(routes)));
	assert_string_equal(q.ctx.failure.allow, "POST, OPTIONS");
}

static void four_parameters_are_the_most(void **state)
{
	static const struct bana_route five[] = {ROUTE("GET", "/{1}/{2}/{3}/{4}/{5}")};
	struct unit *u = *state;
	struct bana_req q;
	req_init(&q, u, "GET", "/a/w/x/y/z", NULL);
	assert_ok(bana_route_find(&q, routes, COUNT(routes)));
	assert_true(bana_str_is(q.args[3], "z"));
	assert_fault(NOT_FOUND, bana_route_find(&q, five, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(paths_find_their_route),
		unit_case(other_paths_and_verbs_are_refused),
		unit_case(a_path_spelled_out_is_no_parameter),
		unit_case(four_parameters_are_the_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
