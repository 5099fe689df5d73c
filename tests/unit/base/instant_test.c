#include "unit/support.h"

#include "bana/clock.h"

static void dates_and_times_are_read_as_javascript_writes_them(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *text; bool zoned; const char *utc; } rows[] = {
		{"2026-11-20", false, "2026-11-20T00:00:00.000000Z"}, {"2026-11-20T15:33", false, "2026-11-20T15:33:00.000000Z"},
		{"2026-11-20T15:33:07", false, "2026-11-20T15:33:07.000000Z"}, {"2026-11-20 15:33:07.5", false, "2026-11-20T15:33:07.500000Z"},
		{"2026-11-20T15:33:07.361Z", true, "2026-11-20T15:33:07.361000Z"}, {"2026-11-20T15:33:07.3610004Z", true, "2026-11-20T15:33:07.361000Z"},
		{"2026-11-20T15:33:07+07:00", true, "2026-11-20T08:33:07.000000Z"}, {"2026-11-20T15:33:07+0700", true, "2026-11-20T08:33:07.000000Z"},
		{"2026-11-20 15:33:07.361+00", true, "2026-11-20T15:33:07.361000Z"}, {"2026-01-01T00:30:00-05:30", true, "2026-01-01T06:00:00.000000Z"},
		{"2026-01-01T00:30:00+01:00", true, "2025-12-31T23:30:00.000000Z"}, {"2024-02-29", false, "2024-02-29T00:00:00.000000Z"},
		{"2000-02-29", false, "2000-02-29T00:00:00.000000Z"}, {"0001-01-01", false, "0001-01-01T00:00:00.000000Z"},
		{"9999-12-31T23:59:59.999999Z", true, "9999-12-31T23:59:59.999999Z"}, {"1969-12-31T23:59:59.5Z", true, "1969-12-31T23:59:59.500000Z"},
		{"1970-01-01", false, "1970-01-01T00:00:00.000000Z"}, {"1600-03-01", false, "1600-03-01T00:00:00.000000Z"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t at;
		bool zoned;
		assert_row(
			bana_instant_parse(bana_str_of(rows[i].text), &at, &zoned).fault == BANA_OK,
			"%s", rows[i].text);
		assert_row(zoned == rows[i].zoned, "%s", rows[i].text);
		assert_string_equal(bana_instant_write(u->ctx.arena, at), rows[i].utc);
	}
}

static void what_is_no_instant_is_refused(void **state)
{
	static const char *const rows[] = {"", "2026", "2026-11", "2026-11-2", "2026-13-01",
		"2026-00-01", "2026-11-00", "2026-11-31", "2026-02-29", "1900-02-29", "0000-01-01",
		"2026-11-20T", "2026-11-20T15", "2026-11-20T24:00", "2026-11-20T15:60",
		"2026-11-20T15:33:60", "2026-11-20T15:33:07.", "2026-11-20T15:33.5",
		"2026-11-20T15:33:07Zx", "2026-11-20T15:33:07z", "2026-11-20T15:33+7",
		"2026-11-20T15:33+16:00", "2026-11-20T15:33+07:60", "2026-11-20Z", " 2026-11-20",
		"2026-11-20 ", "20261120", "now", "infinity", "10000-01-01", "-001-01-01",
		"2026/11/20", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
		"2026-11-20T15:33:07+", "2026-11-20T15:33:07+07:"};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t at;
		bool zoned;
		assert_row(bana_instant_parse(bana_str_of(rows[i]), &at, &zoned).fault ==
				   BANA_MALFORMED,
			"%s", rows[i]);
	}
}

static void every_day_of_four_centuries_comes_back(void **state)
{
	struct unit *u = *state;
	for (int64_t day = -146097; day < 146097; day += 13) {
		int64_t at = day * 86400000000 + 43200000000, back;
		bool zoned;
		const char *text = bana_instant_write(fresh(u)->arena, at);
		assert_ok(bana_instant_parse(bana_str_of(text), &back, &zoned));
		assert_int_equal(at, back);
	}
}

static void milliseconds_outside_the_years_are_refused(void **state)
{
	int64_t at;
	(void)state;
	assert_ok(bana_instant_from_ms(1795188787361, &at));
	assert_int_equal(1795188787361000, at);
	assert_ok(bana_instant_from_ms(-62135596800000, &at));
	assert_ok(bana_instant_from_ms(253402300799999, &at));
	assert_fault(MALFORMED, bana_instant_from_ms(-62135596800001, &at));
	assert_fault(MALFORMED, bana_instant_from_ms(253402300800000, &at));
	assert_fault(MALFORMED, bana_instant_from_ms(INT64_MAX, &at));
	assert_fault(MALFORMED, bana_instant_from_ms(INT64_MIN, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(dates_and_times_are_read_as_javascript_writes_them),
		unit_case(what_is_no_instant_is_refused),
		unit_case(every_day_of_four_centuries_comes_back),
		unit_case(milliseconds_outside_the_years_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
