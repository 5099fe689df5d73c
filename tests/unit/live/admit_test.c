#include "unit/jws.h"
#include "unit/pool.h"
#include "unit/req.h"
#include "unit/server.h"

#include "bana/clock.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/token.h"

/*
 * What is decided without nchan and without a database. Both are away here, so a handshake that is
 * right in all else ends as UNAVAILABLE, and never as an admission; unless the test permits it.
 */
static bool permitted;
bana_res __real_bana_policy_permit(struct bana_ctx *ctx, struct bana_policy *policy,
	const struct bana_actor *actor, const char *object, const char *action);
bana_res __wrap_bana_policy_permit(struct bana_ctx *ctx, struct bana_policy *policy,
	const struct bana_actor *actor, const char *object, const char *action);
bana_res __wrap_bana_policy_permit(struct bana_ctx *ctx, struct bana_policy *policy,
	const struct bana_actor *actor, const char *object, const char *action)
{
	return permitted ? BANA_DONE
			 : __real_bana_policy_permit(ctx, policy, actor, object, action);
}

static const struct bana_room rooms[] = {
	{"things", "Thing.observe", "read", NULL, ""},
	{"things/{id}", "Thing.observe", "read", NULL, ""},
};
static const struct bana_route route = {
	"GET", "/ws", &bana_admit_call, NULL, NULL, NULL, BANA_QUERY_TOKEN, ""};
static const struct bana_service service = {
	.name = "unit", .rooms = rooms, .room_count = COUNT(rooms)};

struct stage {
	struct unit *u;
	struct signer signer;
	struct bana_pool pool;
	char dir[32];
	const char *token;
};

