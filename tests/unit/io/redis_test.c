#include "unit/support.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <hiredis/hiredis.h>

#include "bana/clock.h"
#include "bana/redis.h"

/* A real server of our own, on a unix socket in a folder of its own. */
static char dir[] = "/tmp/bana-redis-XXXXXX", path[64], url[80];
static pid_t pid;

static redisContext *observer(void)
{
	struct timeval patience = {.tv_sec = 5};
	redisContext *c = redisConnectUnixWithTimeout(path, patience);
	if (c != NULL && c->err == 0) {
		redisSetTimeout(c, patience);
		return c;
	}
	if (c != NULL)
		redisFree(c);
	return NULL;
}

static int start(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/sock", dir);
	snprintf(url, sizeof url, "unix://%s", path);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive a test that crashed */
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path,
			"--save", "", "--appendonly", "no", "--dir", dir, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000; i++) { /* until it listens: at most 5 s */
		redisContext *c = observer();
		if (c != NULL) {
			redisFree(c);
			return 0;
		}
		usleep(5000);
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			fprintf(stderr, "redis-server is missing or does not start\n");
			return 1;
		}
	}
	return 1;
}

static int stop(void **state)
{
	(void)state;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	return 0;
}

static int start_first(void **state)
{
	return mkdtemp(dir) == NULL ? 1 : start(state);
}

static int stop_last(void **state)
{
	stop(state);
	return rmdir(dir);
}

static long long number(redisContext *c, const char *command)
{
	redisReply *r = redisCommand(c, command);
	long long n = r != NULL && r->type == REDIS_REPLY_INTEGER ? r->integer : -1;
	if (r != NULL)
		freeReplyObject(r);
	return n;
}

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
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 1000);
	for (int i = 0; i < 3; i++)
		assert_ok(ping(&u->ctx, redis));
	redisContext *c = observer();
	assert_true(text_has(c, "CLIENT LIST", "name=unit-redis "));
	assert_true(text_has(c, "INFO clients", "connected_clients:2\r"));
	redisFree(c);
	bana_redis_free(redis);
}

static void every_publication_arrives_byte_for_byte(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 1000);
	redisContext *c = observer();
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
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 1000);
	assert_ok(ping(&u->ctx, redis));
	redisContext *c = observer();
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
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 1000);
	assert_ok(ping(&u->ctx, redis));
	redisContext *c = observer();
	assert_int_equal(1, number(c, "CLIENT KILL TYPE normal SKIPME yes"));
	redisFree(c);
	assert_ok(ping(&u->ctx, redis));
	stop(state);
	assert_int_equal(0, start(state));
	struct bana_publication p = {"a", BYTES("x"), 7};
	assert_ok(publish(&u->ctx, redis, &p, 1));
	bana_redis_free(redis);
}

static void a_killed_server_is_unavailable_and_found_again(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 100);
	assert_ok(ping(&u->ctx, redis));
	stop(state);
	struct bana_publication p = {"a", BYTES("x"), 7};
	int64_t begun = bana_tick_us();
	assert_fault(UNAVAILABLE, ping(&u->ctx, redis));
	assert_fault(UNAVAILABLE, publish(fresh(u), redis, &p, 1));
	assert_true(bana_tick_us() - begun < 300000);
	assert_int_equal(1, u->ctx.failure.retry_after_s);
	assert_non_null(u->ctx.failure.why);
	assert_int_equal(0, start(state));
	assert_ok(ping(fresh(u), redis));
	bana_redis_free(redis);
}

/* The contract of admission is 100 ms; a new connection may take one time-out for each step. */
static void a_frozen_server_is_given_up_in_time(void **state)
{
	struct unit *u = *state;
	struct bana_redis *redis = bana_redis_new(url, "unit-redis", 100);
	assert_ok(ping(&u->ctx, redis));
	kill(pid, SIGSTOP);
	struct bana_publication p[] = {{"a", BYTES("x"), 7}, {"b", BYTES("x"), 7}};
	for (int i = 0; i < 4; i++) {
		int64_t begun = bana_tick_us();
		bana_res r = i % 2 == 0 ? ping(fresh(u), redis) : publish(fresh(u), redis, p, 2);
		int64_t took_ms = (bana_tick_us() - begun) / 1000;
		assert_int_equal(BANA_UNAVAILABLE, r.fault);
		assert_in_range(took_ms, 90, 290);
	}
	kill(pid, SIGCONT);
	assert_ok(ping(fresh(u), redis));
	bana_redis_free(redis);
}

static void addresses_are_tried_in_order(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *format; bool good; } rows[] = {
		{"%s", true}, {" %s ", true}, {"unix:///nowhere/sock,%s", true},
		{"redis://127.0.0.1:1, %s", true}, {",,%s,", true}, {"nonsense,%s", true},
		{"redis://127.0.0.1:1/%.0s", false}, {"unix:///nowhere%.0s", false}, {"nonsense%.0s", false},
		{"redis://h:99999%.0s", false}, {"redis://%%zz:p@127.0.0.1:1%.0s", false}, {"%.0s", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		char urls[256];
		int len = snprintf(urls, sizeof urls, "%s", "");
		const char *mark = strstr(rows[i].format, "%s");
		if (mark != NULL)
			snprintf(urls + len, sizeof urls, "%.*s%s%s", (int)(mark - rows[i].format),
				rows[i].format, url, mark + 2);
		else
			snprintf(urls, sizeof urls, "%.*s",
				(int)(strstr(rows[i].format, "%.0s") - rows[i].format),
				rows[i].format);
		struct bana_redis *redis = bana_redis_new(urls, "unit-redis", 500);
		bana_res r = ping(fresh(u), redis);
		assert_row((r.fault == BANA_OK) == rows[i].good, "%s", urls);
		bana_redis_free(redis);
	}
	bana_redis_free(NULL);
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
		unit_case(addresses_are_tried_in_order),
		unit_case(nothing_leaks_over_many_failures),
	};
	return cmocka_run_group_tests(tests, start_first, stop_last);
}
