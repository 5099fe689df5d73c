/*
 * What nearly every test needs: cmocka with the headers it wants first, a context on an arena, the
 * settings as they are without an environment.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bana/app.h"
#include "bana/ctx.h"
#include "bana/setting.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* A slice of a literal that may hold NUL. */
#define BYTES(literal)               ((bana_str){"" literal, sizeof(literal) - 1})

#define assert_fault(expected, call) assert_int_equal(BANA_##expected, (call).fault)
#define assert_ok(call)              assert_int_equal(BANA_OK, (call).fault)

/* Fail with the row's own words: a table says more than a line number. */
#define assert_row(condition, ...)                                       \
	do {                                                             \
		if (!(condition)) {                                      \
			print_error("row: " __VA_ARGS__);                \
			print_error("\n");                               \
			_assert_true(0, #condition, __FILE__, __LINE__); \
		}                                                        \
	} while (0)

struct unit {
	struct bana_settings settings;
	struct bana_app app;
	struct bana_ctx ctx;
};

/* The defaults; whatever the environment of the test run holds is taken out first. */
static inline void settings_init(struct bana_settings *settings)
{
	for (size_t i = 0; i < bana_setting_count; i++) {
		unsetenv(bana_setting_rows[i].name);
		if (bana_setting_rows[i].alias != NULL)
			unsetenv(bana_setting_rows[i].alias);
	}
	setenv("APP_ENV_DATABASE_URL", "unused", 1);
	const struct bana_setting_group group = {
		"", bana_setting_rows, bana_setting_count, settings, 0};
	assert_true(bana_settings_load(&group, 1, stderr));
	unsetenv("APP_ENV_DATABASE_URL");
}

static inline int unit_open(void **state)
{
	struct unit *u = calloc(1, sizeof *u);
	assert_non_null(u);
	settings_init(&u->settings);
	u->app.settings = &u->settings;
	u->app.base_path = "/v1/api/outreach";
	bana_ctx_init(&u->ctx, bana_arena_new(), &u->app);
	u->ctx.request_id = "req-1";
	*state = u;
	return 0;
}

static inline int unit_close(void **state)
{
	struct unit *u = *state;
	bana_arena_free(u->ctx.arena);
	free(u);
	return 0;
}

/* As between two requests. */
static inline struct bana_ctx *fresh(struct unit *u)
{
	struct bana_arena *arena = u->ctx.arena;
	bana_arena_reset(arena);
	bana_ctx_init(&u->ctx, arena, &u->app);
	u->ctx.request_id = "req-1";
	return &u->ctx;
}

#define unit_case(test) cmocka_unit_test_setup_teardown(test, unit_open, unit_close)

#endif
