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

#include <poll.h>
#include <stdlib.h>

enum {
	ROOMS_MAX = sizeof((struct bana_announcement){0}).rooms / sizeof(const char *),
	KEPT_MAX = 16,
	KEPT_US = 20000,
};

struct kept {
	struct bana_announcement what;
	const char *request_id;
	const char *trace;
	bana_str frame;   /* what a client receives: exactly event and data */
	const char *ways; /* that took it, for the log; NULL: none yet */
};

/* One outgoing message: an announcement to one of its rooms. */
struct message {
	struct kept *from;
	const char *room;
	bool sent;  /* by the way in hand */
	bool taken; /* by any way, for the log */
};

enum { MESSAGES_MAX = KEPT_MAX * ROOMS_MAX };

struct batch {
	struct bana_arena *arena;
	struct kept kept[KEPT_MAX];
	size_t count, bytes;
	int64_t first_tick; /* when the oldest came in */
	int64_t late_tick;  /* when answers are no longer waited for */
	struct message messages[MESSAGES_MAX];
	size_t message_count;
	struct bana_post posts[MESSAGES_MAX];
	struct bana_publication publications[MESSAGES_MAX];
	bool under_way[2]; /* by each way: written, not yet answered */
};

struct bana_outbox {
	const struct bana_app *app;
	struct batch batches[2];
	struct batch *filling, *away; /* the two, by turns */
};

struct bana_outbox *bana_outbox_new(const struct bana_app *app)
{
	struct bana_outbox *outbox = calloc(1, sizeof *outbox);
	if (outbox == NULL)
		abort();
	outbox->app = app;
	for (size_t i = 0; i < 2; i++)
		outbox->batches[i].arena = bana_arena_new();
	outbox->filling = &outbox->batches[0];
	outbox->away = &outbox->batches[1];
	return outbox;
}

void bana_outbox_free(struct bana_outbox *outbox)
{
	if (outbox == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		bana_arena_free(outbox->batches[i].arena);
	free(outbox);
}

static void list_messages(struct batch *b)
{
	b->message_count = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct kept *k = &b->kept[i];
		for (size_t r = 0; r < ROOMS_MAX && k->what.rooms[r] != NULL; r++)
			b->messages[b->message_count++] =
				(struct message){.from = k, .room = k->what.rooms[r]};
	}
}

static BANA_RES write_nchan(struct bana_ctx *ctx, struct batch *b)
{
	for (size_t i = 0; i < b->message_count; i++)
		b->posts[i] = (struct bana_post){.room = b->messages[i].room,
			.body = b->messages[i].from->frame,
			.trace = b->messages[i].from->trace};
	return bana_publisher_write(ctx, ctx->app->publisher, b->posts, b->message_count);
}

static BANA_RES read_nchan(struct bana_ctx *ctx, struct batch *b)
{
	bana_res result = bana_publisher_read(ctx, ctx->app->publisher, b->posts, b->message_count);
	for (size_t i = 0; i < b->message_count; i++) {
		int status = b->posts[i].status;
		b->messages[i].sent = status == 201 || status == 202; /* 202: nobody listens now */
		if (!b->messages[i].sent && result.fault == BANA_OK)
			result = bana_fail_later(
				ctx, NULL, bana_print(ctx->arena, "publisher answered %d", status));
	}
	return result;
}

/* ignis.md 1.3: what the original emitter published, byte for byte. */
static BANA_RES write_bus(struct bana_ctx *ctx, struct batch *b)
{
	for (size_t i = 0; i < b->message_count; i++) {
		const struct message *m = &b->messages[i];
		struct bana_buf body;
		bana_buf_init(&body, ctx->arena);
		bana_buf_text(&body, "{\"serverId\":\"emitter\",\"type\":\"room\"");
		bana_buf_json_member(&body, "target", m->room);
		bana_buf_text(&body, ",");
		bana_buf_add(&body, m->from->frame.at + 1, m->from->frame.len - 1);
		b->publications[i] = (struct bana_publication){
			.channel = bana_join(ctx->arena, "ws:room:", m->room, NULL),
			.body = bana_buf_str(&body)};
	}
	return bana_redis_publish_write(ctx, ctx->app->redis, b->publications, b->message_count);
}

static BANA_RES read_bus(struct bana_ctx *ctx, struct batch *b)
{
	bana_res result =
		bana_redis_publish_read(ctx, ctx->app->redis, b->publications, b->message_count);
	for (size_t i = 0; i < b->message_count; i++)
		b->messages[i].sent = b->publications[i].receivers >= 0;
	return result;
}

static int nchan_fd(const struct bana_app *app)
{
	return bana_publisher_fd(app->publisher);
}

/* nginx takes one POST after the other, so the first answer says nothing of the last. */
static bool nchan_ready(const struct bana_app *app, struct batch *b)
{
	return bana_publisher_ready(app->publisher, b->posts, b->message_count);
}

static int bus_fd(const struct bana_app *app)
{
	return bana_redis_fd(app->redis);
}

