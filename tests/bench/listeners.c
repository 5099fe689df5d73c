/*
 * listeners PORT PATH TOKENS PUBLISHER
 * Many WebSockets in one process, which also publishes, so that one clock measures. Commands on
 * stdin; each is answered by one line before the next may come:
 *
 *   open COUNT ROOMS              COUNT sockets at PATH?rooms=ROOMS, a group of their own; each
 * with the next line of the file TOKENS and a clientId that no other has. Answer: seconds fan ROOM
 * GROUPS COUNT WINDOW  publish COUNT frames, which every socket of the first, second ... of GROUPS
 * ("101") must get, and no other. WINDOW: so many may be unanswered; with 0 the next is published
 * when all have this one. Answer: p50, p99, highest, lowest ms; delivered, wanted, doubled, strayed
 * frames; seconds close                         all of them. Answer: their number
 *
 * PUBLISHER: http://unix:SOCKET:PREFIX or redis://:PASSWORD@127.0.0.1:PORT. Pings are answered. A
 * handshake that is refused, a socket that is closed, a frame that is none: exit code 1.
 */
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SOCKETS_MAX = 100000,
	GROUPS_MAX = 8,
	FRAMES_MAX = 512,
	IN_FLIGHT = 100,       /* handshakes */
	ADDRESS_PORTS = 20000, /* sockets from one source address */
	REST_BYTES = 1024,     /* of a socket: what is not yet whole */
	READ_BYTES = 65536,
	PATIENCE_MS = 10000,
	LATE_MS = 100, /* in which a doubled frame would come */
};

struct listener {
	int fd;
	int group;
	bool open;
	size_t rest_bytes;
	uint64_t seen[FRAMES_MAX / 64];
	char rest[REST_BYTES];
};

/* Who is told that PORT or the publisher has something to say: an index, or one of these. */
enum { COMMAND = SOCKETS_MAX, ANSWER };

static struct {
	int epoll;
	struct sockaddr_in server;
	const char *path, *publisher;
	char **tokens;
	size_t token_count;
	struct listener *sockets;
	size_t count, opened, group_count, group_sockets[GROUPS_MAX];
	bool command; /* waits on stdin */
} all;

static size_t answered; /* by the publisher, in this `fan` */

/* What became of the frames of one `fan`. */
static struct {
	unsigned number, count;
	bool hears[GROUPS_MAX];
	size_t delivered, doubled, strayed;
	uint64_t last_ns;
	uint64_t *took_ns;
} fan;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *allocated(size_t count, size_t bytes)
{
	void *p = calloc(count, bytes);
	if (p == NULL)
		fail("memory", "none");
	return p;
}

static void watch(int fd, unsigned who)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = who};
	if (epoll_ctl(all.epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll", strerror(errno));
}

/* ---- Frames */

/* {"event":"bench","data":"FAN FRAME NANOSECONDS ..."}, all numbers of fixed width */
static const char frame_format[] = "{\"event\":\"bench\",\"data\":\"%010u %010u %020llu observers "
				   "of this room ............\"}";
enum { FAN_AT = 25, FRAME_AT = 36, TIME_AT = 47, TIME_END = 67 };

static uint64_t digits(const char *at, size_t count)
{
	uint64_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9')
			fail("a frame is not ours", at);
		n = n * 10 + (uint64_t)(at[i] - '0');
	}
	return n;
}

static void text_arrived(struct listener *l, const char *text, size_t bytes, uint64_t now)
{
	if (bytes < TIME_END)
		fail("a frame", "is too short");
	uint64_t number = digits(text + FAN_AT, 10), frame = digits(text + FRAME_AT, 10);
	if (number != fan.number || frame >= fan.count || !fan.hears[l->group]) {
		fan.strayed++;
		return;
	}
	uint64_t *seen = &l->seen[frame / 64], bit = (uint64_t)1 << frame % 64;
	if (*seen & bit) {
		fan.doubled++;
		return;
	}
	*seen |= bit;
	fan.took_ns[fan.delivered++] = now - digits(text + TIME_AT, 20);
	fan.last_ns = now;
}

static void pong(const struct listener *l, const char *content, size_t bytes)
{
	char frame[6 + 125] = {(char)0x8A, (char)(0x80 | bytes)}; /* masked, with zeroes */
	memcpy(frame + 6, content, bytes);
	send_all(l->fd, frame, 6 + bytes);
}

