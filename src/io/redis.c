#include "bana/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>

#include "bana/clock.h"
#include "bana/ctx.h"

struct bana_redis {
	const char *urls, *name;
	struct timeval timeout;
	redisContext *conn;
	bana_str login;     /* "user:password" of the URL in use, undecoded */
	int64_t heard_tick; /* listening: when the last bytes came */
};

static const char tcp[] = "redis://", local[] = "unix://";

static bool begins(bana_str text, const char *prefix)
{
	return text.len > strlen(prefix) && memcmp(text.at, prefix, strlen(prefix)) == 0;
}

bool bana_redis_urls_valid(const char *urls)
{
	bana_str rest = bana_str_of(urls);
	while (rest.len > 0) {
		bana_str url = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		if (!begins(url, tcp) && !begins(url, "unix:///"))
			return false;
	}
	return true;
}

struct bana_redis *bana_redis_new(const char *urls, const char *name, int64_t timeout_ms)
{
	struct bana_redis *redis = calloc(1, sizeof *redis);
	if (redis == NULL)
		abort();
	redis->urls = urls;
	redis->name = name;
	redis->timeout = (struct timeval){timeout_ms / 1000, timeout_ms % 1000 * 1000};
	return redis;
}

static void drop(struct bana_redis *redis)
{
	if (redis->conn != NULL)
		redisFree(redis->conn);
	redis->conn = NULL;
}

void bana_redis_free(struct bana_redis *redis)
{
	if (redis == NULL)
		return;
	drop(redis);
	free(redis);
}

static BANA_RES lost(struct bana_ctx *ctx, struct bana_redis *redis, const char *why)
{
	why = redis->conn != NULL && redis->conn->err != 0
		      ? bana_copy(ctx->arena, redis->conn->errstr, strlen(redis->conn->errstr))
		      : why;
	drop(redis);
	return bana_fail_later(ctx, "Redis does not answer", why);
}

/* One command; any answer but an error is fine. */
static bool said(struct bana_redis *redis, int argc, const char **argv)
{
	redisReply *reply = redisCommandArgv(redis->conn, argc, argv, NULL);
	bool fine = reply != NULL && reply->type != REDIS_REPLY_ERROR;
	if (reply != NULL)
		freeReplyObject(reply);
	return fine;
}

static bool introduce(struct bana_ctx *ctx, struct bana_redis *redis)
{
	bana_str pass;
	bana_str user = bana_str_cut(redis->login, ':', &pass);
	if (bana_percent_decode(ctx->arena, user, false, &user).fault != BANA_OK ||
		bana_percent_decode(ctx->arena, pass, false, &pass).fault != BANA_OK)
		return false;
	const char *u = bana_copy(ctx->arena, user.at, user.len);
	const char *p = bana_copy(ctx->arena, pass.at, pass.len);
	if (pass.len > 0 && user.len > 0 && !said(redis, 3, (const char *[]){"AUTH", u, p}))
		return false;
	if (pass.len > 0 && user.len == 0 && !said(redis, 2, (const char *[]){"AUTH", p}))
		return false;
	return said(redis, 3, (const char *[]){"CLIENT", "SETNAME", redis->name});
}

/* host, host:port, [v6], [v6]:port, and v6:port as a cluster writes it. */
static bool split_address(bana_str address, bana_str *host, int64_t *port)
{
	const char *end = address.at + address.len;
	const char *colon = memrchr(address.at, ':', address.len);
	bool bracket = address.len > 0 && address.at[0] == '[';
	if (bracket && end[-1] == ']')
		colon = NULL;
	*host = (bana_str){address.at, (size_t)((colon == NULL ? end : colon) - address.at)};
	if (bracket && (host->len < 2 || host->at[host->len - 1] != ']'))
		return false;
	if (bracket)
		*host = (bana_str){host->at + 1, host->len - 2};
	*port = 6379;
	return colon == NULL ||
	       bana_parse_int((bana_str){colon + 1, (size_t)(end - colon - 1)}, 1, 65535, port)
			       .fault == BANA_OK;
}

static bool dial(struct bana_ctx *ctx, struct bana_redis *redis, bana_str address)
{
	bana_str host;
	int64_t port;
	if (!split_address(address, &host, &port))
		return false;
	redis->conn = redisConnectWithTimeout(
		bana_copy(ctx->arena, host.at, host.len), (int)port, redis->timeout);
	return true;
}

