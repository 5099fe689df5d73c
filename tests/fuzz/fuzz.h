/*
 * What the fuzz targets share: a context on an arena, forgotten after each input, and an assert
 * that is never compiled out.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bana/app.h"
#include "bana/ctx.h"

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static inline const struct bana_settings *fuzz_settings(void)
{
	static struct bana_settings settings;
	static bool loaded;
	if (!loaded) {
		const struct bana_setting_group group = {
			"", bana_setting_rows, bana_setting_count, &settings, 0};
		setenv("APP_ENV_DATABASE_URL", "unused", 1);
		MUST(bana_settings_load(&group, 1, stderr));
		loaded = true;
	}
	return &settings;
}

/* A fresh context; the arena is kept over inputs, as a worker keeps its own. */
static inline struct bana_ctx *fuzz_ctx(void)
{
	static struct bana_arena *arena;
	static struct bana_ctx ctx;
	if (arena == NULL)
		arena = bana_arena_new();
	bana_arena_reset(arena);
	bana_ctx_init(&ctx, arena, NULL);
	return &ctx;
}

static inline bana_str fuzz_str(const uint8_t *bytes, size_t len)
{
	return (bana_str){(const char *)bytes, len};
}

static inline bool same(bana_str a, bana_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

#endif
