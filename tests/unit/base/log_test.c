#include "unit/support.h"

#include <fcntl.h>

#include "bana/json.h"
#include "bana/log.h"

static int saved, pipe_ends[2];

/* cmocka itself writes on stdout: only what lies between these two is caught. */
static void catch_begin(void)
{
	assert_int_equal(0, pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC));
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(pipe_ends[1], STDOUT_FILENO);
}

static size_t catch_end(char *text, size_t bytes)
{
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(pipe_ends[1]);
	ssize_t n = read(pipe_ends[0], text, bytes - 1);
	close(pipe_ends[0]);
	size_t len = n < 0 ? 0 : (size_t)n;
	text[len] = '\0';
	return len;
}

/* The line from "level=" on: the time stamp is not a constant. */
static const char *line_of(struct bana_ctx *ctx, const char *value, char *text, size_t bytes)
{
	catch_begin();
	bana_log(ctx, BANA_INFO, "said", "k", value, NULL);
	catch_end(text, bytes);
	const char *level = strstr(text, "level=");
	return level == NULL ? "" : level;
}

static void values_are_quoted_when_they_need_it(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *value, *written; } rows[] = {
		{"plain", " k=plain\n"}, {"a b", " k=\"a b\"\n"}, {"", " k=\"\"\n"}, {"a=b", " k=\"a=b\"\n"},
		{"a\"b", " k=\"a\\\"b\"\n"}, {"a\\b", " k=\"a\\\\b\"\n"}, {"a\nb", " k=\"a b\"\n"},
		{"a\r\nlevel=error", " k=\"a  level=error\"\n"}, {"\x1b[31m", " k=\" [31m\"\n"},
		{"\x7f", " k=\" \"\n"}, {"\t", " k=\" \"\n"}, {"\xc3\xa4", " k=\xc3\xa4\n"}, {NULL, "\n"},
	};
	/* clang-format on */
	bana_log_init("unit", BANA_INFO, BANA_LOGFMT);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[8192], expected[256];
		snprintf(expected, sizeof expected,
			"level=info service=unit requestId=req-1 msg=said%s", rows[i].written);
		assert_string_equal(line_of(&u->ctx, rows[i].value, text, sizeof text), expected);
	}
}

static void a_line_has_a_time_and_no_request_outside_of_one(void **state)
{
	char text[8192];
	(void)state;
	bana_log_init("unit", BANA_INFO, BANA_LOGFMT);
	catch_begin();
	bana_log(NULL, BANA_ERROR, "two words", NULL);
	catch_end(text, sizeof text);
	assert_int_equal(0, strncmp(text, "ts=20", 5));
	assert_string_equal(
		strchr(text, ' '), " level=error service=unit requestId=- msg=\"two words\"\n");
	assert_int_equal('Z', *(strchr(text, ' ') - 1));
}

static void lines_below_the_lowest_level_are_not_written(void **state)
{
	char text[8192];
	(void)state;
	bana_log_init("unit", BANA_WARN, BANA_LOGFMT);
	assert_false(bana_log_wants(BANA_INFO));
	assert_true(bana_log_wants(BANA_WARN));
	catch_begin();
	bana_log(NULL, BANA_DEBUG, "no", NULL);
	bana_log(NULL, BANA_INFO, "no", NULL);
	bana_log(NULL, BANA_WARN, "yes", NULL);
	bana_log(NULL, BANA_ERROR, "yes", NULL);
	catch_end(text, sizeof text);
	assert_null(strstr(text, "msg=no"));
	assert_non_null(strstr(text, "level=warn"));
	assert_non_null(strstr(text, "level=error"));
	bana_log_init("unit", BANA_INFO, BANA_LOGFMT);
}

