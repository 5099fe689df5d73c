#include "unit/support.h"

#include "bana/live.h"

static void names_are_plain_segments(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { bana_str name; bool valid; } rows[] = {
		{BYTES("a"), true}, {BYTES("things"), true}, {BYTES("things/5"), true}, {BYTES("a/b/c/d"), true},
		{BYTES("Things/A.b_c:d-e"), true}, {BYTES("user/:0f"), true}, {BYTES("..a"), true}, {BYTES(".a/b."), true},
		{BYTES("a/..b"), true}, {BYTES("0"), true}, {BYTES(":"), true}, {BYTES("-"), true}, {BYTES("_"), true},
		{BYTES(""), false}, {BYTES("/"), false}, {BYTES("/a"), false}, {BYTES("a/"), false}, {BYTES("a//b"), false},
		{BYTES("."), false}, {BYTES(".."), false}, {BYTES("..."), false}, {BYTES("a/."), false},
		{BYTES("a/../b"), false}, {BYTES("../a"), false}, {BYTES("a b"), false}, {BYTES(" a"), false},
		{BYTES("a,b"), false}, {BYTES("a*"), false}, {BYTES("a?b"), false}, {BYTES("a%2e"), false}, {BYTES("a+b"), false},
		{BYTES("a@b"), false}, {BYTES("a#b"), false}, {BYTES("a\\b"), false}, {BYTES("a\"b"), false}, {BYTES("a&b"), false},
		{BYTES("a\0b"), false}, {BYTES("\0"), false}, {BYTES("a\0"), false}, {BYTES("a\nb"), false}, {BYTES("a\r"), false},
		{BYTES("\xC3\xA4"), false}, {BYTES("a\x7F"), false}, {BYTES("a\x80"), false}, {BYTES("{id}"), false},
		{BYTES("a`b"), false}, {BYTES("a[b"), false}, {BYTES("a~b"), false}, {BYTES("a;b"), false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(
			bana_room_name_valid(rows[i].name) == rows[i].valid, "%s", rows[i].name.at);
	char name[BANA_ROOM_BYTES_MAX + 1];
	memset(name, 'x', sizeof name);
	assert_true(bana_room_name_valid((bana_str){name, BANA_ROOM_BYTES_MAX}));
	assert_false(bana_room_name_valid((bana_str){name, BANA_ROOM_BYTES_MAX + 1}));
}

static void what_every_socket_is_in_is_no_services(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { const char *name; bool of_everyone; } rows[] = {
		{"broadcast", true}, {"client/x", true}, {"client", true}, {"client/a/b", true}, {"user/42", true},
		{"user", true}, {"user/:0f", true}, {"expires/1790000000", true}, {"expires", true},
		{"broadcasts", false}, {"broadcast/x", false}, {"a/broadcast", false}, {"clients/x", false},
		{"a/client/x", false}, {"users/42", false}, {"userx", false}, {"User/42", false}, {"expire/1", false},
		{"things/user", false}, {"things", false}, {"", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(bana_room_of_everyone(bana_str_of(rows[i].name)) == rows[i].of_everyone,
			"%s", rows[i].name);
}

#define LONGEST_PLAIN                                                               \
	"0123456789012345678901234567890123456789012345678901234567890123456789012" \
	"345678901234567890123456789"

/* Digests by sha256sum. */
static void a_user_has_one_room_whatever_the_id(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str id; const char *room; } rows[] = {
		{BYTES("42"), "user/42"}, {BYTES("0fc5fa5b-a9f7-9f29"), "user/0fc5fa5b-a9f7-9f29"},
		{BYTES("A.b_c-d"), "user/A.b_c-d"}, {BYTES("..a"), "user/..a"}, {BYTES(LONGEST_PLAIN), "user/" LONGEST_PLAIN},
		{BYTES("a b"), "user/:c8687a08aa5d6ed2044328fa6a697ab8"},
		{BYTES("../x"), "user/:d6b96a97d147daaae49eb87a5ca7bfbc"},
		{BYTES(""), "user/:e3b0c44298fc1c149afbf4c8996fb924"},
		{BYTES(LONGEST_PLAIN "x"), "user/:fcf69b311ac850659e16334c5136b0b6"}, {BYTES("."), "user/:cdb4ee2aea69cc6a83331bbe96dc2caa"}, {BYTES(".."), "user/:5ec1f7e700f37c3d0b2981d04855fc34"},
		{BYTES(":"), "user/:e7ac0786668e0ff0f02b62bd04f45ff6"}, {BYTES(":c8687a08aa5d6ed2044328fa6a697ab8"), "user/:17dbb03529cc51d9a50db5cf890a353b"},
		{BYTES("\xC3\xA4"), "user/:33e6d73fee82904c8d7afb78de1154d1"}, {BYTES("42\0"), "user/:e08de2656532c10588b5bf37060f4cc6"}, {BYTES("a/b"), "user/:c14cddc033f64b9dea80ea675cf280a0"},
		{BYTES("a,b"), "user/:1eb7c54d52831bbfe8942af0b1c56b74"},
	};
	/* clang-format on */
	const char *rooms[COUNT(rows)];
	for (size_t i = 0; i < COUNT(rows); i++) {
		rooms[i] = bana_room_of_user(&u->ctx, rows[i].id);
		assert_row(strcmp(rooms[i], rows[i].room) == 0, "%s: %s", rows[i].id.at, rooms[i]);
		assert_row(bana_room_name_valid(bana_str_of(rooms[i])), "%s", rooms[i]);
		assert_row(bana_room_of_everyone(bana_str_of(rooms[i])), "%s", rooms[i]);
		for (size_t j = 0; j < i; j++) /* nobody is in another's */
			assert_row(strcmp(rooms[i], rooms[j]) != 0, "%s", rooms[i]);
	}
}

static void a_client_has_a_room(void **state)
{
	struct unit *u = *state;
	assert_string_equal("client/0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6",
		bana_room_of_client(&u->ctx, BANA_STR("0FC5fa5b-a9f7-9f29-75fb-742a0fb38fe6")));
}

/* A room tells the second in which its slot begins. */
static void tokens_of_one_slot_share_a_room(void **state)
{
	struct unit *u = *state;
	static const int64_t second = 1000000;
	/* clang-format off */
	static const struct { int64_t at; const char *room; } rows[] = {
		{0, "expires/0"}, {9999999, "expires/0"}, {10000000, "expires/10"},
		{1790000000 * second, "expires/1790000000"}, {1790000009 * second + 999999, "expires/1790000000"},
		{1790000010 * second, "expires/1790000010"}, {1789999999 * second + 999999, "expires/1789999990"},
		{253402300799 * second, "expires/253402300790"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t slot = bana_expiry_slot(rows[i].at);
		const char *room = bana_room_of_expiry(&u->ctx, slot);
		assert_row(
			strcmp(room, rows[i].room) == 0, "%lld: %s", (long long)rows[i].at, room);
		assert_true(bana_room_name_valid(bana_str_of(room)));
		/* over, when the next one has begun: never before the last of them has expired */
		assert_true(rows[i].at < (slot + 1) * BANA_EXPIRY_SLOT_S * second);
		assert_int_equal(
			slot + 1, bana_expiry_slot(rows[i].at + BANA_EXPIRY_SLOT_S * second));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(names_are_plain_segments),
		unit_case(what_every_socket_is_in_is_no_services),
		unit_case(a_user_has_one_room_whatever_the_id),
		unit_case(a_client_has_a_room),
		unit_case(tokens_of_one_slot_share_a_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
