/*
 * The only place that knows the life of a request: accept, take in, find, guard, handle, answer,
 * log, after-list, forget.
 */
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/fcgi.h"
#include "bana/guard.h"
#include "bana/idempotent.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/run.h"

#include <stdio.h>
#include <unistd.h>

#include "run/reload.h"

enum { TARGET_BYTES_MAX = 16384 };

/* ignis.md 3: 1 to 255 of [A-Za-z0-9_\-=], else a new one. */
static bool request_id_valid(const char *id)
{
	size_t n = id == NULL ? 0
			      : strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789_-=");
	return n > 0 && n <= 255 && id[n] == '\0';
}

/* Cut the target in path and query; what follows the base path is the route's. */
static BANA_RES take_target(struct bana_req *q)
{
	const char *uri = bana_req_header(q, "REQUEST_URI");
	bana_str target = bana_str_of(uri == NULL ? "" : uri);
	q->target = q->path = BANA_STR("/");
	bool plain = target.len > 0 && target.len <= TARGET_BYTES_MAX && target.at[0] == '/';
	for (size_t i = 0; plain && i < target.len; i++)
		plain = target.at[i] > 0x20 && target.at[i] < 0x7F;
	if (!plain)
		return bana_fail(&q->ctx, BANA_MALFORMED, "Malformed request target", NULL);
	q->target = bana_str_cut(target, '?', &q->query);
	size_t base = strlen(q->ctx.app->base_path);
	if (q->target.len > base && memcmp(q->target.at, q->ctx.app->base_path, base) == 0 &&
		q->target.at[base] == '/')
		q->path = (bana_str){q->target.at + base, q->target.len - base};
	else
		q->path = q->target;
	return BANA_DONE;
}

static BANA_RES preflight(struct bana_req *q)
{
	const struct bana_service *s = q->ctx.app->service;
	const char *verbs = bana_route_verbs(q, s->routes, s->route_count);
	if (verbs == NULL)
		return bana_fail(&q->ctx, BANA_NOT_FOUND, "URL NOT FOUND", NULL);
	bana_reply_header(q, "Allow", verbs);
	if (bana_req_header(q, "HTTP_ACCESS_CONTROL_REQUEST_METHOD") != NULL) {
		bana_reply_header(q, "Access-Control-Allow-Methods", verbs);
		bana_reply_header(q, "Access-Control-Allow-Headers",
			"Authorization, Content-Type, Idempotency-Key, If-Match, Prefer, "
			"X-Request-Id, x-request-count");
		bana_reply_header(q, "Access-Control-Max-Age", "86400");
	}
	q->status = 204;
	return BANA_DONE;
}

static BANA_RES answer(struct bana_req *q)
{
	const struct bana_service *s = q->ctx.app->service;
	if (bana_str_is(q->method, "OPTIONS"))
		return preflight(q);
	TRY(bana_route_find(q, s->routes, s->route_count));
	bool below_base = q->path.at != q->target.at;
	const unsigned flags = q->route->flags;
	const bool probe = flags & (BANA_AT_ROOT | BANA_INSIDE);
	if (below_base ? (flags & BANA_INSIDE) : !probe)
		return bana_fail(&q->ctx, BANA_NOT_FOUND, "URL NOT FOUND", NULL);
	if (q->ctx.app->probes_only && !probe)
		return bana_fail(&q->ctx, BANA_NOT_FOUND, "Only probes are answered here", NULL);
	if (q->body_fault.fault != BANA_OK)
		return bana_fail(&q->ctx, q->body_fault.fault,
			q->body_fault.fault == BANA_TOO_LARGE ? "Body is too large"
							      : "Body is not whole",
			NULL);
	TRY(bana_guard(q));
	return bana_idempotent(q);
}

