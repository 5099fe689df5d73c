#include "unit/server.h"

#include <poll.h>

#include "bana/clock.h"
#include "bana/fcgi.h"

/*
 * A worker in a process of its own, and a client that writes FastCGI records by hand. The worker
 * answers with what it took in; MODE=wait makes it wait for a byte on a pipe before it answers.
 */
struct pipes {
	int busy[2], go[2];
};

static void nothing(void *what)
{
	(void)what;
}

static void answer(struct bana_fcgi *fcgi, struct bana_arena *arena, struct pipes *pipes)
{
	enum { BODY_MAX = 200000 };
	bana_str body = {"", 0};
	bana_res r = bana_fcgi_body(fcgi, arena, BODY_MAX, &body);
	const char *mode = bana_fcgi_param(fcgi, "MODE"), *name = bana_fcgi_param(fcgi, "NAME");
	unsigned sum = 0;
	char byte;
	for (size_t i = 0; i < body.len; i++)
		sum = sum * 31 + (unsigned char)body.at[i];
	if (mode != NULL && strcmp(mode, "wait") == 0 &&
		(write(pipes->busy[1], "b", 1) != 1 || read(pipes->go[0], &byte, 1) != 1))
		_exit(9);
	const char *text =
		bana_print(arena, "Status: 200\r\nContent-Type: text/plain\r\n\r\n%s %zu %u %s",
			bana_fault_row(r.fault)->slug, body.len, sum, name == NULL ? "-" : name);
	bana_fcgi_write(fcgi, bana_str_of(text));
	if (mode != NULL && strcmp(mode, "big") == 0)
		bana_fcgi_write(
			fcgi, (bana_str){memset(bana_alloc(arena, 150000), 'z', 150000), 150000});
}

static void work(int listener, struct seen *seen, void *what)
{
	struct bana_fcgi *fcgi = bana_fcgi_new(listener, 1000);
	struct bana_arena *arena = bana_arena_new();
	while (bana_fcgi_accept(fcgi, nothing, NULL)) {
		seen->requests++;
		answer(fcgi, arena, what);
		seen->connections += bana_fcgi_finish(fcgi) ? 1 : 0; /* whole ones */
		bana_arena_reset(arena);
	}
	bana_arena_free(arena);
	bana_fcgi_free(fcgi);
}

static struct server worker;
static struct pipes pipes;

static int start(void **state)
{
	(void)state;
	if (pipe(pipes.busy) != 0 || pipe(pipes.go) != 0)
		return 1;
	server_listen(&worker, true);
	server_run(&worker, work, &pipes);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	server_done(&worker);
	close(pipes.busy[0]);
	close(pipes.busy[1]);
	close(pipes.go[0]);
	close(pipes.go[1]);
	return 0;
}

/* The worker ends by itself, with status 0. */
static void assert_ends_well(void)
{
	int status = -1;
	assert_int_equal(worker.pid, waitpid(worker.pid, &status, 0));
	assert_int_equal(0, status);
	worker.pid = -1;
}

static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	memcpy(to.sun_path, worker.path, strlen(worker.path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&to, sizeof to));
	return fd;
}

enum { BEGIN = 1, PARAMS = 4, STDIN = 5 };

/* Send; false when the worker has hung up. */
static bool put(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool record(int fd, int type, const void *content, size_t len)
{
	const unsigned char head[8] = {
		1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};
	return put(fd, head, sizeof head) && (len == 0 || put(fd, content, len));
}

static void begin(int fd)
{
	static const unsigned char responder[8] = {0, 1};
	assert_true(record(fd, BEGIN, responder, sizeof responder));
}

/* Pairs of names and values, closed by NULL. */
static void params(int fd, ...)
{
	va_list args;
	va_start(args, fd);
	for (const char *name = va_arg(args, const char *); name != NULL;
		name = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);
		size_t n = strlen(name), v = strlen(value);
		unsigned char *pair = malloc(5 + n + v);
		assert_non_null(pair);
		pair[0] = (unsigned char)n;
		const unsigned char length[4] = {(unsigned char)(0x80 | v >> 24),
			(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};
		memcpy(pair + 1, length, 4);
		memcpy(pair + 5, name, n);
		memcpy(pair + 5 + n, value, v);
		assert_true(record(fd, PARAMS, pair, 5 + n + v));
		free(pair);
	}
	va_end(args);
	assert_true(record(fd, PARAMS, NULL, 0));
}

/* All stdout of the answer, until the worker hangs up; "" when there was none. */
static const char *read_answer(int fd)
{
	static char text[400000];
	static unsigned char raw[400000];
	size_t have = 0, len = 0;
	for (ssize_t n; (n = read(fd, raw + have, sizeof raw - have)) > 0;)
		have += (size_t)n;
	close(fd);
	for (size_t at = 0; at + 8 <= have;) {
		size_t content = (size_t)raw[at + 4] << 8 | raw[at + 5];
		if (raw[at + 1] == 6) {
			memcpy(text + len, raw + at + 8, content);
			len += content;
		}
		at += 8 + content + raw[at + 6];
	}
	text[len] = '\0';
	const char *body = strstr(text, "\r\n\r\n");
	return body == NULL ? "" : body + 4;
}

static unsigned sum_of(const char *body, size_t len)
{
	unsigned sum = 0;
	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)body[i];
	return sum;
}

