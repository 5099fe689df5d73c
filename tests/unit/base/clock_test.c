#include "unit/support.h"

#include "bana/clock.h"

static void instants_are_written_as_javascript_does(void **state)
{
	/* clang-format off */
	static const struct { int64_t at; const char *text; } rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999, "1970-01-01T00:00:00.000Z"},
		{1000, "1970-01-01T00:00:00.001Z"},
		{1735689600000000, "2025-01-01T00:00:00.000Z"},
		{1795188787361999, "2026-11-20T15:33:07.361Z"},
		{951782399999999, "2000-02-28T23:59:59.999Z"},
		{951782400000000, "2000-02-29T00:00:00.000Z"},
		{4102444799999999, "2099-12-31T23:59:59.999Z"},
		{253402300799999999, "9999-12-31T23:59:59.999Z"},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[BANA_ISO_BYTES];
		bana_iso_write(rows[i].at, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void what_postgresql_prints_becomes_iso(void **state)
{
	char iso[BANA_ISO_BYTES];
	(void)state;
	/* clang-format off */
	static const struct { const char *pg, *iso; } rows[] = {
		{"2026-11-20 15:33:07+00", "2026-11-20T15:33:07.000Z"},
		{"2026-11-20 15:33:07.3+00", "2026-11-20T15:33:07.300Z"},
		{"2026-11-20 15:33:07.36+00", "2026-11-20T15:33:07.360Z"},
		{"2026-11-20 15:33:07.361+00", "2026-11-20T15:33:07.361Z"},
		{"2026-11-20 15:33:07.3619+00", "2026-11-20T15:33:07.361Z"},
		{"2026-11-20 15:33:07.36199+00", "2026-11-20T15:33:07.361Z"},
		{"2026-11-20 15:33:07.361999+00", "2026-11-20T15:33:07.361Z"},
		{"2026-11-20 15:33:07.000001+00", "2026-11-20T15:33:07.000Z"},
		{"0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z"},
		{"9999-12-31 23:59:59.999+00", "9999-12-31T23:59:59.999Z"},
		/* what ISO 8601 of JavaScript has no form for stays as it is */
		{"infinity", "infinity"}, {"-infinity", "-infinity"}, {"", ""},
		{"10000-01-01 00:00:00+00", "10000-01-01 00:00:00+00"},
		{"0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00 BC"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(bana_iso_from_pg(rows[i].pg, iso), rows[i].iso);
}

static void the_tick_never_steps_back(void **state)
{
	(void)state;
	int64_t last = bana_tick_us();
	for (int i = 0; i < 100000; i++) {
		int64_t tick = bana_tick_us();
		assert_true(tick >= last);
		last = tick;
	}
	assert_true(bana_now_us() > 1735689600000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_are_written_as_javascript_does),
		unit_case(what_postgresql_prints_becomes_iso),
		cmocka_unit_test(the_tick_never_steps_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
