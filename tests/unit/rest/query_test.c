#include "unit/req.h"
#include "unit/rest/entity.h"

#include "bana/query.h"

static const struct bana_route route = {
	"GET", "/things", NULL, &thing, "Thing.find", "read", 0, ""};

/* `filter` as it would stand in a query string. */
static bana_res take(struct unit *u, const char *filter, bool masked, struct bana_query **query)
{
	static const char hex[] = "0123456789ABCDEF";
	struct bana_req *q;
	struct bana_buf target;
	fresh(u);
	bana_buf_init(&target, u->ctx.arena);
	bana_buf_text(&target, "/things?filter=");
	for (const char *c = filter; *c != '\0'; c++)
		bana_buf_add(&target,
			(char[]){'%', hex[(unsigned char)*c >> 4], hex[(unsigned char)*c & 15]}, 3);
	q = bana_alloc(u->ctx.arena, sizeof *q);
	req_init(q, u, "GET", target.at, NULL);
	q->route = &route;
	q->masked = masked;
	*query = bana_alloc(u->ctx.arena, sizeof **query);
	bana_res result = bana_query_read(q, 0, *query);
	u->ctx.failure = q->ctx.failure;
	return result;
}

static void conditions_become_sql_and_values_never_do(void **state)
{
	/* clang-format off */
	static const struct { const char *where, *sql, *values[4]; } rows[] = {
		{"{}", "TRUE", {NULL}},
		{"{\"name\":\"x\"}", "TRUE AND \"name\" = $1::text", {"x"}},
		{"{\"name\":\"' OR 1=1 --\"}", "TRUE AND \"name\" = $1::text", {"' OR 1=1 --"}},
		{"{\"name\":null}", "TRUE AND \"name\" IS NULL", {NULL}},
		{"{\"name\":{\"ne\":null}}", "TRUE AND \"name\" IS NOT NULL", {NULL}},
		{"{\"mail\":\"A@b.de\"}", "TRUE AND lower(\"mail\") = lower($1::text)", {"A@b.de"}},
		{"{\"mail\":[\"A@b.de\",\"c\"]}", "TRUE AND lower(\"mail\") = ANY(lower($1::text)::text[])", {"{\"A@b.de\",\"c\"}"}},
		{"{\"name\":{\"nin\":[\"a\\\"b\",\"c\\\\d\"]}}", "TRUE AND \"name\" <> ALL($1::text::text[])", {"{\"a\\\"b\",\"c\\\\d\"}"}},
		{"{\"name\":{\"in\":\"a\"}}", "TRUE AND \"name\" = ANY($1::text::text[])", {"{\"a\"}"}},
		{"{\"name\":{\"in\":[]}}", "TRUE AND \"name\" = ANY($1::text::text[])", {"{}"}},
		{"{\"name\":{\"like\":\"a%\",\"nilike\":\"_\"}}", "TRUE AND \"name\" LIKE $1::text AND \"name\" NOT ILIKE $2::text", {"a%", "_"}},
		{"{\"score\":{\"gt\":3,\"lte\":7}}", "TRUE AND \"score\" > $1::bigint AND \"score\" <= $2::bigint", {"3", "7"}},
		{"{\"ref\":5}", "TRUE AND \"id\" = $1::bigint", {"5"}}, {"{\"ref\":\"5\"}", "TRUE AND \"id\" = $1::bigint", {"5"}},
		{"{\"madeAt\":{\"gte\":\"2026-11-20\"}}", "TRUE AND \"made_at\" >= $1::timestamptz", {"2026-11-20T00:00:00.000000Z"}},
		{"{\"madeAt\":{\"lt\":1000}}", "TRUE AND \"made_at\" < $1::timestamptz", {"1970-01-01T00:00:01.000000Z"}},
		{"{\"madeAt\":{\"between\":[0,\"1970-01-02\"]}}", "TRUE AND \"made_at\" BETWEEN $1::timestamptz AND $2::timestamptz",
			{"1970-01-01T00:00:00.000000Z", "1970-01-02T00:00:00.000000Z"}},
		{"{\"tags\":{\"contains\":[\"a\"]}}", "TRUE AND \"tags\" @> $1::text::text[]", {"{\"a\"}"}},
		{"{\"tags\":[\"a\"]}", "TRUE AND \"tags\" = $1::text::text[]", {"{\"a\"}"}},
		{"{\"tags\":null}", "TRUE AND \"tags\" IS NULL", {NULL}},
		{"{\"more.a.0\":\"x\"}", "TRUE AND (\"more\" #>> $1::text[]) = $2::text", {"{\"a\",\"0\"}", "x"}},
		{"{\"more.a[0].b\":\"x\"}", "TRUE AND (\"more\" #>> $1::text[]) = $2::text", {"{\"a\",\"0\",\"b\"}", "x"}},
		{"{\"more\":null}", "TRUE AND \"more\" IS NULL", {NULL}}, {"{\"more\":{\"isn\":null}}", "TRUE AND \"more\" IS NOT NULL", {NULL}},
		{"{\"more.a\":true}", "TRUE AND (\"more\" #>> $1::text[]) = $2::text", {"{\"a\"}", "true"}},
		{"{\"or\":[{\"name\":\"a\"},{\"and\":[{\"score\":1},{\"score\":2}]}]}",
			"TRUE AND ((TRUE AND \"name\" = $1::text) OR (TRUE AND ((TRUE AND \"score\" = $2::bigint) AND (TRUE AND \"score\" = $3::bigint))))", {"a", "1", "2"}},
		{"{\"or\":{\"name\":\"a\"}}", "TRUE AND ((TRUE AND \"name\" = $1::text))", {"a"}},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_query *query;
		char *filter = bana_print(u->ctx.arena, "{\"where\":%s}", rows[i].where);
		char *copy = strdup(filter);
		bana_res result = take(u, copy, false, &query);
		free(copy);
		assert_row(result.fault == BANA_OK, "%s", rows[i].where);
		assert_string_equal(query->sql.text.at, rows[i].sql);
		for (size_t v = 0; v < 4 && rows[i].values[v] != NULL; v++)
			assert_string_equal(query->sql.values[v], rows[i].values[v]);
	}
}