static void a_request_is_taken_and_answered(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) { /* one after the other, each on its own connection */
		int fd = dial();
		begin(fd);
		params(fd, "CONTENT_LENGTH", "5", "NAME", "value", NULL);
		record(fd, STDIN, "hello", 5);
		record(fd, STDIN, NULL, 0);
		char expected[64];
		snprintf(expected, sizeof expected, "ok 5 %u value", sum_of("hello", 5));
		assert_string_equal(read_answer(fd), expected);
	}
	int64_t deadline = bana_tick_us() + 2000000; /* the worker counts after it hung up */
	while (worker.seen->connections < 3 && bana_tick_us() < deadline)
		usleep(1000);
	assert_int_equal(3, worker.seen->connections);
}

static void bodies_are_taken_whole_or_refused(void **state)
{
	static char body[300000];
	/* clang-format off */
	static const struct { const char *announced; size_t sent; const char *fault; } rows[] = {
		{"0", 0, "ok"}, {"", 0, "ok"}, {"1", 1, "ok"}, {"65535", 65535, "ok"}, {"65536", 65536, "ok"},
		{"200000", 200000, "ok"}, {"200001", 200001, "too-large"}, {"299999", 299999, "too-large"},
		{"9223372036854775807", 10, "too-large"}, {"10", 5, "malformed"}, {"200000", 0, "malformed"},
		{"-1", 0, "malformed"}, {"abc", 3, "malformed"}, {"0x10", 16, "malformed"}, {" 1", 1, "malformed"},
		{"99999999999999999999", 1, "malformed"}, {"1,1", 1, "malformed"},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial();
		begin(fd);
		params(fd, "CONTENT_LENGTH", rows[i].announced, NULL);
		for (size_t at = 0; at < rows[i].sent;) {
			size_t piece = rows[i].sent - at < 32000 ? rows[i].sent - at : 32000;
			assert_row(record(fd, STDIN, body + at, piece), "%s", rows[i].announced);
			at += piece;
		}
		record(fd, STDIN, NULL, 0);
		char expected[64];
		bool good = strcmp(rows[i].fault, "ok") == 0;
		snprintf(expected, sizeof expected, "%s %zu %u -", rows[i].fault,
			good ? rows[i].sent : 0, good ? sum_of(body, rows[i].sent) : 0);
		assert_string_equal(read_answer(fd), expected);
	}
}

static void more_than_announced_is_not_read(void **state)
{
	(void)state;
	int fd = dial();
	begin(fd);
	params(fd, "CONTENT_LENGTH", "2", NULL);
	record(fd, STDIN, "hello", 5);
	record(fd, STDIN, NULL, 0);
	char expected[64];
	snprintf(expected, sizeof expected, "ok 2 %u -", sum_of("he", 2));
	assert_string_equal(read_answer(fd), expected);
}

static void a_large_answer_arrives_whole(void **state)
{
	(void)state;
	int fd = dial();
	begin(fd);
	params(fd, "MODE", "big", NULL);
	record(fd, STDIN, NULL, 0);
	const char *text = read_answer(fd);
	assert_int_equal(strlen("ok 0 0 -") + 150000, strlen(text));
}

static void long_parameters_are_read(void **state)
{
	static char value[60001];
	(void)state;
	memset(value, 'v', sizeof value - 1);
	int fd = dial();
	begin(fd);
	params(fd, "NAME", value, NULL);
	record(fd, STDIN, NULL, 0);
	assert_int_equal(strlen("ok 0 0 ") + 60000, strlen(read_answer(fd)));
}

/* Whatever a peer does wrong, the next request is answered by the same process. */
static void a_bad_peer_harms_no_one(void **state)
{
	static const unsigned char junk[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	(void)state;
	for (int bad = 0; bad < 7; bad++) {
		int fd = dial();
		if (bad == 1)
			put(fd, junk, sizeof junk - 1);
		if (bad >= 2)
			begin(fd);
		if (bad == 3)
			put(fd, "\x01\x04\x00\x01\x00", 5); /* half a head */
		if (bad == 4)
			record(fd, PARAMS, "\x05", 1); /* a pair that ends before its value */
		if (bad >= 5)
			params(fd, "CONTENT_LENGTH", "10", NULL);
		if (bad == 6)
			record(fd, STDIN, "half", 4);
		close(fd);
	}
	int fd = dial();
	begin(fd);
	params(fd, "NAME", "after", NULL);
	record(fd, STDIN, NULL, 0);
	assert_string_equal(read_answer(fd), "ok 0 0 after");
	assert_int_equal(0, waitpid(worker.pid, NULL, WNOHANG)); /* still the first process */
}

static void an_idle_worker_ends_on_each_stop_signal(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};
	for (size_t i = 0; i < COUNT(signals); i++) {
		int fd = dial(); /* one request first: it is idle in accept after it */
		begin(fd);
		params(fd, "NAME", "x", NULL);
		record(fd, STDIN, NULL, 0);
		assert_string_equal(read_answer(fd), "ok 0 0 x");
		kill(worker.pid, signals[i]);
		assert_ends_well();
		stop(state);
		start(state);
	}
}

