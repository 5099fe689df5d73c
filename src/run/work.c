/*
 * The only place that knows the life of a turn of what a service does by itself.
 */
#include "bana/work.h"
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/consume.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/stop.h"

#include <poll.h>

#include "run/reload.h"

enum {
	LATER_MS_MIN = 50,
	LATER_MS_MAX = 2000,
	SLICE_MS = 50,
	STOP_US = 12000000, /* less than systemd and Kubernetes wait before they kill */
};

struct loop {
	const struct bana_app *app;
	struct bana_pg *db;
	struct bana_arena *arena;
	void *state;
	int later_ms; /* 0: all is well */
	int64_t stop_tick;
};

static void begin(struct loop *l, struct bana_ctx *ctx)
{
	bana_arena_reset(l->arena);
	bana_ctx_init(ctx, l->arena, l->app);
	ctx->db = l->db;
	ctx->request_id = bana_uuid(ctx);
}

static int put_off(struct loop *l, struct bana_ctx *ctx)
{
	if (l->later_ms == 0)
		bana_log(ctx, BANA_WARN, "work waits", "why", bana_failure_text(ctx), NULL);
	bana_pg_rollback(ctx);
	l->later_ms = l->later_ms == 0 ? LATER_MS_MIN : l->later_ms * 2;
	l->later_ms = l->later_ms > LATER_MS_MAX ? LATER_MS_MAX : l->later_ms;
	return l->later_ms;
}

/* How long to rest after it. */
static int turn(struct loop *l)
{
	struct bana_ctx ctx;
	int rest_ms = 0;
	begin(l, &ctx);
	if (l->app->service->work->turn(&ctx, l->state, &rest_ms).fault != BANA_OK)
		return put_off(l, &ctx);
	if (l->later_ms > 0)
		bana_log(&ctx, BANA_INFO, "work goes on", NULL);
	l->later_ms = 0;
	return rest_ms;
}

static bool goes_on(struct loop *l)
{
	if (!bana_stopping())
		return true;
	if (l->stop_tick == 0)
		l->stop_tick = bana_tick_us() + STOP_US;
	return l->app->service->work->busy(l->state) && bana_tick_us() < l->stop_tick;
}

static bool start(struct loop *l)
{
	struct bana_ctx ctx;
	begin(l, &ctx);
	if (l->app->service->work->begin(&ctx, &l->state).fault == BANA_OK)
		return true;
	bana_log(&ctx, BANA_ERROR, "cannot start", "why", bana_failure_text(&ctx), NULL);
	bana_log_flush();
	return false;
}

/* What is under way goes on meanwhile. A signal ends it. */
static void rest(const struct loop *l, int rest_ms, const sigset_t *waiting)
{
	const struct bana_work *work = l->app->service->work;
	for (int slice_ms; rest_ms > 0; rest_ms -= slice_ms) {
		bool sliced = work->meanwhile != NULL && work->busy(l->state);
		slice_ms = sliced && rest_ms > SLICE_MS ? SLICE_MS : rest_ms;
		struct timespec slice = {
			.tv_sec = slice_ms / 1000, .tv_nsec = slice_ms % 1000 * 1000000L};
		if (ppoll(NULL, 0, &slice, waiting) < 0)
			return;
		if (sliced)
			work->meanwhile(l->state);
	}
}

static void run(struct loop *l, const sigset_t *waiting, struct reload *reload)
{
	while (goes_on(l)) {
		int rest_ms = turn(l);
		bana_log_flush();
		if (l->later_ms > 0 || !bana_stopping())
			rest(l, rest_ms, waiting);
		reload_tend(reload);
	}
	l->app->service->work->end(l->state);
}

int bana_run_work(const struct bana_app *app, struct bana_pg *db, struct reload *reload)
{
	sigset_t waiting;
	struct loop l = {.app = app, .db = db, .arena = bana_arena_new()};
	bana_stop_catch(&waiting);
	bool started = start(&l);
	if (started)
		run(&l, &waiting, reload);
	bana_arena_free(l.arena);
	return started ? 0 : 2;
}