/* A token of that user; `exp` in seconds since 1970. */
static const char *sign(struct stage *s, const char *user, long long exp)
{
	char claims[256];
	snprintf(claims, sizeof claims, "{\"userId\":\"%s\",\"exp\":%lld}", user, exp);
	return jws(&s->u->ctx, &s->signer, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", claims);
}

static void stage_open(struct stage *s, void **state)
{
	char why[256];
	s->u = *state;
	struct bana_app *app = &s->u->app;
	signer_init(&s->signer, &s->u->ctx);
	strcpy(s->dir, "/tmp/bana-admit-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_ok(bana_pool_open(&s->pool, s->dir, 1, 1, why, sizeof why));
	app->service = &service;
	app->pool = &s->pool;
	app->jwks = bana_jwks_new(&s->u->settings, &s->pool);
	assert_ok(bana_jwks_load(
		&s->u->ctx, app->jwks, bana_str_of(jwk_text(&s->u->ctx, &s->signer, "k1", ""))));
	app->tokens = bana_token_cache_new();
	app->policy = bana_policy_new("unit");
	app->publisher = bana_publisher_new("http://unix:/nowhere:/pub/", 50);
	app->outbox = bana_outbox_new(app);
	s->u->settings.ws_origins = "https://bo.example,https://two.example";
	s->u->ctx.db = bana_pg_new(&(struct bana_pg_options){.url = "host=/nowhere",
		.name = "unit",
		.connect_ms = 100,
		.statement_ms = 100,
		.lock_ms = 100});
	s->token = sign(s, "u", bana_now_us() / 1000000 + 100);
}

static void stage_close(struct stage *s)
{
	struct bana_app *app = &s->u->app;
	bana_outbox_free(app->outbox);
	bana_publisher_free(app->publisher);
	bana_policy_free(app->policy);
	bana_token_cache_free(app->tokens);
	bana_jwks_free(app->jwks);
	bana_pg_free(s->u->ctx.db);
	bana_pool_close(&s->pool);
	pool_files_remove(s->dir);
	rmdir(s->dir);
	signer_done(&s->signer);
}

static bana_res admit(struct stage *s, struct bana_req *q, const char *query,
	const char *authorization, const char *origin, const char *upgrade)
{
	const struct param params[] = {{"HTTP_AUTHORIZATION", authorization},
		{"HTTP_ORIGIN", origin}, {"HTTP_UPGRADE", upgrade}, {NULL, NULL}};
	char *target = bana_print(s->u->ctx.arena, "/ws?%s", query);
	req_init(q, s->u, "GET", target, params);
	q->route = &route;
	bana_res r = bana_admit(q);
	assert_true(r.fault != BANA_OK);
	assert_null(q->headers.len > 0 ? strstr(q->headers.at, "X-Accel-Redirect") : NULL);
	return r;
}

static void room_names_are_judged(void **state)
{
	/* clang-format off */
	static const struct { const char *query; enum bana_fault fault; } rows[] = {
		{"rooms=things", BANA_UNAVAILABLE}, {"rooms=things%2F5", BANA_UNAVAILABLE},
		{"rooms=things/5", BANA_UNAVAILABLE}, {"rooms=things,things/5", BANA_UNAVAILABLE},
		{"rooms=things/a.b_c:d-e", BANA_UNAVAILABLE}, {"x=1&rooms=things", BANA_UNAVAILABLE},
		{"rooms=things/5&clientId=0FC5FA5B-a9f7-9f29-75fb-742a0fb38fe6", BANA_UNAVAILABLE},
		{"rooms=thing", BANA_NOT_FOUND}, {"rooms=thingsx", BANA_NOT_FOUND}, {"rooms=things/5/6", BANA_NOT_FOUND},
		{"rooms=broadcast", BANA_NOT_FOUND}, {"rooms=client/x", BANA_NOT_FOUND},
		{"rooms=user/u", BANA_NOT_FOUND}, {"rooms=expires/10", BANA_NOT_FOUND}, {"rooms=Things", BANA_NOT_FOUND},
		{"", BANA_MALFORMED}, {"rooms", BANA_MALFORMED}, {"rooms=", BANA_MALFORMED}, {"Rooms=things", BANA_MALFORMED},
		{"rooms=,", BANA_MALFORMED}, {"rooms=,things", BANA_MALFORMED}, {"rooms=,,things", BANA_MALFORMED},
		{"rooms=things,", BANA_MALFORMED}, {"rooms=things/", BANA_MALFORMED}, {"rooms=/things", BANA_MALFORMED},
		{"rooms=things//5", BANA_MALFORMED}, {"rooms=things/..", BANA_MALFORMED}, {"rooms=things/.", BANA_MALFORMED},
		{"rooms=../_internal", BANA_MALFORMED}, {"rooms=things/5%0d%0aX-Accel-Redirect:%20/x", BANA_MALFORMED},
		{"rooms=things/%00", BANA_MALFORMED}, {"rooms=things/%FF", BANA_MALFORMED}, {"rooms=things/%zz", BANA_MALFORMED},
		{"rooms=things%20", BANA_MALFORMED}, {"rooms=+things", BANA_MALFORMED}, {"rooms=things/%3Fx", BANA_MALFORMED},
		{"rooms=things/%25", BANA_MALFORMED}, {"rooms=things/%C3%A4", BANA_MALFORMED}, {"rooms=things/*", BANA_MALFORMED},
		{"rooms=things&clientId=", BANA_MALFORMED}, {"rooms=things&clientId=x", BANA_MALFORMED},
		{"rooms=things&clientId=0fc5fa5ba9f79f2975fb742a0fb38fe6", BANA_MALFORMED},
		{"rooms=things&clientId=0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6x", BANA_MALFORMED},
		{"rooms=things&clientId=0fc5fa5b-a9f7-9f29-75fb-742a0fb38f/g", BANA_MALFORMED},
		{"rooms=things&clientId=0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe%36", BANA_MALFORMED},
	};
	/* clang-format on */
	struct stage s;
	stage_open(&s, state);
	char *authorization = bana_print(s.u->ctx.arena, "Bearer %s", s.token);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		bana_res r = admit(&s, &q, rows[i].query, authorization, NULL, "websocket");
		assert_row(r.fault == rows[i].fault, "%s: %d %s", rows[i].query, (int)r.fault,
			q.ctx.failure.message);
	}
	stage_close(&s);
}

static void lists_are_bounded(void **state)
{
	struct stage s;
	stage_open(&s, state);
	char *authorization = bana_print(s.u->ctx.arena, "Bearer %s", s.token);
	struct bana_req q;
	struct bana_buf b;
	bana_buf_init(&b, s.u->ctx.arena);
	bana_buf_text(&b, "rooms=things");
	for (int i = 1; i < 50; i++)
		bana_buf_print(&b, ",things/%d", i);
	assert_fault(UNAVAILABLE, admit(&s, &q, b.at, authorization, NULL, "websocket"));
	bana_buf_text(&b, ",things/50");
	assert_fault(INVALID, admit(&s, &q, b.at, authorization, NULL, "websocket"));
	char *longest = bana_print(s.u->ctx.arena, "rooms=things/%0249d", 1);
	assert_fault(UNAVAILABLE, admit(&s, &q, longest, authorization, NULL, "websocket"));
	char *longer = bana_print(s.u->ctx.arena, "rooms=things/%0250d", 1);
	assert_fault(MALFORMED, admit(&s, &q, longer, authorization, NULL, "websocket"));
	char *huge = bana_print(s.u->ctx.arena, "rooms=%04001d", 1);
	assert_fault(INVALID, admit(&s, &q, huge, authorization, NULL, "websocket"));
	stage_close(&s);
}

static void origin_and_token_come_first(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_ctx *ctx = &s.u->ctx;
	const char *good = bana_print(ctx->arena, "Bearer %s", s.token);
	const char *by_query = bana_print(ctx->arena, "rooms=things&access_token=%s", s.token);
	/* clang-format off */
	const struct { const char *query, *authorization, *origin, *upgrade; enum bana_fault fault; } rows[] = {
		{"rooms=things", good, NULL, "websocket", BANA_UNAVAILABLE},
		{"rooms=things", good, "https://bo.example", "WebSocket", BANA_UNAVAILABLE},
		{"rooms=things", good, "https://two.example", "websocket", BANA_UNAVAILABLE},
		{by_query, NULL, "https://bo.example", "websocket", BANA_UNAVAILABLE},
		{"rooms=things", good, "https://evil.example", "websocket", BANA_FORBIDDEN},
		{"rooms=things", good, "null", "websocket", BANA_FORBIDDEN},
		{"rooms=things", good, "https://bo.example.evil", "websocket", BANA_FORBIDDEN},
		{"rooms=things", good, "http://bo.example", "websocket", BANA_FORBIDDEN},
		{"rooms=things", good, "https://bo.example,https://two.example", "websocket", BANA_FORBIDDEN},
		{"rooms=things", NULL, "https://evil.example", "websocket", BANA_FORBIDDEN},
		{"rooms=things", NULL, NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", "", NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", "Bearer", NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", "Bearer ", NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", bana_print(ctx->arena, "bearer %s", s.token), NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", bana_print(ctx->arena, "Bearer  %s", s.token), NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", bana_print(ctx->arena, "Bearer %s ", s.token), NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", bana_print(ctx->arena, "Basic %s", s.token), NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things", s.token, NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=things&access_token=", NULL, NULL, "websocket", BANA_NO_TOKEN},
		/* a bad header is not mended by a good query */
		{by_query, "Bearer x.y.z", NULL, "websocket", BANA_NO_TOKEN},
		{"rooms=thing/..", NULL, NULL, "websocket", BANA_NO_TOKEN}, /* nothing is told before */
		{"rooms=things", good, NULL, NULL, BANA_MALFORMED}, {"rooms=things", good, NULL, "h2c", BANA_MALFORMED},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		bana_res r = admit(&s, &q, rows[i].query, rows[i].authorization, rows[i].origin,
			rows[i].upgrade);
		assert_row(r.fault == rows[i].fault, "%zu: %d %s", i, (int)r.fault,
			q.ctx.failure.message == NULL ? "" : q.ctx.failure.message);
	}
	stage_close(&s);
}

/* ---- with an nchan that answers ------------------------------------------------------------- */

#define UUID "0fc5fa5b-a9f7-9f29-75fb-742a0fb38fe6"

/* Answers so to the requests of a connection, in order; the last one again and again. */
struct nchan {
	int statuses[8];
	struct server server;
	char url[96];
};

static void serve_nchan(int listener, struct seen *seen, void *what)
{
	const int *statuses = what;
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		ssize_t n;
		while ((n = read(fd, seen->text + seen->bytes, 4096)) > 0) {
			char *at = seen->text + seen->bytes;
			seen->bytes += (size_t)n;
			for (; (at = strstr(at, "\r\n\r\n")) != NULL; at += 4) {
				dprintf(fd, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n",
					*statuses);
				statuses += statuses[1] != 0;
				seen->requests++;
			}
		}
	}
}

/* In the place of the one that is away; from now on everybody is permitted. */
static void nchan_open(struct nchan *n, struct stage *s, const char *mode)
{
	server_listen(&n->server, true);
	snprintf(n->url, sizeof n->url, "http://unix:%s:/pub/", n->server.path);
	bana_publisher_free(s->u->app.publisher);
	s->u->app.publisher = bana_publisher_new(n->url, 200);
	s->u->settings.redis_mode = mode;
	server_run(&n->server, serve_nchan, n->statuses);
	permitted = true;
}

static void nchan_close(struct nchan *n)
{
	server_done(&n->server);
	permitted = false;
}

/* In what order nchan was asked for which rooms. */
static void assert_asked(struct nchan *n, const char *expected)
{
	char asked[1024] = "";
	size_t len = 0;
	for (const char *at = n->server.seen->text; (at = strstr(at, "GET /pub/")) != NULL; at++)
		len += (size_t)snprintf(asked + len, sizeof asked - len, "%.*s ",
			(int)strcspn(at + 9, " "), at + 9);
	assert_string_equal(expected, asked);
}

static uint64_t counted(struct stage *s, enum bana_metric metric)
{
	return atomic_load(&s->pool.shared->metrics.counters[metric]);
}

static bana_res admit_as(
	struct stage *s, struct bana_req *q, const char *user, long long exp, const char *query)
{
	struct bana_ctx *ctx = &s->u->ctx;
	struct param *params = bana_alloc(ctx->arena, 3 * sizeof *params);
	params[0] = (struct param){
		"HTTP_AUTHORIZATION", bana_print(ctx->arena, "Bearer %s", sign(s, user, exp))};
	params[1] = (struct param){"HTTP_UPGRADE", "websocket"};
	req_init(q, s->u, "GET",
		bana_print(ctx->arena, "/ws?%s&clientId=0FC5FA5B%s", query, strchr(UUID, '-')),
		params);
	q->route = &route;
	return bana_admit(q);
}

/* nginx is told exactly these rooms: those of everyone first, then what was asked for, once. */
static void who_is_admitted_is_in_exactly_these_rooms(void **state)
{
	/* clang-format off */
	static const struct { const char *user; long long exp; const char *query, *rooms; } rows[] = {
		{"42", 4000000000, "rooms=things", "user/42,expires/4000000000,things"},
		{"42", 4000000009, "rooms=things/5,things", "user/42,expires/4000000000,things/5,things"},
		{"42", 3999999999, "rooms=things,things/5,things,things/5", "user/42,expires/3999999990,things,things/5"},
		{"0FC5-x_y.z", 4000000010, "rooms=things%2Fa", "user/0FC5-x_y.z,expires/4000000010,things/a"},
		{"a b", 4000000000, "rooms=things", "user/:c8687a08aa5d6ed2044328fa6a697ab8,expires/4000000000,things"},
		{"../x", 4000000000, "rooms=things", "user/:d6b96a97d147daaae49eb87a5ca7bfbc,expires/4000000000,things"},
	};
	/* clang-format on */
	struct stage s;
	struct nchan n = {.statuses = {200}};
	stage_open(&s, state);
	nchan_open(&n, &s, "single");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_req q;
		bana_res r = admit_as(&s, &q, rows[i].user, rows[i].exp, rows[i].query);
		assert_row(r.fault == BANA_OK, "%s: %s", rows[i].query, q.ctx.failure.why);
		const char *expected = bana_print(s.u->ctx.arena,
			"X-Accel-Redirect: /_rooms/broadcast,client/" UUID ",%s\r\n",
			rows[i].rooms);
		assert_row(bana_str_is(bana_buf_str(&q.headers), expected), "%s", q.headers.at);
		assert_int_equal(200, q.status);
	}
	assert_int_equal(COUNT(rows), counted(&s, BANA_METRIC_ADMITTED));
	struct bana_req q; /* a room of everyone is not admitted as another name for itself */
	assert_fault(NOT_FOUND, admit_as(&s, &q, "42", 4000000000, "rooms=user/42"));
	assert_fault(NOT_FOUND, admit_as(&s, &q, "42", 4000000000, "rooms=things,broadcast"));
	assert_fault(NOT_FOUND, admit_as(&s, &q, "42", 4000000000, "rooms=client/" UUID));
	assert_int_equal(0, q.headers.len);
	assert_int_equal(3, counted(&s, BANA_METRIC_ADMISSION_REFUSED));
	nchan_close(&n);
	stage_close(&s);
}

