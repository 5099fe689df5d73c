/*
 * The only place that knows the life of a batch of Kafka messages: take, commit, announce, forget.
 */
#include "bana/consume.h"
#include "bana/app.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/stop.h"

#include <poll.h>

#include "run/reload.h"

enum {
	WAIT_MS = 100, /* for a first message; the time a stop may have to wait */
	LATER_US_MIN = 50000,
	LATER_US_MAX = 2000000,
	LOOK_US = 1000000,
};

struct loop {
	const struct bana_app *app;
	struct bana_pg *db;
	struct bana_kafka *kafka;
	struct bana_arena *arena;
	const sigset_t *waiting;
	size_t most;      /* messages of a batch: fewer after one that could not be done in time */
	int64_t later_us; /* 0: all is well */
	int64_t look_tick, sweep_tick;
	bool away, settled; /* when it was last told */
};

const char *bana_failure_text(struct bana_ctx *ctx)
{
	const struct bana_failure *f = &ctx->failure;
	struct bana_buf text;
	bana_buf_init(&text, ctx->arena);
	bana_buf_text(&text, f->message == NULL ? "refused" : f->message);
	if (f->detail != NULL && f->detail != f->message)
		bana_buf_print(&text, ": %s", f->detail);
	if (f->why != NULL)
		bana_buf_print(&text, " (%s)", f->why);
	for (const struct bana_issue *i = f->issues; i != NULL; i = i->next)
		bana_buf_print(&text, "; %s: %s", i->path, i->message);
	return text.at;
}

static void begin(struct loop *l, struct bana_ctx *ctx)
{
	bana_arena_reset(l->arena);
	bana_ctx_init(ctx, l->arena, l->app);
	ctx->db = l->db;
	ctx->request_id = bana_uuid(ctx);
}

/* OK: committed, and announced. */
static bana_res take(struct loop *l, const struct bana_message *messages, size_t count)
{
	struct bana_ctx ctx;
	begin(l, &ctx);
	bana_res result = l->app->service->topic->take(&ctx, messages, count);
	if (result.fault == BANA_OK) {
		bana_after_run(&ctx);
		return result;
	}
	bana_pg_rollback(&ctx);
	if (result.fault == BANA_UNAVAILABLE)
		bana_log(&ctx, BANA_WARN, "events wait", "why", bana_failure_text(&ctx), NULL);
	if (result.fault == BANA_INTERNAL) { /* ours, or the operator's: no message is to blame */
		bana_log(&ctx, BANA_ERROR, "events cannot be taken", "why", bana_failure_text(&ctx),
			NULL);
		return BANA_IS(UNAVAILABLE);
	}
	if (result.fault == BANA_UNAVAILABLE || count > 1)
		return result;
	const char *reason = bana_failure_text(&ctx);
	bana_failure_clear(&ctx);
	result = l->app->service->topic->bury(&ctx, messages, reason);
	if (result.fault == BANA_OK)
		return result;
	bana_log(&ctx, BANA_ERROR, "a dead letter cannot be kept", "why", bana_failure_text(&ctx),
		NULL);
	bana_pg_rollback(&ctx);
	return BANA_IS(UNAVAILABLE); /* never lost: it is read again */
}

/* Those that can be taken are, whatever the others are like. UNAVAILABLE: not all were looked at.
 */
static bana_res settle(struct loop *l, const struct bana_message *messages, size_t count)
{
	bana_res result = take(l, messages, count);
	if (result.fault == BANA_OK || result.fault == BANA_UNAVAILABLE)
		return result;
	TRY(settle(l, messages, count / 2));
	return settle(l, messages + count / 2, count - count / 2);
}

static void put_off(struct loop *l)
{
	bana_count(l->app->pool, BANA_METRIC_EVENTS_PUT_OFF, 1);
	bana_kafka_rewind(l->kafka);
	l->most = l->most > 1 ? l->most / 2 : 1;
	l->later_us = l->later_us == 0 ? LATER_US_MIN : l->later_us * 2;
	if (l->later_us > LATER_US_MAX)
		l->later_us = LATER_US_MAX;
	const struct timespec wait = {
		.tv_sec = l->later_us / 1000000, .tv_nsec = l->later_us % 1000000 * 1000};
	ppoll(NULL, 0, &wait, l->waiting);
}

static void tell_kafka(struct loop *l)
{
	struct bana_consumer *self = bana_consumer_self(l->app->pool);
	int64_t tick = bana_tick_us();
	bool settled = bana_kafka_settled(l->kafka);
	if (settled == l->settled && tick - l->look_tick < LOOK_US)
		return;
	l->look_tick = tick;
	struct bana_kafka_state state = bana_kafka_look(l->kafka);
	bool away = state.trouble != NULL;
	atomic_store(&self->partitions, state.partitions);
	atomic_store(&self->lag, state.lag);
	atomic_store(&self->away, away);
	atomic_store(&self->settled, settled);
	if (settled && !l->settled)
		bana_log(NULL, BANA_INFO, "partitions assigned", "count",
			bana_print(l->arena, "%d", state.partitions), NULL);
	l->settled = settled;
	if (away != l->away)
		bana_log(NULL, away ? BANA_WARN : BANA_INFO,
			away ? "Kafka has trouble" : "Kafka is well", "why", state.trouble, NULL);
	l->away = away;
}

static void sweep(struct loop *l)
{
	const struct bana_topic *topic = l->app->service->topic;
	struct bana_ctx ctx;
	bool more = false;
	if (bana_tick_us() < l->sweep_tick)
		return;
	begin(l, &ctx);
	if (topic->sweep(&ctx, &more).fault != BANA_OK) {
		bana_log(&ctx, BANA_WARN, "what has expired cannot be removed", "why",
			bana_failure_text(&ctx), NULL);
		bana_pg_rollback(&ctx);
	}
	/* more of it goes bit by bit: events come first */
	l->sweep_tick = bana_tick_us() + (more ? 100000 : *topic->sweep_s * 1000000);
}

static void turn(struct loop *l)
{
	size_t count = bana_kafka_poll(l->kafka, WAIT_MS, l->most);
	tell_kafka(l);
	if (count == 0) {
		bana_outbox_rest(l->app->outbox, -1);
		bana_log_flush();
		sweep(l);
		return;
	}
	if (settle(l, bana_kafka_messages(l->kafka), count).fault != BANA_OK) {
		put_off(l);
		return;
	}
	bana_kafka_commit(l->kafka, bana_stopping());
	atomic_store(&bana_consumer_self(l->app->pool)->committed_tick, bana_tick_us());
	l->later_us = 0;
	l->most = l->most * 2 < BANA_KAFKA_BATCH_MAX ? l->most * 2 : BANA_KAFKA_BATCH_MAX;
	bana_outbox_rest(l->app->outbox, -1);
	sweep(l);
}

int bana_run_consume(const struct bana_app *app, struct bana_pg *db, struct bana_kafka *kafka,
	struct reload *reload)
{
	sigset_t waiting;
	struct loop l = {.app = app,
		.db = db,
		.kafka = kafka,
		.arena = bana_arena_new(),
		.waiting = &waiting,
		.most = BANA_KAFKA_BATCH_MAX};
	bana_stop_catch(&waiting);
	while (!bana_stopping()) {
		turn(&l);
		reload_tend(reload);
	}
	bana_outbox_settle(app->outbox);
	bana_log_flush();
	bana_arena_free(l.arena);
	return 0;
}
