#include "unit/support.h"

#include "bana/json.h"

enum verdict { YES, LIMIT, NO }; /* JSON; JSON, but over a limit of ours; no JSON */

/* clang-format off */
static const struct row { enum verdict verdict; bana_str text; } rows[] = {
	/* values */
	{YES, BYTES("null")}, {YES, BYTES("true")}, {YES, BYTES("false")}, {YES, BYTES("0")},
	{YES, BYTES("\"\"")}, {YES, BYTES("[]")}, {YES, BYTES("{}")}, {YES, BYTES(" \t\r\n{} \n")},
	{YES, BYTES("[ ]")}, {YES, BYTES("{ }")}, {YES, BYTES("[1,2]")}, {YES, BYTES("[[],[]]")},
	{YES, BYTES("{\"a\":1,\"b\":[{}]}")}, {YES, BYTES("[1\n]")}, {YES, BYTES("{\"\":0}")},
	{NO, BYTES("")}, {NO, BYTES(" ")}, {NO, BYTES("nul")}, {NO, BYTES("nulll")}, {NO, BYTES("True")},
	{NO, BYTES("NULL")}, {NO, BYTES("tru")}, {NO, BYTES("undefined")}, {NO, BYTES("a")},
	/* structure */
	{NO, BYTES("[")}, {NO, BYTES("]")}, {NO, BYTES("{")}, {NO, BYTES("}")}, {NO, BYTES("[1")},
	{NO, BYTES("[1,")}, {NO, BYTES("[1,]")}, {NO, BYTES("[,1]")}, {NO, BYTES("[1,,2]")}, {NO, BYTES("[,]")},
	{NO, BYTES("[1 2]")}, {NO, BYTES("[1:2]")}, {NO, BYTES("[1;2]")}, {NO, BYTES("[1}")}, {NO, BYTES("{]")},
	{NO, BYTES("[]]")}, {NO, BYTES("[][]")}, {NO, BYTES("{}{}")}, {NO, BYTES("[],")}, {NO, BYTES("1 2")},
	{NO, BYTES("1,2")}, {NO, BYTES("{}x")}, {NO, BYTES("{}#")}, {NO, BYTES("{}//c")}, {NO, BYTES("/**/{}")},
	{NO, BYTES("[/**/]")}, {NO, BYTES("{\"a\"}")}, {NO, BYTES("{\"a\":}")}, {NO, BYTES("{\"a\":1,}")},
	{NO, BYTES("{,\"a\":1}")}, {NO, BYTES("{\"a\":1,,\"b\":2}")}, {NO, BYTES("{\"a\" 1}")},
	{NO, BYTES("{\"a\",1}")}, {NO, BYTES("{\"a\"::1}")}, {NO, BYTES("{a:1}")}, {NO, BYTES("{'a':1}")},
	{NO, BYTES("{1:1}")}, {NO, BYTES("{null:1}")}, {NO, BYTES("{[]:1}")}, {NO, BYTES("{\"a\":1")},
	{NO, BYTES("{\"a\":1 \"b\":2}")}, {NO, BYTES("{\"a\":[}")}, {NO, BYTES("{\"a\":1]")}, {NO, BYTES("*")},
	{NO, BYTES("[\v]")}, {NO, BYTES("[\f]")}, {NO, BYTES("[\xc2\xa0]")}, {NO, BYTES("\xef\xbb\xbf{}")},
	{NO, BYTES("[\xe2\x81\xa0]")}, {NO, BYTES("{}\0")}, {NO, BYTES("\0{}")}, {NO, BYTES("[\0]")},
	{NO, BYTES("[1\0]")}, {NO, BYTES("\0")}, {NO, BYTES("(1)")}, {NO, BYTES("<null>")},
	/* numbers */
	{YES, BYTES("-0")}, {YES, BYTES("-1")}, {YES, BYTES("10")}, {YES, BYTES("1.5")}, {YES, BYTES("0.0")},
	{YES, BYTES("-0.0")}, {YES, BYTES("1e1")}, {YES, BYTES("1E1")}, {YES, BYTES("1e+1")},
	{YES, BYTES("1e-1")}, {YES, BYTES("0e0")}, {YES, BYTES("0e+1")}, {YES, BYTES("1.5e300")},
	{YES, BYTES("1e00005")}, {YES, BYTES("123e45")}, {LIMIT, BYTES("1e-400")}, {YES, BYTES("0e-400")}, {YES, BYTES("-0.0E400")}, {YES, BYTES("[1 ]")},
	{YES, BYTES("9223372036854775807")}, {YES, BYTES("-9223372036854775807")},
	{YES, BYTES("-9223372036854775808")}, /* fits 64 bits: the smallest there is */
	{LIMIT, BYTES("9223372036854775808")}, {LIMIT, BYTES("-9223372036854775809")},
	{LIMIT, BYTES("100000000000000000000")}, {LIMIT, BYTES("[18446744073709551616]")},
	{LIMIT, BYTES("1e309")}, {LIMIT, BYTES("-1e309")}, {LIMIT, BYTES("1.5e9999")},
	{NO, BYTES("-")}, {NO, BYTES("+1")}, {NO, BYTES("01")}, {NO, BYTES("-01")}, {NO, BYTES("00")},
	{NO, BYTES("1.")}, {NO, BYTES(".5")}, {NO, BYTES("-.5")}, {NO, BYTES("2.e3")}, {NO, BYTES("1.e1")},
	{NO, BYTES("1e")}, {NO, BYTES("1e+")}, {NO, BYTES("1e-")}, {NO, BYTES("1E")}, {NO, BYTES("1ee1")},
	{NO, BYTES("1e1.5")}, {NO, BYTES("1.2.3")}, {NO, BYTES("1..2")}, {NO, BYTES("--1")}, {NO, BYTES("- 1")},
	{NO, BYTES("-a")}, {NO, BYTES("0x1")}, {NO, BYTES("0x")}, {NO, BYTES("1_000")}, {NO, BYTES("1 000")},
	{NO, BYTES("NaN")}, {NO, BYTES("-NaN")}, {NO, BYTES("Infinity")}, {NO, BYTES("-Infinity")},
	{NO, BYTES("Inf")}, {NO, BYTES("1+1")}, {NO, BYTES("[1.]")}, {NO, BYTES("[-]")}, {NO, BYTES("[2.e3]")},
	{NO, BYTES("\xef\xbc\x91")}, {NO, BYTES("1a")}, {NO, BYTES("[-01]")}, {NO, BYTES("0e")},
	/* strings */
	{YES, BYTES("\"a\"")}, {YES, BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")}, {YES, BYTES("\"\\u0041\"")},
	{YES, BYTES("\"\\u00e4\\u00E4\"")}, {YES, BYTES("\"\\ud83d\\ude00\"")}, {YES, BYTES("\"\\uD83D\\uDE00\"")},
	{YES, BYTES("\"\\udbff\\udfff\"")}, {YES, BYTES("\"\\uffff\"")}, {YES, BYTES("\"\x7f\"")},
	{YES, BYTES("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"")}, {YES, BYTES("\"\xe2\x80\xa8\"")},
	{YES, BYTES("\"//\"")}, {YES, BYTES("\"[{\"")}, {YES, BYTES("\"\\u0001\"")}, {YES, BYTES("\"\\\\u0000\"")},
	{LIMIT, BYTES("\"\\u0000\"")}, {LIMIT, BYTES("\"a\\u0000b\"")}, {LIMIT, BYTES("{\"a\\u0000b\":1}")},
	{NO, BYTES("\"")}, {NO, BYTES("\"a")}, {NO, BYTES("a\"")}, {NO, BYTES("\"a\"b")}, {NO, BYTES("'a'")},
	{NO, BYTES("\"\\\"")}, {NO, BYTES("\"\\")}, {NO, BYTES("\"\\a\"")}, {NO, BYTES("\"\\x41\"")},
	{NO, BYTES("\"\\'\"")}, {NO, BYTES("\"\\0\"")}, {NO, BYTES("\"\\\0\"")}, {NO, BYTES("\"\\U0041\"")},
	{NO, BYTES("\"\\u\"")}, {NO, BYTES("\"\\u00\"")}, {NO, BYTES("\"\\u004\"")}, {NO, BYTES("\"\\u004g\"")},
	{NO, BYTES("\"\\u-041\"")}, {NO, BYTES("\"\\u 041\"")}, {NO, BYTES("\"\\u0041")}, {NO, BYTES("\"\\u00")},
	{NO, BYTES("\"\\ud800\"")}, {NO, BYTES("\"\\udc00\"")}, {NO, BYTES("\"\\ud83dx\"")},
	{NO, BYTES("\"\\ud83d\\n\"")}, {NO, BYTES("\"\\ud83d\\u0041\"")}, {NO, BYTES("\"\\ud83d\\ud83d\"")},
	{NO, BYTES("\"\\ude00\\ud83d\"")}, {NO, BYTES("\"\\ud83d\\u\"")}, {NO, BYTES("\"\\ud83d\\")},
	{NO, BYTES("\"\\ud83d\\ude0\"")}, {NO, BYTES("\"a\nb\"")}, {NO, BYTES("\"a\tb\"")}, {NO, BYTES("\"a\rb\"")},
	{NO, BYTES("\"\x1f\"")}, {NO, BYTES("\"\x01\"")}, {NO, BYTES("\"a\0b\"")}, {NO, BYTES("[\"a\nb\"]")},
	{NO, BYTES("{\"a\nb\":1}")},
	/* bytes that are no UTF-8 */
	{NO, BYTES("\"\x80\"")}, {NO, BYTES("\"\xc0\xaf\"")}, {NO, BYTES("\"\xed\xa0\x80\"")},
	{NO, BYTES("\"\xf4\x90\x80\x80\"")}, {NO, BYTES("\"\xc3\"")}, {NO, BYTES("\"\xff\"")},
	{NO, BYTES("[\xff]")}, {NO, BYTES("\xff\xfe[\0]\0")}, {NO, BYTES("{\"\xe9\":1}")}, {NO, BYTES("\xe9")},
};
/* clang-format on */

