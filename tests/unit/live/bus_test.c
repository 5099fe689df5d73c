#include "unit/support.h"

#include "bana/bridge.h"
#include "bana/buf.h"
#include "bana/live.h"

/* What ignis.md 1.3 shows, with the data of the row. */
#define MESSAGE(data) \
	"{\"serverId\":\"s1\",\"type\":\"room\",\"target\":\"things/5\",\"event\":\"e\"" data "}"

static bana_res read_text(struct unit *u, bana_str body, const char **room, bana_str *frame)
{
	return bana_bus_read(fresh(u), body, room, frame);
}

static void each_scope_has_its_room(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *type, *target, *room; } rows[] = {
		{"room", ",\"target\":\"things\"", "things"},
		{"room", ",\"target\":\"things/5\"", "things/5"},
		{"room", ",\"target\":\"clients/5\"", "clients/5"},
		{"room", ",\"target\":\"users\"", "users"},
		{"user", ",\"target\":\"42\"", "user/42"},
		{"user", ",\"target\":\"a b\"", "user/:c8687a08aa5d6ed2044328fa6a697ab8"},
		{"user", ",\"target\":\"../x\"", "user/:d6b96a97d147daaae49eb87a5ca7bfbc"},
		{"client", ",\"target\":\"0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6\"", "client/0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6"},
		{"client", ",\"target\":\"0FC5FA5B-A9F7-9F29-75FB-742A0FB38FE6\"", "client/0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6"},
		{"broadcast", "", "broadcast"},
		{"broadcast", ",\"target\":null", "broadcast"},
		{"broadcast", ",\"target\":\"things/5\"", "broadcast"}, /* the target does not count */
		/* refused */
		{"room", ",\"target\":\"broadcast\"", NULL}, {"room", ",\"target\":\"client/5\"", NULL},
		{"room", ",\"target\":\"user/42\"", NULL}, {"room", ",\"target\":\"expires/10\"", NULL},
		{"room", ",\"target\":\"client\"", NULL}, {"room", ",\"target\":\"user\"", NULL},
		{"room", "", NULL}, {"room", ",\"target\":null", NULL}, {"room", ",\"target\":\"\"", NULL},
		{"room", ",\"target\":5", NULL}, {"room", ",\"target\":[\"things\"]", NULL},
		{"room", ",\"target\":\"things/../x\"", NULL}, {"room", ",\"target\":\"/things\"", NULL},
		{"room", ",\"target\":\"things/\"", NULL}, {"room", ",\"target\":\"a,b\"", NULL},
		{"room", ",\"target\":\"th\xC3\xA4t\"", NULL}, {"room", ",\"target\":\"a b\"", NULL},
		{"room", ",\"target\":\"a\\r\\nX: y\"", NULL}, {"room", ",\"target\":\"a?b\"", NULL},
		{"user", "", NULL}, {"user", ",\"target\":\"\"", NULL}, {"user", ",\"target\":42", NULL},
		{"client", "", NULL}, {"client", ",\"target\":\"\"", NULL}, {"client", ",\"target\":\"..\"", NULL},
		{"client", ",\"target\":\"a/../b\"", NULL}, {"client", ",\"target\":\"a b\"", NULL},
		{"Room", ",\"target\":\"things\"", NULL}, {"rooms", ",\"target\":\"things\"", NULL},
		{"", ",\"target\":\"things\"", NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		char body[512];
		const char *room = NULL;
		bana_str frame = {NULL, 0};
		snprintf(body, sizeof body,
			"{\"serverId\":\"s1\",\"type\":\"%s\"%s,\"event\":\"e\",\"data\":1}",
			rows[i].type, rows[i].target);
		bana_res r = read_text(u, bana_str_of(body), &room, &frame);
		if (rows[i].room == NULL) {
			assert_row(r.fault == BANA_MALFORMED, "%s", body);
			assert_row(u->ctx.failure.why != NULL, "%s: no reason", body);
			assert_row(frame.at == NULL, "%s: a frame all the same", body);
			continue;
		}
		assert_row(r.fault == BANA_OK, "%s: %s", body, u->ctx.failure.why);
		assert_row(strcmp(room, rows[i].room) == 0, "%s: %s", body, room);
		assert_true(bana_str_is(frame, "{\"event\":\"e\",\"data\":1}"));
	}
}

/* Made with Node.js 20: what JSON.stringify makes of a message is read, and what it makes of
 * {event, data} must come out, byte for byte. */