/* Of a cluster every room is asked for, of a single Redis one, for a moment for all. */
static void nchan_is_asked_before_it_meets_a_new_room(void **state)
{
	/* clang-format off */
	static const struct { const char *mode; int statuses[8]; enum bana_fault fault; const char *asked; } rows[] = {
		{"single", {200}, BANA_OK, "broadcast "},
		{"single", {404}, BANA_OK, "broadcast "},
		{"single", {503}, BANA_UNAVAILABLE, "broadcast "},
		{"single", {500}, BANA_UNAVAILABLE, "broadcast "},
		{"cluster", {404}, BANA_OK, "broadcast client/" UUID " user/42 expires/4000000000 things "},
		{"cluster", {200, 404, 200, 404, 200}, BANA_OK, "broadcast client/" UUID " user/42 expires/4000000000 things "},
		{"cluster", {200, 200, 200, 200, 503}, BANA_UNAVAILABLE, "broadcast client/" UUID " user/42 expires/4000000000 things "},
		{"cluster", {503, 200}, BANA_UNAVAILABLE, "broadcast client/" UUID " user/42 expires/4000000000 things "},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stage s;
		struct bana_req q;
		struct nchan n;
		memcpy(n.statuses, rows[i].statuses, sizeof n.statuses);
		stage_open(&s, state);
		nchan_open(&n, &s, rows[i].mode);
		bana_res r = admit_as(&s, &q, "42", 4000000000, "rooms=things");
		assert_row(r.fault == rows[i].fault, "%zu: %s", i, q.ctx.failure.why);
		assert_int_equal(r.fault == BANA_OK, q.headers.len > 0);
		assert_asked(&n, rows[i].asked);
		r = admit_as(
			&s, &q, "42", 4000000000, "rooms=things"); /* by a breaker, when refused */
		assert_row(r.fault == rows[i].fault, "%zu again: %s", i, q.ctx.failure.why);
		if (r.fault != BANA_OK)
			assert_string_equal("skipped after a failure", q.ctx.failure.why);
		nchan_close(&n);
		stage_close(&s);
	}
}