static void a_number_of_a_member_is_compared_as_one_where_it_looks_like_one(void **state)
{
	struct bana_query *query;
	assert_ok(take(*state, "{\"where\":{\"more.n\":{\"gte\":2.5}}}", false, &query));
	assert_string_equal(query->sql.text.at,
		"TRUE AND CASE WHEN (\"more\" #>> $1::text[]) ~ "
		"'^-?[0-9]{1,255}(\\.[0-9]{1,255})?([eE][+-]?[0-9]{1,3})?$' THEN "
		"(\"more\" #>> $1::text[])::numeric END >= $2::numeric");
	assert_string_equal(query->sql.values[1], "2.5");
}

static void bad_filters_are_told_with_path_and_reason(void **state)
{
	enum { M = BANA_MALFORMED, I = BANA_INVALID };
	/* clang-format off */
	static const struct { const char *filter; int fault; const char *path, *code; } rows[] = {
		{"[]", I, "filter", "invalid_type"}, {"5", I, "filter", "invalid_type"}, {"{", M, "filter", "invalid_format"},
		{"{\"where\":{\"nope\":1}}", M, "filter.where.nope", "unrecognized_keys"},
		{"{\"where\":{\"staff\":\"x\"}}", M, "filter.where.staff", "unrecognized_keys"},
		{"{\"where\":{\"note\":\"x\"}}", M, "filter.where.note", "unrecognized_keys"},
		{"{\"where\":{\"more\":{}}}", I, "filter.where.more", "too_small"},
		{"{\"where\":{\"more\":\"x\"}}", I, "filter.where.more", "invalid_value"},
		{"{\"where\":{\"more.a[x]\":1}}", M, "filter.where.more.a[x]", "unrecognized_keys"},
		{"{\"order\":[\"more\"]}", I, "filter.order.0", "invalid_value"},
		{"{\"where\":{\"name.a\":1}}", M, "filter.where.name.a", "unrecognized_keys"},
		{"{\"where\":{\"more.a b\":1}}", M, "filter.where.more.a b", "unrecognized_keys"},
		{"{\"where\":{\"more.\":1}}", M, "filter.where.more.", "unrecognized_keys"},
		{"{\"where\":{\"more.1a\":1}}", M, "filter.where.more.1a", "unrecognized_keys"},
		{"{\"where\":{\"more.a.b.c.d.e.f.g.h.i\":1}}", M, "filter.where.more.a.b.c.d.e.f.g.h.i", "unrecognized_keys"},
		{"{\"where\":{\"name\":{\"foo\":1}}}", M, "filter.where.name.foo", "unrecognized_keys"},
		{"{\"where\":{\"name\":{\"regexp\":\"a\"}}}", M, "filter.where.name.regexp", "unrecognized_keys"},
		{"{\"where\":{\"or\":[{\"name\":\"a\"},{\"zz\":1}]}}", M, "filter.where.or.1.zz", "unrecognized_keys"},
		{"{\"where\":{\"name\":5}}", I, "filter.where.name", "invalid_type"},
		{"{\"where\":{\"name\":{\"gt\":null}}}", I, "filter.where.name.gt", "invalid_type"},
		{"{\"where\":{\"name\":{}}}", I, "filter.where.name", "too_small"},
		{"{\"where\":{\"name\":{\"like\":\"a\\\\\"}}}", I, "filter.where.name.like", "invalid_format"},
		{"{\"where\":{\"name\":{\"contains\":[\"a\"]}}}", I, "filter.where.name.contains", "invalid_value"},
		{"{\"where\":{\"tags\":{\"gt\":\"a\"}}}", I, "filter.where.tags.gt", "invalid_value"},
		{"{\"where\":{\"name\":[\"a\",null]}}", I, "filter.where.name.1", "invalid_type"},
		{"{\"where\":{\"tags\":{\"overlaps\":[1]}}}", I, "filter.where.tags.overlaps.0", "invalid_type"},
		{"{\"where\":{\"ref\":\"007\"}}", I, "filter.where.ref", "invalid_format"},
		{"{\"where\":{\"ref\":-1}}", I, "filter.where.ref", "invalid_format"},
		{"{\"where\":{\"ref\":\"9223372036854775808\"}}", I, "filter.where.ref", "invalid_format"},
		{"{\"where\":{\"score\":2.5}}", I, "filter.where.score", "invalid_type"},
		{"{\"where\":{\"madeAt\":\"yesterday\"}}", I, "filter.where.madeAt", "invalid_format"},
		{"{\"where\":{\"madeAt\":{\"between\":[1]}}}", I, "filter.where.madeAt.between", "invalid_type"},
		{"{\"where\":{\"more.a\":{\"in\":[1,\"a\"]}}}", I, "filter.where.more.a.in", "invalid_type"},
		{"{\"where\":{\"more.a\":{\"between\":[1,\"a\"]}}}", I, "filter.where.more.a.between", "invalid_type"},
		{"{\"where\":{\"or\":[]}}", I, "filter.where.or", "too_small"},
		{"{\"where\":{\"or\":[{}]}}", I, "filter.where.or.0", "too_small"},
		{"{\"where\":{\"and\":[5]}}", I, "filter.where.and.0", "invalid_type"}, {"{\"where\":5}", I, "filter.where", "invalid_type"},
		{"{\"order\":[\"nope\"]}", M, "filter.order.0", "unrecognized_keys"}, {"{\"order\":[\"name UP\"]}", M, "filter.order.0", "unrecognized_keys"},
		{"{\"order\":[\"name ASC, ref\"]}", M, "filter.order.0", "unrecognized_keys"},
		{"{\"order\":[\"tags\"]}", I, "filter.order.0", "invalid_value"}, {"{\"order\":[1]}", I, "filter.order.0", "invalid_type"},
		{"{\"order\":5}", I, "filter.order", "invalid_type"},
		{"{\"order\":[\"ref\",\"ref\",\"ref\",\"ref\",\"ref\",\"ref\",\"ref\",\"ref\",\"ref\"]}", I, "filter.order", "too_big"},
		{"{\"fields\":[\"nope\"]}", M, "filter.fields.0", "unrecognized_keys"}, {"{\"fields\":[1]}", I, "filter.fields.0", "invalid_type"},
		{"{\"fields\":{\"name\":1}}", I, "filter.fields.name", "invalid_type"}, {"{\"fields\":1}", I, "filter.fields", "invalid_type"},
		{"{\"limit\":1001}", I, "filter.limit", "too_big"}, {"{\"limit\":-1}", I, "filter.limit", "too_small"},
		{"{\"limit\":2.5}", I, "filter.limit", "invalid_type"}, {"{\"limit\":\"x\"}", I, "filter.limit", "invalid_type"},
		{"{\"limit\":null}", I, "filter.limit", "invalid_type"}, {"{\"skip\":-1}", I, "filter.skip", "too_small"},
		{"{\"offset\":1e9}", I, "filter.offset", "invalid_type"}, {"{\"offset\":1000000001}", I, "filter.offset", "too_big"},
		{"{\"include\":[{\"relation\":\"x\"}]}", M, "filter.include.0", "unrecognized_keys"}, {"{\"include\":1}", I, "filter.include", "invalid_type"},
		{"{\"nope\":1}", I, "filter.nope", "unrecognized_keys"},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_query *query;
		bana_res result = take(u, rows[i].filter, false, &query);
		assert_row((int)result.fault == rows[i].fault, "%s: %d", rows[i].filter,
			(int)result.fault);
		const struct bana_issue *issue = u->ctx.failure.issues;
		assert_row(issue != NULL && issue->next == NULL, "%s: one issue", rows[i].filter);
		assert_string_equal(issue->path, rows[i].path);
		assert_string_equal(issue->code, rows[i].code);
		if (rows[i].fault == M)
			assert_string_not_equal(u->ctx.failure.message, "ValidationError");
	}
}

