#include "unit/server.h"

#include "bana/clock.h"
#include "bana/publisher.h"

/* How often the publisher hands something to the kernel. */
static int sends;
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
	sends++;
	return __real_send(fd, bytes, len, flags);
}

/* What the server says to each request of a connection, in order; the last one again and again. */
struct script {
	const char *answers[4];
	size_t piece;     /* bytes a write; 0: all at once */
	int pause_ms;     /* between pieces */
	int closes_after; /* so many answers; 0: never */
	bool refuses;     /* hang up on accept */
};

static void say(int fd, const struct script *script, const char *text)
{
	size_t len = strlen(text), piece = script->piece == 0 ? len : script->piece;
	for (size_t at = 0; at < len; at += piece) {
		if (write(fd, text + at, len - at < piece ? len - at : piece) < 0)
			return;
		if (script->pause_ms > 0)
			usleep((unsigned)script->pause_ms * 1000);
	}
}

/* Whole requests at the front of what was read: head and the announced body. */
static size_t whole_request(const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);
	const char *length = memmem(text, len, "Content-Length: ", 16);
	if (end == NULL || length == NULL)
		return 0;
	size_t need = (size_t)(end - text) + 4 + strtoul(length + 16, NULL, 10);
	return need <= len ? need : 0;
}

static void serve(int listener, struct seen *seen, void *what)
{
	const struct script *script = what;
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		seen->connections++;
		size_t used = seen->bytes;
		int said = 0;
		while (!script->refuses) {
			ssize_t n =
				read(fd, seen->text + seen->bytes, sizeof seen->text - seen->bytes);
			if (n <= 0)
				break;
			seen->bytes += (size_t)n;
			for (size_t w;
				(w = whole_request(seen->text + used, seen->bytes - used)) > 0;) {
				used += w;
				seen->requests++;
				int a = said < 3 ? said : 3;
				while (a > 0 && script->answers[a] == NULL)
					a--;
				if (script->answers[a] != NULL)
					say(fd, script, script->answers[a]);
				said++;
			}
			if (script->closes_after > 0 && said >= script->closes_after)
				break;
		}
		close(fd);
	}
}

#define CREATED "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
#define QUEUED                                                                   \
	"HTTP/1.1 202 Accepted\r\nServer: nginx\r\ncontent-length:  12 \r\n\r\n" \
	"queued: 1\r\n\r"

struct stage {
	struct unit *u;
	struct server server;
	struct bana_publisher *publisher;
	struct script script;
};

static void stage_open(struct stage *s, void **state, struct script script, int64_t timeout_ms)
{
	char *url;
	s->u = *state;
	s->script = script;
	server_listen(&s->server, true);
	server_run(&s->server, serve, &s->script);
	url = bana_print(s->u->ctx.arena, "http://unix:%s:/pub/", s->server.path);
	s->publisher = bana_publisher_new(url, timeout_ms);
	assert_non_null(s->publisher);
	sends = 0;
}

static void stage_close(struct stage *s)
{
	bana_publisher_free(s->publisher);
	server_done(&s->server);
}

/* Write, then read, as an idle worker does. */
static BANA_RES post(struct stage *s, struct bana_post *posts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		posts[i].body = BYTES("{\"event\":\"e\"}");
	return bana_publisher_ask(&s->u->ctx, s->publisher, posts, count);
}

static void all_posts_leave_in_one_write(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED, QUEUED}}, 2000);
	struct bana_post posts[] = {
		{.room = "room/a", .status = 9}, {.room = "room/b", .status = 9}};
	assert_ok(post(&s, posts, 2));
	assert_int_equal(1, sends);
	assert_int_equal(201, posts[0].status);
	assert_int_equal(202, posts[1].status);
	assert_string_equal(s.server.seen->text,
		"POST /pub/room/a HTTP/1.1\r\nHost: publisher\r\nContent-Type: application/json\r\n"
		"Content-Length: 13\r\n\r\n{\"event\":\"e\"}"
		"POST /pub/room/b HTTP/1.1\r\nHost: publisher\r\nContent-Type: application/json\r\n"
		"Content-Length: 13\r\n\r\n{\"event\":\"e\"}");
	stage_close(&s);
}

static void the_connection_is_kept(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED}}, 2000);
	for (int i = 0; i < 5; i++) {
		struct bana_post one = {.room = "r", .status = 0};
		assert_ok(post(&s, &one, 1));
		assert_int_equal(201, one.status);
	}
	assert_int_equal(1, s.server.seen->connections);
	assert_int_equal(5, s.server.seen->requests);
	stage_close(&s);
}

