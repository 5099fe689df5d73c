#include "unit/server.h"

#include "bana/clock.h"
#include "bana/http.h"
#include "bana/network.h"

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

static const char *const no_headers[] = {NULL};

static struct bana_parcel parcel(const char *url, const struct bana_networks *networks)
{
	return (struct bana_parcel){.url = url,
		.headers = no_headers,
		.body = bana_str_of("{}"),
		.timeout_ms = 5000,
		.plain = true,
		.networks = networks};
}

/* localhost is ::1 and 127.0.0.1: of one refused and one that nobody listens at, the other's fate
 * is told. */
static void what_is_told_of_several_addresses_is_why_an_allowed_one_failed(void **state)
{
	struct unit *u = *state;
	static const struct {
		const char *networks;
		bool refused;
	} rows[] = {{"127.0.0.0/8", false}, {"::1", false}, {"10.0.0.0/8", true}, {"", true}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_networks networks;
		struct bana_http *http = bana_http_new();
		assert_ok(bana_networks_parse(u->ctx.arena, rows[i].networks, &networks));
		struct bana_parcel p = parcel("http://localhost:1/", &networks), *done = NULL;
		bana_http_post(http, &p);
		while (done == NULL)
			done = bana_http_done(http, 100);
		assert_ptr_equal(&p, done);
		assert_int_equal(0, p.status);
		assert_row((strcmp(p.why, "its address is not allowed") == 0) == rows[i].refused,
			"%s: %s", rows[i].networks, p.why);
		bana_http_free(http);
	}
}

/* A leak is the sanitizer's to find. */
static void what_is_under_way_is_broken_off_with_its_client(void **state)
{
	static const struct says says = {"HTTP/1.1 204 No Content\r\n\r\n", 10000};
	struct unit *u = *state;
	struct server server;
	struct bana_networks networks;
	struct bana_http *http = bana_http_new();
	server_listen(&server, false);
	server_run(&server, serve, (void *)(uintptr_t)&says);
	assert_ok(bana_networks_parse(u->ctx.arena, "127.0.0.1", &networks));
	const char *url = bana_print(u->ctx.arena, "http://127.0.0.1:%d/", server.port);
	struct bana_parcel parcels[] = {parcel(url, &networks), parcel(url, &networks)};
	for (size_t i = 0; i < COUNT(parcels); i++)
		bana_http_post(http, &parcels[i]);
	while (server.seen->connections == 0)
		assert_null(bana_http_done(http, 20));
	bana_http_free(http);
	for (size_t i = 0; i < COUNT(parcels); i++)
		assert_true(parcels[i].handle == NULL && parcels[i].list == NULL);
	server_done(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_document_is_fetched_or_the_reason_told),
		unit_case(a_unix_socket_is_asked_and_the_trace_goes_along),
		unit_case(files_are_read_and_other_schemes_refused),
		unit_case(what_is_told_of_several_addresses_is_why_an_allowed_one_failed),
		unit_case(what_is_under_way_is_broken_off_with_its_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