void bana_run_request(struct bana_req *q, struct bana_buf *out)
{
	bana_res result = take_target(q);
	if (result.fault == BANA_OK)
		result = answer(q);
	if (result.fault != BANA_OK) {
		q->stream = NULL;
		bana_after_clear(&q->ctx);
	}
	if (q->stream == NULL)
		bana_pg_rollback(&q->ctx);
	if (result.fault != BANA_OK)
		bana_reply_problem(q, result);
	if (q->route != NULL && q->route->call->page != NULL)
		q->route->call->page(q);
	bana_reply_render(q, out);
}

bool bana_run_stream(struct bana_req *q, struct bana_sink *sink)
{
	bool head = bana_str_is(q->method, "HEAD");
	bool whole = q->stream == NULL || head || q->stream(q, sink);
	if (q->stream != NULL)
		bana_pg_rollback(&q->ctx);
	return whole;
}

/* Probes come every few seconds, for ever: worth a line only when they fail. */
static enum bana_level level_of(const struct bana_req *q)
{
	bool probe = q->route != NULL && (q->route->flags & (BANA_AT_ROOT | BANA_INSIDE));
	return q->status == 500           ? BANA_ERROR
	       : q->status > 500          ? BANA_WARN
	       : probe && q->status < 400 ? BANA_DEBUG
					  : BANA_INFO;
}

static void log_request(const struct bana_req *q, int64_t took_us, bool whole)
{
	char status[BANA_INT_BYTES], us[BANA_INT_BYTES];
	bana_log(&q->ctx, level_of(q), "request", "method", q->route == NULL ? "-" : q->route->verb,
		"route", q->route == NULL ? "-" : q->route->path, "status",
		bana_int_write(q->status, status), "us", bana_int_write(took_us, us), "why",
		q->ctx.failure.why, "client", whole ? NULL : "gone", NULL);
}

static void account(const struct bana_req *q, int64_t begun_tick, bool whole)
{
	const struct bana_app *app = q->ctx.app;
	int64_t took_us = bana_tick_us() - begun_tick;
	size_t route = q->route == NULL ? 0 : (size_t)(q->route - app->service->routes) + 1;
	bana_time_request(app->pool, route, q->status, took_us);
	log_request(q, took_us, whole);
}

static const char *param(void *source, const char *name)
{
	return bana_fcgi_param(source, name);
}

static bool write_piece(struct bana_sink *sink, bana_str bytes)
{
	return bana_fcgi_write(sink->to, bytes);
}

/* What there is to know of a request before it is looked at. */
static void take_in(struct bana_req *q, struct bana_fcgi *fcgi, struct bana_trace *trace)
{
	struct bana_ctx *ctx = &q->ctx;
	const char *id = bana_fcgi_param(fcgi, "HTTP_X_REQUEST_ID");
	const char *method = bana_fcgi_param(fcgi, "REQUEST_METHOD");
	const char *parent = bana_fcgi_param(fcgi, "HTTP_TRACEPARENT");
	ctx->request_id =
		request_id_valid(id) ? bana_copy(ctx->arena, id, strlen(id)) : bana_uuid(ctx);
	if (parent != NULL && bana_trace_read(parent, bana_random_word(), trace))
		ctx->trace = trace;
	q->method = bana_str_of(method == NULL ? "" : method);
	q->body_fault = bana_fcgi_body(
		fcgi, ctx->arena, (size_t)ctx->app->settings->body_bytes_max, &q->body);
}

/* Who tells of the pool looks for it as long as there is none, or none any more. */
static void find_pool(const struct bana_app *app)
{
	const struct bana_settings *s = app->settings;
	if (!app->probes_only || (app->pool->shared != NULL && bana_pool_lives(app->pool)))
		return;
	bana_pool_close(app->pool);
	bana_pool_watch(app->pool, s->state_dir, (unsigned)s->node_id);
}

