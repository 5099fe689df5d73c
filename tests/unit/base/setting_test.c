#include "unit/support.h"

struct target {
	int64_t number, required;
	bool flag;
	const char *text, *choice, *list;
};

#define AT(member) offsetof(struct target, member)
/* clang-format off */
static const struct bana_setting rows[] = {
	{"APP_ENV_T_NUMBER", "T_NUMBER", BANA_SETTING_INT, "10", -5, 100, "ms", NULL, 0, "A number.", AT(number)},
	{"APP_ENV_T_REQUIRED", NULL, BANA_SETTING_INT, NULL, 1, 9, "", NULL, 0, "Must be there.", AT(required)},
	{"APP_ENV_T_FLAG", NULL, BANA_SETTING_BOOL, "true", 0, 0, "", NULL, 0, "A switch.", AT(flag)},
	{"APP_ENV_T_TEXT", NULL, BANA_SETTING_TEXT, "", 0, 5, "", NULL, BANA_SECRET, "A text.", AT(text)},
	{"APP_ENV_T_CHOICE", NULL, BANA_SETTING_CHOICE, "one", 0, 0, "", "one|two", 0, "A choice.", AT(choice)},
	{"APP_ENV_T_LIST", NULL, BANA_SETTING_LIST, "a,b", 1, 9, "", NULL, BANA_ROOMS, "A list.", AT(list)},
};
/* clang-format on */

static bool load(struct target *t, char *errors, size_t bytes)
{
	const struct bana_setting_group group = {"Test", rows, COUNT(rows), t, 0};
	memset(errors, 0, bytes);
	FILE *stream = fmemopen(errors, bytes - 1, "w");
	assert_non_null(stream);
	bool good = bana_settings_load(&group, 1, stream);
	if (good)
		bana_settings_tell_unknown(&group, 1, stream);
	fclose(stream);
	return good;
}

static int clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		unsetenv(rows[i].name);
	unsetenv("T_NUMBER");
	unsetenv("APP_ENV_T_TYPO");
	return 0;
}

static void defaults_fill_what_the_environment_leaves_out(void **state)
{
	struct target t;
	char errors[4096];
	(void)state;
	setenv("APP_ENV_T_REQUIRED", "3", 1);
	assert_true(load(&t, errors, sizeof errors));
	assert_string_equal(errors, "");
	assert_int_equal(10, t.number);
	assert_int_equal(3, t.required);
	assert_true(t.flag);
	assert_string_equal(t.text, "");
	assert_string_equal(t.choice, "one");
	assert_string_equal(t.list, "a,b");
}

static void everything_wrong_is_told_at_once(void **state)
{
	struct target t;
	char errors[4096];
	(void)state;
	setenv("APP_ENV_T_NUMBER", "101", 1);
	setenv("APP_ENV_T_FLAG", "perhaps", 1);
	setenv("APP_ENV_T_TEXT", "secret", 1);
	setenv("APP_ENV_T_CHOICE", "three", 1);
	setenv("APP_ENV_T_LIST", "", 1);
	assert_false(load(&t, errors, sizeof errors));
	static const char *const lines[] = {
		"APP_ENV_T_NUMBER: a whole number from -5 to 100 ms is expected\n",
		"APP_ENV_T_REQUIRED: required, but not set. Must be there.\n",
		"APP_ENV_T_FLAG: true or false is expected\n",
		"APP_ENV_T_TEXT: 0 to 5 bytes are expected, found 6\n",
		"APP_ENV_T_CHOICE: one of one|two is expected\n",
		"APP_ENV_T_LIST: 1 to 9 bytes are expected, found 0\n"};
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_non_null(strstr(errors, lines[i]));
	assert_null(strstr(errors, "secret")); /* a value is never repeated */
}

static void values_are_bounded(void **state)
{
	/* clang-format off */
	static const struct { const char *name, *value; bool good; } cases[] = {
		{"APP_ENV_T_NUMBER", "-5", true}, {"APP_ENV_T_NUMBER", "-6", false},
		{"APP_ENV_T_NUMBER", "100", true}, {"APP_ENV_T_NUMBER", "", false},
		{"APP_ENV_T_NUMBER", "1s", false}, {"APP_ENV_T_NUMBER", " 1", false},
		{"APP_ENV_T_NUMBER", "99999999999999999999", false},
		{"APP_ENV_T_FLAG", "off", true}, {"APP_ENV_T_FLAG", "", false}, {"APP_ENV_T_FLAG", "2", false},
		{"APP_ENV_T_TEXT", "12345", true}, {"APP_ENV_T_TEXT", "123456", false},
		{"APP_ENV_T_CHOICE", "two", true}, {"APP_ENV_T_CHOICE", "", false},
		{"APP_ENV_T_CHOICE", "one|two", false}, {"APP_ENV_T_CHOICE", "ONE", false},
		{"APP_ENV_T_CHOICE", "on", false}, {"APP_ENV_T_LIST", "123456789", true},
		{"APP_ENV_T_LIST", "1234567890", false},
	};
	/* clang-format on */
	struct target t;
	char errors[4096];
	for (size_t i = 0; i < COUNT(cases); i++) {
		clean(state);
		setenv("APP_ENV_T_REQUIRED", "3", 1);
		setenv(cases[i].name, cases[i].value, 1);
		assert_row(load(&t, errors, sizeof errors) == cases[i].good, "%s=%s %s",
			cases[i].name, cases[i].value, errors);
	}
}