static void bounds_hold_and_are_told_once(void **state)
{
	struct unit *u = *state;
	struct bana_query *query;
	/* clang-format off */
	static const struct { const char *begin, *item, *end, *path; int fits, too_many; } rows[] = {
		{"{\"where\":{\"name\":[\"x\"", ",\"x\"", "]}}", "filter.where.name", BANA_QUERY_LIST_MAX - 1, BANA_QUERY_LIST_MAX},
		{"{\"where\":{\"name\":\"x", "\xc3\xa4", "\"}}", "filter.where.name", BANA_QUERY_TEXT_MAX - 1, BANA_QUERY_TEXT_MAX},
		{"{\"where\":{\"or\":[{\"name\":\"x\"}", ",{\"name\":\"x\"}", "]}}", NULL, BANA_QUERY_CONDITIONS_MAX - 1, BANA_QUERY_CONDITIONS_MAX},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (int over = 0; over < 2; over++) {
			int count = over ? rows[i].too_many : rows[i].fits;
			char *filter = malloc(64 + (size_t)count * 16);
			char *at = stpcpy(filter, rows[i].begin);
			for (int n = 0; n < count; n++)
				at = stpcpy(at, rows[i].item);
			strcpy(at, rows[i].end);
			bana_res result = take(u, filter, false, &query);
			free(filter);
			assert_int_equal(over ? BANA_INVALID : BANA_OK, result.fault);
			if (over && rows[i].path != NULL)
				assert_string_equal(u->ctx.failure.issues->path, rows[i].path);
			assert_int_equal(over, u->ctx.failure.issue_count);
		}
	}
	assert_ok(take(u,
		"{\"where\":{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":"
		"[{\"name\":\"x\"}]}]}]}]}]}]}]}]}}",
		false, &query));
	assert_fault(INVALID,
		take(u,
			"{\"where\":{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":["
			"{\"or\":[{\"or\":[{\"name\":\"x\"}]}]}]}]}]}]}]}]}]}}",
			false, &query));
}

static void every_fault_is_listed_at_once(void **state)
{
	static const char *const paths[] = {"filter.where.nope", "filter.where.score.gt",
		"filter.order.0", "filter.fields.1", "filter.limit", "filter.zz"};
	struct unit *u = *state;
	struct bana_query *query;
	assert_fault(MALFORMED,
		take(u,
			"{\"limit\":-1,\"zz\":1,\"fields\":[\"name\",\"x\"],\"where\":{\"nope\":1,"
			"\"score\":{\"gt\":\"a\"}},\"order\":[\"name DOWN\"]}",
			false, &query));
	const struct bana_issue *issue = u->ctx.failure.issues;
	for (size_t i = 0; i < COUNT(paths); i++, issue = issue->next) {
		assert_non_null(issue);
		assert_string_equal(issue->path, paths[i]);
	}
	assert_null(issue);
	assert_string_equal(u->ctx.failure.message,
		"[FilterBuilder][toWhere] Table: Thing | Column NOT FOUND | key: 'nope'");
}

static void masked_fields_are_compared_whole_only(void **state)
{
	/* clang-format off */
	static const struct { const char *filter; bool whole; } rows[] = {
		{"{\"where\":{\"mail\":\"a@b.de\"}}", true}, {"{\"where\":{\"mail\":{\"in\":[\"a@b.de\"]}}}", true},
		{"{\"where\":{\"name\":{\"like\":\"a%\"}}}", true}, {"{\"where\":{\"mail\":{\"like\":\"a%\"}}}", false},
		{"{\"where\":{\"mail\":{\"gt\":\"a\"}}}", false}, {"{\"where\":{\"mail\":{\"ne\":\"a\"}}}", false},
		{"{\"where\":{\"mail\":{\"nin\":[\"a\"]}}}", false}, {"{\"where\":{\"or\":[{\"mail\":{\"between\":[\"a\",\"b\"]}}]}}", false},
		{"{\"order\":[\"mail\"]}", false}, {"{\"order\":[\"name\"]}", true},
	};
	/* clang-format on */
	struct bana_query *query;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ok(take(*state, rows[i].filter, false, &query));
		assert_row((take(*state, rows[i].filter, true, &query).fault == BANA_FORBIDDEN) !=
				   rows[i].whole,
			"%s", rows[i].filter);
	}
}

