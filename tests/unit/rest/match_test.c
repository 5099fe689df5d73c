#include "unit/support.h"

#include "bana/change.h"

static void if_match_compares_strongly(void **state)
{
	enum { OK = BANA_OK, S = BANA_STALE, M = BANA_MALFORMED };
	/* clang-format off */
	static const struct { const char *match; int fault; } rows[] = {
		{NULL, OK}, {"\"v3\"", OK}, {"*", OK}, {"\"v2\", \"v3\"", OK}, {"\"v3\",\"v4\"", OK}, {" \"v3\" ", OK},
		{"\"v2\"", S}, {"\"v30\"", S}, {"\"V3\"", S}, {"W/\"v3\"", S}, {"\"\"", S}, {"\"x\"", S}, {"W/\"v2\", \"v4\"", S},
		{"", M}, {"v3", M}, {"3", M}, {"\"v3", M}, {"v3\"", M}, {"\"", M}, {"\"v 3\"", M}, {"\"v3\"\"", M}, {"w/\"v3\"", M},
		{"W/*", M}, {"\"v3\" \"v4\"", M}, {"\"v3\",,\"v4\"", M}, {",", M}, {"\"v3\", x", M}, {"'v3'", M}, {"\"v\x7f\"", M},
	};
	/* clang-format on */
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_ctx *ctx = fresh(u);
		bana_res r = bana_match_check(ctx, rows[i].match, "3");
		assert_row((int)r.fault == rows[i].fault, "%s: %d", rows[i].match, (int)r.fault);
		if (r.fault == BANA_MALFORMED)
			assert_string_equal(ctx->failure.issues->path, "If-Match");
		if (r.fault == BANA_STALE)
			assert_non_null(strstr(ctx->failure.message, "\"v3\""));
	}
	assert_string_equal(bana_etag(&u->ctx, "3"), "\"v3\"");
	assert_null(bana_etag(&u->ctx, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {unit_case(if_match_compares_strongly)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
