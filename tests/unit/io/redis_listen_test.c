/* src/io/redis.c: a connection that listens. */
#include "unit/redis.h"

#include "bana/redis.h"

static const char *const patterns[] = {"t:room:*", "t:all", NULL};
static void publish(const char *channel, bana_str body)
{
	redisContext *c = store_observer(&store);
	redisReply *r = redisCommand(c, "PUBLISH %s %b", channel, body.at, body.len);
	assert_int_equal(1, r->integer);
	freeReplyObject(r);
	redisFree(c);
}

/* The next message, waited for: at most 5 s. */
static bana_res await(
	struct bana_ctx *ctx, struct bana_redis *redis, bana_str *channel, bana_str *body)
{
	int64_t deadline = bana_tick_us() + 5000000;
	for (;;) {
		TRY(bana_redis_next(ctx, redis, channel, body));
		if (channel->at != NULL)
			return BANA_DONE;
		assert_true(bana_wait_fd(bana_redis_fd(redis), POLLIN, deadline));
	}
}

static void assert_next(
	struct unit *u, struct bana_redis *redis, const char *channel_expected, bana_str expected)
{
	bana_str channel, body;
	assert_ok(await(&u->ctx, redis, &channel, &body));
	assert_true(bana_str_is(channel, channel_expected));
	assert_int_equal(expected.len, body.len);
	assert_memory_equal(expected.at, body.at, expected.len);
}

static void assert_nothing(struct unit *u, struct bana_redis *redis)
{
	bana_str channel, body;
	int64_t begun = bana_tick_us();
	assert_ok(bana_redis_next(&u->ctx, redis, &channel, &body));
	assert_null(channel.at);
	assert_null(body.at);
	assert_true(bana_tick_us() - begun < 50000); /* never waits */
}

static void messages_arrive_byte_for_byte_in_order(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *channel; bana_str body; } rows[] = {
		{"t:all", BYTES("{\"x\":1}")}, {"t:room:a/b", BYTES("a\0b\r\n$3\r\n\xFF")}, {"t:room:", BYTES("")},
		{"t:room: x\r\n", BYTES("\0")}, {"t:all", BYTES("*3\r\n")}, {"t:room:\xC3\xA4", BYTES("+OK\r\n")},
	};
	/* clang-format on */
	struct bana_redis *redis = bana_redis_new(store.url, "unit-listen", 1000);
	assert_int_equal(-1, bana_redis_fd(redis));
	assert_ok(bana_redis_listen(&u->ctx, redis, patterns));
	assert_true(bana_redis_fd(redis) >= 0);
	assert_nothing(u, redis);
	for (size_t i = 0; i < COUNT(rows); i++)
		publish(rows[i].channel, rows[i].body);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_next(u, redis, rows[i].channel, rows[i].body);
	assert_nothing(u, redis);
	assert_ok(bana_redis_knock(&u->ctx, redis, 1000)); /* its answer is no message */
	assert_true(bana_wait_fd(bana_redis_fd(redis), POLLIN, bana_tick_us() + 5000000));
	assert_nothing(u, redis);
	publish("t:all", BYTES("last"));
	assert_next(u, redis, "t:all", BYTES("last"));
	bana_redis_free(redis);
}

static void many_and_long_ones_arrive_whole(void **state)
{
	struct unit *u = *state;
	enum { MANY = 2000, LONG = 300000 };
	struct bana_redis *redis = bana_redis_new(store.url, "unit-listen", 1000);
	assert_ok(bana_redis_listen(&u->ctx, redis, patterns));
	redisContext *c = store_observer(&store);
	char *filler = malloc(LONG);
	memset(filler, 'x', LONG);
	for (int i = 0; i < MANY; i++)
		redisAppendCommand(c, "PUBLISH t:all %d", i);
	redisAppendCommand(c, "PUBLISH t:room:long %b", filler, (size_t)LONG);
	for (int i = 0; i <= MANY; i++) {
		void *reply = NULL;
		assert_int_equal(REDIS_OK, redisGetReply(c, &reply));
		freeReplyObject(reply);
	}
	for (int i = 0; i < MANY; i++) {
		char expected[16];
		snprintf(expected, sizeof expected, "%d", i);
		assert_next(u, redis, "t:all", bana_str_of(expected));
	}
	assert_next(u, redis, "t:room:long", (bana_str){filler, LONG});
	free(filler);
	redisFree(c);
	bana_redis_free(redis);
}

#define CONFIRM(pattern, bytes, n) \
	"*3\r\n$10\r\npsubscribe\r\n$" #bytes "\r\n" pattern "\r\n:" #n "\r\n"
#define MESSAGE(body, bytes) \
	"*4\r\n$8\r\npmessage\r\n$8\r\nt:room:*\r\n$8\r\nt:room:a\r\n$" #bytes "\r\n" body "\r\n"