static bool bus_ready(const struct bana_app *app, struct batch *b)
{
	(void)b; /* Redis answers all at once */
	struct pollfd fd = {.fd = bus_fd(app), .events = POLLIN};
	return fd.fd < 0 || poll(&fd, 1, 0) != 0;
}

/* clang-format off */
static const struct way {
	const char *name;
	size_t wanted, timeout_ms; /* where in the settings */
	size_t breaker;            /* where in the pool's shared state */
	BANA_RES (*write)(struct bana_ctx *ctx, struct batch *b);
	BANA_RES (*read)(struct bana_ctx *ctx, struct batch *b);
	int (*fd)(const struct bana_app *app);
	bool (*ready)(const struct bana_app *app, struct batch *b); /* can be read without waiting */
	enum bana_metric sent, lost, skipped;
} ways[2] = {
	{"nchan", offsetof(struct bana_settings, ws_nchan), offsetof(struct bana_settings, publish_timeout_ms),
		offsetof(struct bana_pool_shared, nchan), write_nchan, read_nchan, nchan_fd, nchan_ready,
		BANA_METRIC_ANNOUNCED_NCHAN, BANA_METRIC_LOST_NCHAN, BANA_METRIC_SKIPPED_NCHAN},
	{"bus", offsetof(struct bana_settings, ws_bus), offsetof(struct bana_settings, redis_timeout_ms),
		offsetof(struct bana_pool_shared, bus), write_bus, read_bus, bus_fd, bus_ready,
		BANA_METRIC_ANNOUNCED_BUS, BANA_METRIC_LOST_BUS, BANA_METRIC_SKIPPED_BUS},
};
/* clang-format on */

static bool wanted(const struct bana_app *app, const struct way *way)
{
	return *(const bool *)((const char *)app->settings + way->wanted);
}

static int64_t timeout_us(const struct bana_app *app, const struct way *way)
{
	return *(const int64_t *)(const void *)((const char *)app->settings + way->timeout_ms) *
	       1000;
}

static struct bana_breaker *breaker(const struct bana_app *app, const struct way *way)
{
	return (struct bana_breaker *)(void *)((char *)app->pool->shared + way->breaker);
}

/* What became of each message of the batch by one way. One WARN for an announcement, whatever the
 * number of its rooms. */
static void note(
	struct bana_ctx *ctx, struct batch *b, const struct way *way, enum bana_metric unsent)
{
	const struct kept *warned = NULL;
	for (size_t i = 0; i < b->message_count; i++) {
		struct kept *k = b->messages[i].from;
		ctx->request_id = k->request_id;
		bana_count(ctx->app->pool, b->messages[i].sent ? way->sent : unsent, 1);
		if (b->messages[i].sent) {
			b->messages[i].taken = true;
			k->ways = k->ways == NULL || k->ways == way->name ? way->name : "nchan,bus";
			continue;
		}
		if (k != warned)
			bana_log(ctx, BANA_WARN, "Socket event service not ready", "way", way->name,
				k->what.id_name, k->what.id, "room", b->messages[i].room, "why",
				ctx->failure.why, NULL);
		warned = k;
	}
}

static void begin(struct bana_ctx *ctx, struct batch *b)
{
	bana_failure_clear(ctx);
	for (size_t i = 0; i < b->message_count; i++)
		b->messages[i].sent = false;
}

static void write_batch(struct bana_outbox *outbox, struct batch *b)
{
	const struct bana_app *app = outbox->app;
	struct bana_ctx ctx;
	bana_ctx_init(&ctx, b->arena, app);
	list_messages(b);
	b->late_tick = 0;
	for (size_t w = 0; w < 2; w++) {
		if (!wanted(app, &ways[w]))
			continue;
		int64_t late = bana_tick_us() + timeout_us(app, &ways[w]);
		b->late_tick = late > b->late_tick ? late : b->late_tick;
		begin(&ctx, b);
		if (!bana_breaker_try(breaker(app, &ways[w]), timeout_us(app, &ways[w]))) {
			ctx.failure.why = "skipped after a failure";
			note(&ctx, b, &ways[w], ways[w].skipped);
		} else if (ways[w].write(&ctx, b).fault == BANA_OK) {
			b->under_way[w] = true;
		} else {
			bana_breaker_failed(breaker(app, &ways[w]));
			note(&ctx, b, &ways[w], ways[w].lost);
		}
	}
}

/* Names the rooms that were reached, no others. */
static void log_sent(struct bana_ctx *ctx, const struct batch *b, const struct kept *k)
{
	const struct bana_announcement *a = &k->what;
	struct bana_buf rooms;
	if (k->ways == NULL || a->log_message == NULL)
		return;
	bana_buf_init(&rooms, ctx->arena);
	for (size_t i = 0; i < b->message_count; i++) {
		const struct message *m = &b->messages[i];
		if (m->from != k || !m->taken)
			continue;
		bana_buf_text(&rooms, rooms.len == 0 ? "[" : ",");
		bana_buf_json_str(&rooms, bana_str_of(m->room));
	}
	bana_buf_text(&rooms, "]");
	ctx->request_id = k->request_id;
	bana_log(ctx, BANA_INFO, a->log_message, a->id_name, a->id, "rooms", rooms.at, "ways",
		k->ways, NULL);
}

