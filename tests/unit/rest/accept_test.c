#include "unit/req.h"

#define BROWSER "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

static void a_page_is_for_who_would_rather_have_one(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *accept; bool page; } rows[] = {
		{NULL, false}, {"", false}, {"*/*", false}, {"application/json", false}, {"application/*", false},
		{"text/html", true}, {"TEXT/HTML", true}, {BROWSER, true}, {"text/*", true},
		{"text/html, */*", true}, {"*/*, text/html", true}, {"text/*, */*", true}, {"text/html;q=0.1", true},
		{"text/html;q=0", false}, {"text/html;q=0.000", false}, {"text/html;q=0, text/*", false},
		{"text/html, application/json", false}, {"application/json, text/html", false},
		{"text/html;q=0.9, application/json", false}, {"text/html, application/json;q=0.9", true},
		{"text/html;q=0.899, application/json;q=0.9", false}, {"text/html;q=0.901, application/json;q=0.9", true},
		{"text/html;q=0.5, */*", false}, {"text/html;q=0.5, */*;q=0.4", true}, {"text/*;q=0.5, application/*;q=0.4", true},
		{"text/*;q=0.1, text/html, application/json;q=0.5", true}, {"*/*;q=0, text/html", true},
		{"text/html;level=1;q=0.3, */*;q=0.2", true}, {"text/html ; Q=0.3 , */* ; q=0.4", false},
		{"text/html; charset=utf-8", true}, {"text/plain", false}, {"application/xhtml+xml", false},
		{"text/htmlx, xtext/html, text/htm", false}, {"texts/*", false}, {"*", false}, {"*/html", false}, {"text/", false},
		{",,;;==,text/html,,", true}, {"text/html;q", false}, {"text/html;q=x", false}, {"text/html;q=9", true},
		{"\xc3\x28, text/html;\xff", true}, {"text/html\xff", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct param params[] = {{"HTTP_ACCEPT", rows[i].accept}, {NULL, NULL}};
		struct bana_req q;
		req_init(&q, u, "POST", "/x", params);
		assert_row(bana_req_prefers(&q, "text/html", "application/json") == rows[i].page,
			"%s", rows[i].accept == NULL ? "none" : rows[i].accept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_page_is_for_who_would_rather_have_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
