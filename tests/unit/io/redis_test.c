#include "unit/redis.h"

#include "bana/redis.h"

static bool text_has(redisContext *c, const char *command, const char *part)
{
	redisReply *r = redisCommand(c, command);
	bool has = r != NULL && r->str != NULL && strstr(r->str, part) != NULL;
	if (r != NULL)
		freeReplyObject(r);
	return has;
}

/* Write, then read, as an idle worker does. */
static BANA_RES publish(
	struct bana_ctx *ctx, struct bana_redis *redis, struct bana_publication *p, size_t count)
{
	TRY(bana_redis_publish_write(ctx, redis, p, count));
	return bana_redis_publish_read(ctx, redis, p, count);
}

static BANA_RES ping(struct bana_ctx *ctx, struct bana_redis *redis)
{
	bana_str reply;
	return bana_redis_ask(ctx, redis, (const char *const[]){"PING", NULL}, &reply);
}

static void a_ping_is_answered_on_one_named_connection(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	for (int i = 0; i < 3; i++)
		assert_ok(ping(&u->ctx, redis));
	redisContext *c = store_observer(&store);
	assert_true(text_has(c, "CLIENT LIST", "name=unit-redis "));
	assert_true(text_has(c, "INFO clients", "connected_clients:2\r"));
	redisFree(c);
	bana_redis_free(redis);
}

static void every_publication_arrives_byte_for_byte(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	redisContext *c = store_observer(&store);
	freeReplyObject(redisCommand(c, "SUBSCRIBE ws:room:a"));
	struct bana_publication p[] = {{"ws:room:a", BYTES("{\"x\":\"\0\r\n\"}"), 7},
		{"ws:room:b", BYTES(""), 7}, {"ws:room:a", BYTES("second"), 7}};
	assert_ok(publish(&u->ctx, redis, p, 3));
	assert_int_equal(1, p[0].receivers);
	assert_int_equal(0, p[1].receivers);
	assert_int_equal(1, p[2].receivers);
	for (int i = 0; i <= 2; i += 2) {
		void *reply;
		assert_int_equal(REDIS_OK, redisGetReply(c, &reply));
		redisReply *r = reply;
		assert_int_equal(p[i].body.len, r->element[2]->len);
		assert_memory_equal(p[i].body.at, r->element[2]->str, p[i].body.len);
		freeReplyObject(r);
	}
	redisFree(c);
	bana_redis_free(redis);
}

static void a_refused_publication_is_told(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	assert_ok(ping(&u->ctx, redis));
	redisContext *c = store_observer(&store);
	freeReplyObject(redisCommand(c, "ACL SETUSER default -publish"));
	struct bana_publication p = {"a", BYTES("x"), 7};
	assert_fault(UNAVAILABLE, publish(&u->ctx, redis, &p, 1));
	assert_int_equal(-1, p.receivers);
	assert_non_null(strstr(u->ctx.failure.why, "NOPERM"));
	freeReplyObject(redisCommand(c, "ACL SETUSER default +publish"));
	redisFree(c);
	bana_redis_free(redis);
}

static void a_connection_cut_while_idle_costs_nothing(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	assert_ok(ping(&u->ctx, redis));
	assert_int_equal(1, store_number(&store, "CLIENT KILL TYPE normal SKIPME yes"));
	assert_ok(ping(&u->ctx, redis));
	store_kill(&store);
	store_start(&store);
	struct bana_publication p = {"a", BYTES("x"), 7};
	assert_ok(publish(&u->ctx, redis, &p, 1));
	bana_redis_free(redis);
}

static void a_killed_server_is_unavailable_and_found_again(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 100);
	assert_ok(ping(&u->ctx, redis));
	store_kill(&store);
	struct bana_publication p = {"a", BYTES("x"), 7};
	int64_t begun = bana_tick_us();
	assert_fault(UNAVAILABLE, ping(&u->ctx, redis));
	assert_fault(UNAVAILABLE, publish(fresh(u), redis, &p, 1));
	assert_true(bana_tick_us() - begun < 300000);
	assert_int_equal(1, u->ctx.failure.retry_after_s);
	assert_non_null(u->ctx.failure.why);
	store_start(&store);
	assert_ok(ping(fresh(u), redis));
	bana_redis_free(redis);
}