static void a_connection_gone_stale_is_replaced(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED}}, 2000);
	struct bana_post one = {.room = "r", .status = 0};
	assert_ok(post(&s, &one, 1));
	server_kill(&s.server);
	server_run(&s.server, serve, &s.script);
	assert_ok(post(&s, &one, 1));
	assert_int_equal(2, s.server.seen->connections);
	stage_close(&s);
}

static void an_answer_may_come_in_pieces(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {QUEUED, CREATED}, .piece = 3}, 5000);
	struct bana_post posts[] = {
		{.room = "a", .status = 0}, {.room = "b", .status = 0}, {.room = "c", .status = 0}};
	assert_ok(post(&s, posts, 3));
	assert_int_equal(202, posts[0].status);
	assert_int_equal(201, posts[1].status);
	assert_int_equal(201, posts[2].status);
	stage_close(&s);
}

static void the_deadline_is_kept(void **state)
{
	/* clang-format off */
	static const struct { const char *says; struct script script; } rows[] = {
		{"no answer", {.answers = {NULL}}},
		{"drop by drop", {.answers = {CREATED}, .piece = 1, .pause_ms = 30}},
		{"half a head", {.answers = {"HTTP/1.1 201 Created\r\n"}}},
		{"half a body", {.answers = {"HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\nx"}}},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stage s;
		stage_open(&s, state, rows[i].script, 150);
		struct bana_post posts[] = {{.room = "a", .status = 7}, {.room = "b", .status = 7}};
		int64_t begun = bana_tick_us();
		assert_row(post(&s, posts, 2).fault == BANA_UNAVAILABLE, "%s", rows[i].says);
		int64_t took_ms = (bana_tick_us() - begun) / 1000;
		assert_row(took_ms >= 140 && took_ms < 600, "%s: %lld ms", rows[i].says,
			(long long)took_ms);
		assert_int_equal(0, posts[1].status);
		stage_close(&s);
		fresh(s.u);
	}
}

static void what_is_known_of_each_post_is_told(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED}, .closes_after = 1}, 1000);
	s.script.answers[1] = NULL;
	struct bana_post posts[] = {{.room = "a", .status = 0}, {.room = "b", .status = 0}};
	bana_res r = post(&s, posts, 2);
	/* the server says the last answer again: both are answered, then it hangs up */
	assert_int_equal(BANA_OK, r.fault);
	stage_close(&s);
	stage_open(&s, state, (struct script){.answers = {CREATED, ""}, .closes_after = 2}, 1000);
	assert_fault(UNAVAILABLE, post(&s, posts, 2));
	assert_int_equal(201, posts[0].status);
	assert_int_equal(0, posts[1].status);
	stage_close(&s);
}

static void any_status_is_reported_as_it_is(void **state)
{
	/* clang-format off */
	static const struct { const char *answer; int status; } rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403},
		{"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops", 500},
		{"HTTP/1.1 503 Service Unavailable\r\nCONTENT-LENGTH: 0\r\n\r\n", 503},
		{"HTTP/1.1 204 No Content\r\n\r\n", 204},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stage s;
		stage_open(&s, state, (struct script){.answers = {rows[i].answer}}, 1000);
		struct bana_post one = {.room = "a", .status = 0};
		assert_ok(post(&s, &one, 1));
		assert_int_equal(rows[i].status, one.status);
		assert_ok(post(&s, &one, 1)); /* and the connection is still in step */
		assert_int_equal(rows[i].status, one.status);
		assert_int_equal(1, s.server.seen->connections);
		stage_close(&s);
		fresh(s.u);
	}
}

static char garbage[20000];

static void garbage_is_no_success(void **state)
{
	memset(garbage, 'g', sizeof garbage - 1);
	const char *const rows[] = {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 xyz\r\n\r\n", "HTTP/1.1 999 What\r\n\r\n",
		garbage, "HTTP/1.1 201 Created\r\nContent-Length: 9000\r\n\r\n"};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stage s;
		stage_open(
			&s, state, (struct script){.answers = {rows[i]}, .closes_after = 1}, 300);
		struct bana_post one = {.room = "a", .status = 0};
		bana_res r = post(&s, &one, 1);
		assert_row(r.fault != BANA_OK || (one.status != 201 && one.status != 202),
			"row %zu gave %d", i, one.status);
		stage_close(&s);
		fresh(s.u);
	}
}

