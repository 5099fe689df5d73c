#include "unit/support.h"

#include "bana/arena.h"

static void names_are_found_in_every_spelling(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *text, *value; } rows[] = {
		{"A=b", "b"}, {"A=b\n", "b"}, {"export A=b\n", "b"}, {"  A=b  \r\n", "b"}, {"A=", ""}, {"A=\nB=c", ""},
		{"A='b c'\n", "b c"}, {"A='it'\\''s'\n", "it's"}, {"A=\"b \\\"c\\\"\"", "b \"c\""}, {"A='\\'", "\\"},
		{"A=b=c", "b=c"}, {"A=x\nA=y\n", "y"}, {"# A=x\nA=y", "y"}, {"A=y\n#A=x", "y"}, {"B=1\n\nA=2\nC=3", "2"},
		{"A='b", "b"}, {"A=b\\", "b\\"},
		{"", NULL}, {"A", NULL}, {"A b", NULL}, {"AA=b", NULL}, {"BA=b", NULL}, {"a=b", NULL}, {"exportA=b", NULL}, {"A =b", NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *value =
			bana_settings_file_find(u->ctx.arena, bana_str_of(rows[i].text), "A");
		assert_row((value == NULL) == (rows[i].value == NULL), "%s", rows[i].text);
		if (value != NULL)
			assert_row(
				strcmp(value, rows[i].value) == 0, "%s: %s", rows[i].text, value);
	}
}

static bool reload(struct unit *u, const char *text, char **errors)
{
	const struct bana_setting_group group = {
		"", bana_setting_rows, bana_setting_count, &u->settings, 0};
	size_t bytes;
	FILE *told = open_memstream(errors, &bytes);
	bool good = bana_settings_reload(&group, 1, bana_str_of(text), u->ctx.arena, told);
	fclose(told);
	return good;
}

static void only_what_may_change_does(void **state)
{
	struct unit *u = *state;
	char *errors;
	assert_true(reload(u,
		"APP_ENV_LOG_LEVEL=debug\nAPP_ENV_WORKERS=3\nAPP_ENV_CORS_ORIGINS='https://"
		"a.example'\n"
		"APP_ENV_WEBSOCKET_BUS=off\nAPP_ENV_DATABASE_URL=other\nAPP_ENV_NODE_ID=9\nNOISE",
		&errors));
	assert_string_equal("", errors);
	assert_string_equal("debug", u->settings.log_level);
	assert_int_equal(3, u->settings.workers);
	assert_string_equal("https://a.example", u->settings.cors_origins);
	assert_false(u->settings.ws_bus);
	assert_string_equal("unused", u->settings.database_url);
	assert_int_equal(10, u->settings.node_id);
	free(errors);
	assert_true(reload(u, "", &errors)); /* as it was loaded, then */
	assert_string_equal("info", u->settings.log_level);
	assert_true(u->settings.ws_bus);
	free(errors);
}

static void one_wrong_value_keeps_all_the_old_ones(void **state)
{
	struct unit *u = *state;
	char *errors;
	assert_false(reload(u,
		"APP_ENV_LOG_LEVEL=debug\nAPP_ENV_WORKERS=many\nAPP_ENV_WEBSOCKET_BUS=perhaps\n",
		&errors));
	assert_non_null(strstr(errors, "APP_ENV_WORKERS: a whole number from 0 to 1024"));
	assert_non_null(strstr(errors, "APP_ENV_WEBSOCKET_BUS: true or false"));
	assert_string_equal("info", u->settings.log_level);
	assert_int_equal(0, u->settings.workers);
	free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(names_are_found_in_every_spelling),
		unit_case(only_what_may_change_does),
		unit_case(one_wrong_value_keeps_all_the_old_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
