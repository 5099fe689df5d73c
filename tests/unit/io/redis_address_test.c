/* src/io/redis.c: what its addresses mean. */
#include "unit/redis.h"

#include "bana/redis.h"

static BANA_RES ping(struct bana_ctx *ctx, struct bana_redis *redis)
{
	bana_str reply;
	return bana_redis_ask(ctx, redis, (const char *const[]){"PING", NULL}, &reply);
}

static void addresses_are_tried_in_order(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *format; bool good; } rows[] = {
		{"%s", true}, {" %s ", true}, {"unix:///nowhere/sock,%s", true},
		{"redis://127.0.0.1:1, %s", true}, {",,%s,", true}, {"nonsense,%s", true},
		{"rediss://127.0.0.1:1,%s", true}, {"redis://[,redis://[:1,redis://[],redis://[]:1,%s", true},
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
				rows[i].format, store.url, mark + 2);
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

static void only_addresses_that_can_be_used_are_valid(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { const char *urls; bool valid; } rows[] = {
		{"redis://h", true}, {"redis://h:6379", true}, {"redis://u:p@h:1", true}, {"redis://:p@h", true},
		{"redis://[::1]:6379", true}, {"unix:///run/redis.sock", true}, {"redis://a,redis://b", true},
		{" redis://a , unix:///b ", true}, {"redis://h/0", true},
		{"rediss://h", false}, {"rediss://u:p@h:6380", false}, {"redis://a,rediss://b", false},
		{"http://h", false}, {"REDIS://h", false}, {"h:6379", false}, {"redis://", false}, {"redis:/h", false},
		{"unix://", false}, {"unix:///", false}, {"unix://run/sock", false}, {"unix:/run/sock", false},
		{"redis://a,,redis://b", false}, {",redis://a", false}, {" ", false}, {"redis", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(
			bana_redis_urls_valid(rows[i].urls) == rows[i].valid, "%s", rows[i].urls);
}

static void the_login_is_said_as_the_address_means_it(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *login, *path, *said; } rows[] = {
		{"", "", ""}, {"bob:secret@", "", "AUTH bob secret\n"}, {":secret@", "", "AUTH secret\n"},
		{"bob@", "", ""}, {"@", "", ""}, {":@", "", ""}, {"bob:a:b@", "", "AUTH bob a:b\n"},
		{"b%40b:s%3Ac%2Cr%2fe%25+t@", "/0", "AUTH b@b s:c,r/e%+t\n"},
		{"%C3%A4:%E6%BC%A2@", "/", "AUTH \xC3\xA4 \xE6\xBC\xA2\n"},
		{"%zz:p@", "", NULL}, {"bob:%4@", "", NULL}, {"bob:%00@", "", NULL}, {"bob:%FF@", "", NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct server s = {0};
		struct line lines[] = {{0}};
		char address[128], said[128];
		scripted_open(&s, lines);
		snprintf(address, sizeof address, "redis://%s127.0.0.1:%d%s", rows[i].login, s.port,
			rows[i].path);
		snprintf(said, sizeof said, "%sCLIENT SETNAME unit-redis\nPING\n",
			rows[i].said == NULL ? "" : rows[i].said);
		struct bana_redis *redis = bana_redis_new(address, "unit-redis", 500);
		bana_res r = ping(fresh(u), redis);
		assert_row((r.fault == BANA_OK) == (rows[i].said != NULL), "%s", address);
		assert_row(scripted_saw(&s, rows[i].said == NULL ? "" : said), "%s: %s", address,
			s.seen->text);
		bana_redis_free(redis);
		server_done(&s);
	}
}

static void who_is_not_let_in_tries_the_next(void **state)
{
	struct unit *u = *state;
	struct server s = {0};
	struct line lines[] = {{"AUTH", "-WRONGPASS invalid\r\n", 0}, {0}};
	char urls[256];
	scripted_open(&s, lines);
	snprintf(urls, sizeof urls, "redis://u:p@127.0.0.1:%d", s.port);
	struct bana_redis *redis = bana_redis_new(urls, "unit-redis", 500);
	assert_fault(UNAVAILABLE, ping(fresh(u), redis));
	assert_true(scripted_saw(&s, "AUTH u p\n")); /* and nothing after it */
	bana_redis_free(redis);
	snprintf(urls, sizeof urls, "redis://u:p@127.0.0.1:%d,%s", s.port, store.url);
	redis = bana_redis_new(urls, "unit-redis", 500);
	assert_ok(ping(fresh(u), redis));
	bana_redis_free(redis);
	server_done(&s);
}

/* Against the real one; with IPv6 where the host has it. */
static void hosts_and_ports_are_told_apart(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *format; bool good; } rows[] = {
		{"redis://127.0.0.1:%d", true}, {"redis://localhost:%d", true}, {"redis://[127.0.0.1]:%d", true},
		{"redis://127.0.0.1:%d/5", true}, {"redis://[::1]:%d", true}, {"redis://::1:%d", true},
		{"redis://[::1]:%d/", true}, {"redis://[::1:%d", false}, {"redis://[::1]x:%d", false},
		{"redis://127.0.0.1:0%d", false}, {"redis://127.0.0.1:%dx", false}, {"redis://:%d", false},
	};
	/* clang-format on */
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool v6 = bind(fd, (struct sockaddr *)&any, sizeof any) == 0;
	close(fd);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char address[64];
		const char *mark = strstr(rows[i].format, "%d");
		if (strstr(rows[i].format, "::1") != NULL && rows[i].good && !v6)
			continue;
		snprintf(address, sizeof address, "%.*s%d%s", (int)(mark - rows[i].format),
			rows[i].format, store.port, mark + 2);
		struct bana_redis *redis = bana_redis_new(address, "unit-redis", 500);
		bana_res r = ping(fresh(u), redis);
		assert_row((r.fault == BANA_OK) == rows[i].good, "%s: %s", address,
			u->ctx.failure.why);
		bana_redis_free(redis);
	}
}

/* Nobody is there, but it was an address. */
static void a_port_may_be_left_out(void **state)
{
	struct unit *u = *state;
	static const char *const urls[] = {"redis://[::2]", "redis://u:p@[::2]/0"};
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct bana_redis *redis = bana_redis_new(urls[i], "unit-redis", 100);
		assert_fault(UNAVAILABLE, ping(fresh(u), redis));
		assert_string_not_equal("no Redis address could be used", u->ctx.failure.why);
		bana_redis_free(redis);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(addresses_are_tried_in_order),
		unit_case(only_addresses_that_can_be_used_are_valid),
		unit_case(the_login_is_said_as_the_address_means_it),
		unit_case(who_is_not_let_in_tries_the_next),
		unit_case(hosts_and_ports_are_told_apart),
		unit_case(a_port_may_be_left_out),
	};
	return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
