#include "unit/support.h"

#include <stdalign.h>

#include "bana/arena.h"

static char order[64];

static void note(void *object)
{
	size_t len = strlen(order);
	order[len] = *(const char *)object;
	order[len + 1] = '\0';
}

static void deferred_calls_run_newest_first(void **state)
{
	static char names[] = "abc";
	struct bana_arena *arena = bana_arena_new();
	(void)state;
	order[0] = '\0';
	for (size_t i = 0; i < 3; i++)
		bana_defer(arena, note, &names[i]);
	bana_arena_reset(arena);
	assert_string_equal(order, "cba");
	bana_arena_reset(arena);
	assert_string_equal(order, "cba"); /* each once */
	bana_defer(arena, note, &names[0]);
	bana_arena_free(arena);
	assert_string_equal(order, "cbaa"); /* free runs what is left */
}

static struct bana_arena *during_reset;

static void allocate_while_resetting(void *object)
{
	memset(bana_alloc(during_reset, 64), 'x', 64);
	*(bool *)object = true;
}

static void a_deferred_call_may_still_use_the_memory(void **state)
{
	(void)state;
	during_reset = bana_arena_new();
	bool *ran = malloc(sizeof *ran);
	assert_non_null(ran);
	*ran = false;
	bana_defer(during_reset, allocate_while_resetting, ran);
	for (int i = 0; i < 10; i++)
		bana_alloc(during_reset, 20000);
	bana_arena_reset(during_reset);
	assert_true(*ran);
	free(ran);
	bana_arena_free(during_reset);
}

static void a_missing_object_is_skipped(void **state)
{
	(void)state;
	struct bana_arena *arena = bana_arena_new();
	order[0] = '\0';
	bana_defer(arena, note, NULL);
	bana_arena_free(arena);
	assert_string_equal(order, "");
	bana_arena_free(NULL);
}

static void every_piece_is_zeroed_aligned_and_its_own(void **state)
{
	static const size_t sizes[] = {
		0, 1, 2, 7, 8, 15, 16, 17, 31, 4095, 32767, 32768, 32769, 100000, 1 << 20, 3};
	unsigned char *at[COUNT(sizes)];
	struct bana_arena *arena = bana_arena_new();
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			at[i] = bana_alloc(arena, sizes[i]);
			assert_int_equal(0, (uintptr_t)at[i] % alignof(max_align_t));
			for (size_t b = 0; b < sizes[i]; b++)
				assert_row(
					at[i][b] == 0, "piece %zu byte %zu round %d", i, b, round);
			memset(at[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < COUNT(sizes); i++) {
			for (size_t b = 0; b < sizes[i]; b++)
				assert_row(at[i][b] == i + 1, "piece %zu was written over", i);
		}
		bana_arena_reset(arena);
	}
	bana_arena_free(arena);
}

static void copies_and_prints_end_with_nul(void **state)
{
	struct bana_arena *arena = bana_arena_new();
	(void)state;
	assert_string_equal(bana_copy(arena, "abcdef", 3), "abc");
	assert_string_equal(bana_copy(arena, NULL, 0), "");
	assert_memory_equal(bana_copy(arena, "a\0b", 3), "a\0b", 4);
	assert_string_equal(bana_print(arena, "%s-%d", "x", 7), "x-7");
	char *wide = bana_print(arena, "%40000d", 1);
	assert_int_equal(40000, strlen(wide));
	assert_string_equal(bana_print(arena, "%s", ""), "");
	bana_arena_free(arena);
}

static void many_resets_hold_no_memory(void **state)
{
	struct bana_arena *arena = bana_arena_new();
	(void)state;
	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < 20; k++)
			bana_alloc(arena, 5000);
		bana_arena_reset(arena);
	}
	bana_arena_free(arena); /* what is left over is LeakSanitizer's to find */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deferred_calls_run_newest_first),
		cmocka_unit_test(a_deferred_call_may_still_use_the_memory),
		cmocka_unit_test(a_missing_object_is_skipped),
		cmocka_unit_test(every_piece_is_zeroed_aligned_and_its_own),
		cmocka_unit_test(copies_and_prints_end_with_nul),
		cmocka_unit_test(many_resets_hold_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