/* The contract of admission is 100 ms; a new connection may take one time-out for each step. */
static void a_frozen_server_is_given_up_in_time(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 100);
	assert_ok(ping(&u->ctx, redis));
	kill(store.pid, SIGSTOP);
	struct bana_publication p[] = {{"a", BYTES("x"), 7}, {"b", BYTES("x"), 7}};
	for (int i = 0; i < 4; i++) {
		int64_t begun = bana_tick_us();
		bana_res r = i % 2 == 0 ? ping(fresh(u), redis) : publish(fresh(u), redis, p, 2);
		int64_t took_ms = (bana_tick_us() - begun) / 1000;
		assert_int_equal(BANA_UNAVAILABLE, r.fault);
		assert_in_range(took_ms, 90, 290);
	}
	kill(store.pid, SIGCONT);
	assert_ok(ping(fresh(u), redis));
	bana_redis_free(redis);
}

/* ---- one command ----------------------------------------------------------------------------- */

#define ASK(...) ask(u, redis, (const char *const[]){__VA_ARGS__, NULL})

/* The reply, or why there was none. */
static bana_str ask(struct unit *u, struct bana_redis *redis, const char *const *words)
{
	bana_str reply = BANA_STR("untouched");
	if (bana_redis_ask(fresh(u), redis, words, &reply).fault == BANA_OK)
		return reply;
	assert_true(bana_str_is(reply, "untouched"));
	assert_non_null(u->ctx.failure.why);
	return bana_str_of(bana_join(u->ctx.arena, "! ", u->ctx.failure.why, NULL));
}

static void every_kind_of_reply_becomes_text(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *words[6]; bana_str reply; } rows[] = {
		{{"SET", "k", "v"}, BYTES("OK")}, {{"GET", "k"}, BYTES("v")}, {{"GET", "none"}, {NULL, 0}},
		{{"SET", "k", "w", "NX"}, {NULL, 0}}, {{"PING"}, BYTES("PONG")}, {{"ECHO", ""}, BYTES("")},
		{{"ECHO", " a\r\n\xC3\xA4 b "}, BYTES(" a\r\n\xC3\xA4 b ")}, {{"SET", "blank key", "%s %d"}, BYTES("OK")},
		{{"GET", "blank key"}, BYTES("%s %d")}, {{"INCR", "n"}, BYTES("1")}, {{"DECRBY", "n", "5"}, BYTES("-4")},
		{{"INCRBY", "m", "9223372036854775807"}, BYTES("9223372036854775807")}, {{"EXISTS", "none"}, BYTES("0")},
		{{"PTTL", "none"}, BYTES("-2")}, {{"SETRANGE", "z", "2", "x"}, BYTES("3")}, {{"GET", "z"}, BYTES("\0\0x")},
		{{"EVAL", "return ARGV[1]..KEYS[1]", "1", "k", "a"}, BYTES("ak")},
	};
	/* clang-format on */
	store_told(&store, "FLUSHALL");
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str got = ask(u, redis, rows[i].words), expected = rows[i].reply;
		assert_row(got.len == expected.len && (got.at == NULL) == (expected.at == NULL) &&
				   (got.len == 0 || memcmp(got.at, expected.at, got.len) == 0),
			"%s %s: %.*s", rows[i].words[0], rows[i].words[1], (int)got.len, got.at);
		assert_row(got.at == NULL || got.at[got.len] == '\0', "%s", rows[i].words[0]);
	}
	bana_redis_free(redis);
}