static void a_frame_is_what_an_ignis_server_would_send(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const char *const rows[] = {
		"null", "true", "false", "\"\"", "{}", "[]", "\"x\"", "[[],{},[[]],{\"a\":{}}]",
		"\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"",
		"\"\xE2\x80\xA8\xE2\x80\xA9\xC2\x85\xEF\xBB\xBF\"",                   /* U+2028, U+2029, U+0085, U+FEFF */
		"\"\xF0\x9F\x98\x80\xC3\xA9\xE6\xBC\xA2\xF4\x8F\xBF\xBF\"",           /* emoji, ..., U+10FFFF */
		"\"</script><!--&'\"",
		"[0,-1,1,1e+21,1.5,0.1,1e-7,5e-324,1.7976931348623157e+308,-1.5e-9,0.000001,1.23e-18]",
		"[9007199254740991,-9007199254740991,9007199254740992,123456789012345680,9200000000000000000]",
		"{\"a\":{\"b\":[{\"c\":[]},{}]},\"\":\"\",\"\xC3\xA9\":null,\"a\\nb\":[true,false,null]}",
		"{\"2\":4,\"10\":3,\"b\":1,\"a\":2}", "{\"__proto__\":1,\"constructor\":2}",
		"{\"event\":\"inner\",\"data\":{\"event\":1},\"type\":\"user\",\"target\":\"7\"}",
		"\"2026-11-20T15:33:07.361Z\"", "{\"id\":\"7309466213830656\",\"note\":null}",
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		char body[1024], expected[1024];
		const char *room;
		bana_str frame;
		snprintf(body, sizeof body, MESSAGE(",\"data\":%s"), rows[i]);
		snprintf(expected, sizeof expected, "{\"event\":\"e\",\"data\":%s}", rows[i]);
		assert_row(read_text(u, bana_str_of(body), &room, &frame).fault == BANA_OK, "%s",
			rows[i]);
		assert_row(bana_str_is(frame, expected), "%s: %.*s", rows[i], (int)frame.len,
			frame.at);
	}
}

/* Other spellings come from no JSON.stringify. Text and blanks come out in its spelling; a number
 * comes out as it came in, which is the same one to every reader. */
static void other_spellings_come_out_in_one(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *body, *frame; } rows[] = {
		{MESSAGE(",\"data\":\"\\u0041\\/\\u00e9\\ud83d\\ude00\\u000A\""), "{\"event\":\"e\",\"data\":\"A/\xC3\xA9\xF0\x9F\x98\x80\\n\"}"},
		{MESSAGE(",\"data\":\"\\u2028\\u001F\""), "{\"event\":\"e\",\"data\":\"\xE2\x80\xA8\\u001f\"}"},
		{MESSAGE(" , \"data\" : [ 1 ,\n\t2 ] "), "{\"event\":\"e\",\"data\":[1,2]}"},
		{MESSAGE(""), "{\"event\":\"e\"}"}, /* undefined is left out */
		{MESSAGE(",\"data\":null"), "{\"event\":\"e\",\"data\":null}"},
		{MESSAGE(",\"data\":1,\"exclude\":[\"c1\",\"c2\"]"), "{\"event\":\"e\",\"data\":1}"},
		{MESSAGE(",\"exclude\":null,\"more\":{\"data\":2},\"data\":1,\"x\":[]"), "{\"event\":\"e\",\"data\":1}"},
		{"{\"data\":1,\"event\":\"e\",\"target\":\"t\",\"type\":\"room\",\"serverId\":\"\"}", "{\"event\":\"e\",\"data\":1}"},
		{"{\"serverId\":\"s\",\"type\":\"broadcast\",\"event\":\"\",\"data\":1}", "{\"event\":\"\",\"data\":1}"},
		{"{\"serverId\":\"s\",\"type\":\"broadcast\",\"event\":\"a\\\"\\n\xE2\x80\xA8\\u0001\"}", "{\"event\":\"a\\\"\\n\xE2\x80\xA8\\u0001\"}"},
		{MESSAGE(",\"data\":[1.0,1.50,1E21,0.1e1,-0.0]"), "{\"event\":\"e\",\"data\":[1.0,1.50,1E21,0.1e1,-0.0]}"},
		{MESSAGE(",\"data\":[-0,9007199254740993,-9223372036854775808,9223372036854775807]"),
			"{\"event\":\"e\",\"data\":[0,9007199254740993,-9223372036854775808,9223372036854775807]}"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *room;
		bana_str frame = {NULL, 0};
		bana_res r = read_text(u, bana_str_of(rows[i].body), &room, &frame);
		assert_row(r.fault == BANA_OK, "%s: %s", rows[i].body, u->ctx.failure.why);
		assert_row(bana_str_is(frame, rows[i].frame), "%s: %.*s", rows[i].body,
			(int)frame.len, frame.at);
	}
}

