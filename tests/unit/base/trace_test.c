#include "unit/support.h"

#include "bana/trace.h"

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void only_well_formed_traces_are_taken(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { const char *header; const char *flags; /* NULL: refused */ } rows[] = {
		{"00-" ID "-" SPAN "-01", "01"}, {"00-" ID "-" SPAN "-00", "00"}, {"00-" ID "-" SPAN "-ff", "ff"},
		{"01-" ID "-" SPAN "-01", "01"}, {"01-" ID "-" SPAN "-fe", "00"}, {"cc-" ID "-" SPAN "-ff-what-comes-later", "01"}, /* only the lowest bit is known */
		{"00-" ID "-" SPAN "-01-more", NULL}, {"ff-" ID "-" SPAN "-01", NULL}, {"0-" ID "-" SPAN "-01", NULL},
		{"00-00000000000000000000000000000000-" SPAN "-01", NULL}, {"00-" ID "-0000000000000000-01", NULL},
		{"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", NULL}, {"00-" ID "x-" SPAN "-01", NULL},
		{"00-" ID "-" SPAN "-1", NULL}, {"00-" ID "-" SPAN "-", NULL}, {"00-" ID "-" SPAN, NULL}, {"00-" ID, NULL},
		{"01-" ID "-" SPAN "-01more", NULL}, {"01-" ID "-" SPAN "-0", NULL},
		{" 00-" ID "-" SPAN "-01", NULL}, {"00-" ID "-" SPAN "-01 ", NULL}, {"00", NULL}, {"00-", NULL}, {"", NULL}, {NULL, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_trace trace = {"untouched", "", ""};
		bool taken = bana_trace_read(rows[i].header, 0x1234, &trace);
		assert_row(taken == (rows[i].flags != NULL), "%s", rows[i].header);
		assert_string_equal(taken ? ID : "untouched", trace.id);
		if (!taken)
			continue;
		assert_string_equal("0000000000001234", trace.span);
		assert_string_equal(rows[i].flags, trace.flags);
	}
}

static void it_is_passed_on_with_our_span(void **state)
{
	struct unit *u = *state;
	struct bana_trace trace;
	assert_null(bana_trace_on(&u->ctx));
	assert_true(bana_trace_read("00-" ID "-" SPAN "-01", UINT64_MAX, &trace));
	u->ctx.trace = &trace;
	assert_string_equal("00-" ID "-ffffffffffffffff-01", bana_trace_on(&u->ctx));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_well_formed_traces_are_taken),
		unit_case(it_is_passed_on_with_our_span),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