/* Permitted, but nchan must not meet a new room now. */
static void nobody_is_admitted_while_nchan_is_away(void **state)
{
	struct stage s;
	struct bana_req q;
	stage_open(&s, state);
	permitted = true;
	for (int i = 0; i < 3; i++) {
		assert_fault(UNAVAILABLE, admit_as(&s, &q, "42", 4000000000, "rooms=things"));
		assert_int_equal(1, q.ctx.failure.retry_after_s);
		assert_string_equal("Redis does not answer", q.ctx.failure.message);
		assert_int_equal(0, q.headers.len);
	}
	assert_fault(NOT_FOUND, admit_as(&s, &q, "42", 4000000000, "rooms=x"));
	permitted = false;
	assert_int_equal(3, counted(&s, BANA_METRIC_ADMISSION_UNAVAILABLE));
	assert_int_equal(1, counted(&s, BANA_METRIC_ADMISSION_REFUSED));
	assert_int_equal(0, counted(&s, BANA_METRIC_ADMITTED));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(room_names_are_judged),
		unit_case(lists_are_bounded),
		unit_case(origin_and_token_come_first),
		unit_case(who_is_admitted_is_in_exactly_these_rooms),
		unit_case(nchan_is_asked_before_it_meets_a_new_room),
		unit_case(nobody_is_admitted_while_nchan_is_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
