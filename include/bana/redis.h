/*
 * Redis (hiredis): one connection, named for the operator (CLIENT SETNAME), made when needed. Every
 * wait is bounded; after any error of the connection it is dropped and nothing is queued. hiredis
 * 0.14 has no TLS: docs/operations.md says how to run it.
 */
#ifndef BANA_REDIS_H
#define BANA_REDIS_H

#include "bana/text.h"

struct bana_ctx;
struct bana_redis;

/* Is every one of the URLs of a kind that can be used? */
bool bana_redis_urls_valid(const char *urls);

/* `urls`: redis://[user][:password]@host[:port], unix:///path; several comma-separated ones are
 * tried in order. `name` and `urls` must outlive it. Does not connect yet. */
struct bana_redis *bana_redis_new(const char *urls, const char *name, int64_t timeout_ms);
void bana_redis_free(struct bana_redis *redis);

/*
 * One command of NULL-terminated words; its reply as text in the arena: a string as it is, an
 * integer in decimal, nil as {NULL, 0}. In a cluster the owner of the key is asked (one MOVED is
 * followed, and stayed with). UNAVAILABLE: no reply in time, or Redis refused; its words are the
 * reason for the log.
 */
BANA_RES bana_redis_ask(
	struct bana_ctx *ctx, struct bana_redis *redis, const char *const *words, bana_str *reply);

struct bana_publication {
	const char *channel;
	bana_str body;
	int64_t receivers; /* set to the reply; -1: refused or no reply */
};

/* PUBLISH all in one write; do not wait. UNAVAILABLE: no connection, or it broke. What was written
 * must be read before anything else is asked. */
BANA_RES bana_redis_publish_write(struct bana_ctx *ctx, struct bana_redis *redis,
	struct bana_publication *publications, size_t count);

/* The replies to what was written. UNAVAILABLE: not all came in time, or Redis refused one; its
 * words are the reason for the log. */
BANA_RES bana_redis_publish_read(struct bana_ctx *ctx, struct bana_redis *redis,
	struct bana_publication *publications, size_t count);

/* ---- a connection that listens; nothing else can be asked on it ------------------------------ */

/* PSUBSCRIBE to NULL-terminated patterns, connecting first. UNAVAILABLE: not all confirmed. */
BANA_RES bana_redis_listen(
	struct bana_ctx *ctx, struct bana_redis *redis, const char *const *patterns);

/* To poll for reading; -1: not connected. */
int bana_redis_fd(const struct bana_redis *redis);

/* The next message that has arrived, in the arena; *channel.at is NULL when none has. Never waits.
 * UNAVAILABLE: the connection is lost; listen again. */
BANA_RES bana_redis_next(
	struct bana_ctx *ctx, struct bana_redis *redis, bana_str *channel, bana_str *body);

/* Ask a listening connection for a sign of life; bana_redis_next sees it. UNAVAILABLE: lost, or
 * nothing at all was heard for `silence_ms`. */
BANA_RES bana_redis_knock(struct bana_ctx *ctx, struct bana_redis *redis, int64_t silence_ms);

#endif
