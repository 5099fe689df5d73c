#include "unit/support.h"

#include "bana/json.h"

static void texts_are_parsed_or_refused_with_the_right_fault(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str text; enum bana_fault fault; } rows[] = {
		{BYTES("{}"), BANA_OK}, {BYTES("[]"), BANA_OK}, {BYTES("null"), BANA_OK}, {BYTES("1"), BANA_OK},
		{BYTES("-0"), BANA_OK}, {BYTES("1e5"), BANA_OK}, {BYTES("\"a\""), BANA_OK}, {BYTES(" true "), BANA_OK},
		{BYTES("{\"a\":{\"a\":1},\"b\":{\"a\":2}}"), BANA_OK}, {BYTES("[{\"a\":1},{\"a\":2}]"), BANA_OK},
		{BYTES("{"), BANA_MALFORMED}, {BYTES("NaN"), BANA_MALFORMED}, {BYTES("\"\\ud800\""), BANA_MALFORMED},
		{BYTES("\"\xed\xa0\x80\""), BANA_MALFORMED}, {BYTES("{}x"), BANA_MALFORMED},
		{BYTES("{\"a\":1,\"a\":1}"), BANA_INVALID}, {BYTES("{\"a\":1,\"\\u0061\":2}"), BANA_INVALID},
		{BYTES("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]"), BANA_INVALID}, {BYTES("{\"\":1,\"\":2}"), BANA_INVALID},
		{BYTES("{\"a\":null,\"a\":null}"), BANA_INVALID},
		{BYTES("\"\\u0000\""), BANA_INVALID}, {BYTES("9223372036854775808"), BANA_INVALID},
		{BYTES("1e999"), BANA_INVALID}, {BYTES("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), BANA_INVALID},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		static const struct bana_json *const untouched = (const struct bana_json *)&rows;
		const struct bana_json *json = untouched;
		bana_res r = bana_json_parse(fresh(u), rows[i].text, BANA_JSON_DEPTH_MAX, &json);
		assert_row(r.fault == rows[i].fault, "%s: %d", rows[i].text.at, (int)r.fault);
		assert_row((json == untouched) == (r.fault != BANA_OK), "%s", rows[i].text.at);
		if (r.fault == BANA_INVALID)
			assert_row(u->ctx.failure.issue_count == 1, "%s", rows[i].text.at);
		if (r.fault == BANA_MALFORMED)
			assert_string_equal(u->ctx.failure.message, "Malformed Body Payload");
	}
}

static void kinds_are_told_as_javascript_names_them(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *text; enum bana_json_kind kind; const char *name; unsigned depth; } rows[] = {
		{"null", BANA_JSON_NULL, "null", 0}, {"true", BANA_JSON_BOOL, "boolean", 0},
		{"1", BANA_JSON_INT, "number", 0}, {"1.0", BANA_JSON_REAL, "number", 0},
		{"1e2", BANA_JSON_REAL, "number", 0}, {"\"\"", BANA_JSON_STRING, "string", 0},
		{"[]", BANA_JSON_ARRAY, "array", 1}, {"{}", BANA_JSON_OBJECT, "object", 1},
		{"[[],[[1]]]", BANA_JSON_ARRAY, "array", 3}, {"{\"a\":{\"b\":[]}}", BANA_JSON_OBJECT, "object", 3},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct bana_json *json;
		assert_ok(bana_json_parse(&u->ctx, bana_str_of(rows[i].text), 16, &json));
		assert_int_equal(rows[i].kind, bana_json_kind(json));
		assert_string_equal(rows[i].name, bana_json_kind_name(json));
		assert_int_equal(rows[i].depth, bana_json_depth(json));
	}
}

static void what_is_read_is_written_again(void **state)
{
	struct unit *u = *state;
	static const char *const texts[] = {"null", "true", "0", "-1", "9223372036854775807",
		"-9223372036854775807", "1.5", "1.0", "1e5", "0.1", "\"\"", "\"a/b\"",
		"\"\xc3\xa4\xf0\x9f\x98\x80\"", "\"\\\"\\\\\\n\\t\\b\\f\\r\"", "[]", "{}",
		"[1,[2,{}]]", "{\"z\":1,\"a\":{\"\":null}}", "\"\x7f\""};
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct bana_json *json;
		assert_ok(bana_json_parse(&u->ctx, bana_str_of(texts[i]), 16, &json));
		bana_str out = bana_json_write(&u->ctx, json);
		assert_string_equal(texts[i], out.at);
		assert_int_equal(strlen(texts[i]), out.len);
	}
}

static void members_and_items_are_found(void **state)
{
	struct unit *u = *state;
	const struct bana_json *json, *value;
	assert_ok(bana_json_parse(&u->ctx,
		BYTES("{\"b\":[1,\"two\",null],\"a\":null,\"t\":true,\"s\":\"x\\ud83d\\ude00\"}"),
		16, &json));
	assert_true(bana_json_get(json, "b", &value));
	assert_int_equal(3, bana_json_len(value));
	assert_int_equal(1, bana_json_int(bana_json_at(value, 0)));
	assert_true(bana_str_is(bana_json_str(bana_json_at(value, 1)), "two"));
	assert_null(bana_json_at(value, 2));
	assert_false(bana_json_get(value, "b", &value)); /* a list has no members */
	assert_true(bana_json_get(json, "a", &value));
	assert_null(value);
	assert_true(bana_json_get(json, "t", &value));
	assert_int_equal(BANA_JSON_BOOL, bana_json_kind(value));
	assert_true(bana_json_get(json, "s", &value));
	assert_true(bana_str_is(bana_json_str(value), "x\xf0\x9f\x98\x80"));
	assert_false(bana_json_get(json, "missing", &value));
	assert_false(bana_json_get(NULL, "a", &value));
	char names[16] = "";
	for (struct bana_json_member m = {0}; bana_json_next(json, &m);)
		strncat(names, m.name, 1);
	assert_string_equal(names, "bats"); /* in the order they came */
	assert_ok(bana_json_parse(&u->ctx, BYTES("{}"), 16, &json));
	struct bana_json_member none = {0};
	assert_false(bana_json_next(json, &none));
}

static void the_reason_names_the_byte(void **state)
{
	struct unit *u = *state;
	const struct bana_json *json;
	assert_fault(MALFORMED, bana_json_parse(&u->ctx, BYTES("{\"a\":}"), 16, &json));
	assert_string_equal(u->ctx.failure.detail, "Unexpected character at byte 5");
	assert_fault(INVALID, bana_json_parse(fresh(u), BYTES("[1e999]"), 16, &json));
	assert_string_equal(u->ctx.failure.issues->message, "Number beyond a double at byte 6");
	assert_string_equal(u->ctx.failure.issues->path, "root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(texts_are_parsed_or_refused_with_the_right_fault),
		unit_case(kinds_are_told_as_javascript_names_them),
		unit_case(what_is_read_is_written_again),
		unit_case(members_and_items_are_found),
		unit_case(the_reason_names_the_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
