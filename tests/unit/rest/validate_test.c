#include "unit/rest/entity.h"
#include "unit/support.h"

#include "bana/json.h"

static bana_res take(struct bana_ctx *ctx, const char *text, unsigned who, struct bana_row *row)
{
	const struct bana_json *json;
	*row = (struct bana_row){0};
	assert_ok(bana_json_parse(ctx, bana_str_of(text), 16, &json));
	return bana_row_take(ctx, &thing, who, json, row);
}

static void good_values_become_what_postgresql_takes(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *json; int field; const char *text; } rows[] = {
		{"{\"name\":\"x\"}", NAME, "x"}, {"{\"name\":\"  x y \\n\"}", NAME, "x y"},
		{"{\"name\":\"12345\"}", NAME, "12345"}, {"{\"name\":\" 12345 \"}", NAME, "12345"},
		{"{\"name\":\"\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"}", NAME,
			"\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"{\"name\":\"\\u0041\"}", NAME, "A"}, {"{\"name\":\"x\",\"note\":\"\"}", NOTE, ""},
		{"{\"name\":\"x\",\"note\":\"   \"}", NOTE, ""}, {"{\"name\":\"x\",\"note\":null}", NOTE, NULL},
		{"{\"name\":\"x\",\"mail\":\" a@b.de \"}", MAIL, "a@b.de"},
		{"{\"name\":\"x\",\"kind\":\"200_TWO\"}", KIND, "200_TWO"},
		{"{\"name\":\"x\",\"ref\":\"9223372036854775807\"}", REF, "9223372036854775807"},
		{"{\"name\":\"x\",\"more\":{ \"a\" : [1, 2.50] }}", MORE, "{\"a\":[1,2.50]}"},
		{"{\"name\":\"x\",\"more\":{}}", MORE, "{}"}, {"{\"name\":\"x\",\"more\":null}", MORE, NULL},
		{"{\"name\":\"x\",\"more\":{\"a\":{\"b\":{\"c\":{}}}}}", MORE, "{\"a\":{\"b\":{\"c\":{}}}}"},
		{"{\"name\":\"x\",\"tags\":[]}", TAGS, "[]"}, {"{\"name\":\"x\",\"tags\":[\"a\",\" b \"]}", TAGS, "[\"a\",\"b\"]"},
		{"{\"name\":\"x\",\"tags\":[\"a\\\"\",\"\\\\\",\"{,}\"]}", TAGS, "[\"a\\\"\",\"\\\\\",\"{,}\"]"},
		{"{\"name\":\"x\",\"tags\":[\"NULL\"]}", TAGS, "[\"NULL\"]"},
		{"{\"name\":\"x\",\"score\":1}", SCORE, "1"}, {"{\"name\":\"x\",\"score\":9}", SCORE, "9"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_row row;
		assert_row(take(fresh(u), rows[i].json, BANA_PUBLIC, &row).fault == BANA_OK, "%s",
			rows[i].json);
		const struct bana_cell *cell = &row.cells[rows[i].field];
		assert_row(cell->set, "%s", rows[i].json);
		if (rows[i].text == NULL)
			assert_null(cell->text);
		else
			assert_string_equal(cell->text, rows[i].text);
		assert_false(row.cells[MADE_AT].set);
	}
}

