#include "outreach/disposable.h"

#include <fcntl.h>

#include "outreach/outreach.h"
#include "unit/support.h"

static char path[] = "/tmp/bana-disposable-XXXXXX";

static void put(const char *text)
{
	int file = open(path, O_WRONLY | O_TRUNC);
	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
}

static const char *load(const char *text)
{
	assert_null(outreach_disposable_load("")); /* nothing is mapped while it is written */
	put(text);
	return outreach_disposable_load(path);
}

static void listed_domains_and_those_below_marked_ones_are_found(void **state)
{
	/* clang-format off */
	static const struct { const char *domain; bool found; } rows[] = {
		{"first.example", true}, {"last.example", true}, {"mailinator.com", true}, {"a.tk", true},
		{"xn--bcher-kva.example", true}, {"x", true},
		/* the marked one, and all below it */
		{"wild.com", true}, {"a.wild.com", true}, {"a.b.c.wild.com", true}, {"wild.co.uk", true}, {"x.wild.co.uk", true},
		/* the others stand for themselves */
		{"a.mailinator.com", false}, {"a.first.example", false}, {"example", false}, {"com", false},
		{"notwild.com", false}, {"wild.com.example", false}, {"wild.comm", false}, {"ild.com", false},
		{"mailinator.co", false}, {"mailinator.comm", false}, {"ailinator.com", false},
		{"gmail.com", false}, {"a", false}, {"zzz.zz", false}, {"0.aa", false}, {"", false}, {".", false}, {"..", false},
		{".wild.com", true}, {"wild.com\n", false}, {"a.tk\nfirst.example", false}, {"co.uk", false},
	};
	/* clang-format on */
	(void)state;
	assert_null(load(".wild.co.uk\n.wild.com\na.tk\nfirst.example\nlast.example\n"
			 "mailinator.com\nx\nxn--bcher-kva.example\n"));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(outreach_disposable(bana_str_of(rows[i].domain)) == rows[i].found,
			"'%s'", rows[i].domain);
}

/* The line `i` of a list, or what is none but stands beside it. */
static const char *line(int i, bool other)
{
	static char name[32];
	snprintf(name, sizeof name, "d%03d%s.de", i, (i % 3 == 0) != other ? "xx" : "");
	return name;
}

static void load_lines(int count)
{
	static char text[300 * 32];
	size_t len = 0;
	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", line(i, false));
	assert_null(load(text));
}

/* How many lines are found, less what is found that is no line. */
static int found_lines(int count)
{
	int found = 0;
	for (int i = 0; i < count; i++) {
		found += outreach_disposable(bana_str_of(line(i, false)));
		found -= outreach_disposable(bana_str_of(line(i, true)));
	}
	return found;
}

static void every_line_is_found_in_lists_of_any_length(void **state)
{
	(void)state;
	for (int count = 1; count < 300; count += count < 20 ? 1 : 37) {
		load_lines(count);
		assert_int_equal(count, found_lines(count));
	}
}

static void a_name_of_any_length_is_asked_for(void **state)
{
	static const char wild[] = ".wild.com";
	static char name[600];
	(void)state;
	assert_null(load(".wild.com\n"));
	for (size_t len = 0; len < sizeof name - 16; len++) {
		memset(name, 'a', len);
		memcpy(name + len, wild + (len == 0), sizeof wild - (len == 0));
		assert_row(outreach_disposable(bana_str_of(name)) == (strlen(name) <= 253), "%zu",
			strlen(name));
	}
}

static void a_list_that_cannot_be_used_is_told_and_is_none(void **state)
{
	/* clang-format off */
	static const char *const texts[] = {
		"b.de\na.de\n", "a.de\na.de\n", "a.de\n\nb.de\n", "\n", "a.de\nb.de", "a.de\nB.de\n", "a.de\n.b.de\n",
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_row(load(texts[i]) != NULL, "'%s'", texts[i]);
		assert_row(!outreach_disposable(BANA_STR("a.de")), "'%s'", texts[i]);
	}
	assert_null(load("a.de\n"));
	assert_true(outreach_disposable(BANA_STR("a.de")));
	assert_non_null(outreach_disposable_load("/nonexistent/list"));
	assert_false(outreach_disposable(BANA_STR("a.de")));
	assert_non_null(outreach_disposable_load("/tmp"));
	assert_non_null(outreach_disposable_load("/dev/null"));
}

static void without_a_list_nothing_is_disposable(void **state)
{
	(void)state;
	assert_null(load("")); /* an empty one */
	assert_false(outreach_disposable(BANA_STR("a.de")));
	assert_null(outreach_disposable_load(NULL));
	assert_false(outreach_disposable(BANA_STR("a.de")));
	assert_null(load("a.de\n"));
	outreach_settings.disposable_domains = "";
	outreach_disposable_begin();
	assert_false(outreach_disposable(BANA_STR("a.de")));
	outreach_settings.disposable_domains = path;
	outreach_disposable_begin();
	assert_true(outreach_disposable(BANA_STR("a.de")));
	assert_null(outreach_disposable_load(""));
}

static int make_file(void **state)
{
	(void)state;
	int file = mkstemp(path);
	return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_domains_and_those_below_marked_ones_are_found),
		cmocka_unit_test(every_line_is_found_in_lists_of_any_length),
		cmocka_unit_test(a_name_of_any_length_is_asked_for),
		cmocka_unit_test(a_list_that_cannot_be_used_is_told_and_is_none),
		cmocka_unit_test(without_a_list_nothing_is_disposable),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
