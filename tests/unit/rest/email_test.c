#include "unit/support.h"

#include "bana/entity.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define L63 A60 "aaa"

/* clang-format off */
static const struct { bool good; bana_str text; } rows[] = {
	{true, BYTES("a@b.de")}, {true, BYTES("first.last@example.com")}, {true, BYTES("a+tag@example.com")},
	{true, BYTES("A.B@EXAMPLE.COM")}, {true, BYTES("1@example.com")}, {true, BYTES("a_b@example.com")},
	{true, BYTES("a-b@example.com")}, {true, BYTES("o'neil@example.com")}, {true, BYTES("a/b=c@example.com")},
	{true, BYTES("!#$%&'*+-/=?^_`{|}~@example.com")}, {true, BYTES("a@sub.sub.example.com")},
	{true, BYTES("a@example-one.com")}, {true, BYTES("a@1example.com")}, {true, BYTES("a@123.com")},
	{true, BYTES("a@example.museum")}, {true, BYTES("a@xn--bcher-kva.example")}, {true, BYTES("a@b.c1")},
	{true, BYTES("\xc3\xbc@example.com")}, {true, BYTES("a@b\xc3\xbc" "cher.example")},
	{true, BYTES("\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe4\xb8\xad\xe5\x9b\xbd")},
	{true, BYTES(A60 "aaaa@example.com")}, {true, BYTES("a@" L63 ".com")}, {true, BYTES("-a-@example.com")},
	{true, BYTES("a@" L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaa.de")}, /* 253 */
	{true, BYTES("_@example.com")}, {true, BYTES("a@b.co.uk")}, {true, BYTES("a.b.c.d@example.com")},

	{false, BYTES("")}, {false, BYTES("@")}, {false, BYTES("a")}, {false, BYTES("a@")}, {false, BYTES("@b.de")},
	{false, BYTES("a.b.de")}, {false, BYTES("a@b")}, {false, BYTES("a@localhost")}, {false, BYTES("a@@b.de")},
	{false, BYTES("a@b@c.de")}, {false, BYTES(".a@b.de")}, {false, BYTES("a.@b.de")}, {false, BYTES("a..b@c.de")},
	{false, BYTES("a@.b.de")}, {false, BYTES("a@b..de")}, {false, BYTES("a@b.de.")}, {false, BYTES("a@-b.de")},
	{false, BYTES("a@b-.de")}, {false, BYTES("a@b.d")}, {false, BYTES("a@b.123")}, {false, BYTES("a@1.2.3.4")},
	{false, BYTES("a@[1.2.3.4]")}, {false, BYTES("a@[IPv6:::1]")}, {false, BYTES("a b@c.de")},
	{false, BYTES("a@b c.de")}, {false, BYTES(" a@b.de")}, {false, BYTES("a@b.de ")}, {false, BYTES("a\t@b.de")},
	{false, BYTES("a@b.de\n")}, {false, BYTES("a\r\n@b.de")}, {false, BYTES("\"a\"@b.de")},
	{false, BYTES("\"a b\"@c.de")}, {false, BYTES("a(c)@b.de")}, {false, BYTES("a@b.de(c)")},
	{false, BYTES("<a@b.de>")}, {false, BYTES("A <a@b.de>")}, {false, BYTES("a@b.de,c@d.de")},
	{false, BYTES("a;b@c.de")}, {false, BYTES("a:b@c.de")}, {false, BYTES("a\\b@c.de")}, {false, BYTES("a[b@c.de")},
	{false, BYTES("a@b_c.de")}, {false, BYTES("a@b!.de")}, {false, BYTES("a@b.d+e")}, {false, BYTES("a@b/c.de")},
	{false, BYTES(A60 "aaaaa@example.com")}, {false, BYTES("a@" L63 "a.com")},
	{false, BYTES("a@" L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaaa.de")}, /* 254 */
	{false, BYTES("a\x7f@b.de")}, {false, BYTES("a\x01@b.de")}, {false, BYTES("a\xc2\xa0@b.de")},
	{false, BYTES("a\xe2\x80\xa8@b.de")}, {false, BYTES("a\xc2\x85@b.de")}, {false, BYTES("a@b\xe3\x80\x80.de")},
	{false, BYTES("mailto:a@b.de")}, {false, BYTES("a@b.de?subject=x")}, {false, BYTES("a@b.de\0")},
	{false, BYTES("a\0b@c.de")}, {false, BYTES("a@\0b.de")}, {false, BYTES("a%@")}, {false, BYTES("a@b.-de")},
	{false, BYTES("a@b.de-")}, {false, BYTES("plainaddress")}, {false, BYTES("a@,b.de")},
};
/* clang-format on */

static void addresses_are_judged_as_people_have_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *tight = malloc(rows[i].text.len == 0 ? 1 : rows[i].text.len);
		assert_non_null(tight);
		memcpy(tight, rows[i].text.at, rows[i].text.len);
		bool good = bana_email_valid((bana_str){tight, rows[i].text.len});
		free(tight);
		assert_row(good == rows[i].good, "%zu '%s' (%zu bytes)", i, rows[i].text.at,
			rows[i].text.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_judged_as_people_have_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
