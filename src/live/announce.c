/*
 * The way out of an announcement: nchan's publisher and the Redis bus, each behind a breaker that
 * the whole pool shares, so that a way that is down costs one probing worker a moment, and nobody
 * else anything.
 */
#include "bana/app.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/redis.h"

#include <stdlib.h>

enum {
	ROOMS_MAX = sizeof((struct bana_announcement){0}).rooms / sizeof(const char *),
	KEPT_MAX = 16,
	KEPT_US = 20000,
};

struct kept {
	struct bana_announcement what;
	const char *request_id;
	bana_str frame;   /* what a client receives: exactly event and data */
	const char *ways; /* that took it, for the log; NULL: none yet */
};

struct bana_outbox {
	const struct bana_app *app;
	struct bana_arena *arena;
	struct kept kept[KEPT_MAX];
	size_t count;
	int64_t first_tick; /* when the oldest came in */
};

struct bana_outbox *bana_outbox_new(const struct bana_app *app)
{
	struct bana_outbox *outbox = calloc(1, sizeof *outbox);
	if (outbox == NULL)
		abort();
	outbox->app = app;
	outbox->arena = bana_arena_new();
	return outbox;
}

void bana_outbox_free(struct bana_outbox *outbox)
{
	if (outbox == NULL)
		return;
	bana_arena_free(outbox->arena);
	free(outbox);
}

bool bana_outbox_due(const struct bana_outbox *outbox)
{
	return outbox->count == KEPT_MAX ||
	       (outbox->count > 0 && bana_tick_us() - outbox->first_tick >= KEPT_US);
}

/* One outgoing message: an announcement to one of its rooms. */
struct message {
	struct kept *from;
	const char *room;
	bool sent; /* by the way in hand */
};

static size_t list_messages(struct bana_outbox *outbox, struct message *messages)
{
	size_t n = 0;
	for (size_t i = 0; i < outbox->count; i++) {
		struct kept *k = &outbox->kept[i];
		for (size_t r = 0; r < ROOMS_MAX && k->what.rooms[r] != NULL; r++)
			messages[n++] = (struct message){k, k->what.rooms[r], false};
	}
	return n;
}

static BANA_RES to_nchan(struct bana_ctx *ctx, struct message *messages, size_t count)
{
	struct bana_post posts[KEPT_MAX * ROOMS_MAX];
	bana_res refused = BANA_DONE;
	for (size_t i = 0; i < count; i++)
		posts[i] = (struct bana_post){
			.room = messages[i].room, .body = messages[i].from->frame};
	bana_res result = bana_publisher_send(ctx, ctx->app->publisher, posts, count);
	for (size_t i = 0; i < count; i++) {
		messages[i].sent = posts[i].status == 201 || posts[i].status == 202;
		if (!messages[i].sent)
			refused = bana_fail_later(ctx, NULL,
				bana_print(ctx->arena, "publisher answered %d", posts[i].status));
	}
	return result.fault != BANA_OK ? result : refused;
}

/* ignis.md 1.3: what the original emitter published, byte for byte. */
static BANA_RES to_bus(struct bana_ctx *ctx, struct message *messages, size_t count)
{
	struct bana_publication publications[KEPT_MAX * ROOMS_MAX];
	for (size_t i = 0; i < count; i++) {
		struct message *m = &messages[i];
		struct bana_buf b;
		bana_buf_init(&b, ctx->arena);
		bana_buf_text(&b, "{\"serverId\":\"emitter\",\"type\":\"room\"");
		bana_buf_json_member(&b, "target", m->room);
		bana_buf_text(&b, ",");
		bana_buf_add(&b, m->from->frame.at + 1, m->from->frame.len - 1);
		publications[i] = (struct bana_publication){
			.channel = bana_print(ctx->arena, "ws:room:%s", m->room),
			.body = bana_buf_str(&b),
			.receivers = -1};
	}
	bana_res result = bana_redis_publish(ctx, ctx->app->redis, publications, count);
	for (size_t i = 0; i < count; i++)
		messages[i].sent = publications[i].receivers >= 0;
	return result;
}

struct way {
	const char *name;
	bool wanted;
	struct bana_breaker *breaker;
	int64_t timeout_ms;
	BANA_RES (*send)(struct bana_ctx *ctx, struct message *messages, size_t count);
};