static void nobody_there_is_unavailable_at_once(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.refuses = true}, 1000);
	struct bana_post one = {.room = "a", .status = 3};
	assert_fault(UNAVAILABLE, post(&s, &one, 1));
	server_kill(&s.server);
	close(s.server.listener);
	int64_t begun = bana_tick_us();
	assert_fault(UNAVAILABLE, post(&s, &one, 1));
	assert_true(bana_tick_us() - begun < 500000);
	assert_int_equal(0, one.status);
	assert_int_equal(1, s.u->ctx.failure.retry_after_s);
	s.server.listener = -1;
	stage_close(&s);
}

static void it_comes_back_by_itself(void **state)
{
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED}}, 1000);
	struct bana_post one = {.room = "a", .status = 0};
	kill(s.server.pid, SIGSTOP);
	bana_publisher_free(s.publisher);
	s.publisher = bana_publisher_new(
		bana_print(s.u->ctx.arena, "http://unix:%s:/pub/", s.server.path), 100);
	assert_fault(UNAVAILABLE, post(&s, &one, 1)); /* frozen */
	kill(s.server.pid, SIGCONT);
	server_kill(&s.server);
	server_run(&s.server, serve, &s.script);
	for (int i = 0; i < 3 && post(&s, &one, 1).fault != BANA_OK; i++)
		continue;
	assert_int_equal(201, one.status);
	stage_close(&s);
}

static void loopback_works_as_well(void **state)
{
	struct unit *u = *state;
	struct server server;
	struct script script = {.answers = {CREATED}};
	server_listen(&server, false);
	server_run(&server, serve, &script);
	char *url = bana_print(u->ctx.arena, "http://127.0.0.1:%d/p/", server.port);
	struct bana_publisher *p = bana_publisher_new(url, 1000);
	struct bana_post one = {.room = "a", .status = 0};
	one.body = BYTES("x");
	assert_ok(bana_publisher_write(&u->ctx, p, &one, 1));
	assert_ok(bana_publisher_read(&u->ctx, p, &one, 1));
	assert_int_equal(201, one.status);
	assert_int_equal(0, strncmp(server.seen->text, "POST /p/a HTTP/1.1\r\n", 20));
	bana_publisher_free(p);
	server_done(&server);
}

static void addresses_are_told_apart(void **state)
{
	/* clang-format off */
	static const struct { const char *url; bool good; } rows[] = {
		{"http://127.0.0.1:8081/pub/", true}, {"http://localhost/pub/", true}, {"http://unix:/a/b.sock:/pub/", true},
		{"http://h/", true}, {"", false}, {"https://h/pub/", false}, {"http://", false}, {"http:///pub/", false},
		{"http://host", false}, {"unix:/a:/pub/", false}, {"http://unix:/a/b.sock", false},
		{"http://unix:/a/b.sock:pub/", false}, {"http://unix::/pub/", false}, {"http://:80/pub/", false},
		{"http://unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
			"0123456789012345678901234567890123456789:/pub/", false},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_publisher *p = bana_publisher_new(rows[i].url, 10);
		assert_row((p != NULL) == rows[i].good, "%s", rows[i].url);
		bana_publisher_free(p);
	}
	bana_publisher_free(NULL);
}

static void a_trace_is_a_header_of_its_own_post(void **state)
{
	static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	struct stage s;
	stage_open(&s, state, (struct script){.answers = {CREATED}}, 1000);
	struct bana_post posts[] = {{.room = "a", .body = BANA_STR("1")},
		{.room = "b", .body = BANA_STR("2"), .trace = trace}};
	assert_ok(bana_publisher_ask(&s.u->ctx, s.publisher, posts, COUNT(posts)));
	const char *second = strstr(s.server.seen->text, "POST /pub/b"),
		   *header = strstr(s.server.seen->text,
			   bana_join(s.u->ctx.arena, "\r\ntraceparent: ", trace, "\r\n", NULL));
	assert_non_null(second);
	assert_true(header > second);
	assert_null(strstr(header + 3, "traceparent"));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(all_posts_leave_in_one_write),
		unit_case(the_connection_is_kept),
		unit_case(a_connection_gone_stale_is_replaced),
		unit_case(an_answer_may_come_in_pieces),
		unit_case(the_deadline_is_kept),
		unit_case(what_is_known_of_each_post_is_told),
		unit_case(any_status_is_reported_as_it_is),
		unit_case(garbage_is_no_success),
		unit_case(nobody_there_is_unavailable_at_once),
		unit_case(it_comes_back_by_itself),
		unit_case(a_trace_is_a_header_of_its_own_post),
		unit_case(loopback_works_as_well),
		cmocka_unit_test(addresses_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