static void read_batch(struct bana_outbox *outbox, struct batch *b)
{
	const struct bana_app *app = outbox->app;
	struct bana_ctx ctx;
	if (b->count == 0)
		return;
	bana_ctx_init(&ctx, b->arena, app);
	for (size_t w = 0; w < 2; w++) {
		if (!b->under_way[w])
			continue;
		begin(&ctx, b);
		if (ways[w].read(&ctx, b).fault == BANA_OK)
			bana_breaker_ok(breaker(app, &ways[w]));
		else
			bana_breaker_failed(breaker(app, &ways[w]));
		note(&ctx, b, &ways[w], ways[w].lost);
		b->under_way[w] = false;
	}
	for (size_t i = 0; i < b->count; i++)
		log_sent(&ctx, b, &b->kept[i]);
	b->count = b->bytes = 0;
	bana_arena_reset(b->arena);
}

/* The batch being filled leaves; the one before it is finished first. */
static void turn(struct bana_outbox *outbox)
{
	struct batch *b = outbox->filling;
	read_batch(outbox, outbox->away);
	if (b->count == 0)
		return;
	write_batch(outbox, b);
	outbox->filling = outbox->away;
	outbox->away = b;
}

/* Can the answers to the batch that is away be read, or are they late? If `wait`, until they can or
 * `wake_fd` is ready. */
static bool answered(struct bana_outbox *outbox, bool wait, int wake_fd)
{
	const struct bana_app *app = outbox->app;
	struct batch *b = outbox->away;
	for (;;) {
		struct pollfd fds[3] = {{.fd = wake_fd, .events = POLLIN}};
		nfds_t count = 1;
		for (size_t w = 0; w < 2; w++) {
			if (b->under_way[w] && !ways[w].ready(app, b))
				fds[count++] =
					(struct pollfd){.fd = ways[w].fd(app), .events = POLLIN};
		}
		int64_t left_us = b->late_tick - bana_tick_us();
		if (count == 1 || left_us <= 0)
			return true;
		if (!wait)
			return false;
		poll(fds, count, (int)((left_us + 999) / 1000));
		if (fds[0].revents != 0)
			return false;
	}
}

void bana_outbox_tend(struct bana_outbox *outbox)
{
	const struct batch *b = outbox->filling;
	if (b->count == KEPT_MAX || (b->count > 0 && bana_tick_us() - b->first_tick >= KEPT_US &&
					    answered(outbox, false, -1)))
		turn(outbox);
}

void bana_outbox_rest(struct bana_outbox *outbox, int wake_fd)
{
	/* the batch that is away, then the one being filled */
	for (size_t i = 0; i < 2 && answered(outbox, true, wake_fd); i++)
		turn(outbox);
}

void bana_outbox_settle(struct bana_outbox *outbox)
{
	turn(outbox);
	read_batch(outbox, outbox->away);
}

static const char *keep_text(struct batch *b, const char *text)
{
	return bana_copy(b->arena, text, strlen(text));
}

/* After the reply: out of the request's arena, into ours. */
static void keep(struct bana_ctx *ctx, void *what)
{
	struct bana_outbox *outbox = ctx->app->outbox;
	const struct bana_announcement *a = what;
	size_t rooms = 0;
	while (rooms < ROOMS_MAX && a->rooms[rooms] != NULL)
		rooms++;
	size_t bytes = rooms * (a->data.len + BANA_POST_HEAD_BYTES);
	if (outbox->filling->count == KEPT_MAX ||
		(outbox->filling->count > 0 &&
			outbox->filling->bytes + bytes > BANA_POSTS_BYTES_MAX))
		turn(outbox);
	struct batch *b = outbox->filling;
	struct bana_buf frame;
	bana_buf_init(&frame, b->arena);
	bana_buf_text(&frame, "{");
	bana_buf_json_member(&frame, "event", a->event);
	bana_buf_json_name(&frame, "data");
	bana_buf_add(&frame, a->data.at, a->data.len);
	bana_buf_text(&frame, "}");
	if (b->count == 0)
		b->first_tick = bana_tick_us();
	struct kept *k = &b->kept[b->count++];
	b->bytes += bytes;
	*k = (struct kept){.what = *a,
		.request_id = keep_text(b, ctx->request_id),
		.trace = ctx->trace == NULL ? NULL : keep_text(b, bana_trace_on(ctx)),
		.frame = bana_buf_str(&frame)};
	for (size_t r = 0; r < rooms; r++)
		k->what.rooms[r] = keep_text(b, a->rooms[r]);
	k->what.id = keep_text(b, a->id);
}

void bana_announce(struct bana_ctx *ctx, const struct bana_announcement *what)
{
	struct bana_announcement *copy = bana_alloc(ctx->arena, sizeof *copy);
	*copy = *what;
	bana_after_add(ctx, keep, copy);
}