static void serve(const struct bana_app *app, struct bana_pg *db, struct bana_fcgi *fcgi,
	struct bana_arena *arena, int64_t begun_tick)
{
	struct bana_req q = {.param = param, .source = fcgi};
	struct bana_trace trace;
	struct bana_buf out;
	bana_ctx_init(&q.ctx, arena, app);
	q.ctx.db = db;
	bana_buf_init(&q.headers, arena);
	bana_buf_init(&q.reply, arena);
	bana_buf_init(&out, arena);
	take_in(&q, fcgi, &trace);
	bana_run_request(&q, &out);
	bana_fcgi_write(fcgi, bana_buf_str(&out));
	struct bana_sink sink = {write_piece, fcgi};
	if (!bana_run_stream(&q, &sink))
		bana_fcgi_break(fcgi);
	bool whole = bana_fcgi_finish(fcgi);
	account(&q, begun_tick, whole);
	bana_after_run(&q.ctx);
}

enum { LISTENER = 0 }; /* of spawn-fcgi */

struct loop {
	const struct bana_app *app;
	struct bana_pg *db;
	struct bana_fcgi *fcgi;
	struct reload *reload;
	bool dormant;
	int64_t weighed_tick;
};

/* More processes than APP_ENV_WORKERS were started: the last ones wait for it to grow. */
static void settle_rest(struct loop *l)
{
	const struct bana_app *app = l->app;
	int64_t most = app->settings->workers;
	l->dormant = !app->probes_only && most > 0 && app->pool->place >= (uint64_t)most;
	bana_fcgi_rest(l->fcgi, l->dormant);
	if (l->dormant)
		bana_pg_leave(l->db);
}

/* Resident pages are the second number of statm. */
static void weigh(struct loop *l, int64_t tick)
{
	enum { EVERY_US = 1000000 };
	FILE *file = NULL;
	char text[32];
	int64_t pages;
	if (tick - l->weighed_tick > EVERY_US)
		file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return;
	l->weighed_tick = tick;
	if (fscanf(file, "%*s %31s", text) == 1 &&
		bana_parse_int(bana_str_of(text), 0, INT64_MAX / 65536, &pages).fault == BANA_OK)
		bana_worker_weighs(l->app->pool, pages * sysconf(_SC_PAGESIZE));
	fclose(file);
}

/* The time of those who answer probes is not that of the pool. */
static void finish(struct loop *l, int64_t begun_tick)
{
	int64_t tick = bana_tick_us();
	if (!l->app->probes_only)
		bana_count(l->app->pool, BANA_METRIC_WORKER_BUSY_US, (uint64_t)(tick - begun_tick));
	weigh(l, tick);
}

static void tend(struct loop *l)
{
	if (reload_tend(l->reload))
		settle_rest(l);
}

static void idle(void *loop)
{
	struct loop *l = loop;
	tend(l);
	bana_worker_is(l->app->pool, l->dormant ? BANA_WORKER_DORMANT : BANA_WORKER_IDLE);
	bana_outbox_rest(
		l->app->outbox, l->dormant ? -1 : LISTENER); /* who rests is not woken by it */
	bana_log_flush();
}

int bana_run_api(const struct bana_app *app, struct bana_pg *db, struct reload *reload)
{
	struct loop l = {.app = app, .db = db, .reload = reload};
	struct bana_arena *arena = bana_arena_new();
	l.fcgi = bana_fcgi_new(LISTENER, app->settings->export_stall_ms);
	bana_log_hold();
	settle_rest(&l);
	weigh(&l, bana_tick_us());
	while (bana_fcgi_accept(l.fcgi, idle, &l)) {
		int64_t begun_tick = bana_tick_us();
		bana_worker_is(app->pool, BANA_WORKER_BUSY);
		find_pool(app);
		serve(app, db, l.fcgi, arena, begun_tick);
		bana_arena_reset(arena);
		bana_outbox_tend(app->outbox);
		tend(&l);
		finish(&l, begun_tick);
	}
	bana_outbox_settle(app->outbox);
	bana_log_flush();
	bana_arena_free(arena);
	bana_fcgi_free(l.fcgi);
	return 0;
}
