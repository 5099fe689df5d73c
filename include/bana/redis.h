/*
 * Redis (hiredis): one connection a process, named for the operator (CLIENT SETNAME), made when
 * needed. Every wait is bounded; after any error the connection is dropped and nothing is queued.
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

/* UNAVAILABLE: no PONG within the time-out. One reconnect is tried for a connection gone stale. */
BANA_RES bana_redis_ping(struct bana_ctx *ctx, struct bana_redis *redis);

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

#endif
