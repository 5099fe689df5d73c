#include "unit/support.h"

/* RFC 4648 section 10, and what must not be taken. */
static void every_byte_string_has_one_spelling(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str text; bool url; bana_str bytes; bool good; } rows[] = {
		{BYTES(""), true, BYTES(""), true}, {BYTES("Zg"), true, BYTES("f"), true},
		{BYTES("Zm8"), true, BYTES("fo"), true}, {BYTES("Zm9v"), true, BYTES("foo"), true},
		{BYTES("Zm9vYg"), true, BYTES("foob"), true}, {BYTES("Zm9vYmE"), true, BYTES("fooba"), true},
		{BYTES("Zm9vYmFy"), true, BYTES("foobar"), true},
		{BYTES("-_-_"), true, BYTES("\xfb\xff\xbf"), true}, {BYTES("AAAA"), true, BYTES("\0\0\0"), true},
		{BYTES("Zg=="), true, BYTES(""), false}, {BYTES("Zm8="), true, BYTES(""), false},
		{BYTES("Z"), true, BYTES(""), false}, {BYTES("Zm9vY"), true, BYTES(""), false},
		{BYTES("Zh"), true, BYTES(""), false}, {BYTES("Zm9"), true, BYTES(""), false},
		{BYTES("+/+/"), true, BYTES(""), false}, {BYTES("Zm9v\n"), true, BYTES(""), false},
		{BYTES(" Zm9v"), true, BYTES(""), false}, {BYTES("Zm 9v"), true, BYTES(""), false},
		{BYTES("Zm9v."), true, BYTES(""), false}, {BYTES("Zm*v"), true, BYTES(""), false},
		{BYTES("Zm!!"), true, BYTES(""), false}, {BYTES("Zm\0v"), true, BYTES(""), false},
		{BYTES("\xc3\xa4Zm"), true, BYTES(""), false}, {BYTES("="), true, BYTES(""), false},
		{BYTES(""), false, BYTES(""), true}, {BYTES("Zg=="), false, BYTES("f"), true},
		{BYTES("Zm8="), false, BYTES("fo"), true}, {BYTES("Zm9v"), false, BYTES("foo"), true},
		{BYTES("+/+/"), false, BYTES("\xfb\xff\xbf"), true},
		{BYTES("Zg"), false, BYTES(""), false}, {BYTES("Zg="), false, BYTES(""), false},
		{BYTES("Zm8"), false, BYTES(""), false}, {BYTES("Zh=="), false, BYTES(""), false},
		{BYTES("Zm9="), false, BYTES(""), false}, {BYTES("===="), false, BYTES(""), false},
		{BYTES("Z==="), false, BYTES(""), false}, {BYTES("Zg==Zg=="), false, BYTES(""), false},
		{BYTES("Zm9v===="), false, BYTES(""), false}, {BYTES("-_-_"), false, BYTES(""), false},
		{BYTES("Zg=a"), false, BYTES(""), false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str out = {NULL, 0};
		bana_res r = rows[i].url ? bana_base64url_decode(u->ctx.arena, rows[i].text, &out)
					 : bana_base64_decode(u->ctx.arena, rows[i].text, &out);
		assert_row((r.fault == BANA_OK) == rows[i].good, "%zu '%s'", i, rows[i].text.at);
		if (rows[i].good)
			assert_row(out.len == rows[i].bytes.len &&
					   memcmp(out.at, rows[i].bytes.at, out.len) == 0,
				"%zu '%s'", i, rows[i].text.at);
	}
}

static void what_was_encoded_is_decoded_again(void **state)
{
	struct unit *u = *state;
	unsigned char bytes[300];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 + i / 7);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		const char *text = bana_base64url(u->ctx.arena, bytes, len);
		assert_int_equal((len * 8 + 5) / 6, strlen(text));
		bana_str out;
		assert_ok(bana_base64url_decode(u->ctx.arena, bana_str_of(text), &out));
		assert_int_equal(len, out.len);
		assert_memory_equal(bytes, out.at, len);
	}
}

/* All two-character texts: 64 x 64, of which one in 16 has no left-over bits. */
static void left_over_bits_are_zero(void **state)
{
	struct unit *u = *state;
	unsigned accepted = 0;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char text[2] = {(char)a, (char)b};
			bana_str out;
			if (bana_base64url_decode(u->ctx.arena, (bana_str){text, 2}, &out).fault ==
				BANA_OK)
				accepted++;
		}
		bana_arena_reset(u->ctx.arena);
	}
	assert_int_equal(256, accepted); /* one spelling for each byte */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(every_byte_string_has_one_spelling),
		unit_case(what_was_encoded_is_decoded_again),
		unit_case(left_over_bits_are_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
