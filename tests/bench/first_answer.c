/*
 * first_answer fcgi|http SOCKET COMMAND [ARGUMENT...]
 * Prints the milliseconds from the start of COMMAND to its first 200 on GET /readyz.
 *
 * fcgi: the socket is made here and given to COMMAND as descriptor 0, as spawn-fcgi does; the
 * question waits in its backlog, so nothing is polled. http: COMMAND makes the socket, and is asked
 * every 0.2 ms. COMMAND is ended with TERM afterwards. Exit code 1: no 200 within 20 s.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, MESSAGE_BYTES = 1024 };

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	memcpy(a.sun_path, path, strlen(path));
	return a;
}

static int listener_on(const char *path)
{
	struct sockaddr_un a = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 64) < 0)
		fail(path);
	return fd;
}

static pid_t start(char **command, int fd0)
{
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid > 0)
		return pid;
	if (dup2(fd0, 0) < 0 || dup2(2, 1) < 0)
		fail("dup2");
	execvp(command[0], command);
	fail(command[0]);
	return -1;
}

static size_t record(unsigned char *to, unsigned char type, const void *content, size_t bytes)
{
	unsigned char head[8] = {1, type, 0, 1, (unsigned char)(bytes >> 8), (unsigned char)bytes};
	memcpy(to, head, sizeof head);
	memcpy(to + sizeof head, content, bytes);
	return sizeof head + bytes;
}

/* GET /readyz as nginx would put it to a worker. */
static size_t fcgi_question(unsigned char *to)
{
	enum { BEGIN = 1, PARAMS = 4, STDIN = 5 };
	static const char *const params[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/readyz",
		"REQUEST_SCHEME", "http", "REMOTE_ADDR", "127.0.0.1", "CONTENT_TYPE", "",
		"CONTENT_LENGTH", "", "HTTP_HOST", "localhost", NULL};
	unsigned char text[512];
	size_t used = 0, bytes = 0;
	for (size_t i = 0; params[i] != NULL; i += 2) {
		text[used++] = (unsigned char)strlen(params[i]);
		text[used++] = (unsigned char)strlen(params[i + 1]);
		for (size_t j = i; j < i + 2; j++) {
			memcpy(text + used, params[j], strlen(params[j]));
			used += strlen(params[j]);
		}
	}
	static const unsigned char responder[8] = {0, 1};
	bytes += record(to + bytes, BEGIN, responder, sizeof responder);
	bytes += record(to + bytes, PARAMS, text, used);
	bytes += record(to + bytes, PARAMS, "", 0);
	return bytes + record(to + bytes, STDIN, "", 0);
}

/* One try: is the answer a 200? */
static int good(const char *path, int fcgi)
{
	struct sockaddr_un a = address_of(path);
	unsigned char message[MESSAGE_BYTES];
	static const char http[] =
		"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	size_t bytes = fcgi ? fcgi_question(message) : strlen(http);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), found = 0;
	static const struct timeval patience = {.tv_sec = LIMIT_MS / 1000};
	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
		write(fd, fcgi ? (const char *)message : http, bytes) == (ssize_t)bytes) {
		ssize_t n = read(fd, message, sizeof message - 1);
		message[n > 0 ? n : 0] = '\0';
		const char *text =
			(const char *)message + (fcgi ? 8 : 0); /* after a record's head */
		found = n > 12 && strstr(text, fcgi ? "Status: 200" : "HTTP/1.1 200") == text;
	}
	close(fd);
	return found;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	int fcgi = strcmp(argv[1], "fcgi") == 0;
	const char *path = argv[2];
	signal(SIGPIPE, SIG_IGN);
	unlink(path);
	int fd0 = fcgi ? listener_on(path) : 0;
	double begun = now_ms(), took = 0;
	pid_t pid = start(argv + 3, fd0);
	if (fcgi)
		close(fd0); /* so that its death is heard: what waits in the backlog is reset */
	while (took == 0 && now_ms() - begun < LIMIT_MS && waitpid(pid, NULL, WNOHANG) == 0) {
		if (good(path, fcgi))
			took = now_ms() - begun;
		else
			nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	if (kill(pid, SIGTERM) == 0)
		waitpid(pid, NULL, 0);
	unlink(path);
	if (took == 0)
		return 1;
	printf("%.3f\n", took);
	return 0;
}