static void bad_values_are_told_with_path_code_and_words(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *json, *path, *code, *message; } rows[] = {
		{"{}", "name", "invalid_type", "Invalid input: expected string, received undefined"},
		{"{\"name\":null}", "name", "invalid_type", "Invalid input: expected string, received null"},
		{"{\"name\":5}", "name", "invalid_type", "Invalid input: expected string, received number"},
		{"{\"name\":true}", "name", "invalid_type", "Invalid input: expected string, received boolean"},
		{"{\"name\":[\"x\"]}", "name", "invalid_type", "Invalid input: expected string, received array"},
		{"{\"name\":{}}", "name", "invalid_type", "Invalid input: expected string, received object"},
		{"{\"name\":\"\"}", "name", "too_small", "Too small: expected string to have >=1 characters"},
		{"{\"name\":\" \\t \"}", "name", "too_small", "Too small: expected string to have >=1 characters"},
		{"{\"name\":\"123456\"}", "name", "too_big", "Too big: expected string to have <=5 characters"},
		{"{\"name\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}", "name", "too_big", "Too big: expected string to have <=5 characters"},
		{"{\"name\":\"x\",\"mail\":\"a@b\"}", "mail", "invalid_format", "Invalid email address"},
		{"{\"name\":\"x\",\"mail\":null}", "mail", "invalid_type", "Invalid input: expected string, received null"},
		{"{\"name\":\"x\",\"mail\":\"a\"}", "mail", "too_small", "Too small: expected string to have >=3 characters"},
		{"{\"name\":\"x\",\"kind\":\"300\"}", "kind", "invalid_value", "Invalid option: expected one of \"100_ONE\"|\"200_TWO\""},
		{"{\"name\":\"x\",\"kind\":\" 100_ONE\"}", "kind", "invalid_value", "Invalid option: expected one of \"100_ONE\"|\"200_TWO\""},
		{"{\"name\":\"x\",\"kind\":\"\"}", "kind", "invalid_value", "Invalid option: expected one of \"100_ONE\"|\"200_TWO\""},
		{"{\"name\":\"x\",\"ref\":5}", "ref", "invalid_type", "Invalid input: expected string, received number"},
		{"{\"name\":\"x\",\"ref\":\"0\"}", "ref", "invalid_format", "Invalid id"},
		{"{\"name\":\"x\",\"ref\":\"-1\"}", "ref", "invalid_format", "Invalid id"},
		{"{\"name\":\"x\",\"ref\":\"9223372036854775808\"}", "ref", "invalid_format", "Invalid id"},
		{"{\"name\":\"x\",\"more\":[]}", "more", "invalid_type", "Invalid input: expected object, received array"},
		{"{\"name\":\"x\",\"more\":\"{}\"}", "more", "invalid_type", "Invalid input: expected object, received string"},
		{"{\"name\":\"x\",\"more\":{\"a\":[[[[]]]]}}", "more", "too_big", "Too big: expected object to be <=4 levels deep"},
		{"{\"name\":\"x\",\"more\":{\"a\":\"0123456789012345678901234\"}}", "more", "too_big", "Too big: expected object to have <=30 bytes"},
		{"{\"name\":\"x\",\"tags\":\"a\"}", "tags", "invalid_type", "Invalid input: expected array, received string"},
		{"{\"name\":\"x\",\"tags\":[1]}", "tags.0", "invalid_type", "Invalid input: expected string, received number"},
		{"{\"name\":\"x\",\"tags\":[\"a\",null]}", "tags.1", "invalid_type", "Invalid input: expected string, received null"},
		{"{\"name\":\"x\",\"tags\":[\"\"]}", "tags.0", "too_small", "Too small: expected string to have >=1 characters"},
		{"{\"name\":\"x\",\"tags\":[\"12345\"]}", "tags.0", "too_big", "Too big: expected string to have <=4 characters"},
		{"{\"name\":\"x\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags", "too_big", "Too big: expected array to have <=3 items"},
		{"{\"name\":\"x\",\"score\":0}", "score", "too_big", "Out of range: expected number from 1 to 9"},
		{"{\"name\":\"x\",\"score\":10}", "score", "too_big", "Out of range: expected number from 1 to 9"},
		{"{\"name\":\"x\",\"score\":\"5\"}", "score", "invalid_type", "Invalid input: expected number, received string"},
		{"{\"name\":\"x\",\"nope\":1}", "nope", "unrecognized_keys", "Unrecognized key: \"nope\""},
		{"{\"name\":\"x\",\"\":1}", "", "unrecognized_keys", "Unrecognized key: \"\""},
		{"{\"name\":\"x\",\"Name\":1}", "Name", "unrecognized_keys", "Unrecognized key: \"Name\""},
		{"{\"name\":\"x\",\"staff\":\"me\"}", "staff", "unrecognized_keys", "Unrecognized key: \"staff\""},
		{"{\"name\":\"x\",\"madeAt\":\"now\"}", "madeAt", "unrecognized_keys", "Unrecognized key: \"madeAt\""},
		{"[]", "root", "invalid_type", "Invalid input: expected object, received array"},
		{"null", "root", "invalid_type", "Invalid input: expected object, received null"},
		{"\"x\"", "root", "invalid_type", "Invalid input: expected object, received string"},
		{"5", "root", "invalid_type", "Invalid input: expected object, received number"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_row row;
		struct bana_ctx *ctx = fresh(u);
		assert_row(take(ctx, rows[i].json, BANA_PUBLIC, &row).fault == BANA_INVALID, "%s",
			rows[i].json);
		assert_row(ctx->failure.issue_count == 1, "%s", rows[i].json);
		const struct bana_issue *issue = ctx->failure.issues;
		assert_string_equal(issue->path, rows[i].path);
		assert_string_equal(issue->code, rows[i].code);
		assert_string_equal(issue->message, rows[i].message);
		assert_int_equal(strcmp(issue->code, "invalid_type") == 0, issue->expected != NULL);
	}
}