static bool connect_one(struct bana_ctx *ctx, struct bana_redis *redis, bana_str url)
{
	redis->login = (bana_str){"", 0};
	if (begins(url, local)) {
		const char *path = bana_copy(ctx->arena, url.at + 7, url.len - 7);
		redis->conn = redisConnectUnixWithTimeout(path, redis->timeout);
	} else if (begins(url, tcp)) {
		bana_str rest = {url.at + strlen(tcp), url.len - strlen(tcp)};
		if (memchr(rest.at, '@', rest.len) != NULL)
			redis->login = bana_str_cut(rest, '@', &rest);
		rest = bana_str_cut(rest, '/', &(bana_str){0}); /* pub/sub has no databases */
		if (!dial(ctx, redis, rest))
			return false;
	}
	return redis->conn != NULL && redis->conn->err == 0 &&
	       redisSetTimeout(redis->conn, redis->timeout) == REDIS_OK && introduce(ctx, redis);
}

static BANA_RES ready(struct bana_ctx *ctx, struct bana_redis *redis)
{
	bana_str rest = bana_str_of(redis->urls);
	while (redis->conn == NULL) {
		bana_str url = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		if (url.len > 0 && connect_one(ctx, redis, url))
			return BANA_DONE;
		if (rest.len == 0)
			return lost(ctx, redis, "no Redis address could be used");
		drop(redis);
	}
	struct pollfd p = {.fd = redis->conn->fd, .events = POLLIN};
	if (poll(&p, 1, 0) == 0)
		return BANA_DONE;
	drop(redis); /* nothing is ever owed to us when idle: it hung up */
	return ready(ctx, redis);
}

static void free_reply(void *reply)
{
	freeReplyObject(reply);
}

static BANA_RES read_reply(struct bana_ctx *ctx, struct bana_redis *redis, redisReply **reply)
{
	void *got = NULL;
	if (redisGetReply(redis->conn, &got) != REDIS_OK)
		return lost(ctx, redis, "no reply");
	bana_defer(ctx->arena, free_reply, got);
	*reply = got;
	return BANA_DONE;
}

/* Redis answers, but not as we wish: READONLY, MISCONF, NOPERM, OOM. */
static BANA_RES refused(struct bana_ctx *ctx, const redisReply *reply)
{
	return bana_fail_later(ctx, NULL, bana_copy(ctx->arena, reply->str, reply->len));
}

static BANA_RES ask_once(struct bana_ctx *ctx, struct bana_redis *redis, const char *const *words,
	redisReply **reply)
{
	int count = 0;
	while (words[count] != NULL)
		count++;
	const char **argv = bana_alloc(ctx->arena, (size_t)count * sizeof *argv);
	memcpy(argv, words, (size_t)count * sizeof *argv);
	redisAppendCommandArgv(redis->conn, count, argv, NULL);
	return read_reply(ctx, redis, reply);
}

/* "MOVED <slot> <host>:<port>": go there, with the same login. */
static BANA_RES move(struct bana_ctx *ctx, struct bana_redis *redis, const redisReply *moved)
{
	bana_str address = bana_str_of(strrchr(moved->str, ' ') + 1);
	bana_str login = redis->login;
	drop(redis);
	if (dial(ctx, redis, address) && redis->conn != NULL && redis->conn->err == 0 &&
		redisSetTimeout(redis->conn, redis->timeout) == REDIS_OK) {
		redis->login = login;
		if (introduce(ctx, redis))
			return BANA_DONE;
	}
	return lost(ctx, redis, "the owner of the slot does not answer");
}

BANA_RES bana_redis_ask(
	struct bana_ctx *ctx, struct bana_redis *redis, const char *const *words, bana_str *reply)
{
	redisReply *got;
	TRY(ready(ctx, redis));
	TRY(ask_once(ctx, redis, words, &got));
	if (got->type == REDIS_REPLY_ERROR && strncmp(got->str, "MOVED ", 6) == 0) {
		TRY(move(ctx, redis, got));
		TRY(ask_once(ctx, redis, words, &got));
	}
	if (got->type == REDIS_REPLY_ERROR)
		return refused(ctx, got);
	*reply = (bana_str){NULL, 0};
	if (got->type == REDIS_REPLY_STRING || got->type == REDIS_REPLY_STATUS)
		*reply = (bana_str){bana_copy(ctx->arena, got->str, got->len), got->len};
	else if (got->type == REDIS_REPLY_INTEGER)
		*reply = bana_str_of(bana_print(ctx->arena, "%lld", got->integer));
	return BANA_DONE;
}