static void what_is_no_message_is_refused_with_a_reason(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str body; const char *why; } rows[] = {
		{BYTES(""), "Unexpected end"}, {BYTES("x"), "Unexpected character"},
		{BYTES("\"text\""), "no serverId"}, {BYTES("[]"), "no serverId"}, {BYTES("null"), "no serverId"},
		{BYTES("5"), "no serverId"}, {BYTES("{}"), "no serverId"},
		{BYTES("{\"type\":\"broadcast\",\"event\":\"e\"}"), "no serverId"},
		{BYTES("{\"serverId\":1,\"type\":\"broadcast\",\"event\":\"e\"}"), "no serverId"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"broadcast\"}"), "no event"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"broadcast\",\"event\":null}"), "no event"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"broadcast\",\"event\":{}}"), "no event"},
		{BYTES("{\"serverId\":\"s\",\"event\":\"e\"}"), "no type"},
		{BYTES("{\"serverId\":\"s\",\"type\":null,\"event\":\"e\"}"), "no type"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"all\",\"event\":\"e\"}"), "unknown type"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"room\",\"event\":\"e\"}"), "no target"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"room\",\"target\":\"user/1\",\"event\":\"e\"}"), "no service's"},
		{BYTES("{\"serverId\":\"s\",\"type\":\"room\",\"target\":\"a//b\",\"event\":\"e\"}"), "no name of a room"},
		{BYTES(MESSAGE(",\"data\":")), "Unexpected character"}, {BYTES(MESSAGE("") "x"), "after the value"},
		{BYTES(MESSAGE("") "\0"), "after the value"}, {BYTES(MESSAGE(",\"data\":\"\xFF\"")), "Not UTF-8"},
		{BYTES(MESSAGE(",\"data\":\"\\ud800\"")), "Lone surrogate"}, /* a client would be cut off for it */
		{BYTES(MESSAGE(",\"data\":\"\0\"")), "Control character"},
		{BYTES(MESSAGE(",\"data\":NaN")), "Unexpected character"}, {BYTES(MESSAGE(",\"data\":undefined")), "Unexpected character"},
		{BYTES(MESSAGE(",\"data\":\"\\u0000\"")), ""}, {BYTES(MESSAGE(",\"data\":1e400")), ""},
		{BYTES(MESSAGE(",\"data\":100000000000000000000")), ""}, {BYTES(MESSAGE(",\"data\":1,\"data\":2")), ""},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *room = NULL;
		bana_str frame = {NULL, 0};
		bana_res r = read_text(u, rows[i].body, &room, &frame);
		assert_row(r.fault == BANA_MALFORMED, "%s", rows[i].body.at);
		const char *why = u->ctx.failure.why;
		assert_row(why != NULL && strstr(why, rows[i].why) != NULL, "%s: %s",
			rows[i].body.at, why);
		assert_null(frame.at);
	}
}

/* A message with data of `filler` bytes, or of so many levels. */
static bana_res read_big(struct unit *u, size_t filler, int levels)
{
	const char *room;
	bana_str frame;
	struct bana_ctx *ctx = fresh(u);
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "{\"serverId\":\"s\",\"type\":\"broadcast\",\"event\":\"e\",\"data\":");
	for (int i = 0; i < levels; i++)
		bana_buf_text(&b, "[");
	if (levels == 0) {
		bana_buf_text(&b, "\"");
		for (size_t i = 0; i < filler; i++)
			bana_buf_add(&b, "x", 1);
		bana_buf_text(&b, "\"");
	}
	for (int i = 0; i < levels; i++)
		bana_buf_text(&b, "]");
	bana_buf_text(&b, "}");
	return bana_bus_read(ctx, bana_buf_str(&b), &room, &frame);
}

static void what_clients_or_nginx_would_not_bear_is_refused(void **state)
{
	struct unit *u = *state;
	const size_t most = 250 * 1024 - strlen("{\"event\":\"e\",\"data\":\"\"}");
	assert_ok(read_big(u, most, 0));
	assert_fault(MALFORMED, read_big(u, most + 1, 0));
	assert_string_equal("too long", u->ctx.failure.why);
	assert_ok(read_big(u, 0, 59)); /* and the message itself is a level */
	assert_fault(MALFORMED, read_big(u, 0, 60));
	assert_non_null(u->ctx.failure.why);
	assert_fault(MALFORMED, read_big(u, 0, 100000));
}

static void patterns_cover_every_scope(void **state)
{
	static const char *const expected[] = {
		"ws:room:*", "ws:user:*", "ws:client:*", "ws:broadcast"};
	(void)state;
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(expected[i], bana_bus_patterns[i]);
	assert_null(bana_bus_patterns[COUNT(expected)]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(each_scope_has_its_room),
		unit_case(a_frame_is_what_an_ignis_server_would_send),
		unit_case(other_spellings_come_out_in_one),
		unit_case(what_is_no_message_is_refused_with_a_reason),
		unit_case(what_clients_or_nginx_would_not_bear_is_refused),
		unit_case(patterns_cover_every_scope),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