/* An even number of backslashes before the last quote, or it would be part of the value. */
static bool closed(const char *text, size_t len)
{
	size_t slashes = 0;
	if (len < 3 || text[len - 2] != '"')
		return false;
	while (text[len - 3 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static void a_long_line_is_cut_and_still_one_line(void **state)
{
	struct unit *u = *state;
	static const char *const fills[] = {"x ", "\" ", " \"", "\\ ", "\n", " \\\""};
	for (size_t f = 0; f < COUNT(fills); f++) {
		for (size_t len = 1900; len<4200; len += len> 2100 && len < 3800 ? 97 : 1) {
			char value[8300] = "", text[9000];
			for (size_t i = 0; i < len; i++)
				value[i] = fills[f][i % strlen(fills[f])];
			value[0] = ' ';
			catch_begin();
			bana_log(&u->ctx, BANA_INFO, "said", "k", value, NULL);
			size_t written = catch_end(text, sizeof text);
			assert_row(
				written <= 4096, "%zu bytes for %zu of %s", written, len, fills[f]);
			assert_row(text[written - 1] == '\n' &&
					   strchr(text, '\n') == text + written - 1,
				"%zu of %s", len, fills[f]);
			assert_row(closed(text, written), "%zu of '%s' ends with %s", len, fills[f],
				text + written - 6);
		}
	}
}

/* The line as json-c reads it; NULL: it is no JSON object. */
static const struct bana_json *parsed(struct bana_ctx *ctx, const char *text, size_t len)
{
	const struct bana_json *object = NULL;
	if (bana_json_parse(ctx, (bana_str){text, len}, 2, &object).fault != BANA_OK)
		return NULL;
	return bana_json_kind(object) == BANA_JSON_OBJECT ? object : NULL;
}

static void a_json_line_says_the_same(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *value, *read; } rows[] = {
		{"plain", "plain"}, {"a b=c", "a b=c"}, {"", ""}, {"a\"b\\c", "a\"b\\c"}, {"a\nb\x1b", "a b "}, {"\xc3\xa4", "\xc3\xa4"},
		{"\xc3", "?"}, {"a\xff\xc3\xa4", "a???"}, {"\xed\xa0\x80", "???"}, {NULL, NULL},
	};
	/* clang-format on */
	static const struct bana_trace trace = {
		"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01"};
	bana_log_init("unit", BANA_INFO, BANA_LOG_JSON);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[8192];
		bana_str word;
		struct bana_ctx *ctx = fresh(u);
		ctx->trace = &trace;
		catch_begin();
		bana_log(ctx, BANA_WARN, "two words", "k", rows[i].value, NULL);
		size_t len = catch_end(text, sizeof text);
		assert_int_equal('\n', text[len - 1]);
		const struct bana_json *line = parsed(ctx, text, len - 1), *value;
		assert_row(line != NULL, "%zu: %s", i, text);
		assert_true(bana_json_get_str(line, "level", &word) && bana_str_is(word, "warn"));
		assert_true(
			bana_json_get_str(line, "msg", &word) && bana_str_is(word, "two words"));
		assert_true(
			bana_json_get_str(line, "requestId", &word) && bana_str_is(word, "req-1"));
		assert_true(
			bana_json_get_str(line, "traceId", &word) && bana_str_is(word, trace.id));
		assert_true(
			bana_json_get_str(line, "spanId", &word) && bana_str_is(word, trace.span));
		assert_true(bana_json_get_str(line, "ts", &word) && word.len == 24);
		if (rows[i].read == NULL)
			assert_false(bana_json_get(line, "k", &value));
		else
			assert_row(bana_json_get_str(line, "k", &word) &&
					   bana_str_is(word, rows[i].read),
				"%zu", i);
	}
	bana_log_init(NULL, BANA_INFO, BANA_LOGFMT);
}

static void a_long_json_line_is_cut_and_still_json(void **state)
{
	struct unit *u = *state;
	static const char *const fills[] = {
		"x", "\"", "\\", "\xc3\xa4", "\xf0\x9f\x98\x80", "\xff"};
	bana_log_init("unit", BANA_INFO, BANA_LOG_JSON);
	for (size_t f = 0; f < COUNT(fills); f++) {
		for (size_t times = 1950;
			times<4200; times += times> 2100 && times < 3900 ? 97 : 1) {
			static char value[5 * 4200];
			char text[9000];
			size_t n = 0;
			for (size_t i = 0; i < times; i++)
				n += (size_t)sprintf(value + n, "%s", fills[f]);
			struct bana_ctx *ctx = fresh(u);
			catch_begin();
			bana_log(ctx, BANA_INFO, "said", "k", value, "behind", "word", NULL);
			size_t len = catch_end(text, sizeof text);
			assert_row(len <= 4096, "%zu bytes for %zu of %s", len, times, fills[f]);
			assert_row(parsed(ctx, text, len - 1) != NULL, "%zu of %s: %s", times,
				fills[f], text + len - 40);
		}
	}
	bana_log_init("unit", BANA_INFO, BANA_LOGFMT);
}

static void a_closed_stdout_stops_nothing(void **state)
{
	(void)state;
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	close(STDOUT_FILENO);
	bana_log(NULL, BANA_ERROR, "nobody hears", NULL);
	dup2(kept, STDOUT_FILENO);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(values_are_quoted_when_they_need_it),
		cmocka_unit_test(a_line_has_a_time_and_no_request_outside_of_one),
		cmocka_unit_test(lines_below_the_lowest_level_are_not_written),
		unit_case(a_long_line_is_cut_and_still_one_line),
		unit_case(a_json_line_says_the_same),
		unit_case(a_long_json_line_is_cut_and_still_json),
		cmocka_unit_test(a_closed_stdout_stops_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
