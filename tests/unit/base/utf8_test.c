#include "unit/support.h"

static void only_rfc_3629_is_taken(void **state)
{
	/* clang-format off */
	static const struct { bana_str text; bool good; } rows[] = {
		{BYTES(""), true}, {BYTES("plain"), true}, {BYTES("\0"), true}, {BYTES("\x7f"), true},
		{BYTES("\xc2\x80"), true}, {BYTES("\xdf\xbf"), true}, {BYTES("\xe0\xa0\x80"), true},
		{BYTES("\xed\x9f\xbf"), true}, {BYTES("\xee\x80\x80"), true}, {BYTES("\xef\xbf\xbf"), true},
		{BYTES("\xef\xbb\xbf"), true}, {BYTES("\xf0\x90\x80\x80"), true},
		{BYTES("\xf4\x8f\xbf\xbf"), true}, {BYTES("a\xf0\x9f\x98\x80z"), true},
		/* overlong */
		{BYTES("\xc0\x80"), false}, {BYTES("\xc0\xaf"), false}, {BYTES("\xc1\xbf"), false},
		{BYTES("\xe0\x80\xaf"), false}, {BYTES("\xe0\x9f\xbf"), false},
		{BYTES("\xf0\x80\x80\xaf"), false}, {BYTES("\xf0\x8f\xbf\xbf"), false},
		/* surrogates */
		{BYTES("\xed\xa0\x80"), false}, {BYTES("\xed\xaf\xbf"), false}, {BYTES("\xed\xb0\x80"), false},
		{BYTES("\xed\xbf\xbf"), false}, {BYTES("\xed\xa0\xbd\xed\xb8\x80"), false},
		/* over U+10FFFF, and lengths that no longer exist */
		{BYTES("\xf4\x90\x80\x80"), false}, {BYTES("\xf5\x80\x80\x80"), false},
		{BYTES("\xf8\x88\x80\x80\x80"), false}, {BYTES("\xfc\x84\x80\x80\x80\x80"), false},
		{BYTES("\xfe"), false}, {BYTES("\xff"), false},
		/* cut short, out of place, alone */
		{BYTES("\x80"), false}, {BYTES("\xbf"), false}, {BYTES("a\x80"), false}, {BYTES("\xc3"), false},
		{BYTES("\xc3z"), false}, {BYTES("\xe2\x82"), false}, {BYTES("\xe2\x82z"), false},
		{BYTES("\xe2z\xac"), false}, {BYTES("\xf0\x9f\x98"), false}, {BYTES("\xf0\x9f\x98z"), false},
		{BYTES("\xf0\x9fz\x80"), false}, {BYTES("\xc3\xa4\xa4"), false}, {BYTES("\xe9"), false},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(bana_utf8_valid(rows[i].text) == rows[i].good, "%zu", i);
}

static size_t encode(uint32_t point, char out[4])
{
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3F));
	out[0] = (char)(lead[n == 1 ? 0 : n] | point);
	return n;
}

static void every_code_point_but_surrogates_is_valid(void **state)
{
	char text[4];
	(void)state;
	for (uint32_t point = 0; point <= 0x110000; point++) {
		size_t n = encode(point, text);
		bool scalar = point < 0xD800 || (point > 0xDFFF && point < 0x110000);
		assert_row(bana_utf8_valid((bana_str){text, n}) == scalar, "U+%04X", point);
	}
}

/* ECMA-262 "TrimString": WhiteSpace and LineTerminator, and nothing else. */
static bool ecma_blank(uint32_t p)
{
	return (p >= 0x09 && p <= 0x0D) || p == 0x20 || p == 0xA0 || p == 0x1680 ||
	       (p >= 0x2000 && p <= 0x200A) || p == 0x2028 || p == 0x2029 || p == 0x202F ||
	       p == 0x205F || p == 0x3000 || p == 0xFEFF;
}

static void trim_removes_what_ecmascript_removes(void **state)
{
	(void)state;
	for (uint32_t point = 0; point < 0x110000; point++) {
		if (point >= 0xD800 && point <= 0xDFFF)
			continue;
		char text[12] = "";
		size_t n = encode(point, text);
		text[n] = 'x';
		size_t more = encode(point, text + n + 1);
		bana_str trimmed = bana_utf8_trim((bana_str){text, n + 1 + more});
		if (ecma_blank(point))
			assert_row(bana_str_is(trimmed, "x"), "U+%04X is blank", point);
		else
			assert_row(trimmed.len == n + 1 + more, "U+%04X is none", point);
	}
}

static void trim_stops_at_the_first_character(void **state)
{
	/* clang-format off */
	static const struct { const char *text, *trimmed; } rows[] = {
		{"", ""}, {"   ", ""}, {" a b ", "a b"}, {"\t\r\n\v\f a", "a"}, {"a\xc2\xa0", "a"},
		{"\xef\xbb\xbf" "a", "a"}, {"\xe2\x80\x8b" "a", "\xe2\x80\x8b" "a"}, /* U+200B stays */
		{"\xe3\x80\x80\xe4\xb8\xad\xe3\x80\x80", "\xe4\xb8\xad"}, {"\xe2\x80\xa8", ""},
		{"\xf0\x9f\x98\x80 ", "\xf0\x9f\x98\x80"}, {"a\x80", "a\x80"}, {"\x80", "\x80"},
		{"\xa0 ", "\xa0"}, {" \xc2", "\xc2"},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(bana_str_is(bana_utf8_trim(bana_str_of(rows[i].text)), rows[i].trimmed),
			"%zu '%s'", i, rows[i].text);
}

static void counts_are_of_code_points(void **state)
{
	/* clang-format off */
	static const struct { const char *text; size_t count; } rows[] = {
		{"", 0}, {"abc", 3}, {"\xc3\xa4", 1}, {"e\xcc\x81", 2}, {"\xe2\x82\xac", 1},
		{"\xf0\x9f\x98\x80", 1}, {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 3},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(rows[i].count, bana_utf8_count(bana_str_of(rows[i].text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_rfc_3629_is_taken),
		cmocka_unit_test(every_code_point_but_surrogates_is_valid),
		cmocka_unit_test(trim_removes_what_ecmascript_removes),
		cmocka_unit_test(trim_stops_at_the_first_character),
		cmocka_unit_test(counts_are_of_code_points),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
