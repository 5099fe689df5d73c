#include "outreach/outreach.h"

#include "unit/support.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define URL    "https://www.example.com/v1/api/outreach"

static void settings_go_together_or_every_reason_is_told(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { const char *secret; bool double_opt_in; const char *url, *told; } rows[] = {
		{"", false, "", ""}, {"", false, URL, ""}, {SECRET, true, URL, ""}, {"", false, "http://127.0.0.1:8080/x", ""},
		{"", false, "https://[::1]/x", ""},
		{"", true, URL, "OUTREACH_SECRET"}, {"0123456789abcdef0123456789abcde", true, URL, "OUTREACH_SECRET"},
		{SECRET, true, "", "OUTREACH_PUBLIC_URL"}, {"", true, "", "OUTREACH_PUBLIC_URL"},
		{"", false, "example.com", "https://host/path"}, {"", false, "https://", "https://host/path"},
		{"", false, "https:///x", "https://host/path"}, {"", false, URL "/", "https://host/path"},
		{"", false, URL "?a", "https://host/path"}, {"", false, URL ">", "https://host/path"},
		{"", false, URL "\r\n", "https://host/path"}, {"", false, "HTTPS://a.example", "https://host/path"},
		{"", false, "https://b\xc3\xbc" "cher.example", "https://host/path"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[1024] = "";
		FILE *errors = fmemopen(text, sizeof text, "w");
		outreach_settings = (struct outreach_settings){.secret = rows[i].secret,
			.double_opt_in = rows[i].double_opt_in,
			.public_url = rows[i].url};
		bool good = outreach_settings_settle(errors);
		fclose(errors);
		assert_row(good == (*rows[i].told == '\0'), "%zu: %s", i, text);
		assert_row(good == (*text == '\0') && strstr(text, rows[i].told) != NULL, "%zu: %s",
			i, text);
	}
}

static void a_schedule_that_cannot_be_read_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *schedule;
		bool good;
	} rows[] = {{"1", true}, {"5, 604800", true}, {"5,x", false}, {"0", false},
		{"604801", false}, {",", false}, {"5,,6", false}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[1024] = "";
		FILE *errors = fmemopen(text, sizeof text, "w");
		outreach_settings = (struct outreach_settings){
			.public_url = "", .webhook_schedule = rows[i].schedule};
		bool good = outreach_settings_settle(errors);
		fclose(errors);
		assert_row(good == rows[i].good, "%s: %s", rows[i].schedule, text);
		assert_row(good == (strstr(text, "APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: ") == NULL),
			"%s: %s", rows[i].schedule, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_go_together_or_every_reason_is_told),
		cmocka_unit_test(a_schedule_that_cannot_be_read_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
