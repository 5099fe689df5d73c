#include "bana/publisher.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/ctx.h"

enum { ANSWER_BYTES = 16384 };

struct bana_publisher {
	bana_str host, port, path;         /* host is the socket's path when port is empty */
	int64_t timeout_ms, deadline_tick; /* of the exchange in hand */
	int fd;                            /* -1: not connected */
	size_t answered;                   /* of the posts written */
	size_t have;                       /* bytes of the answers after those */
	char bytes[ANSWER_BYTES];
};

struct bana_publisher *bana_publisher_new(const char *url, int64_t timeout_ms)
{
	static const char http[] = "http://", local[] = "http://unix:";
	struct bana_publisher p = {.timeout_ms = timeout_ms, .fd = -1};
	bana_str rest = bana_str_of(url);
	if (strncmp(url, local, strlen(local)) == 0) {
		rest = (bana_str){url + strlen(local), rest.len - strlen(local)};
		p.host = bana_str_cut(rest, ':', &p.path);
	} else if (strncmp(url, http, strlen(http)) == 0) {
		rest = (bana_str){url + strlen(http), rest.len - strlen(http)};
		size_t authority = strcspn(rest.at, "/");
		p.path = (bana_str){rest.at + authority, rest.len - authority};
		p.host = bana_str_cut((bana_str){rest.at, authority}, ':', &p.port);
		p.port = p.port.len == 0 ? BANA_STR("80") : p.port;
	}
	if (p.host.len == 0 || p.path.len == 0 || p.path.at[0] != '/' ||
		(p.port.len == 0 && p.host.len >= sizeof((struct sockaddr_un){0}).sun_path))
		return NULL;
	struct bana_publisher *publisher = malloc(sizeof *publisher);
	if (publisher == NULL)
		abort();
	*publisher = p;
	return publisher;
}

