#include "unit/support.h"

#include "outreach/content.h"

#define TEN(text) text text text text text text text text text text

/* clang-format off */
static const struct {
	const char *text;
	unsigned links;
	bool markup, repeats;
} rows[] = {
	{"", 0, false, false},
	{"We would like ten more seats.", 0, false, false},
	{"See https://www.example.com/contact", 1, false, false},
	{"HTTP://a.example and hTTps://b.example, www.c.example", 3, false, false},
	{"(www.a.example) \"www.b.example\"\nwww.c.example", 3, false, false},
	{"http://a.example/?to=http://b.example", 2, false, false},
	{"the wwwest awww. http:/ https//", 0, false, false},
	{"www", 0, false, false},
	{"https://", 1, false, false},
	{"1 < 2 and a <b> c, [urgent]: 3 > 2", 0, false, false},
	{"<a href=\"x\">y", 0, true, false},
	{"buy</A>", 0, true, false},
	{"<ScRiPt>", 0, true, false},
	{"[URL=http://x.example]x[/url]", 1, true, false},
	{"[ur", 0, false, false},
	{"the <b>bold</b> one", 0, false, false},
	{TEN("buy now "), 0, false, true},
	{TEN("BUY now, "), 0, false, true},
	{TEN("no. "), 0, false, false}, /* too short to tell */
	{"aaaaaaaaaaaaaaaaaaaa", 0, false, true},
	{"aaaaaaaaaaaaaaaaaaa", 0, false, false},
	{"--------------------------------------------", 0, false, false},
	{"____________________________", 0, false, false},
	{"Seit dem Update gestern Abend druckt der Bondrucker an Kasse 2 nicht mehr. Ein- und Ausschalten hat nichts geändert, "
	 "das Kabel ist getauscht, an Kasse 1 funktioniert derselbe Drucker.", 0, false, false},
	{"Chào anh chị, chúng tôi có ba cửa hàng tại Hà Nội và muốn nhận báo giá cho mười hai máy bán hàng, kèm phần mềm quản lý", 0, false, false},
	{"三台の端末について見積もりをお願いします。三台の端末について見積もりをお願いします。", 0, false, false},
	{TEN("三台 端末 "), 0, false, true},
	{"row row row your boat gently down the stream merrily merrily merrily merrily life is but a dream and row again", 0, false, false},
};
/* clang-format on */

static void texts_look_like_what_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str text = bana_str_of(rows[i].text);
		assert_row(outreach_content_links(text) == rows[i].links, "%s: %u", rows[i].text,
			outreach_content_links(text));
		assert_row(outreach_content_markup(text) == rows[i].markup, "%s", rows[i].text);
		assert_row(outreach_content_repeats(text) == rows[i].repeats, "%s", rows[i].text);
	}
}

static void a_cut_text_is_not_read_beyond_its_end(void **state)
{
	char *exact = malloc(6); /* the address sanitizer watches its end */
	(void)state;
	memcpy(exact, "https:", 6);
	assert_int_equal(0, outreach_content_links((bana_str){exact, 6}));
	assert_false(outreach_content_markup((bana_str){exact, 6}));
	assert_false(outreach_content_repeats((bana_str){exact, 6}));
	free(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_look_like_what_they_are),
		cmocka_unit_test(a_cut_text_is_not_read_beyond_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
