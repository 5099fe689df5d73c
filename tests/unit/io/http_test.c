#include "unit/server.h"

#include "bana/clock.h"
#include "bana/http.h"

/* Say one text to whoever connects, after a pause. */
struct says {
	const char *text;
	unsigned pause_ms;
};

static void serve(int listener, struct seen *seen, void *what)
{
	const struct says *says = what;
	char request[4096];
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		seen->connections++;
		ssize_t n = read(fd, request, sizeof request);
		if (n <= 0) {
			close(fd);
			continue;
		}
		memcpy(seen->text, request, (size_t)n);
		seen->bytes = (size_t)n;
		usleep(says->pause_ms * 1000);
		if (write(fd, says->text, strlen(says->text)) > 0)
			seen->requests++;
		close(fd);
	}
}

static void a_document_is_fetched_or_the_reason_told(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { struct says says; const char *body; } rows[] = {
		{{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0}, "{}"},
		{{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", 0}, "abc"},
		{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 0}, "abc"},
		{{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0}, ""},
		{{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", 0}, NULL},
		{{"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", 0}, NULL},
		{{"HTTP/1.1 204 No Content\r\n\r\n", 0}, NULL},
		{{"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 0}, NULL},
		{{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", 0}, NULL},
		{{"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nelevenbytes", 0}, NULL},
		{{"HTTP/1.1 200 OK\r\n\r\nmore than ten bytes", 0}, NULL},
		{{"garbage", 0}, NULL}, {{"", 0}, NULL},
		{{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 700}, NULL},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct server server;
		server_listen(&server, false);
		server_run(&server, serve, (void *)(uintptr_t)&rows[i].says);
		struct bana_ctx *ctx = fresh(u);
		bana_str body;
		int64_t begun = bana_tick_us();
		bana_res r = bana_http_get(ctx,
			bana_print(ctx->arena, "http://127.0.0.1:%d/keys", server.port), 300, 10,
			&body);
		assert_row(bana_tick_us() - begun < 650000, "row %zu took too long", i);
		if (rows[i].body != NULL)
			assert_row(r.fault == BANA_OK && bana_str_is(body, rows[i].body), "row %zu",
				i);
		else
			assert_row(r.fault == BANA_UNAVAILABLE && ctx->failure.why != NULL,
				"row %zu", i);
		assert_row(server.seen->connections <= 1, "row %zu followed", i);
		server_done(&server);
	}
}

static void files_are_read_and_other_schemes_refused(void **state)
{
	struct unit *u = *state;
	char path[] = "/tmp/bana-http-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(5, write(fd, "hello", 5));
	close(fd);
	bana_str body;
	const char *url = bana_print(u->ctx.arena, "file://%s", path);
	assert_ok(bana_http_get(&u->ctx, url, 1000, 5, &body));
	assert_true(bana_str_is(body, "hello"));
	assert_fault(UNAVAILABLE, bana_http_get(&u->ctx, url, 1000, 4, &body));
	unlink(path);
	assert_fault(UNAVAILABLE, bana_http_get(&u->ctx, url, 1000, 5, &body));
	static const char *const others[] = {"", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
		"dict://127.0.0.1/x", "nonsense", "http://127.0.0.1:1/"};
	for (size_t i = 0; i < COUNT(others); i++)
		assert_row(
			bana_http_get(fresh(u), others[i], 300, 5, &body).fault == BANA_UNAVAILABLE,
			"%s", others[i]);
}

static void a_unix_socket_is_asked_and_the_trace_goes_along(void **state)
{
	static const struct bana_trace trace = {
		"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01"};
	static const struct says says = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0};
	struct unit *u = *state;
	for (int traced = 0; traced < 2; traced++) {
		struct server server;
		struct bana_ctx *ctx = fresh(u);
		bana_str body;
		server_listen(&server, true);
		server_run(&server, serve, (void *)(uintptr_t)&says);
		ctx->trace = traced ? &trace : NULL;
		const char *url = bana_print(ctx->arena, "http://unix:%s:/status", server.path);
		assert_ok(bana_http_get(ctx, url, 1000, 10, &body));
		assert_true(bana_str_is(body, "ok"));
		assert_int_equal(0, strncmp(server.seen->text, "GET /status HTTP/1.1\r\n", 22));
		assert_int_equal(traced,
			strstr(server.seen->text,
				"\r\ntraceparent: "
				"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n") !=
				NULL);
		assert_int_equal(traced, strstr(server.seen->text, "traceparent") != NULL);
		server_done(&server);
		assert_fault(UNAVAILABLE, bana_http_get(ctx, url, 300, 10, &body));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_document_is_fetched_or_the_reason_told),
		unit_case(a_unix_socket_is_asked_and_the_trace_goes_along),
		unit_case(files_are_read_and_other_schemes_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
