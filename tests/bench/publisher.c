/* The publishing half of listeners.c: POST to nchan, or PUBLISH to Redis. */
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWERS_BYTES = 65536 };

static struct {
	int fd;
	bool http;
	char prefix[128];
	size_t rest_bytes;
	char rest[ANSWERS_BYTES];
} publisher = {.fd = -1};

void fail(const char *what, const char *why)
{
	fprintf(stderr, "listeners: %s: %s\n", what, why);
	exit(1);
}

void send_all(int fd, const void *bytes, size_t count)
{
	if (send(fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
		fail("send", strerror(errno));
}

static int dial_http(const char *socket_path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	memcpy(a.sun_path, socket_path, strlen(socket_path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		fail(socket_path, strerror(errno));
	return fd;
}

static int dial_redis(const char *password, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char text[256];
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		fail("Redis", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int n = snprintf(text, sizeof text, "AUTH %s\r\n", password);
	send_all(fd, text, (size_t)n);
	if (recv(fd, text, 5, MSG_WAITALL) != 5 || memcmp(text, "+OK\r\n", 5) != 0)
		fail("Redis", "wants another password");
	return fd;
}

int publisher_dial(const char *url)
{
	char first[128]; /* a path of at most 107 characters, or a password */
	unsigned short port;
	if (sscanf(url, "http://unix:%107[^:]:%127s", first, publisher.prefix) == 2) {
		publisher.http = true;
		publisher.fd = dial_http(first);
	} else if (sscanf(url, "redis://:%127[^@]@127.0.0.1:%hu", first, &port) == 2) {
		snprintf(publisher.prefix, sizeof publisher.prefix, "bench:");
		publisher.fd = dial_redis(first, port);
	} else {
		fail(url, "is no publisher");
	}
	return publisher.fd;
}

void publisher_send(const char *room, const char *text)
{
	static const char post[] =
		"POST %s%s HTTP/1.1\r\nHost: rooms\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s";
	static const char command[] = "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s%s\r\n$%zu\r\n%s\r\n";
	char message[2048];
	int n = publisher.http ? snprintf(message, sizeof message, post, publisher.prefix, room,
					 strlen(text), text)
			       : snprintf(message, sizeof message, command,
					 strlen(publisher.prefix) + strlen(room), publisher.prefix,
					 room, strlen(text), text);
	if (n >= (int)sizeof message)
		fail(room, "is too long");
	send_all(publisher.fd, message, (size_t)n);
}

/* One whole answer at the front: its bytes; 0 when more must come. */
static size_t answer_read(const char *at, size_t bytes)
{
	const char *end =
		memmem(at, bytes, publisher.http ? "\r\n\r\n" : "\r\n", publisher.http ? 4 : 2);
	if (end == NULL)
		return 0;
	if (!publisher.http) {
		if (at[0] != ':')
			fail("Redis answers", at);
		return (size_t)(end - at) + 2;
	}
	size_t head = (size_t)(end - at) + 4, content;
	const char *length = memmem(at, head, "Content-Length: ", 16);
	if (memcmp(at, "HTTP/1.1 20", 11) != 0 || length == NULL ||
		sscanf(length + 16, "%zu", &content) != 1)
		fail("the publisher answers", at);
	return bytes < head + content ? 0 : head + content;
}

size_t publisher_read(void)
{
	ssize_t n = recv(publisher.fd, publisher.rest + publisher.rest_bytes,
		sizeof publisher.rest - 1 - publisher.rest_bytes, MSG_DONTWAIT);
	if (n <= 0)
		fail("the publisher", n < 0 ? strerror(errno) : "closed");
	publisher.rest_bytes += (size_t)n;
	publisher.rest[publisher.rest_bytes] = '\0';
	size_t at = 0, used, answers = 0;
	while ((used = answer_read(publisher.rest + at, publisher.rest_bytes - at)) > 0) {
		answers++;
		at += used;
	}
	publisher.rest_bytes -= at;
	memmove(publisher.rest, publisher.rest + at, publisher.rest_bytes);
	return answers;
}

void publisher_hang_up(void)
{
	close(publisher.fd);
	publisher.rest_bytes = 0;
}