static void open_scripted(
	struct server *s, struct line *lines, char address[64], struct bana_redis **redis)
{
	*s = (struct server){0};
	scripted_open(s, lines);
	snprintf(address, 64, "redis://127.0.0.1:%d", s->port);
	*redis = bana_redis_new(address, "unit-listen", 100);
}

/* Of many patterns the first may have messages before the last is confirmed. */
static void a_message_between_two_confirmations_confuses_nobody(void **state)
{
	struct unit *u = *state;
	struct server s;
	struct bana_redis *redis;
	char address[64];
	struct line lines[] = {
		{"PSUBSCRIBE t:room:*", CONFIRM("t:room:*", 8, 1) MESSAGE("early", 5), 0},
		{"PSUBSCRIBE t:all", MESSAGE("again", 5) CONFIRM("t:all", 5, 2) MESSAGE("after", 5),
			0},
		{0}};
	open_scripted(&s, lines, address, &redis);
	assert_ok(bana_redis_listen(&u->ctx, redis, patterns));
	assert_int_equal(1, scripted_count(&s, "PSUBSCRIBE t:all"));
	bana_str channel, body = {"", 0};
	while (!bana_str_is(body, "after")) /* the early ones may be lost, what follows may not */
		assert_ok(await(&u->ctx, redis, &channel, &body));
	assert_nothing(u, redis);
	bana_redis_free(redis);
	server_done(&s);
}

static void what_is_not_confirmed_is_unavailable(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *first, *second, *why; } rows[] = {
		{CONFIRM("t:room:*", 8, 1), NULL, ""}, {NULL, NULL, ""},
		{CONFIRM("t:room:*", 8, 1), "-NOPERM no such channel\r\n", "NOPERM no such channel"},
		{"-LOADING in memory\r\n", CONFIRM("t:all", 5, 1), "LOADING in memory"},
		{CONFIRM("t:room:*", 8, 1), "garbage\r\n", ""}, {MESSAGE("x", 1), NULL, ""},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct server s;
		struct bana_redis *redis;
		char address[64];
		struct line lines[] = {{"PSUBSCRIBE t:room:*", rows[i].first, 0},
			{"PSUBSCRIBE t:all", rows[i].second, 0}, {0}};
		open_scripted(&s, lines, address, &redis);
		int64_t begun = bana_tick_us();
		bana_res r = bana_redis_listen(fresh(u), redis, patterns);
		assert_row(r.fault == BANA_UNAVAILABLE, "%zu", i);
		assert_row(strstr(u->ctx.failure.why, rows[i].why) != NULL, "%zu: %s", i,
			u->ctx.failure.why);
		assert_true(bana_tick_us() - begun < 300000);
		assert_int_equal(-1, bana_redis_fd(redis));
		bana_redis_free(redis);
		server_done(&s);
	}
}

/* What comes after both were confirmed. */
static void what_is_no_message_is_passed_over_or_refused(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *sent; enum bana_fault fault; const char *body; } rows[] = {
		{MESSAGE("x", 1), BANA_OK, "x"},
		{"*3\r\n$7\r\nmessage\r\n$5\r\nt:all\r\n$1\r\ny\r\n" MESSAGE("x", 1), BANA_OK, "x"},
		{"*2\r\n$4\r\npong\r\n$0\r\n\r\n" MESSAGE("x", 1), BANA_OK, "x"},
		{"+PONG\r\n:5\r\n$-1\r\n*0\r\n*-1\r\n-ERR x\r\n$4\r\n\r\n\r\n\r\n" MESSAGE("x", 1), BANA_OK, "x"},
		{CONFIRM("again", 5, 3) MESSAGE("", 0), BANA_OK, ""},
		{"garbage\r\n", BANA_UNAVAILABLE, NULL}, {"HTTP/1.1 200 OK\r\n\r\n", BANA_UNAVAILABLE, NULL},
		{"\r\n", BANA_UNAVAILABLE, NULL}, {"$5\r\nab", BANA_OK, NULL}, /* not whole */
		{"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n" MESSAGE("x", 1), BANA_OK, "x"}, /* four, but of numbers */
		{"*4\r\n:1\r\n:2\r\n:3\r\n$1\r\nz\r\n" MESSAGE("x", 1), BANA_OK, "x"},
		{"*4\r\n:1\r\n:2\r\n$1\r\nz\r\n:3\r\n" MESSAGE("x", 1), BANA_OK, "x"},
		{"*4\r\n$8\r\npmessage\r\n$-1\r\n$-1\r\n$-1\r\n" MESSAGE("x", 1), BANA_OK, "x"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct server s;
		struct bana_redis *redis;
		char address[64];
		bana_str channel, body;
		struct line lines[] = {{"PSUBSCRIBE t:room:*", CONFIRM("t:room:*", 8, 1), 0},
			{"PSUBSCRIBE t:all", CONFIRM("t:all", 5, 2), 0}, {"PING", rows[i].sent, 0},
			{0}};
		open_scripted(&s, lines, address, &redis);
		assert_ok(bana_redis_listen(fresh(u), redis, patterns));
		assert_ok(bana_redis_knock(&u->ctx, redis, 1000));
		assert_true(bana_wait_fd(bana_redis_fd(redis), POLLIN, bana_tick_us() + 5000000));
		bana_res r = bana_redis_next(&u->ctx, redis, &channel, &body);
		assert_row(r.fault == rows[i].fault, "%zu", i);
		assert_row(rows[i].body == NULL ? body.at == NULL : bana_str_is(body, rows[i].body),
			"%zu: %.*s", i, (int)body.len, body.at);
		assert_int_equal(r.fault == BANA_OK, bana_redis_fd(redis) >= 0);
		bana_redis_free(redis);
		server_done(&s);
	}
}