static void an_alias_is_read_when_the_name_is_not_set(void **state)
{
	struct target t;
	char errors[4096];
	(void)state;
	setenv("APP_ENV_T_REQUIRED", "3", 1);
	setenv("T_NUMBER", "11", 1);
	assert_true(load(&t, errors, sizeof errors));
	assert_int_equal(11, t.number);
	setenv("APP_ENV_T_NUMBER", "12", 1);
	assert_true(load(&t, errors, sizeof errors));
	assert_int_equal(12, t.number);
}

static void an_unknown_name_is_told_but_does_not_stop(void **state)
{
	struct target t;
	char errors[4096];
	(void)state;
	setenv("APP_ENV_T_REQUIRED", "3", 1);
	setenv("APP_ENV_T_TYPO", "1", 1);
	assert_true(load(&t, errors, sizeof errors));
	assert_non_null(strstr(errors, "APP_ENV_T_TYPO: not a setting of this program, ignored\n"));
	assert_null(strstr(errors, "APP_ENV_T_REQUIRED"));
}

static void a_process_may_take_some_rows_only(void **state)
{
	struct target t = {.text = "as it was"};
	(void)state;
	const struct bana_setting_group group = {"Test", rows, COUNT(rows), &t, BANA_ROOMS};
	setenv("APP_ENV_T_NUMBER", "no number", 1); /* not ours: not looked at */
	setenv("APP_ENV_T_LIST", "x", 1);
	assert_true(bana_settings_load(&group, 1, stderr));
	assert_string_equal("x", t.list);
	assert_string_equal("as it was", t.text);
}

static void the_printed_table_is_the_rows(void **state)
{
	char text[4096] = "";
	(void)state;
	const struct bana_setting_group group = {"Test", rows, COUNT(rows), NULL, 0};
	FILE *stream = fmemopen(text, sizeof text - 1, "w");
	assert_non_null(stream);
	bana_settings_print(&group, 1, stream);
	fclose(stream);
	assert_string_equal(text,
		"\n## Test\n\n| name | type | default | meaning |\n|---|---|---|---|\n"
		"| `APP_ENV_T_NUMBER`<br>or `T_NUMBER` | number -5..100 ms | `10` | A number. |\n"
		"| `APP_ENV_T_REQUIRED` | number 1..9  | **required** | Must be there. |\n"
		"| `APP_ENV_T_FLAG` | switch | `true` | A switch. |\n"
		"| `APP_ENV_T_TEXT` | text, secret | empty | A text. |\n"
		"| `APP_ENV_T_CHOICE` | choice one, two | `one` | A choice. |\n"
		"| `APP_ENV_T_LIST` | list | `a,b` | A list. |\n");
}

static void lists_are_searched_for_whole_elements(void **state)
{
	/* clang-format off */
	static const struct { const char *list, *text; bool has; } cases[] = {
		{"a,b", "a", true}, {"a,b", "b", true}, {" a , b ", "b", true}, {"*", "*", true},
		{"a,b", "", false}, {"", "", false}, {",", "", false}, {"ab", "a", false}, {"a", "ab", false},
		{"a", "A", false}, {"https://x.example", "https://x.example", true},
		{"https://x.example", "https://x.example.evil", false}, {"a,,b", "b", true},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_row(bana_list_has(cases[i].list, cases[i].text) == cases[i].has, "%s in %s",
			cases[i].text, cases[i].list);
}

/* The platform's table itself: every default lies within its own bounds. */
static void every_default_of_the_platform_is_good(void **state)
{
	struct bana_settings settings;
	(void)state;
	settings_init(&settings);
	assert_int_equal(10, settings.node_id);
	assert_int_equal(131072, settings.body_bytes_max);
	for (size_t i = 0; i < bana_setting_count; i++) {
		const struct bana_setting *s = &bana_setting_rows[i];
		assert_row(strncmp(s->name, "APP_ENV_", 8) == 0, "%s", s->name);
		assert_row(s->says[strlen(s->says) - 1] == '.', "%s has no sentence", s->name);
		for (size_t k = 0; k < i; k++)
			assert_row(strcmp(s->name, bana_setting_rows[k].name) != 0, "%s twice",
				s->name);
		bool secret = strstr(s->name, "SECRET") != NULL ||
			      strstr(s->name, "DATABASE_URL") != NULL ||
			      strstr(s->name, "REDIS_URL") != NULL;
		assert_row(!secret || (s->flags & BANA_SECRET), "%s is no secret", s->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_fill_what_the_environment_leaves_out, clean),
		cmocka_unit_test_setup(everything_wrong_is_told_at_once, clean),
		cmocka_unit_test_setup(values_are_bounded, clean),
		cmocka_unit_test_setup(an_alias_is_read_when_the_name_is_not_set, clean),
		cmocka_unit_test_setup(an_unknown_name_is_told_but_does_not_stop, clean),
		cmocka_unit_test_setup(a_process_may_take_some_rows_only, clean),
		cmocka_unit_test_setup(the_printed_table_is_the_rows, clean),
		cmocka_unit_test_setup(lists_are_searched_for_whole_elements, clean),
		cmocka_unit_test_setup(every_default_of_the_platform_is_good, clean),
	};
	return cmocka_run_group_tests(tests, NULL, clean);
}