static void a_refusal_leaves_the_connection_usable(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 1000);
	/* clang-format off */
	static const struct { const char *words[4], *why; } rows[] = {
		{{"INCR", "text"}, "! ERR value is not an integer"}, {{"NONSENSE"}, "! ERR unknown command"},
		{{"GET"}, "! ERR wrong number of arguments"}, {{"LPUSH", "text", "x"}, "! WRONGTYPE"},
		{{"EVAL", "return redis.error_reply('MINE own')", "0"}, "! MINE own"},
		{{"EVAL", "return redis.error_reply('MOVEDON x')", "0"}, "! MOVEDON x"},
	};
	/* clang-format on */
	store_told(&store, "SET text abc");
	int64_t id;
	assert_ok(bana_parse_int(ASK("CLIENT", "ID"), 1, INT64_MAX, &id));
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str got = ask(u, redis, rows[i].words);
		assert_row(strncmp(got.at, rows[i].why, strlen(rows[i].why)) == 0, "%s: %.*s",
			rows[i].words[0], (int)got.len, got.at);
		assert_int_equal(1, u->ctx.failure.retry_after_s);
		assert_true(bana_str_is(ASK("GET", "text"), "abc"));
	}
	int64_t id_now;
	assert_ok(bana_parse_int(ASK("CLIENT", "ID"), 1, INT64_MAX, &id_now));
	assert_int_equal(id, id_now); /* the same connection all the time */
	bana_redis_free(redis);
}

/* A reply that comes too late is nobody's. */
static void a_late_reply_is_not_taken_for_the_next(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(store.url, "unit-redis", 100);
	store_told(&store, "MSET a 1 b 2");
	assert_true(bana_str_is(ASK("GET", "a"), "1"));
	kill(store.pid, SIGSTOP);
	int64_t begun = bana_tick_us();
	bana_str got = ASK("GET", "a");
	assert_in_range((bana_tick_us() - begun) / 1000, 90, 190);
	assert_int_equal('!', got.at[0]);
	assert_string_equal("Redis does not answer", u->ctx.failure.message);
	kill(store.pid, SIGCONT);
	for (int i = 0; i < 3; i++)
		assert_true(bana_str_is(ASK("GET", "b"), "2"));
	bana_redis_free(redis);
}

/* ---- the owner of a slot --------------------------------------------------------------------- */

/* Two scripted nodes; the first sends to where the row says, with the port of the second. */
struct moved {
	struct server first, second;
	char answer[96], url[96];
	struct line first_lines[4], second_lines[3];
	struct bana_redis *redis;
};

static void moved_open(struct moved *m, const char *answer, const char *second_says)
{
	memset(m, 0, sizeof *m);
	server_listen(&m->first, false);
	server_listen(&m->second, false);
	const char *at = strstr(answer, "PORT");
	int head = at == NULL ? (int)strlen(answer) : (int)(at - answer);
	char port[16] = "";
	if (at != NULL)
		snprintf(port, sizeof port, "%d", m->second.port);
	snprintf(m->answer, sizeof m->answer, "%.*s%s\r\n", head, answer, port);
	snprintf(m->url, sizeof m->url, "redis://bob:s%%40c@127.0.0.1:%d", m->first.port);
	m->first_lines[0] = (struct line){"GET k", m->answer, 0};
	m->first_lines[1] = (struct line){"GET own", "$3\r\none\r\n", 0};
	m->second_lines[0] = (struct line){"GET", second_says, 0};
	scripted_open(&m->first, m->first_lines);
	scripted_open(&m->second, m->second_lines);
	m->redis = bana_redis_new(m->url, "unit-redis", 100);
}

static void moved_close(struct moved *m)
{
	bana_redis_free(m->redis);
	server_done(&m->first);
	server_done(&m->second);
}