static void every_bad_field_is_listed(void **state)
{
	struct unit *u = *state;
	struct bana_row row;
	assert_fault(INVALID,
		take(&u->ctx,
			"{\"note\":5,\"mail\":\"no\",\"kind\":\"x\",\"tags\":[1,\"\",\"fivee\"],"
			"\"score\":99,\"zz\":1,\"yy\":2,\"more\":[]}",
			BANA_PUBLIC, &row));
	static const char *const paths[] = {"name", "note", "mail", "kind", "more", "tags.0",
		"tags.1", "tags.2", "score", "zz", "yy"};
	const struct bana_issue *issue = u->ctx.failure.issues;
	for (size_t i = 0; i < COUNT(paths); i++, issue = issue->next) {
		assert_non_null(issue);
		assert_string_equal(issue->path, paths[i]);
	}
	assert_null(issue);
}

static void staff_may_set_what_the_public_may_not(void **state)
{
	struct unit *u = *state;
	struct bana_row row;
	assert_ok(take(&u->ctx, "{\"staff\":\"me\"}", BANA_STAFF, &row));
	assert_string_equal(row.cells[STAFF].text, "me");
	assert_fault(INVALID, take(fresh(u), "{\"name\":\"x\"}", BANA_STAFF, &row));
}

static void a_long_unknown_name_is_cut_at_a_character(void **state)
{
	struct unit *u = *state;
	struct bana_row row;
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	bana_buf_text(&b, "{\"name\":\"x\",\"a");
	for (int i = 0; i < 5000; i++)
		bana_buf_text(&b, "\xe2\x82\xac");
	bana_buf_text(&b, "\":1}");
	assert_fault(INVALID, take(&u->ctx, b.at, BANA_PUBLIC, &row));
	const char *path = u->ctx.failure.issues->path;
	assert_true(strlen(path) >= 64 && strlen(path) <= 67);
	assert_true(bana_utf8_valid(bana_str_of(path)));
}

static void at_most_a_hundred_reasons_are_kept(void **state)
{
	struct unit *u = *state;
	struct bana_row row;
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	bana_buf_text(&b, "{");
	for (int i = 0; i < 500; i++)
		bana_buf_print(&b, "%s\"k%d\":1", i == 0 ? "" : ",", i);
	bana_buf_text(&b, "}");
	assert_fault(INVALID, take(&u->ctx, b.at, BANA_PUBLIC, &row));
	int kept = 0;
	for (const struct bana_issue *i = u->ctx.failure.issues; i != NULL; i = i->next)
		kept++;
	assert_int_equal(100, kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(good_values_become_what_postgresql_takes),
		unit_case(bad_values_are_told_with_path_code_and_words),
		unit_case(every_bad_field_is_listed),
		unit_case(staff_may_set_what_the_public_may_not),
		unit_case(a_long_unknown_name_is_cut_at_a_character),
		unit_case(at_most_a_hundred_reasons_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
