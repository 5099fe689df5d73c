/*
 * Redis for tests of its clients: a real one, in a process and a folder of its own; and one that
 * says what a table wants, for what a real one says rarely.
 */
#ifndef TEST_REDIS_H
#define TEST_REDIS_H

#include "unit/server.h"

#include <hiredis/hiredis.h>
#include <poll.h>

#include "bana/clock.h"

/* ---- a real one, on a unix socket and perhaps on loopback ------------------------------------ */

struct store {
	char dir[32], path[64], url[80];
	int port; /* 0: unix socket only */
	pid_t pid;
};

static inline redisContext *store_observer(const struct store *s)
{
	struct timeval patience = {.tv_sec = 5};
	redisContext *c = redisConnectUnixWithTimeout(s->path, patience);
	if (c != NULL && c->err == 0) {
		redisSetTimeout(c, patience);
		return c;
	}
	if (c != NULL)
		redisFree(c);
	return NULL;
}

/* Until it listens: at most 5 s. */
static inline void store_start(struct store *s)
{
	char port[16];
	snprintf(port, sizeof port, "%d", s->port);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive a test that crashed */
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
			"-::1", "--unixsocket", s->path, "--save", "", "--appendonly", "no",
			"--dir", s->dir, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000; i++) {
		redisContext *c = store_observer(s);
		if (c != NULL) {
			redisFree(c);
			return;
		}
		usleep(5000);
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
	}
	fail_msg("redis-server is missing or does not start");
}

static inline void store_open(struct store *s, bool on_loopback)
{
	*s = (struct store){.pid = -1};
	strcpy(s->dir, "/tmp/bana-redis-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/sock", s->dir);
	snprintf(s->url, sizeof s->url, "unix://%s", s->path);
	if (on_loopback) { /* a port that was free just now */
		struct server free_port;
		server_listen(&free_port, false);
		s->port = free_port.port;
		server_done(&free_port);
	}
	store_start(s);
}

static inline void store_kill(struct store *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	unlink(s->path);
	s->pid = -1;
}

static inline void store_close(struct store *s)
{
	store_kill(s);
	assert_int_equal(0, rmdir(s->dir));
}

/* That of a test program, for its group. */
static struct store store;

static inline int store_setup(void **state)
{
	(void)state;
	store_open(&store, true);
	return 0;
}

static inline int store_teardown(void **state)
{
	(void)state;
	store_close(&store);
	return 0;
}

/* What it says to one command, as text: an error with its words, nil as "(nil)". */
static inline const char *store_says(const struct store *s, char text[128], const char *command)
{
	redisContext *c = store_observer(s);
	assert_non_null(c);
	redisReply *r = redisCommand(c, command);
	assert_non_null(r);
	if (r->type == REDIS_REPLY_INTEGER)
		snprintf(text, 128, "%lld", r->integer);
	else
		snprintf(text, 128, "%s", r->str == NULL ? "(nil)" : r->str);
	freeReplyObject(r);
	redisFree(c);
	return text;
}

static inline long long store_number(const struct store *s, const char *command)
{
	char text[128];
	return strtoll(store_says(s, text, command), NULL, 10);
}

static inline void store_told(const struct store *s, const char *command)
{
	char text[128];
	assert_string_equal("OK", store_says(s, text, command));
}

/* ---- one that says what a table wants -------------------------------------------------------- */

/* The first row whose beginning fits is the answer, "+OK" when none does. */
struct line {
	const char *begin;
	const char *answer; /* NULL: silence */
	int times;          /* 0: always; else the row is spent after so many */
};

/* `seen` gets every command as a line of words; requests are counted. */
static inline void scripted_answer(int fd, struct seen *seen, struct line *lines, redisReply *r)
{
	char words[1024] = "";
	size_t len = 0;
	for (size_t i = 0; i < r->elements; i++)
		len += (size_t)snprintf(words + len, sizeof words - len, "%s%s", i == 0 ? "" : " ",
			r->element[i]->str);
	assert_true(seen->bytes + len + 2 < sizeof seen->text);
	memcpy(seen->text + seen->bytes, words, len);
	seen->text[seen->bytes + len] = '\n';
	seen->bytes += len + 1;
	seen->requests++;
	struct line *l = lines;
	while (l->begin != NULL &&
		(l->times < 0 || strncmp(words, l->begin, strlen(l->begin)) != 0))
		l++;
	const char *answer = l->begin == NULL ? "+OK\r\n" : l->answer;
	if (l->begin != NULL && l->times > 0 && --l->times == 0)
		l->times = -1;
	if (answer != NULL && write(fd, answer, strlen(answer)) < 0)
		_exit(1);
}

static inline void scripted_hear(int fd, struct seen *seen, struct line *lines, redisReader *reader)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);
	void *got = NULL;
	if (n <= 0)
		_exit(0);
	redisReaderFeed(reader, bytes, (size_t)n);
	while (redisReaderGetReply(reader, &got) == REDIS_OK && got != NULL) {
		scripted_answer(fd, seen, lines, got);
		freeReplyObject(got);
	}
}

/* A child for each connection would have rows of its own, so one after the other is served from
 * one table; the connection before is dropped by then. */
static inline void scripted_serve(int listener, struct seen *seen, void *what)
{
	struct pollfd fds[8] = {{.fd = listener, .events = POLLIN}};
	redisReader *readers[8] = {NULL};
	nfds_t count = 1;
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		poll(fds, count, -1);
		for (nfds_t i = 1; i < count; i++) {
			char byte;
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			if (recv(fds[i].fd, &byte, 1, MSG_PEEK) > 0) {
				scripted_hear(fds[i].fd, seen, what, readers[i]);
				continue;
			}
			close(fds[i].fd);
			fds[i].fd = -1;
		}
		if (fds[0].revents == 0)
			continue;
		if (count == COUNT(fds))
			_exit(2);
		fds[count] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
		readers[count++] = redisReaderCreate();
		seen->connections++;
	}
}

/* `lines` ends with {NULL}; on loopback. */
static inline void scripted_open(struct server *s, struct line *lines)
{
	if (s->listener == 0)
		server_listen(s, false);
	server_run(s, scripted_serve, lines);
}

static inline bool scripted_saw(const struct server *s, const char *text)
{
	return s->seen->bytes == strlen(text) && memcmp(s->seen->text, text, s->seen->bytes) == 0;
}

/* How often a command begins so. */
static inline int scripted_count(const struct server *s, const char *begin)
{
	int count = 0;
	for (const char *at = s->seen->text; (at = strstr(at, begin)) != NULL; at++)
		count += at == s->seen->text || at[-1] == '\n';
	return count;
}

#endif
