#include "unit/support.h"

#include "bana/buf.h"

static void strings_leave_as_rfc_8259_wants(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str text; const char *json; } rows[] = {
		{BYTES(""), "\"\""}, {BYTES("plain"), "\"plain\""}, {BYTES("a\"b"), "\"a\\\"b\""},
		{BYTES("a\\b"), "\"a\\\\b\""}, {BYTES("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\""},
		{BYTES("\x01\x1f"), "\"\\u0001\\u001f\""}, {BYTES("a\0b"), "\"a\\u0000b\""},
		{BYTES("/"), "\"/\""}, {BYTES("<script>"), "\"<script>\""}, {BYTES("\x7f"), "\"\x7f\""},
		{BYTES("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\""},
		{BYTES("\xe2\x80\xa8"), "\"\xe2\x80\xa8\""}, {BYTES("\"\"\\\\"), "\"\\\"\\\"\\\\\\\\\""},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_buf b;
		bana_buf_init(&b, u->ctx.arena);
		bana_buf_json_str(&b, rows[i].text);
		assert_string_equal(b.at, rows[i].json);
		assert_int_equal(b.len, strlen(rows[i].json));
	}
}

static void commas_stand_only_between_members(void **state)
{
	struct unit *u = *state;
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	bana_buf_text(&b, "{");
	bana_buf_json_member(&b, "a", "x");
	bana_buf_json_member(&b, "b", NULL);
	bana_buf_json_member_int(&b, "c", -9223372036854775807LL - 1);
	bana_buf_json_name(&b, "d");
	bana_buf_text(&b, "{");
	bana_buf_json_member(&b, "e", "\"");
	bana_buf_text(&b, "}}");
	assert_string_equal(
		b.at, "{\"a\":\"x\",\"b\":null,\"c\":-9223372036854775808,\"d\":{\"e\":\"\\\"\"}}");
}

static void a_long_text_grows_without_loss(void **state)
{
	struct unit *u = *state;
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	for (int i = 0; i < 20000; i++)
		bana_buf_print(&b, "%05d,", i);
	assert_int_equal(120000, b.len);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(i, (int)strtol(b.at + 6 * i, NULL, 10));
	/* every length around the edge of what is reserved */
	for (size_t len = 250; len < 520; len++) {
		struct bana_buf edge;
		bana_buf_init(&edge, u->ctx.arena);
		for (size_t i = 0; i < len; i++)
			bana_buf_add(&edge, "x", 1);
		assert_int_equal(len, strlen(edge.at));
		bana_buf_print(&edge, "%s", "y");
		assert_int_equal(len + 1, strlen(edge.at));
	}
}

static void an_empty_addition_still_ends_with_nul(void **state)
{
	struct unit *u = *state;
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	assert_null(b.at);
	bana_buf_add(&b, "", 0);
	assert_string_equal(b.at, "");
	assert_int_equal(0, bana_buf_str(&b).len);
}

static void text_in_html_is_text(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *text, *html; } rows[] = {
		{"", ""}, {"plain", "plain"}, {"a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"},
		{"<script>", "&lt;script&gt;"}, {"&amp;", "&amp;amp;"}, {"\" onclick='x'", "&quot; onclick=&#39;x&#39;"},
		{"\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80"}, {"\xbc\xff", "\xbc\xff"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_buf b;
		bana_buf_init(&b, u->ctx.arena);
		bana_buf_text(&b, ">");
		bana_buf_html(&b, rows[i].text);
		assert_string_equal(b.at + 1, rows[i].html);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(strings_leave_as_rfc_8259_wants),
		unit_case(commas_stand_only_between_members),
		unit_case(a_long_text_grows_without_loss),
		unit_case(an_empty_addition_still_ends_with_nul),
		unit_case(text_in_html_is_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