static void the_table_of_texts_is_judged_rightly(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_json_scan scan;
		char *exact =
			malloc(rows[i].text.len + 1); /* the sanitizer sees one byte too far */
		assert_non_null(exact);
		memcpy(exact, rows[i].text.at, rows[i].text.len);
		char *tight = realloc(exact, rows[i].text.len == 0 ? 1 : rows[i].text.len);
		bana_json_scan((bana_str){tight, rows[i].text.len}, 16, &scan);
		free(tight);
		enum verdict v = scan.malformed != NULL ? NO : scan.refused != NULL ? LIMIT : YES;
		assert_row(v == rows[i].verdict, "%zu '%s': %s %s", i, rows[i].text.at,
			scan.malformed == NULL ? "-" : scan.malformed,
			scan.refused == NULL ? "-" : scan.refused);
		assert_true(scan.at_byte <= rows[i].text.len);
	}
}

/* No text that begins well is accepted before its end (numbers aside, they have none). */
static void no_part_of_a_text_is_taken_for_the_whole(void **state)
{
	static const char whole[] =
		"{\"a\":[1,-2.5e+3,true,null,\"x\\u00e4\\ud83d\\ude00\\n\"],\"b\":{\"c\":{}}}";
	struct bana_json_scan scan;
	(void)state;
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		bana_json_scan((bana_str){whole, len}, 16, &scan);
		assert_row(scan.malformed != NULL, "%.*s", (int)len, whole);
	}
	bana_json_scan((bana_str){whole, sizeof whole - 1}, 16, &scan);
	assert_null(scan.malformed);
	assert_null(scan.refused);
	assert_int_equal(3, scan.members);
}

