#include "unit/support.h"

static void cut_splits_at_the_first_mark(void **state)
{
	/* clang-format off */
	static const struct { const char *text; const char *head, *rest; } rows[] = {
		{"a,b,c", "a", "b,c"}, {"abc", "abc", ""}, {"", "", ""}, {",", "", ""},
		{",a", "", "a"}, {"a,", "a", ""},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str rest, head = bana_str_cut(bana_str_of(rows[i].text), ',', &rest);
		assert_row(bana_str_is(head, rows[i].head), "%s", rows[i].text);
		assert_row(bana_str_is(rest, rows[i].rest), "%s", rows[i].text);
	}
}

static void numbers_are_decimal_bounded_and_have_one_spelling(void **state)
{
	/* clang-format off */
	static const struct { const char *text; int64_t min, max; bool good; int64_t value; } rows[] = {
		{"0", INT64_MIN, INT64_MAX, true, 0},
		{"7", INT64_MIN, INT64_MAX, true, 7},
		{"-7", INT64_MIN, INT64_MAX, true, -7},
		{"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
		{"-9223372036854775807", INT64_MIN, INT64_MAX, true, -INT64_MAX},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
		{"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
		{"9999999999999999999", INT64_MIN, INT64_MAX, false, 0},
		{"18446744073709551616", INT64_MIN, INT64_MAX, false, 0},
		{"100000000000000000000", INT64_MIN, INT64_MAX, false, 0},
		{"1", 1, 5, true, 1}, {"5", 1, 5, true, 5}, {"0", 1, 5, false, 0}, {"6", 1, 5, false, 0},
		{"-1", 0, 5, false, 0}, {"-5", -5, -1, true, -5},
		{"", 0, 9, false, 0}, {"-", -9, 9, false, 0}, {"--1", -9, 9, false, 0},
		{"+1", 0, 9, false, 0}, {" 1", 0, 9, false, 0}, {"1 ", 0, 9, false, 0},
		{"01", 0, 9, false, 0}, {"00", 0, 9, false, 0}, {"-0", -9, 9, false, 0},
		{"-01", -9, 9, false, 0}, {"1.0", 0, 9, false, 0}, {"1e1", 0, 99, false, 0},
		{"0x1", 0, 9, false, 0}, {"1a", 0, 9, false, 0}, {"\xd9\xa1", 0, 9, false, 0},
		{"1\n", 0, 9, false, 0},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = 4711;
		bana_res r =
			bana_parse_int(bana_str_of(rows[i].text), rows[i].min, rows[i].max, &value);
		assert_row((r.fault == BANA_OK) == rows[i].good, "'%s'", rows[i].text);
		assert_row(value == (rows[i].good ? rows[i].value : 4711), "'%s'", rows[i].text);
	}
	int64_t value;
	assert_fault(MALFORMED, bana_parse_int(BYTES("1\0"), 0, 9, &value));
	assert_ok(bana_parse_int((bana_str){"12345", 2}, 0, 99, &value));
	assert_int_equal(12, value); /* the slice, not the text behind it */
}

static void switches_have_eight_words(void **state)
{
	/* clang-format off */
	static const struct { const char *text; int value; } rows[] = {
		{"true", 1}, {"TRUE", 1}, {"True", 1}, {"1", 1}, {"on", 1}, {"Yes", 1},
		{"false", 0}, {"FALSE", 0}, {"0", 0}, {"off", 0}, {"no", 0},
		{"", -1}, {"t", -1}, {"truee", -1}, {"2", -1}, {" true", -1}, {"ja", -1},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool value = rows[i].value != 1;
		bana_res r = bana_parse_bool(bana_str_of(rows[i].text), &value);
		assert_row((r.fault == BANA_OK) == (rows[i].value >= 0), "'%s'", rows[i].text);
		if (r.fault == BANA_OK)
			assert_row(value == (rows[i].value == 1), "'%s'", rows[i].text);
	}
}

static void escapes_are_decoded_or_refused(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str text; bool form; const char *decoded; } rows[] = {
		{BYTES(""), false, ""}, {BYTES("abc"), false, "abc"}, {BYTES("a%20b"), false, "a b"},
		{BYTES("a+b"), false, "a+b"}, {BYTES("a+b"), true, "a b"}, {BYTES("%2B"), true, "+"},
		{BYTES("%41"), false, "A"}, {BYTES("%4a%4A"), false, "JJ"}, {BYTES("%25"), false, "%"},
		{BYTES("%2541"), false, "%41"}, {BYTES("%C3%A4"), false, "\xc3\xa4"},
		{BYTES("\xc3\xa4"), false, "\xc3\xa4"}, {BYTES("%F0%9F%98%80"), false, "\xf0\x9f\x98\x80"},
		{BYTES("%0d%0a"), false, "\r\n"}, {BYTES("%7F"), false, "\x7f"},
		{BYTES("%"), false, NULL}, {BYTES("%4"), false, NULL}, {BYTES("%4g"), false, NULL},
		{BYTES("%g4"), false, NULL}, {BYTES("%%41"), false, NULL}, {BYTES("a%"), false, NULL},
		{BYTES("a%2"), false, NULL}, {BYTES("%+1"), true, NULL}, {BYTES("% 1"), false, NULL},
		{BYTES("%00"), false, NULL}, {BYTES("a\0b"), false, NULL}, {BYTES("%C3"), false, NULL},
		{BYTES("%FF"), false, NULL}, {BYTES("%C0%AF"), false, NULL}, {BYTES("%ED%A0%80"), false, NULL},
		{BYTES("\xff"), false, NULL}, {BYTES("%A4%C3"), false, NULL}, {BYTES("%u0041"), false, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str out = {NULL, 0};
		bana_res r = bana_percent_decode(u->ctx.arena, rows[i].text, rows[i].form, &out);
		assert_row(
			(r.fault == BANA_OK) == (rows[i].decoded != NULL), "'%s'", rows[i].text.at);
		if (rows[i].decoded != NULL)
			assert_row(bana_str_is(out, rows[i].decoded), "'%s'", rows[i].text.at);
		else
			assert_row(out.at == NULL, "'%s' touched the result", rows[i].text.at);
	}
}

static void an_escape_at_the_end_of_a_slice_does_not_read_on(void **state)
{
	struct unit *u = *state;
	bana_str out;
	assert_fault(
		MALFORMED, bana_percent_decode(u->ctx.arena, (bana_str){"ab%41", 3}, false, &out));
	assert_fault(
		MALFORMED, bana_percent_decode(u->ctx.arena, (bana_str){"ab%41", 4}, false, &out));
}

static void the_first_value_of_a_name_is_found(void **state)
{
	/* clang-format off */
	static const struct { const char *query, *name, *value; } rows[] = {
		{"a=1", "a", "1"}, {"a=1&b=2", "b", "2"}, {"b=2&a=1&a=3", "a", "1"}, {"a", "a", ""},
		{"a=", "a", ""}, {"a=b=c", "a", "b=c"}, {"&&a=1", "a", "1"}, {"ab=1&a=2", "a", "2"},
		{"a=1&", "a", "1"}, {"a=%26&b=1", "a", "%26"}, {"=1", "", "1"},
		{"", "a", NULL}, {"b=1", "a", NULL}, {"A=1", "a", NULL}, {"%61=1", "a", NULL},
		{"x=a=1", "a", NULL}, {";a=1", "a", NULL},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str value;
		bool found = bana_query_find(bana_str_of(rows[i].query), rows[i].name, &value);
		assert_row(found == (rows[i].value != NULL), "%s", rows[i].query);
		if (found)
			assert_row(bana_str_is(value, rows[i].value), "%s", rows[i].query);
	}
}

static void hexadecimal_is_lower_case(void **state)
{
	struct unit *u = *state;
	assert_string_equal(bana_hex(u->ctx.arena, "\x00\x0f\xa5\xff", 4), "000fa5ff");
	assert_string_equal(bana_hex(u->ctx.arena, "", 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_splits_at_the_first_mark),
		cmocka_unit_test(numbers_are_decimal_bounded_and_have_one_spelling),
		cmocka_unit_test(switches_have_eight_words),
		unit_case(escapes_are_decoded_or_refused),
		unit_case(an_escape_at_the_end_of_a_slice_does_not_read_on),
		cmocka_unit_test(the_first_value_of_a_name_is_found),
		unit_case(hexadecimal_is_lower_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