static BANA_RES flush(struct bana_ctx *ctx, struct bana_redis *redis)
{
	for (int done = 0; !done;) {
		if (redisBufferWrite(redis->conn, &done) != REDIS_OK)
			return lost(ctx, redis, "not written");
	}
	return BANA_DONE;
}

BANA_RES bana_redis_publish_write(struct bana_ctx *ctx, struct bana_redis *redis,
	struct bana_publication *publications, size_t count)
{
	TRY(ready(ctx, redis));
	for (size_t i = 0; i < count; i++) {
		struct bana_publication *p = &publications[i];
		const char *argv[] = {"PUBLISH", p->channel, p->body.at};
		size_t lengths[] = {strlen("PUBLISH"), strlen(p->channel), p->body.len};
		redisAppendCommandArgv(redis->conn, 3, argv, lengths);
		p->receivers = -1;
	}
	return flush(ctx, redis);
}

BANA_RES bana_redis_publish_read(struct bana_ctx *ctx, struct bana_redis *redis,
	struct bana_publication *publications, size_t count)
{
	bana_res result = BANA_DONE;
	if (redis->conn == NULL)
		return lost(ctx, redis, "no connection");
	for (size_t i = 0; i < count; i++) {
		redisReply *reply;
		TRY(read_reply(ctx, redis, &reply));
		if (reply->type == REDIS_REPLY_INTEGER)
			publications[i].receivers = reply->integer;
		else if (reply->type == REDIS_REPLY_ERROR)
			result = refused(ctx, reply);
	}
	return result;
}

BANA_RES bana_redis_listen(
	struct bana_ctx *ctx, struct bana_redis *redis, const char *const *patterns)
{
	drop(redis);
	TRY(ready(ctx, redis));
	size_t count = 0;
	for (; patterns[count] != NULL; count++)
		redisAppendCommandArgv(
			redis->conn, 2, (const char *[]){"PSUBSCRIBE", patterns[count]}, NULL);
	for (; count > 0; count--) {
		redisReply *reply;
		TRY(read_reply(ctx, redis, &reply));
		if (reply->type == REDIS_REPLY_ERROR) {
			bana_res result = refused(ctx, reply);
			drop(redis);
			return result;
		}
		/* a message of the first pattern may come before the last is confirmed */
		if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 4)
			count++;
	}
	redis->heard_tick = bana_tick_us();
	return BANA_DONE;
}

int bana_redis_fd(const struct bana_redis *redis)
{
	return redis->conn == NULL ? -1 : redis->conn->fd;
}

/* What has been read already, or can be read without waiting; NULL when there is no whole reply. */
static BANA_RES take(struct bana_ctx *ctx, struct bana_redis *redis, redisReply **reply)
{
	void *got = NULL;
	for (;;) {
		if (redisReaderGetReply(redis->conn->reader, &got) != REDIS_OK)
			return lost(ctx, redis, "not the protocol of Redis");
		if (got != NULL)
			break;
		struct pollfd p = {.fd = redis->conn->fd, .events = POLLIN};
		if (poll(&p, 1, 0) <= 0)
			break;
		if (redisBufferRead(redis->conn) != REDIS_OK)
			return lost(ctx, redis, "hung up");
		redis->heard_tick = bana_tick_us();
	}
	if (got != NULL)
		bana_defer(ctx->arena, free_reply, got);
	*reply = got;
	return BANA_DONE;
}

BANA_RES bana_redis_next(
	struct bana_ctx *ctx, struct bana_redis *redis, bana_str *channel, bana_str *body)
{
	*channel = *body = (bana_str){NULL, 0};
	if (redis->conn == NULL)
		return lost(ctx, redis, "no connection");
	for (;;) {
		redisReply *reply = NULL;
		TRY(take(ctx, redis, &reply));
		if (reply == NULL)
			return BANA_DONE;
		/* "pmessage", pattern, channel, body; all else is not for us */
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 ||
			reply->element[2]->type != REDIS_REPLY_STRING ||
			reply->element[3]->type != REDIS_REPLY_STRING)
			continue;
		*channel = (bana_str){reply->element[2]->str, reply->element[2]->len};
		*body = (bana_str){reply->element[3]->str, reply->element[3]->len};
		return BANA_DONE;
	}
}

BANA_RES bana_redis_knock(struct bana_ctx *ctx, struct bana_redis *redis, int64_t silence_ms)
{
	if (redis->conn == NULL)
		return lost(ctx, redis, "no connection");
	if (bana_tick_us() - redis->heard_tick > silence_ms * 1000)
		return lost(ctx, redis, "silent");
	redisAppendCommand(redis->conn, "PING");
	return flush(ctx, redis);
}
