#include "unit/support.h"

#include "bana/entity.h"

static void a_mask_tells_a_row_from_another_and_no_more(void **state)
{
	static const struct bana_field mail = {.type = BANA_EMAIL}, text = {.type = BANA_TEXT};
	/* clang-format off */
	static const struct { const struct bana_field *field; const char *text, *masked; } rows[] = {
		{&mail, "ada@example.com", "a***@***.com"}, {&mail, "a@b.de", "a***@***.de"},
		{&mail, "\xc3\xa4" "rger@b\xc3\xbc" "cher.example", "\xc3\xa4***@***.example"}, {&mail, "x", "x***@***"}, {&mail, "", "***@***"},
		{&text, "+49 30 1234567", "***67"}, {&text, "123456", "***56"}, {&text, "12345", "***"}, {&text, "", "***"},
		{&text, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80", "***\xe2\x82\xac\xf0\x9f\x98\x80"},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			bana_mask(u->ctx.arena, rows[i].field, rows[i].text), rows[i].masked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {unit_case(a_mask_tells_a_row_from_another_and_no_more)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