static void send_by(
	struct bana_ctx *ctx, const struct way *way, struct message *messages, size_t count)
{
	bool tried = bana_breaker_try(way->breaker, way->timeout_ms * 1000);
	ctx->failure = (struct bana_failure){.why = tried ? NULL : "skipped after a failure"};
	for (size_t i = 0; i < count; i++)
		messages[i].sent = false;
	if (tried && way->send(ctx, messages, count).fault == BANA_OK)
		bana_breaker_ok(way->breaker);
	else if (tried)
		bana_breaker_failed(way->breaker);
	for (size_t i = 0; i < count; i++) {
		struct kept *k = messages[i].from;
		ctx->request_id = k->request_id;
		if (!messages[i].sent)
			bana_log(ctx, BANA_WARN, "Socket event service not ready", "way", way->name,
				k->what.id_name, k->what.id, "room", messages[i].room, "why",
				ctx->failure.why, NULL);
		else if (k->ways == NULL)
			k->ways = way->name;
		else if (k->ways != way->name)
			k->ways = "nchan,bus";
	}
}

static void log_sent(struct bana_ctx *ctx, const struct kept *k)
{
	const struct bana_announcement *a = &k->what;
	struct bana_buf rooms;
	if (k->ways == NULL)
		return;
	bana_buf_init(&rooms, ctx->arena);
	for (size_t r = 0; r < ROOMS_MAX && a->rooms[r] != NULL; r++) {
		bana_buf_text(&rooms, r == 0 ? "[" : ",");
		bana_buf_json_str(&rooms, bana_str_of(a->rooms[r]));
	}
	bana_buf_text(&rooms, "]");
	ctx->request_id = k->request_id;
	bana_log(ctx, BANA_INFO, a->log_message, a->id_name, a->id, "rooms", rooms.at, "ways",
		k->ways, NULL);
}

void bana_outbox_send(struct bana_outbox *outbox)
{
	if (outbox->count == 0)
		return;
	const struct bana_settings *s = outbox->app->settings;
	struct bana_pool_shared *shared = outbox->app->pool->shared;
	const struct way ways[] = {
		{"nchan", s->ws_nchan, &shared->nchan, s->publish_timeout_ms, to_nchan},
		{"bus", s->ws_bus, &shared->bus, s->redis_timeout_ms, to_bus},
	};
	struct message messages[KEPT_MAX * ROOMS_MAX];
	size_t count = list_messages(outbox, messages);
	struct bana_ctx ctx;
	bana_ctx_init(&ctx, outbox->arena, outbox->app);
	for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
		if (ways[w].wanted)
			send_by(&ctx, &ways[w], messages, count);
	}
	for (size_t i = 0; i < outbox->count; i++)
		log_sent(&ctx, &outbox->kept[i]);
	outbox->count = 0;
	bana_arena_reset(outbox->arena);
}

static const char *keep_text(struct bana_outbox *outbox, const char *text)
{
	return bana_copy(outbox->arena, text, strlen(text));
}

/* After the reply: out of the request's arena, into ours. */
static void keep(struct bana_ctx *ctx, void *what)
{
	struct bana_outbox *outbox = ctx->app->outbox;
	const struct bana_announcement *a = what;
	if (outbox->count == KEPT_MAX)
		bana_outbox_send(outbox);
	struct bana_buf frame;
	bana_buf_init(&frame, outbox->arena);
	bana_buf_text(&frame, "{");
	bana_buf_json_member(&frame, "event", a->event);
	bana_buf_json_name(&frame, "data");
	bana_buf_add(&frame, a->data.at, a->data.len);
	bana_buf_text(&frame, "}");
	if (outbox->count == 0)
		outbox->first_tick = bana_tick_us();
	struct kept *k = &outbox->kept[outbox->count++];
	*k = (struct kept){*a, keep_text(outbox, ctx->request_id), bana_buf_str(&frame), NULL};
	for (size_t r = 0; r < ROOMS_MAX && a->rooms[r] != NULL; r++)
		k->what.rooms[r] = keep_text(outbox, a->rooms[r]);
	k->what.id = keep_text(outbox, a->id);
}

void bana_announce(struct bana_ctx *ctx, const struct bana_announcement *what)
{
	struct bana_announcement *copy = bana_alloc(ctx->arena, sizeof *copy);
	*copy = *what;
	bana_after_add(ctx, keep, copy);
}