static void depth_is_counted_and_limited(void **state)
{
	/* clang-format off */
	static const struct { unsigned depth, depth_max; enum verdict verdict; } cases[] = {
		{1, 1, YES}, {2, 1, LIMIT}, {4, 4, YES}, {5, 4, LIMIT}, {16, 16, YES}, {17, 16, LIMIT},
		{64, 64, YES}, {64, 16, LIMIT}, {65, 16, NO}, {100000, 16, NO},
	};
	/* clang-format on */
	static const char *const openers[] = {"[", "{\"a\":"};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		unsigned depth = cases[i / 2].depth;
		const char *opener = openers[i % 2];
		char *text = calloc(1, depth * 6 + 2);
		size_t len = 0;
		assert_non_null(text);
		for (unsigned d = 1; d < depth; d++) {
			memcpy(text + len, opener, strlen(opener));
			len += strlen(opener);
		}
		text[len++] = *opener; /* the innermost is empty */
		for (unsigned d = 0; d < depth; d++)
			text[len++] = *opener == '[' ? ']' : '}';
		struct bana_json_scan scan;
		bana_json_scan((bana_str){text, len}, cases[i / 2].depth_max, &scan);
		free(text);
		enum verdict v = scan.malformed != NULL ? NO : scan.refused != NULL ? LIMIT : YES;
		assert_row(v == cases[i / 2].verdict, "depth %u %s", depth, opener);
	}
}

static void the_place_of_the_fault_is_told(void **state)
{
	/* clang-format off */
	static const struct { const char *text; size_t at_byte; const char *why; } cases[] = {
		{"", 0, "Unexpected end"}, {"{\"a\":}", 5, "Unexpected character"},
		{"[1,2", 4, "Comma or closing bracket expected"}, {"{}x", 2, "Unexpected text after the value"},
		{"{\"a\" 1}", 5, "Colon expected"}, {"\"a", 2, "Unterminated string"},
		{"{a:1}", 1, "String expected"}, {"\"\\q\"", 2, "Unknown escape in a string"},
		{"\xff", 0, "Not UTF-8"},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bana_json_scan scan;
		bana_json_scan(bana_str_of(cases[i].text), 16, &scan);
		assert_string_equal(scan.malformed, cases[i].why);
		assert_int_equal(scan.at_byte, cases[i].at_byte);
	}
}

static void a_number_of_too_many_digits_is_refused(void **state)
{
	char text[700] = "0.";
	struct bana_json_scan scan;
	(void)state;
	memset(text + 2, '1', 500);
	bana_json_scan((bana_str){text, 502}, 16, &scan);
	assert_null(scan.malformed);
	assert_null(scan.refused);
	memset(text + 2, '1', 600);
	bana_json_scan((bana_str){text, 602}, 16, &scan);
	assert_null(scan.malformed);
	assert_non_null(scan.refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_texts_is_judged_rightly),
		cmocka_unit_test(no_part_of_a_text_is_taken_for_the_whole),
		cmocka_unit_test(depth_is_counted_and_limited),
		cmocka_unit_test(the_place_of_the_fault_is_told),
		cmocka_unit_test(a_number_of_too_many_digits_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