static void a_signal_between_two_requests_is_not_lost(void **state)
{
	for (int i = 0; i < 20; i++) {
		int fd = dial();
		begin(fd);
		params(fd, "NAME", "x", NULL);
		record(fd, STDIN, NULL, 0);
		assert_string_equal(read_answer(fd), "ok 0 0 x");
		kill(worker.pid, SIGTERM); /* somewhere between finish and the next wait */
		assert_ends_well();
		stop(state);
		start(state);
	}
}

static void the_request_in_hand_is_answered_before_the_end(void **state)
{
	char byte;
	(void)state;
	int fd = dial();
	begin(fd);
	params(fd, "MODE", "wait", "NAME", "kept", NULL);
	record(fd, STDIN, NULL, 0);
	assert_int_equal(1, read(pipes.busy[0], &byte, 1));
	int waiting = dial(); /* another that nobody has accepted yet */
	kill(worker.pid, SIGTERM);
	kill(worker.pid, SIGQUIT);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(0, poll(&p, 1, 50)); /* it did not run away */
	assert_int_equal(1, write(pipes.go[1], "g", 1));
	assert_string_equal(read_answer(fd), "ok 0 0 kept");
	assert_ends_well();
	close(waiting);
}

static void a_stopping_worker_takes_no_further_request(void **state)
{
	char byte;
	(void)state;
	int fd = dial(), next = dial();
	begin(fd);
	params(fd, "MODE", "wait", NULL);
	record(fd, STDIN, NULL, 0);
	assert_int_equal(1, read(pipes.busy[0], &byte, 1));
	begin(next);
	params(next, "NAME", "next", NULL);
	record(next, STDIN, NULL, 0);
	kill(worker.pid, SIGTERM);
	assert_int_equal(1, write(pipes.go[1], "g", 1));
	read_answer(fd);
	assert_ends_well();
	assert_int_equal(1, worker.seen->requests);
	server_run(&worker, work, &pipes); /* the respawned one finds it in the queue */
	assert_string_equal(read_answer(next), "ok 0 0 next");
}

/* A peer that says nothing holds a worker for 5 s at most; a peer that is gone for no time. */
static void a_peer_that_left_is_noticed(void **state)
{
	(void)state;
	int fd = dial();
	begin(fd);
	params(fd, "MODE", "big", NULL);
	record(fd, STDIN, NULL, 0);
	close(fd);
	fd = dial();
	begin(fd);
	params(fd, "NAME", "x", NULL);
	record(fd, STDIN, NULL, 0);
	assert_string_equal(read_answer(fd), "ok 0 0 x");
}

static void descriptors_do_not_pile_up(void **state)
{
	(void)state;
	for (int i = 0; i < 1200; i++) { /* more than a process may hold */
		int fd = dial();
		begin(fd);
		params(fd, "NAME", "x", NULL);
		record(fd, STDIN, NULL, 0);
		assert_string_equal(read_answer(fd), "ok 0 0 x");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_is_taken_and_answered, start, stop),
		cmocka_unit_test_setup_teardown(bodies_are_taken_whole_or_refused, start, stop),
		cmocka_unit_test_setup_teardown(more_than_announced_is_not_read, start, stop),
		cmocka_unit_test_setup_teardown(a_large_answer_arrives_whole, start, stop),
		cmocka_unit_test_setup_teardown(long_parameters_are_read, start, stop),
		cmocka_unit_test_setup_teardown(a_bad_peer_harms_no_one, start, stop),
		cmocka_unit_test_setup_teardown(
			an_idle_worker_ends_on_each_stop_signal, start, stop),
		cmocka_unit_test_setup_teardown(
			a_signal_between_two_requests_is_not_lost, start, stop),
		cmocka_unit_test_setup_teardown(
			the_request_in_hand_is_answered_before_the_end, start, stop),
		cmocka_unit_test_setup_teardown(
			a_stopping_worker_takes_no_further_request, start, stop),
		cmocka_unit_test_setup_teardown(a_peer_that_left_is_noticed, start, stop),
		cmocka_unit_test_setup_teardown(descriptors_do_not_pile_up, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
