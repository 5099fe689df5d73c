/*
 * The only place that knows the life of a request: accept, take in, find, guard, handle, answer,
 * log, after-list, forget.
 */
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/fcgi.h"
#include "bana/guard.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/run.h"

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
			"Authorization, Content-Type, If-Match, Prefer, X-Request-Id, "
			"x-request-count");
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
	if (below_base ? (q->route->flags & BANA_INSIDE)
		       : !(q->route->flags & (BANA_AT_ROOT | BANA_INSIDE)))
		return bana_fail(&q->ctx, BANA_NOT_FOUND, "URL NOT FOUND", NULL);
	if (q->body_fault.fault != BANA_OK)
		return bana_fail(&q->ctx, q->body_fault.fault,
			q->body_fault.fault == BANA_TOO_LARGE ? "Body is too large"
							      : "Body is not whole",
			NULL);
	TRY(bana_guard(q));
	return q->route->call->handle(q);
}

void bana_run_request(struct bana_req *q, struct bana_buf *out)
{
	bana_res result = take_target(q);
	if (result.fault == BANA_OK)
		result = answer(q);
	if (result.fault != BANA_OK)
		q->stream = NULL;
	if (q->stream == NULL)
		bana_pg_rollback(&q->ctx);
	if (result.fault != BANA_OK)
		bana_reply_problem(q, result);
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

static void log_request(const struct bana_req *q, int64_t begun_tick, bool whole)
{
	char status[BANA_INT_BYTES], us[BANA_INT_BYTES];
	enum bana_level level = q->status == 500  ? BANA_ERROR
				: q->status > 500 ? BANA_WARN
						  : BANA_INFO;
	bana_log(&q->ctx, level, "request", "method", q->route == NULL ? "-" : q->route->verb,
		"route", q->route == NULL ? "-" : q->route->path, "status",
		bana_int_write(q->status, status), "us",
		bana_int_write(bana_tick_us() - begun_tick, us), "why", q->ctx.failure.why,
		"client", whole ? NULL : "gone", NULL);
}

static const char *param(void *source, const char *name)
{
	return bana_fcgi_param(source, name);
}

static bool write_piece(struct bana_sink *sink, bana_str bytes)
{
	return bana_fcgi_write(sink->to, bytes);
}

static void serve(const struct bana_app *app, struct bana_pg *db, struct bana_fcgi *fcgi,
	struct bana_arena *arena)
{
	int64_t begun_tick = bana_tick_us();
	struct bana_req q = {.param = param, .source = fcgi};
	bana_ctx_init(&q.ctx, arena, app);
	q.ctx.db = db;
	bana_buf_init(&q.headers, arena);
	bana_buf_init(&q.reply, arena);
	const char *id = bana_fcgi_param(fcgi, "HTTP_X_REQUEST_ID");
	q.ctx.request_id =
		request_id_valid(id) ? bana_copy(arena, id, strlen(id)) : bana_uuid(&q.ctx);
	const char *method = bana_fcgi_param(fcgi, "REQUEST_METHOD");
	q.method = bana_str_of(method == NULL ? "" : method);
	q.body_fault = bana_fcgi_body(fcgi, arena, (size_t)app->settings->body_bytes_max, &q.body);
	struct bana_buf out;
	bana_buf_init(&out, arena);
	bana_run_request(&q, &out);
	bana_fcgi_write(fcgi, bana_buf_str(&out));
	struct bana_sink sink = {write_piece, fcgi};
	if (!bana_run_stream(&q, &sink))
		bana_fcgi_break(fcgi);
	bool whole = bana_fcgi_finish(fcgi);
	log_request(&q, begun_tick, whole);
	bana_after_run(&q.ctx);
}

enum { LISTENER = 0 }; /* of spawn-fcgi */

static void idle(void *outbox)
{
	bana_outbox_rest(outbox, LISTENER);
	bana_log_flush();
}

int bana_run_api(const struct bana_app *app, struct bana_pg *db)
{
	struct bana_fcgi *fcgi = bana_fcgi_new(LISTENER, app->settings->export_stall_ms);
	struct bana_arena *arena = bana_arena_new();
	bana_log_hold();
	while (bana_fcgi_accept(fcgi, idle, app->outbox)) {
		serve(app, db, fcgi, arena);
		bana_arena_reset(arena);
		bana_outbox_tend(app->outbox);
	}
	bana_outbox_settle(app->outbox);
	bana_log_flush();
	bana_arena_free(arena);
	bana_fcgi_free(fcgi);
	return 0;
}