static void drop(struct bana_publisher *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void bana_publisher_free(struct bana_publisher *publisher)
{
	if (publisher == NULL)
		return;
	drop(publisher);
	free(publisher);
}

int bana_publisher_fd(const struct bana_publisher *publisher)
{
	return publisher->fd;
}

static bool dial(struct bana_publisher *p, const struct sockaddr *to, socklen_t bytes)
{
	p->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return false;
	if (connect(p->fd, to, bytes) == 0)
		return true;
	int error = errno;
	socklen_t size = sizeof error;
	if (error == EINPROGRESS && bana_wait_fd(p->fd, POLLOUT, p->deadline_tick) &&
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
		return true;
	drop(p);
	errno = error;
	return false;
}

static bool dial_unix(struct bana_publisher *p)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	memcpy(to.sun_path, p->host.at, p->host.len);
	return dial(p, (const struct sockaddr *)&to, sizeof to);
}

static bool dial_tcp(struct bana_ctx *ctx, struct bana_publisher *p)
{
	struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM};
	if (getaddrinfo(bana_copy(ctx->arena, p->host.at, p->host.len),
		    bana_copy(ctx->arena, p->port.at, p->port.len), &hints, &list) != 0)
		return false;
	bool connected = false;
	for (struct addrinfo *a = list; a != NULL && !connected; a = a->ai_next)
		connected = dial(p, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return connected;
}

static bool send_all(struct bana_publisher *p, bana_str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(p->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN && bana_wait_fd(p->fd, POLLOUT, p->deadline_tick))
			continue;
		if (n < 0 && errno != EINTR)
			return false;
		bytes.at += n > 0 ? n : 0;
		bytes.len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

enum { NO_LENGTH = -1 };

/* The value of Content-Length in a head. */
static int64_t content_length(bana_str head)
{
	static const char name[] = "content-length:";
	int64_t length = NO_LENGTH;
	while (head.len > 0) {
		bana_str line = bana_utf8_trim(bana_str_cut(head, '\n', &head));
		if (line.len <= strlen(name) || strncasecmp(line.at, name, strlen(name)) != 0)
			continue;
		bana_str text = {line.at + strlen(name), line.len - strlen(name)};
		bana_ignore(bana_parse_int(bana_utf8_trim(text), 0, ANSWER_BYTES, &length),
			"an answer of that length is not read");
	}
	return length;
}

/* nchan's word in the body: "active subscribers: 3". */
static int64_t subscribers_of(bana_str body)
{
	static const char mark[] = "active subscribers: ";
	int64_t count = 0;
	const char *at = memmem(body.at, body.len, mark, strlen(mark));
	if (at == NULL)
		return 0;
	bana_str rest = {at + strlen(mark), (size_t)(body.at + body.len - at) - strlen(mark)};
	size_t digits = 0;
	while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
		digits++;
	bana_ignore(bana_parse_int((bana_str){rest.at, digits}, 0, INT32_MAX, &count),
		"it did not say");
	return count;
}

/* One whole answer at the front of `got`: its status and bytes; 0 bytes when more must come. An
 * answer whose end cannot be told (or that is no HTTP/1.1) has status 0 and as many bytes as came.
 */
static size_t answer(bana_str got, struct bana_post *post)
{
	static const char version[] = "HTTP/1.1 ";
	const char *end = memmem(got.at, got.len, "\r\n\r\n", 4);
	if (end == NULL)
		return 0;
	size_t head = (size_t)(end - got.at) + 4;
	int64_t code = 0, length = content_length((bana_str){got.at, head});
	if (head < strlen(version) + 3 || memcmp(got.at, version, strlen(version)) != 0 ||
		bana_parse_int((bana_str){got.at + strlen(version), 3}, 100, 599, &code).fault !=
			BANA_OK)
		return got.len;
	if (code == 204) /* RFC 9110 section 15.3.5: never a body */
		length = 0;
	if (length == NO_LENGTH)
		return got.len;
	size_t whole = head + (size_t)length;
	if (whole > got.len)
		return 0;
	post->status = (int)code;
	post->subscribers = subscribers_of((bana_str){got.at + head, (size_t)length});
	return whole;
}

enum progress { ALL, MORE, BROKEN };

/* Take what has come; never waits. */
static enum progress pump(struct bana_publisher *p, struct bana_post *posts, size_t count)
{
	while (p->answered < count) {
		struct bana_post *post = &posts[p->answered];
		size_t used = answer((bana_str){p->bytes, p->have}, post);
		if (used > 0 && post->status == 0)
			return BROKEN;
		if (used > 0) {
			p->have -= used;
			memmove(p->bytes, p->bytes + used, p->have);
			p->answered++;
			continue;
		}
		ssize_t n =
			recv(p->fd, p->bytes + p->have, sizeof p->bytes - p->have, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return MORE;
		if (n <= 0)
			return BROKEN;
		p->have += (size_t)n;
	}
	return ALL;
}

bool bana_publisher_ready(struct bana_publisher *p, struct bana_post *posts, size_t count)
{
	enum progress progress = p->fd < 0 ? BROKEN : pump(p, posts, count);
	if (progress == BROKEN)
		drop(p);
	return progress != MORE;
}

/* Idle and readable means the server hung up. */
static bool stale(struct bana_publisher *p)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};
	return p->fd >= 0 && poll(&fd, 1, 0) != 0;
}

BANA_RES bana_publisher_write(
	struct bana_ctx *ctx, struct bana_publisher *p, struct bana_post *posts, size_t count)
{
	p->deadline_tick = bana_tick_us() + p->timeout_ms * 1000;
	p->answered = p->have = 0;
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	for (size_t i = 0; i < count; i++) {
		posts[i].status = 0;
		posts[i].subscribers = 0;
		bana_buf_text(&b, posts[i].verb == NULL ? "POST" : posts[i].verb);
		bana_buf_text(&b, " ");
		bana_buf_add(&b, p->path.at, p->path.len);
		bana_buf_text(&b, posts[i].room);
		bana_buf_text(&b, " HTTP/1.1\r\nHost: publisher\r\n"
				  "Content-Type: application/json\r\n");
		if (posts[i].trace != NULL) {
			bana_buf_text(&b, "traceparent: ");
			bana_buf_text(&b, posts[i].trace);
			bana_buf_text(&b, "\r\n");
		}
		bana_buf_text(&b, "Content-Length: ");
		bana_buf_int(&b, (int64_t)posts[i].body.len);
		bana_buf_text(&b, "\r\n\r\n");
		bana_buf_add(&b, posts[i].body.at, posts[i].body.len);
	}
	if (stale(p))
		drop(p);
	if (p->fd < 0 && !(p->port.len == 0 ? dial_unix(p) : dial_tcp(ctx, p)))
		return bana_fail_later(ctx, "The publisher is away", strerror(errno));
	if (send_all(p, bana_buf_str(&b)))
		return BANA_DONE;
	drop(p);
	return bana_fail_later(ctx, "The publisher did not take it", strerror(errno));
}

BANA_RES bana_publisher_read(
	struct bana_ctx *ctx, struct bana_publisher *p, struct bana_post *posts, size_t count)
{
	while (!bana_publisher_ready(p, posts, count)) {
		if (!bana_wait_fd(p->fd, POLLIN, p->deadline_tick))
			drop(p);
	}
	if (p->answered == count)
		return BANA_DONE;
	return bana_fail_later(ctx, "The publisher did not answer", "no answer in time");
}

BANA_RES bana_publisher_ask(
	struct bana_ctx *ctx, struct bana_publisher *p, struct bana_post *posts, size_t count)
{
	TRY(bana_publisher_write(ctx, p, posts, count));
	return bana_publisher_read(ctx, p, posts, count);
}
