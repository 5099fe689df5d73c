/*
 * What lives as long as the process: made by run/, handed down in the context, never changed by a
 * request but through the modules that own the parts.
 */
#ifndef BANA_APP_H
#define BANA_APP_H

#include "bana/setting.h"
#include "bana/text.h"

struct bana_ctx;
struct bana_entity;
struct bana_jwks;
struct bana_outbox;
struct bana_policy;
struct bana_pool;
struct bana_publisher;
struct bana_redis;
struct bana_room;
struct bana_route;
struct bana_token_cache;
struct bana_topic;
struct bana_work;

/* What a service is: tables only. */
struct bana_service {
	const char *name; /* "outreach": base path, log name, migrations folder */
	const char *redis_name;
	const struct bana_route *routes;
	size_t route_count;
	const struct bana_room *rooms;
	size_t room_count;
	const struct bana_entity *const *entities; /* the stored ones, NULL-terminated */
	const struct bana_entity *audit;           /* that of its "AuditLog" */
	/* A stable name for personal text that does not tell it (an HMAC, in hexadecimal, in the
	 * arena); NULL when there is no key. For what outlives an erasure. */
	const char *(*pseudonym)(struct bana_ctx *ctx, bana_str text);
	void (*begin)(void);                /* before a process answers requests; NULL: nothing */
	const struct bana_topic *topic;     /* of Kafka, for `consume`; NULL: none */
	const struct bana_work *work;       /* what it does by itself, for `work`; NULL: nothing */
	const char *title, *says;           /* of the OpenAPI document */
	const char *migration;              /* the newest one, without which nothing works */
	struct bana_setting_group settings; /* its own */
	/* What no single row of them can say, once they are loaded or read again: false when they
	 * do not go together; each reason is a line on `errors`. NULL: nothing. */
	bool (*settle)(FILE *errors);
};

struct bana_app {
	const struct bana_service *service;
	const struct bana_settings *settings;
	const char *base_path;
	struct bana_pool *pool;
	bool probes_only; /* not of the pool, but of those who tell how it is */
	struct bana_redis *redis, *bucket_redis; /* on the other one replies may be pending */
	struct bana_publisher *publisher;
	struct bana_outbox *outbox;
	struct bana_jwks *jwks;
	struct bana_token_cache *tokens;
	struct bana_policy *policy;
};

#endif
