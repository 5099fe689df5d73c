#include "unit/support.h"

#include "bana/email.h"

/* clang-format off */
#define A10     "aaaaaaaaaa"
#define A60     A10 A10 A10 A10 A10 A10
#define L63     A60 "aaa"
#define U6      "\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc."
#define X6      "xn--tda.xn--tda.xn--tda.xn--tda.xn--tda.xn--tda."
#define U12     "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
#define BUECHER "b\xc3\xbc" "cher"

/* What is taken, and its normalised copy. NULL: the same. */
static const struct { bana_str text; const char *normalised; } taken[] = {
	/* dot-atoms */
	{BYTES("a@b.de"), NULL}, {BYTES("first.last@example.com"), NULL}, {BYTES("a.b.c.d@example.com"), NULL},
	{BYTES("1@example.com"), NULL}, {BYTES("1234567890@example.com"), NULL}, {BYTES("a_b@example.com"), NULL},
	{BYTES("_@example.com"), NULL}, {BYTES("__init__@example.com"), NULL}, {BYTES("a-b@example.com"), NULL},
	{BYTES("-a-@example.com"), NULL}, {BYTES("-@example.com"), NULL}, {BYTES("o'neil@example.com"), NULL},
	{BYTES("'@example.com"), NULL}, {BYTES("a/b=c@example.com"), NULL}, {BYTES("a&b@example.com"), NULL},
	{BYTES("$1@example.com"), NULL}, {BYTES("100%@example.com"), NULL}, {BYTES("{a}@example.com"), NULL},
	{BYTES("a!b@example.com"), NULL}, {BYTES("user%host@example.com"), NULL}, {BYTES("a~b@example.com"), NULL},
	{BYTES("!#$%&'*+-/=?^_`{|}~@example.com"), NULL}, {BYTES("customer/department=shipping@example.com"), NULL},
	{BYTES(A60 "aaaa@example.com"), NULL}, {BYTES("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a@example.com"), NULL},
	/* tags and dots stay */
	{BYTES("a+tag@example.com"), NULL}, {BYTES("a+b+c@example.com"), NULL}, {BYTES("a+@example.com"), NULL},
	{BYTES("+@example.com"), NULL}, {BYTES("+a@example.com"), NULL}, {BYTES("a.b+c.d@gmail.com"), NULL},
	{BYTES("A.B+Tag@GMail.com"), "a.b+tag@gmail.com"},
	/* case */
	{BYTES("A.B@EXAMPLE.COM"), "a.b@example.com"}, {BYTES("JOHN@Example.Com"), "john@example.com"},
	{BYTES("jOhN.dOe@b.De"), "john.doe@b.de"}, {BYTES("Z@Z.ZZ"), "z@z.zz"},
	/* domains */
	{BYTES("a@sub.sub.example.com"), NULL}, {BYTES("a@a.b.c.d.e.f.g.example.com"), NULL}, {BYTES("a@b.co.uk"), NULL},
	{BYTES("a@example-one.com"), NULL}, {BYTES("a@1example.com"), NULL}, {BYTES("a@123.com"), NULL},
	{BYTES("a@1-2.com"), NULL}, {BYTES("a@a--b.com"), NULL}, {BYTES("a@r3---sn.example.com"), NULL},
	{BYTES("a@example.museum"), NULL}, {BYTES("a@example.photography"), NULL}, {BYTES("a@b.c1"), NULL},
	{BYTES("a@b.1c"), NULL}, {BYTES("a@1.2.3.4.com"), NULL}, {BYTES("a@localhost.localdomain"), NULL},
	{BYTES("a@x.invalid"), NULL}, {BYTES("a@" L63 ".com"), NULL}, {BYTES("a@b." L63), NULL},
	{BYTES("a@" L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaa.de"), NULL}, /* 252, 254 in all */
	{BYTES(A60 "aaaa@" L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaa.com"), NULL}, /* 64, 254 in all */
	/* international domains: one address, however it is written */
	{BYTES("user@xn--bcher-kva.example"), NULL}, {BYTES("user@" BUECHER ".example"), "user@xn--bcher-kva.example"},
	{BYTES("user@B\xc3\x9c" "CHER.Example"), "user@xn--bcher-kva.example"},
	{BYTES("user@XN--BCHER-KVA.EXAMPLE"), "user@xn--bcher-kva.example"},
	{BYTES("User+Tag@Xn--Bcher-Kva.example"), "user+tag@xn--bcher-kva.example"},
	{BYTES("user@bu\xcc\x88" "cher.example"), "user@xn--bcher-kva.example"}, /* decomposed */
	{BYTES("user@\xef\xbd\x82\xc3\xbc" "cher.example"), "user@xn--bcher-kva.example"}, /* full width */
	{BYTES("a@stra\xc3\x9f" "e.de"), "a@xn--strae-oqa.de"}, {BYTES("a@strasse.de"), NULL}, /* not the same */
	{BYTES("a@fa\xc3\x9f.de"), "a@xn--fa-hia.de"}, {BYTES("a@\xc3\xa9t\xc3\xa9.fr"), "a@xn--t-9fab.fr"},
	{BYTES("a@\xc3\xb1o\xc3\xb1o.es"), "a@xn--oo-yjab.es"}, {BYTES("a@ex\xc3\xa4mple.com"), "a@xn--exmple-cua.com"},
	{BYTES("\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe4\xb8\xad\xe5\x9b\xbd"), "\xe7\x94\xa8\xe6\x88\xb7@xn--fsqu00a.xn--fiqs8s"},
	{BYTES("a@\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95"), "a@xn--fsqu00a.xn--0zwm56d"},
	{BYTES("a@xn--fsqu00a.xn--fiqs8s"), NULL}, {BYTES("a@xn--p1ai.xn--p1ai"), NULL},
	{BYTES("a@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.\xd1\x80\xd1\x84"), "a@xn--80a1acny.xn--p1ai"},
	{BYTES("a@\xd0\x9f\xd0\x9e\xd0\xa7\xd0\xa2\xd0\x90.\xd0\xa0\xd0\xa4"), "a@xn--80a1acny.xn--p1ai"},
	{BYTES("a@\xd7\x93\xd7\x95\xd7\x92\xd7\x9e\xd7\x94.example"), "a@xn--6dbbec0c.example"},
	{BYTES("a@\xe0\xa4\x89\xe0\xa4\xa6\xe0\xa4\xbe\xe0\xa4\xb9\xe0\xa4\xb0\xe0\xa4\xa3.example"), "a@xn--p1b6ci4b4b3a.example"},
	{BYTES(A10 A10 A10 A10 A10 "aaaaaaaaa@" U6 U6 U6 U6 "de"), A10 A10 A10 A10 A10 "aaaaaaaaa@" X6 X6 X6 X6 "de"}, /* 134 bytes, 254 as A-labels */
	/* local parts beyond ASCII: RFC 6531, byte by byte but for ASCII letters */
	{BYTES("\xc3\xbc@example.com"), NULL}, {BYTES("\xc3\x9c@example.com"), NULL},
	{BYTES("J\xc3\xbcrgen@Example.com"), "j\xc3\xbcrgen@example.com"}, {BYTES("jos\xc3\xa9@example.com"), NULL},
	{BYTES("nguy\xe1\xbb\x85n@example.com"), NULL}, {BYTES("\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd@example.ru"), NULL},
	{BYTES("\xf0\x9f\x98\x80@example.com"), NULL}, {BYTES("\xe1\x84\x92\xe1\x85\xa1@example.kr"), NULL},
	{BYTES(U12 U12 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc@b.de"), NULL}, /* 64 bytes */
};

static const bana_str refused[] = {
	/* no address at all */
	BYTES(""), BYTES("@"), BYTES("a"), BYTES("a@"), BYTES("@b.de"), BYTES("a.b.de"), BYTES("plainaddress"), BYTES("."), BYTES(".@"),
	BYTES("a@@b.de"), BYTES("a@b@c.de"), BYTES("@a@b.de"), BYTES("a@b.de@"), BYTES("a at b.de"), BYTES("mailto:a@b.de"),
	BYTES("<a@b.de>"), BYTES("A <a@b.de>"), BYTES("a@b.de (A)"), BYTES("a@b.de,c@d.de"), BYTES("a@b.de;c@d.de"), BYTES("a@b.de c@d.de"),
	BYTES("a@b.de?subject=x"), BYTES("http://a@b.de"), BYTES("a%@"),
	/* dots */
	BYTES(".a@b.de"), BYTES("a.@b.de"), BYTES("a..b@c.de"), BYTES("..@b.de"), BYTES(".@b.de"), BYTES("a...b@c.de"),
	BYTES("a@.b.de"), BYTES("a@b..de"), BYTES("a@b.de."), BYTES("a@.de"), BYTES("a@."), BYTES("a@.."),
	/* characters of the local part */
	BYTES("a b@c.de"), BYTES("a\tb@c.de"), BYTES("a(c)@b.de"), BYTES("a)b@c.de"), BYTES("a;b@c.de"), BYTES("a:b@c.de"), BYTES("a,b@c.de"),
	BYTES("a<b@c.de"), BYTES("a>b@c.de"), BYTES("a\\b@c.de"), BYTES("a[b@c.de"), BYTES("a]b@c.de"), BYTES("a\"b@c.de"),
	BYTES("a\x7f@b.de"), BYTES("a\x01@b.de"), BYTES("a\r\n@b.de"), BYTES("a\0b@c.de"), BYTES("\0@c.de"),
	/* quoted strings, comments, folding */
	BYTES("\"a\"@b.de"), BYTES("\"a b\"@c.de"), BYTES("\"a@b\"@c.de"), BYTES("\"\"@c.de"), BYTES("a.\"b\"@c.de"), BYTES("(c)a@b.de"), BYTES("a@b.de(c)"),
	BYTES("a@(c)b.de"), BYTES("a@b.de\n"), BYTES("\na@b.de"), BYTES(" a@b.de"), BYTES("a@b.de "), BYTES("a @b.de"), BYTES("a@ b.de"), BYTES("a\t@b.de"),
	/* address literals, numbers, single labels */
	BYTES("a@[1.2.3.4]"), BYTES("a@[IPv6:::1]"), BYTES("a@[IPv6:2001:db8::1]"), BYTES("a@1.2.3.4"), BYTES("a@::1"), BYTES("a@b.123"), BYTES("a@123"),
	BYTES("a@b"), BYTES("a@localhost"), BYTES("postmaster"), BYTES("a@com"), BYTES("a@b.d"), BYTES("a@b.1"), BYTES("a@b.de:25"), BYTES("a@b.de/c"),
	/* labels */
	BYTES("a@-b.de"), BYTES("a@b-.de"), BYTES("a@b.-de"), BYTES("a@b.de-"), BYTES("a@-.de"), BYTES("a@b_c.de"), BYTES("a@_dmarc.b.de"), BYTES("a@b!.de"),
	BYTES("a@b.d+e"), BYTES("a@b/c.de"), BYTES("a@b c.de"), BYTES("a@,b.de"), BYTES("a@b'c.de"), BYTES("a@b*.de"), BYTES("a@*.b.de"), BYTES("a@b#.de"),
	BYTES("a@\0b.de"), BYTES("a@b.de\0"), BYTES("a@b\x7f.de"), BYTES("a@b\\.de"),
	/* lengths */
	BYTES(A60 "aaaaa@example.com"), BYTES("a@" L63 "a.com"), BYTES("a@b." L63 "a"),
	BYTES("a@" L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaa.de"), /* 253, 255 in all */
	BYTES("a@" L63 "." L63 "." L63 "." L63 ".de"), BYTES(A60 "aaaa@" L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaa.com"), /* 255 */
	BYTES(U12 U12 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc@b.de"), /* 33 characters, 66 bytes */
	BYTES(U12 "@" U12 "." U12 "." U12 "." U12 "." U12 "." U12 "." U12 "." U12 "." U12 "." U12 ".com"), /* 277 bytes, of 137 as A-labels */
	BYTES(A60 "@" U6 U6 U6 U6 "de"), BYTES("a@" U6 U6 U6 U6 U6 U6 "de"), /* 255 and more as A-labels */
	BYTES("a@" U12 U12 U12 U12 U12 U12 ".de"), BYTES("a@\xc3\xbc" L63 ".de"), /* over 63 as an A-label */
	/* what is no name in any script */
	BYTES("a@xn--.de"), BYTES("a@xn--a.de"), BYTES("a@xn--zz.de"), BYTES("a@XN--ZZ.de"), BYTES("a@xn--bcher-kva-.de"), BYTES("a@xn--BCHER-\xc3\xbc.de"),
	BYTES("a@xn--strasse-.de"), BYTES("a@\xe2\x98\x83.com"), BYTES("a@\xf0\x9f\x92\xa9.la"), BYTES("a@xn--n3h.com"), /* snowman */
	BYTES("a@\xcc\x88" "a.com"), BYTES("a@-\xc3\xbc.de"), BYTES("a@\xc3\xbc-.de"), BYTES("a@\xc3\xbc..de"), BYTES("a@\xc3\xbc.de."),
	BYTES("a@\xe2\x84\x80.de"), BYTES("a@\xc3\xbc_.de"), BYTES("a@b\xc3\xbc"), BYTES("a@\xef\xbc\xa0" BUECHER ".de"), BYTES("a@\xd7\x90" "a.de"), /* right to left and left to right */
	BYTES("user@" BUECHER "\xe3\x80\x82" "example"), BYTES("user@" BUECHER ".exam\xef\xbc\x8e" "ple"), /* full stops that are no dot */
	BYTES("a@" BUECHER "\xe2\x80\xa6" ".de"), BYTES("a@\xe2\x91\xa0.\xe2\x91\xa1"), BYTES("a@\xc3\xbc.\xd9\xa1\xd9\xa2"),
	/* blanks, controls and what cannot be seen */
	BYTES("a\xc2\xa0@b.de"), BYTES("a\xe2\x80\xa8@b.de"), BYTES("a\xc2\x85@b.de"), BYTES("a@b\xe3\x80\x80.de"), BYTES("a\xc2\xad@b.de"),
	BYTES("a@ex\xc2\xad" "ample.com"), BYTES("a\xe2\x80\x8b@b.de"), BYTES("a@b\xe2\x80\x8b" "c.de"), BYTES("a\xe2\x80\x8d" "b@c.de"), BYTES("\xef\xbb\xbf" "a@b.de"),
	BYTES("a@b.de\xef\xbb\xbf"), BYTES("\xe2\x80\xae" "a@b.de"), BYTES("a\xef\xb8\x8f@b.de"), BYTES("\xee\x80\x80@b.de"), BYTES("a\xe3\x85\xa4@b.de"), /* NOLINT(misc-misleading-bidirectional) */
	BYTES("\xf3\xa0\x81\xa1@b.de"), BYTES("a\xef\xbf\xbd@b.de"),
	/* what is an ASCII letter in lower case, for some */
	BYTES("\xe2\x84\xaa" "evin@example.com"), BYTES("\xc4\xb0ris@example.com"), BYTES("a@\xe2\x84\xaa" "iosk.de"),
	/* what is no UTF-8 */
	BYTES("\xff@b.de"), BYTES("a\xc3@b.de"), BYTES("a@\xc3.de"), BYTES("a@b\xc0\xae" "de.de"), BYTES("\xed\xa0\x80@b.de"), BYTES("a@\xf4\x90\x80\x80.de"),
};

/* An address, and the person for limits. */
static const struct { const char *text, *person; } persons[] = {
	{"jane@example.com", "jane@example.com"}, {"Jane+News@Example.com", "jane@example.com"},
	{"jane+a+b@example.com", "jane@example.com"}, {"jane+@example.com", "jane@example.com"},
	{"ja.ne+x@example.com", "ja.ne@example.com"}, {"+@example.com", "+@example.com"},
	{"+x@example.com", "+x@example.com"}, {"jane+x@" BUECHER ".example", "jane@xn--bcher-kva.example"},
	{"a@b+c", NULL}, {"", NULL}, {"jane+x", NULL},
};

/* What rows of before the rule may hold: lower case, and nothing is lost. */
static const struct { const char *text, *key; } keys[] = {
	{"A@" BUECHER ".Example", "a@xn--bcher-kva.example"}, {"A@B.de", "a@b.de"}, {"No Address", "no address"},
	{"A@LOCALHOST", "a@localhost"}, {"\xc3\x9c@\xe2\x98\x83.COM", "\xc3\x9c@\xe2\x98\x83.com"}, {"", ""},
};
/* clang-format on */

/* The bytes and none behind them, so that the sanitizer sees who reads on. */
static bana_str tight(struct unit *u, bana_str text)
{
	char *bytes = bana_alloc(u->ctx.arena, text.len == 0 ? 1 : text.len);
	memcpy(bytes, text.at, text.len);
	return (bana_str){bytes, text.len};
}

static void good_addresses_are_taken_and_have_one_normalised_copy(void **state)
{
	struct unit *u = *state;
	assert_true(COUNT(taken) + COUNT(refused) >= 150);
	for (size_t i = 0; i < COUNT(taken); i++) {
		const char *expected = taken[i].normalised, *copy = NULL, *again = NULL;
		bana_str text = tight(u, taken[i].text);
		assert_row(bana_email_valid(text), "%zu '%s'", i, taken[i].text.at);
		assert_ok(bana_email_normalise(u->ctx.arena, text, &copy));
		assert_row(strcmp(copy, expected == NULL ? taken[i].text.at : expected) == 0,
			"%zu '%s' is '%s'", i, taken[i].text.at, copy);
		assert_row(bana_email_normalise(u->ctx.arena, bana_str_of(copy), &again).fault ==
					   BANA_OK &&
				   strcmp(copy, again) == 0,
			"%zu '%s' is not its own copy", i, copy);
		assert_true(strlen(copy) <= 254);
	}
}

static void anything_else_is_refused(void **state)
{
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *copy = NULL;
		bana_str text = tight(u, refused[i]);
		assert_row(!bana_email_valid(text), "%zu '%s' (%zu bytes)", i, refused[i].at,
			refused[i].len);
		assert_fault(INVALID, bana_email_normalise(u->ctx.arena, text, &copy));
		assert_null(copy);
	}
}

static void a_person_is_the_same_whatever_the_tag(void **state)
{
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(persons); i++) {
		const char *person = NULL;
		bana_res result =
			bana_email_person(u->ctx.arena, bana_str_of(persons[i].text), &person);
		if (persons[i].person == NULL)
			assert_row(result.fault == BANA_INVALID, "%s", persons[i].text);
		else
			assert_row(
				result.fault == BANA_OK && strcmp(person, persons[i].person) == 0,
				"'%s' is '%s'", persons[i].text, person);
	}
}

static void what_is_no_address_is_compared_in_lower_case(void **state)
{
	struct unit *u = *state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const char *key = bana_email_key(u->ctx.arena, bana_str_of(keys[i].text));
		assert_row(strcmp(key, keys[i].key) == 0, "'%s' is '%s'", keys[i].text, key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(good_addresses_are_taken_and_have_one_normalised_copy),
		unit_case(anything_else_is_refused),
		unit_case(a_person_is_the_same_whatever_the_tag),
		unit_case(what_is_no_address_is_compared_in_lower_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
