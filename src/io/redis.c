#include "bana/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>

#include "bana/ctx.h"

struct bana_redis {
	const char *urls, *name;
	struct timeval timeout;
	redisContext *conn;
};

bool bana_redis_urls_valid(const char *urls)
{
	bana_str rest = bana_str_of(urls);
	while (rest.len > 0) {
		bana_str url = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		bool tcp = url.len > 8 && memcmp(url.at, "redis://", 8) == 0;
		bool local = url.len > 8 && memcmp(url.at, "unix:///", 8) == 0;
		if (!tcp && !local)
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

static bool introduce(struct bana_ctx *ctx, struct bana_redis *redis, bana_str user, bana_str pass)
{
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

static bool connect_one(struct bana_ctx *ctx, struct bana_redis *redis, bana_str url)
{
	static const char tcp[] = "redis://", local[] = "unix://";
	bana_str user = {"", 0}, pass = user;
	if (url.len > strlen(local) && memcmp(url.at, local, strlen(local)) == 0) {
		const char *path = bana_copy(ctx->arena, url.at + 7, url.len - 7);
		redis->conn = redisConnectUnixWithTimeout(path, redis->timeout);
	} else if (url.len > strlen(tcp) && memcmp(url.at, tcp, strlen(tcp)) == 0) {
		bana_str rest = {url.at + strlen(tcp), url.len - strlen(tcp)};
		if (memchr(rest.at, '@', rest.len) != NULL)
			user = bana_str_cut(bana_str_cut(rest, '@', &rest), ':', &pass);
		rest = bana_str_cut(rest, '/', &(bana_str){0}); /* pub/sub has no databases */
		bana_str port_text;
		bana_str host = bana_str_cut(rest, ':', &port_text);
		int64_t port = 6379;
		if (port_text.len > 0 &&
			bana_parse_int(port_text, 1, 65535, &port).fault != BANA_OK)
			return false;
		redis->conn = redisConnectWithTimeout(
			bana_copy(ctx->arena, host.at, host.len), (int)port, redis->timeout);
	}
	if (redis->conn == NULL || redis->conn->err != 0 ||
		redisSetTimeout(redis->conn, redis->timeout) != REDIS_OK)
		return false;
	return introduce(ctx, redis, user, pass);
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

BANA_RES bana_redis_ping(struct bana_ctx *ctx, struct bana_redis *redis)
{
	redisReply *reply;
	TRY(ready(ctx, redis));
	redisAppendCommand(redis->conn, "PING");
	TRY(read_reply(ctx, redis, &reply));
	if (reply->type == REDIS_REPLY_STATUS)
		return BANA_DONE;
	return lost(ctx, redis, "PING was refused");
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
	for (int done = 0; !done;) {
		if (redisBufferWrite(redis->conn, &done) != REDIS_OK)
			return lost(ctx, redis, "not written");
	}
	return BANA_DONE;
}

BANA_RES bana_redis_publish_read(struct bana_ctx *ctx, struct bana_redis *redis,
	struct bana_publication *publications, size_t count)
{
	bana_res refused = BANA_DONE;
	if (redis->conn == NULL)
		return lost(ctx, redis, "no connection");
	for (size_t i = 0; i < count; i++) {
		redisReply *reply;
		TRY(read_reply(ctx, redis, &reply));
		if (reply->type == REDIS_REPLY_INTEGER)
			publications[i].receivers = reply->integer;
		else if (reply->type == REDIS_REPLY_ERROR) /* READONLY, MISCONF, NOPERM */
			refused = bana_fail_later(
				ctx, NULL, bana_copy(ctx->arena, reply->str, strlen(reply->str)));
	}
	return refused;
}