/* One whole frame at the front: its bytes; 0 when more must come. */
static size_t frame_read(struct listener *l, const char *at, size_t bytes, uint64_t now)
{
	if (bytes < 2)
		return 0;
	size_t head = 2, content = (unsigned char)at[1];
	if (content == 126) {
		if (bytes < 4)
			return 0;
		head = 4;
		content = (size_t)(unsigned char)at[2] << 8 | (unsigned char)at[3];
	}
	if (head + content > REST_BYTES)
		fail("a frame", "is too long or masked");
	if (bytes < head + content)
		return 0;
	switch ((unsigned char)at[0]) {
	case 0x81:
		text_arrived(l, at + head, content, now);
		break;
	case 0x89:
		pong(l, at + head, content);
		break;
	default:
		fail("a frame", "is neither text nor ping");
	}
	return head + content;
}

/* ---- Handshakes */

/* The key and the answer to it of RFC 6455, 1.3 */
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==", accepted[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static size_t handshake_read(struct listener *l, const char *at, size_t bytes)
{
	const char *end = memmem(at, bytes, "\r\n\r\n", 4);
	if (end == NULL)
		return 0;
	size_t head = (size_t)(end - at) + 4;
	if (memcmp(at, "HTTP/1.1 101 ", 13) != 0 ||
		memmem(at, head, accepted, strlen(accepted)) == NULL) {
		fwrite(at, 1, bytes, stderr);
		fail("handshake", "refused");
	}
	l->open = true;
	all.opened++;
	return head;
}

static void handshake_send(struct listener *l, size_t index, const char *rooms)
{
	static unsigned run;
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(index / ADDRESS_PORTS))};
	char request[4096];
	int one = 1;
	if (run == 0)
		run = (unsigned)now_ns() | 1;
	int n = snprintf(request, sizeof request,
		"GET %s?rooms=%s&clientId=%08x-0000-4000-8000-%012zx HTTP/1.1\r\n"
		"Host: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nAuthorization: Bearer "
		"%s\r\n\r\n",
		all.path, rooms, run, index, ntohs(all.server.sin_port), key,
		all.tokens[index % all.token_count]);
	l->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (n >= (int)sizeof request || l->fd < 0)
		fail("socket", n >= (int)sizeof request ? "request too long" : strerror(errno));
	setsockopt(l->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(l->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
		connect(l->fd, (struct sockaddr *)&all.server, sizeof all.server) < 0)
		fail("connect", strerror(errno));
	watch(l->fd, (unsigned)index);
	send_all(l->fd, request, (size_t)n);
}

static void socket_read(struct listener *l)
{
	static char buffer[REST_BYTES + READ_BYTES];
	memcpy(buffer, l->rest, l->rest_bytes);
	ssize_t n = recv(l->fd, buffer + l->rest_bytes, READ_BYTES, MSG_DONTWAIT);
	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		fail("a socket was closed", n < 0 ? strerror(errno) : "by the server");
	}
	uint64_t now = now_ns();
	size_t bytes = l->rest_bytes + (size_t)n, at = 0, used;
	do {
		used = l->open ? frame_read(l, buffer + at, bytes - at, now)
			       : handshake_read(l, buffer + at, bytes - at);
		at += used;
	} while (used > 0);
	l->rest_bytes = bytes - at;
	if (l->rest_bytes > sizeof l->rest)
		fail("an answer", "is too long");
	memcpy(l->rest, buffer + at, l->rest_bytes);
}

/* ---- Commands */

static void publish(const char *room, unsigned frame)
{
	char text[256];
	snprintf(text, sizeof text, frame_format, fan.number, frame, (unsigned long long)now_ns());
	publisher_send(room, text);
}

/* Whatever comes within that time; false when nothing did. */
static bool pump(int timeout_ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(all.epoll, events, 256, timeout_ms);
	for (int i = 0; i < n; i++) {
		uint32_t who = events[i].data.u32;
		if (who == COMMAND)
			all.command = true;
		else if (who == ANSWER)
			answered += publisher_read();
		else
			socket_read(&all.sockets[who]);
	}
	return n > 0;
}

