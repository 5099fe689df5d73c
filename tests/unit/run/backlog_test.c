#include "unit/support.h"

#include "bana/clock.h"
#include "bana/publisher.h"
#include "run/backlog.h"

/* Time is the test's own. */
static int64_t tick;
int64_t __wrap_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void)
{
	return tick;
}

enum { COUNT_MAX = 10000, BYTES_MAX = 32 << 20, HEAD = BANA_POST_HEAD_BYTES };

static bool add(struct bana_backlog *b, const char *room, const char *frame)
{
	return bana_backlog_add(b, room, bana_str_of(frame));
}

/* All frames that are there, one after the other. */
static const char *frames(const struct bana_backlog *b, char text[256])
{
	struct bana_post posts[64];
	size_t count = bana_backlog_list(b, posts, COUNT(posts), 1 << 20), len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(
			text + len, 256 - len, "%.*s", (int)posts[i].body.len, posts[i].body.at);
	return text;
}

static void the_oldest_come_first_as_they_were_added(void **state)
{
	struct bana_backlog *b = bana_backlog_new();
	struct bana_post posts[4];
	char room[] = "things/1", frame[] = "a\0b\r\n";
	(void)state;
	assert_int_equal(0, bana_backlog_list(b, posts, 4, 1000));
	assert_true(bana_backlog_add(b, room, (bana_str){frame, 5}));
	memset(room, 'x', sizeof room - 1); /* it has copies of its own */
	memset(frame, 'x', sizeof frame - 1);
	assert_true(add(b, "user/42", ""));
	assert_true(add(b, "things/1", "third"));
	memset(posts, 0xA5, sizeof posts);
	assert_int_equal(3, bana_backlog_list(b, posts, 4, 1 << 20));
	assert_string_equal("things/1", posts[0].room);
	assert_int_equal(5, posts[0].body.len);
	assert_memory_equal("a\0b\r\n", posts[0].body.at, 5);
	assert_string_equal("user/42", posts[1].room);
	assert_int_equal(0, posts[1].body.len);
	assert_true(bana_str_is(posts[2].body, "third"));
	for (int i = 0; i < 3; i++) {
		assert_null(posts[i].verb);
		assert_int_equal(0, posts[i].status);
	}
	bana_backlog_free(b);
	bana_backlog_free(NULL);
}

static void a_list_is_bounded_in_number_and_bytes(void **state)
{
	struct bana_backlog *b = bana_backlog_new();
	(void)state;
	static const char *const lengths[] = {"1234567890", "12345", "", "1234567890"};
	for (size_t i = 0; i < COUNT(lengths); i++)
		assert_true(add(b, "r", lengths[i]));
	/* clang-format off */
	static const struct { size_t count, bytes, listed; } rows[] = {
		{0, 1 << 20, 0}, {1, 1 << 20, 1}, {3, 1 << 20, 3}, {4, 1 << 20, 4}, {5, 1 << 20, 4},
		{4, 4 * HEAD + 25, 4}, {4, 4 * HEAD + 24, 3}, {4, 3 * HEAD + 15, 3}, {4, 3 * HEAD + 14, 2},
		{4, 2 * HEAD + 15, 2}, {4, 2 * HEAD + 14, 1}, {4, HEAD + 10, 1},
		{4, HEAD + 9, 1}, {4, 1, 1}, {4, 0, 1}, /* the first alone is longer */
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_post posts[8];
		size_t listed = bana_backlog_list(b, posts, rows[i].count, rows[i].bytes);
		assert_row(listed == rows[i].listed, "%zu: %zu", i, listed);
	}
	bana_backlog_free(b);
}

static void what_was_dropped_is_gone_and_the_rest_stays(void **state)
{
	struct bana_backlog *b = bana_backlog_new();
	struct bana_post posts[8];
	char text[256];
	(void)state;
	for (const char *at = "abcde"; *at != '\0'; at++)
		assert_true(bana_backlog_add(b, "r", (bana_str){at, 1}));
	assert_string_equal("abcde", frames(b, text));
	assert_string_equal("abcde", frames(b, text)); /* listing takes nothing away */
	bana_backlog_drop(b, 0);
	assert_string_equal("abcde", frames(b, text));
	assert_int_equal(3, bana_backlog_list(b, posts, 3, 1 << 20));
	bana_backlog_drop(b, 2);
	assert_true(bana_str_is(posts[2].body, "c")); /* not dropped: still there */
	assert_string_equal("cde", frames(b, text));
	assert_true(add(b, "r", "f"));
	assert_string_equal("cdef", frames(b, text));
	bana_backlog_drop(b, 4);
	assert_string_equal("", frames(b, text));
	assert_true(add(b, "r", "g"));
	assert_string_equal("g", frames(b, text));
	bana_backlog_free(b);
}