static void order_fields_limit_and_skip_are_taken(void **state)
{
	struct bana_query *query;
	assert_ok(take(*state,
		"{\"order\":[\"name desc\",\"more.a\"],\"fields\":{\"ref\":true,\"name\":true,"
		"\"score\":false},\"limit\":0,\"offset\":7}",
		false, &query));
	assert_int_equal(3, query->order_count);
	assert_true(query->order[0].descending && !query->order[1].descending);
	assert_true(query->order[1].path && query->order[1].nullable);
	assert_string_equal(query->order[2].name, "id"); /* by itself, and last */
	assert_int_equal(2, query->view_count);
	assert_int_equal(NAME, query->view[0]);
	assert_int_equal(REF, query->view[1]);
	assert_int_equal(0, query->limit);
	assert_int_equal(7, query->skip);
	assert_ok(take(*state, "{\"offset\":7,\"skip\":3,\"fields\":[]}", false, &query));
	assert_int_equal(3, query->skip);
	assert_int_equal(BANA_QUERY_LIMIT, query->limit);
	assert_true(query->view_count > 5);
	assert_ok(take(*state, "{\"fields\":[\"staff\"]}", false, &query)); /* hidden */
	assert_int_equal(0, query->view_count);
	assert_ok(take(*state, "", false, &query));
	assert_false(query->narrowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(conditions_become_sql_and_values_never_do),
		unit_case(a_number_of_a_member_is_compared_as_one_where_it_looks_like_one),
		unit_case(bad_filters_are_told_with_path_and_reason),
		unit_case(bounds_hold_and_are_told_once),
		unit_case(every_fault_is_listed_at_once),
		unit_case(masked_fields_are_compared_whole_only),
		unit_case(order_fields_limit_and_skip_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
