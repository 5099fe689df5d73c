#include "unit/jws.h"
#include "unit/req.h"

#include "bana/clock.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/token.h"

/*
 * What is decided without nchan and without a database. Both are away here, so a handshake that is
 * right in all else ends as UNAVAILABLE, and never as an admission.
 */
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

static void stage_open(struct stage *s, void **state)
{
	char why[256], claims[96];
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
	snprintf(claims, sizeof claims, "{\"userId\":\"u\",\"exp\":%lld}",
		(long long)(bana_now_us() / 1000000 + 100));
	s->token = jws(&s->u->ctx, &s->signer, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", claims);
}

static void stage_close(struct stage *s)
{
	char node[64];
	struct bana_app *app = &s->u->app;
	bana_outbox_free(app->outbox);
	bana_publisher_free(app->publisher);
	bana_policy_free(app->policy);
	bana_token_cache_free(app->tokens);
	bana_jwks_free(app->jwks);
	bana_pg_free(s->u->ctx.db);
	bana_pool_close(&s->pool);
	snprintf(node, sizeof node, "%s/node-1", s->dir);
	unlink(node);
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
		{"rooms=broadcast", BANA_NOT_FOUND}, {"rooms=client/x", BANA_NOT_FOUND}, {"rooms=Things", BANA_NOT_FOUND},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(room_names_are_judged),
		unit_case(lists_are_bounded),
		unit_case(origin_and_token_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