static void what_is_older_than_a_tick_is_forgotten(void **state)
{
	/* clang-format off */
	static const struct { int64_t before_tick; size_t forgotten; const char *left; } rows[] = {
		{INT64_MIN, 0, "abcd"}, {0, 0, "abcd"}, {100, 0, "abcd"}, {101, 1, "bcd"}, {200, 1, "bcd"},
		{201, 3, "d"}, {300, 3, "d"}, {301, 4, ""}, {INT64_MAX, 4, ""},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_backlog *b = bana_backlog_new();
		static const int64_t ticks[] = {100, 200, 200, 300};
		char text[256];
		for (size_t m = 0; m < COUNT(ticks); m++) {
			tick = ticks[m];
			assert_true(bana_backlog_add(b, "r", (bana_str){&"abcd"[m], 1}));
		}
		tick = 1000; /* when it is asked does not count */
		size_t forgotten = bana_backlog_forget(b, rows[i].before_tick);
		assert_row(forgotten == rows[i].forgotten, "%zu: %zu", i, forgotten);
		assert_row(strcmp(frames(b, text), rows[i].left) == 0, "%zu: %s", i, text);
		assert_int_equal(0, bana_backlog_forget(b, rows[i].before_tick));
		bana_backlog_free(b);
	}
}

static void it_is_bounded_in_number(void **state)
{
	struct bana_backlog *b = bana_backlog_new();
	(void)state;
	for (int i = 0; i < COUNT_MAX; i++)
		assert_true(add(b, "r", "x"));
	assert_false(add(b, "r", "x"));
	assert_false(add(b, "r", ""));
	bana_backlog_drop(b, 2);
	assert_true(add(b, "r", "x"));
	assert_true(add(b, "r", "x"));
	assert_false(add(b, "r", "x"));
	assert_int_equal(COUNT_MAX, bana_backlog_forget(b, INT64_MAX));
	assert_true(add(b, "r", "x"));
	bana_backlog_free(b);
}

static void it_is_bounded_in_bytes(void **state)
{
	struct bana_backlog *b = bana_backlog_new();
	char *filler = calloc(1, BYTES_MAX + 1);
	(void)state;
	assert_false(bana_backlog_add(b, "r", (bana_str){filler, BYTES_MAX + 1}));
	assert_true(bana_backlog_add(b, "r", (bana_str){filler, BYTES_MAX - 10}));
	assert_false(bana_backlog_add(b, "r", (bana_str){filler, 11}));
	assert_true(bana_backlog_add(b, "r", (bana_str){filler, 10}));
	assert_false(bana_backlog_add(b, "r", (bana_str){filler, 1}));
	struct bana_post posts[4];
	assert_int_equal(1, bana_backlog_list(b, posts, 4, 1 << 20)); /* the first is longer */
	bana_backlog_drop(b, 1);
	assert_true(bana_backlog_add(b, "r", (bana_str){filler, BYTES_MAX - 10}));
	assert_false(bana_backlog_add(b, "r", (bana_str){filler, 1}));
	assert_int_equal(2, bana_backlog_forget(b, INT64_MAX));
	assert_true(bana_backlog_add(b, "r", (bana_str){filler, BYTES_MAX}));
	free(filler);
	bana_backlog_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_come_first_as_they_were_added),
		cmocka_unit_test(a_list_is_bounded_in_number_and_bytes),
		cmocka_unit_test(what_was_dropped_is_gone_and_the_rest_stays),
		cmocka_unit_test(what_is_older_than_a_tick_is_forgotten),
		cmocka_unit_test(it_is_bounded_in_number),
		cmocka_unit_test(it_is_bounded_in_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