static void a_moved_is_followed_once_with_the_login_kept(void **state)
{
	struct unit *u = *state;
	struct moved m;
	moved_open(&m, "-MOVED 3999 127.0.0.1:PORT", "$3\r\ntwo\r\n");
	struct bana_redis *redis = m.redis;
	assert_true(bana_str_is(ASK("GET", "own"), "one"));
	assert_true(bana_str_is(ASK("GET", "k"), "two"));
	assert_true(bana_str_is(ASK("GET", "k"), "two")); /* stayed with */
	assert_true(scripted_saw(
		&m.first, "AUTH bob s@c\nCLIENT SETNAME unit-redis\nGET own\nGET k\n"));
	assert_true(
		scripted_saw(&m.second, "AUTH bob s@c\nCLIENT SETNAME unit-redis\nGET k\nGET k\n"));
	server_kill(&m.second); /* and not for ever: then those of the settings are asked */
	close(m.second.listener);
	m.second.listener = -1;
	assert_true(bana_str_is(ASK("GET", "own"), "one"));
	moved_close(&m);
}

static void a_moved_that_leads_nowhere_is_unavailable(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *answer, *second_says, *why; int second_asked; } rows[] = {
		{"-MOVED 3999 127.0.0.1:PORT", "-MOVED 3999 127.0.0.1:1\r\n", "! MOVED 3999 127.0.0.1:1", 1}, /* no chase */
		{"-MOVED 3999 127.0.0.1:PORT", "-CLUSTERDOWN Hash slot not served\r\n", "! CLUSTERDOWN", 1},
		{"-MOVED 3999 127.0.0.1:PORT", NULL, "! ", 1},
		{"-MOVED 3999 127.0.0.1:1", NULL, "! ", 0}, {"-MOVED 3999 127.0.0.1:0", NULL, "! ", 0},
		{"-MOVED 3999 127.0.0.1:99999", NULL, "! ", 0}, {"-MOVED 3999 127.0.0.1:x", NULL, "! ", 0},
		{"-MOVED 3999 :PORT", NULL, "! ", 0}, {"-MOVED 3999 [", NULL, "! ", 0}, {"-MOVED 3999 [:PORT", NULL, "! ", 0},
		{"-MOVED 3999 ", NULL, "! ", 0}, {"-MOVED  ", NULL, "! ", 0}, {"-MOVED", NULL, "! MOVED", 0},
		{"-ASK 3999 127.0.0.1:PORT", "$3\r\ntwo\r\n", "! ASK 3999", 0},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct moved m;
		moved_open(&m, rows[i].answer, rows[i].second_says);
		struct bana_redis *redis = m.redis;
		bana_str got = ASK("GET", "k");
		assert_row(strncmp(got.at, rows[i].why, strlen(rows[i].why)) == 0, "%s: %.*s",
			rows[i].answer, (int)got.len, got.at);
		assert_row(scripted_count(&m.second, "GET") == rows[i].second_asked, "%s",
			rows[i].answer);
		if (rows[i].second_asked == 0) /* the settings are good for more */
			assert_true(bana_str_is(ASK("GET", "own"), "one"));
		moved_close(&m);
	}
}

static void nothing_leaks_over_many_failures(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new("unix:///nowhere/a,unix:///nowhere/b", "n", 50);
	for (int i = 0; i < 300; i++)
		assert_fault(UNAVAILABLE, ping(fresh(u), redis));
	bana_redis_free(redis);
	int fd = dup(0);
	assert_true(fd < 32); /* no descriptor was left open */
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_ping_is_answered_on_one_named_connection),
		unit_case(every_publication_arrives_byte_for_byte),
		unit_case(a_refused_publication_is_told),
		unit_case(a_connection_cut_while_idle_costs_nothing),
		unit_case(a_killed_server_is_unavailable_and_found_again),
		unit_case(a_frozen_server_is_given_up_in_time),
		unit_case(every_kind_of_reply_becomes_text),
		unit_case(a_refusal_leaves_the_connection_usable),
		unit_case(a_late_reply_is_not_taken_for_the_next),
		unit_case(a_moved_is_followed_once_with_the_login_kept),
		unit_case(a_moved_that_leads_nowhere_is_unavailable),
		unit_case(nothing_leaks_over_many_failures),
	};
	return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