static void silence_is_noticed(void **state)
{
	struct unit *u = *state;
	enum { SILENCE_MS = 100 };
	struct bana_redis *redis = bana_redis_new(store.url, "unit-listen", 1000);
	assert_ok(bana_redis_listen(&u->ctx, redis, patterns));
	int64_t begun = bana_tick_us(), heard_tick = begun;
	while (bana_tick_us() - begun < 3 * SILENCE_MS * 1000) { /* who answers is not silent */
		heard_tick = bana_tick_us();
		assert_ok(bana_redis_knock(&u->ctx, redis, SILENCE_MS));
		assert_true(bana_wait_fd(bana_redis_fd(redis), POLLIN, heard_tick + 5000000));
		assert_nothing(u, redis);
		poll(NULL, 0, 10);
	}
	kill(store.pid, SIGSTOP);
	while (bana_redis_knock(&u->ctx, redis, SILENCE_MS).fault == BANA_OK) {
		assert_true(bana_tick_us() - heard_tick < 3 * SILENCE_MS * 1000);
		poll(NULL, 0, 5);
		assert_nothing(u, redis);
	}
	assert_true(bana_tick_us() - heard_tick >= SILENCE_MS * 1000);
	assert_string_equal("silent", u->ctx.failure.why);
	assert_int_equal(-1, bana_redis_fd(redis));
	kill(store.pid, SIGCONT);
	assert_ok(bana_redis_listen(fresh(u), redis, patterns));
	assert_ok(bana_redis_knock(&u->ctx, redis, SILENCE_MS)); /* heard of just now */
	bana_redis_free(redis);
}

static void a_killed_server_is_lost_until_it_is_listened_to_again(void **state)
{
	struct unit *u = *state;
	bana_str channel, body;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-listen", 100);
	assert_fault(
		UNAVAILABLE, bana_redis_next(fresh(u), redis, &channel, &body)); /* never yet */
	assert_fault(UNAVAILABLE, bana_redis_knock(fresh(u), redis, 1000));
	assert_ok(bana_redis_listen(fresh(u), redis, patterns));
	publish("t:all", BYTES("before"));
	assert_true(bana_wait_fd(bana_redis_fd(redis), POLLIN, bana_tick_us() + 5000000));
	store_kill(&store);
	assert_next(u, redis, "t:all", BYTES("before")); /* it had arrived */
	assert_fault(UNAVAILABLE, await(fresh(u), redis, &channel, &body));
	assert_int_equal(-1, bana_redis_fd(redis));
	assert_null(channel.at);
	assert_fault(UNAVAILABLE, bana_redis_next(fresh(u), redis, &channel, &body));
	assert_fault(UNAVAILABLE, bana_redis_knock(fresh(u), redis, 1000));
	assert_fault(UNAVAILABLE, bana_redis_listen(fresh(u), redis, patterns));
	assert_non_null(u->ctx.failure.why);
	store_start(&store);
	assert_ok(bana_redis_listen(fresh(u), redis, patterns));
	publish("t:room:z", BYTES("after"));
	assert_next(u, redis, "t:room:z", BYTES("after"));
	assert_ok(bana_redis_listen(fresh(u), redis, patterns)); /* anew: the old one is gone */
	publish("t:room:z", BYTES("once"));
	assert_next(u, redis, "t:room:z", BYTES("once"));
	assert_nothing(u, redis);
	static const char *const others[] = {"t:other", NULL};
	assert_ok(bana_redis_listen(fresh(u), redis, others)); /* to these only */
	assert_int_equal(1, store_number(&store, "PUBSUB NUMPAT"));
	bana_redis_free(redis);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(messages_arrive_byte_for_byte_in_order),
		unit_case(many_and_long_ones_arrive_whole),
		unit_case(a_message_between_two_confirmations_confuses_nobody),
		unit_case(what_is_not_confirmed_is_unavailable),
		unit_case(what_is_no_message_is_passed_over_or_refused),
		unit_case(silence_is_noticed),
		unit_case(a_killed_server_is_lost_until_it_is_listened_to_again),
	};
	return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