static void open_group(size_t count, const char *rooms)
{
	size_t last = all.count + count;
	uint64_t begun = now_ns();
	if (last > SOCKETS_MAX || all.group_count == GROUPS_MAX)
		fail("open", "too many");
	while (all.opened < last) {
		for (; all.count < last && all.count - all.opened < IN_FLIGHT; all.count++) {
			struct listener *l = &all.sockets[all.count];
			*l = (struct listener){.group = (int)all.group_count};
			handshake_send(l, all.count, rooms);
		}
		if (!pump(PATIENCE_MS))
			fail("handshake", "is not answered");
	}
	all.group_sockets[all.group_count++] = count;
	printf("%.4f\n", (double)(now_ns() - begun) / 1e9);
}

static void close_all(void)
{
	static const struct linger reset = {.l_onoff = 1}; /* leaves no port in TIME_WAIT */
	for (size_t i = 0; i < all.count; i++) {
		setsockopt(all.sockets[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(all.sockets[i].fd);
	}
	printf("%zu\n", all.count);
	all.count = all.opened = all.group_count = 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static double took_ms(double share)
{
	if (fan.delivered == 0)
		return 0;
	return (double)fan.took_ns[(size_t)((double)(fan.delivered - 1) * share)] / 1e6;
}

static void fan_out(const char *room, const char *groups, unsigned count, size_t window)
{
	size_t hearers = 0, sent = 0;
	fan.number++;
	fan.count = count;
	fan.delivered = fan.doubled = fan.strayed = answered = 0;
	for (size_t i = 0; i < all.group_count; i++) {
		fan.hears[i] = i < strlen(groups) && groups[i] == '1';
		hearers += fan.hears[i] ? all.group_sockets[i] : 0;
	}
	for (size_t i = 0; i < all.count; i++)
		memset(all.sockets[i].seen, 0, sizeof all.sockets[i].seen);
	fan.took_ns = allocated(count * hearers + 1, sizeof *fan.took_ns);
	watch(publisher_dial(all.publisher), ANSWER); /* anew: nginx closes one that waits */
	uint64_t begun = now_ns();
	while (fan.delivered < count * hearers || answered < count) {
		while (sent < count &&
			(window == 0 ? fan.delivered == sent * hearers && answered == sent
				     : sent - answered < window))
			publish(room, (unsigned)sent++);
		if (!pump(PATIENCE_MS))
			break;
	}
	double seconds = (double)(fan.last_ns - begun) / 1e9;
	for (uint64_t end = now_ns() + LATE_MS * 1000000ULL; now_ns() < end;)
		pump(LATE_MS / 10);
	publisher_hang_up();
	qsort(fan.took_ns, fan.delivered, sizeof *fan.took_ns, compare);
	printf("%.3f %.3f %.3f %.3f %zu %zu %zu %zu %.4f\n", took_ms(.5), took_ms(.99), took_ms(1),
		took_ms(0), fan.delivered, count * hearers, fan.doubled, fan.strayed, seconds);
	free(fan.took_ns);
}

/* false: there will be no more. */
static bool obey(void)
{
	char line[4096], text[2048], groups[GROUPS_MAX + 1];
	size_t count, window;
	all.command = false;
	if (fgets(line, sizeof line, stdin) == NULL)
		return false;
	if (sscanf(line, "open %zu %2047s", &count, text) == 2)
		open_group(count, text);
	else if (sscanf(line, "fan %2047s %8s %zu %zu", text, groups, &count, &window) == 4 &&
		 count <= FRAMES_MAX)
		fan_out(text, groups, (unsigned)count, window);
	else if (strcmp(line, "close\n") == 0)
		close_all();
	else
		fail("no such command", line);
	fflush(stdout);
	return true;
}

static void tokens_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[8192];
	all.tokens = allocated(SOCKETS_MAX, sizeof *all.tokens);
	while (file != NULL && all.token_count < SOCKETS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		all.tokens[all.token_count++] = strdup(line);
	}
	if (all.token_count == 0)
		fail(path, "no token");
	fclose(file);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	if (argc != 5)
		fail("usage", "listeners PORT PATH TOKENS PUBLISHER");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	all.server = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	all.path = argv[2];
	tokens_read(argv[3]);
	all.sockets = allocated(SOCKETS_MAX, sizeof *all.sockets);
	all.epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(STDIN_FILENO, COMMAND);
	all.publisher = argv[4];
	for (;;) {
		pump(-1);
		if (all.command && !obey())
			return 0;
	}
}
