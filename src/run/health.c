#include "run/health.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/redis.h"
#include "bana/req.h"
#include "bana/run.h"

#include <time.h>

/* What a check can find; never an address or another's words, for anybody may read it. */
enum reason {
	NOT_LOOKED_AT,
	FINE,
	TURNED_OFF,
	DATABASE_AWAY,
	DATABASE_READ_ONLY,
	SCHEMA_OLD,
	NO_WORKER,
	DRAINING,
	NCHAN_AWAY,
	NCHAN_DEAF,
	REDIS_AWAY,
	NO_KEYS_SET,
	NO_KEYS_YET,
	KEYS_AWAY,
	KEYS_OLD,
	NO_CONSUMER,
	KAFKA_AWAY,
	NOT_SETTLED,
};
static const struct {
	bool fine;
	const char *text;
} reasons[] = {
	[NOT_LOOKED_AT] = {false, "not looked at yet"},
	[FINE] = {true, "ok"},
	[TURNED_OFF] = {true, "turned off by a setting"},
	[DATABASE_AWAY] = {false, "the database does not answer"},
	[DATABASE_READ_ONLY] = {false, "the database is read-only"},
	[SCHEMA_OLD] = {false, "a migration of this version is not applied: run migrate"},
	[NO_WORKER] = {false, "no worker takes requests"},
	[DRAINING] = {false, "draining: requests are served, new ones should go elsewhere"},
	[NCHAN_AWAY] = {false, "the rooms nginx does not answer"},
	[NCHAN_DEAF] = {false, "the rooms nginx has no Redis"},
	[REDIS_AWAY] = {false, "Redis does not answer"},
	[NO_KEYS_SET] = {true, "no key set is configured: no token is accepted"},
	[NO_KEYS_YET] = {true, "not fetched yet: the first token does"},
	[KEYS_AWAY] = {false,
		"the key set cannot be fetched, and there is none: no token is accepted"},
	[NO_CONSUMER] = {false, "no consumer lives on this host"},
	[KAFKA_AWAY] = {false, "the brokers do not answer a consumer"},
	[NOT_SETTLED] = {false, "a consumer waits for its partitions"},
	[KEYS_OLD] = {false, "the key set is older than its time, and a new one cannot be fetched"},
};

static const struct {
	const char *name;
	bool required;
} checks[HEALTH_CHECKS] = {
	[HEALTH_DATABASE] = {"database", true},
	[HEALTH_SCHEMA] = {"schema", true},
	[HEALTH_POOL] = {"pool", true},
	[HEALTH_NCHAN] = {"nchan", false},
	[HEALTH_REDIS] = {"redis", false},
	[HEALTH_JWKS] = {"jwks", false},
	[HEALTH_CONSUMER] = {"consumer", false},
};

static void note(struct bana_checks *to, enum health_check check, enum reason reason)
{
	atomic_store(&to->reasons[check], (int)reason);
}

/* ---- what must be asked ---------------------------------------------------------------------- */

static int64_t number(const struct bana_rows *rows, size_t column)
{
	int64_t value = 0;
	bana_ignore(
		bana_parse_int(bana_str_of(bana_rows_text(rows, 0, column)), 0, INT64_MAX, &value),
		"it is a count");
	return value;
}

static void ask_database(struct bana_ctx *ctx, struct bana_checks *to)
{
	const struct bana_service *service = ctx->app->service;
	const char *sql = bana_join(ctx->arena,
		"SELECT count(*) FILTER (WHERE name = $1),"
		" count(*) FILTER (WHERE name > $1 COLLATE \"C\" AND name !~ '/'),"
		" current_setting('transaction_read_only') FROM ",
		service->name, ".\"Migration\"", NULL);
	const struct bana_rows *rows;
	bana_res asked = bana_pg_exec(ctx, sql, 1, &service->migration, &rows);
	if (asked.fault == BANA_UNAVAILABLE) {
		note(to, HEALTH_DATABASE, DATABASE_AWAY);
		note(to, HEALTH_SCHEMA, DATABASE_AWAY);
		return;
	}
	bool known = asked.fault == BANA_OK; /* else there is no such table */
	bool missing = !known || number(rows, 0) == 0;
	bool read_only = known && strcmp(bana_rows_text(rows, 0, 2), "on") == 0;
	note(to, HEALTH_DATABASE, read_only ? DATABASE_READ_ONLY : FINE);
	note(to, HEALTH_SCHEMA, missing ? SCHEMA_OLD : FINE);
	atomic_store(&to->migrations_missing, missing);
	atomic_store(&to->migrations_ahead, known ? number(rows, 1) : 0);
}

/* A room is looked up in Redis, so the answer tells of both. */
static void ask_nchan(struct bana_ctx *ctx, struct bana_checks *to)
{
	struct bana_post post = {.verb = "GET", .room = BANA_ROOM_BROADCAST, .body = BANA_STR("")};
	if (!ctx->app->settings->ws_nchan) {
		note(to, HEALTH_NCHAN, TURNED_OFF);
		return;
	}
	bana_outbox_settle(ctx->app->outbox); /* it may owe answers on this connection */
	bool answered = bana_publisher_ask(ctx, ctx->app->publisher, &post, 1).fault == BANA_OK;
	note(to, HEALTH_NCHAN, !answered ? NCHAN_AWAY : post.status < 500 ? FINE : NCHAN_DEAF);
}

static void ask_redis(struct bana_ctx *ctx, struct bana_checks *to)
{
	static const char *const ping[] = {"PING", NULL};
	bana_str reply;
	if (!ctx->app->settings->ws_bus) {
		note(to, HEALTH_REDIS, TURNED_OFF);
		return;
	}
	bool answered = bana_redis_ask(ctx, ctx->app->redis, ping, &reply).fault == BANA_OK;
	note(to, HEALTH_REDIS, answered ? FINE : REDIS_AWAY);
}

static int64_t age_us(const struct bana_checks *known)
{
	int64_t done = atomic_load(&known->done_tick);
	return done == 0 ? INT64_MAX : bana_tick_us() - done;
}

/* Another process is asking: what it finds is worth a moment, for what is known may be hours old.
 */
static void wait_shortly(const struct bana_checks *known)
{
	enum { TRIES = 20, FRESH_US = 2000000 };
	for (int i = 0; i < TRIES && age_us(known) > FRESH_US; i++)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* The lock goes with a process that dies over it, and whoever cannot get it never hangs with it. */
static void ask(struct bana_ctx *ctx, struct bana_pool *pool)
{
	enum { FRESH_US = 1000000 };
	struct bana_checks *to = &pool->shared->checks;
	if (age_us(to) < FRESH_US)
		return;
	if (!bana_pool_try_lock(pool, BANA_LOCK_CHECKS)) {
		wait_shortly(to);
		return;
	}
	if (age_us(to) >= FRESH_US) {
		ask_nchan(ctx, to);
		ask_redis(ctx, to);
		ask_database(ctx, to);
		bana_failure_clear(ctx);
		atomic_store(&to->done_tick, bana_tick_us());
	}
	bana_pool_unlock(pool, BANA_LOCK_CHECKS);
}

/* What was found last; nothing, when whoever asks hangs over it. */
static int found(const struct bana_checks *known, enum health_check check)
{
	enum { KNOWN_US = 10000000 };
	return age_us(known) > KNOWN_US ? (int)NOT_LOOKED_AT : atomic_load(&known->reasons[check]);
}

/* ---- what is in the pool's memory ------------------------------------------------------------ */

static enum reason pool_reason(const struct bana_pool *pool)
{
	if (!bana_pool_lives(pool))
		return NO_WORKER;
	return pool->shared != NULL && atomic_load(&pool->shared->draining) ? DRAINING : FINE;
}

/* Keys are fetched when a token needs them, so age alone is no fault. */
static enum reason jwks_reason(const struct bana_app *app)
{
	const struct bana_pool_shared *s = app->pool->shared;
	bool failed = atomic_load(&s->keys_failed);
	int64_t age = bana_tick_us() - atomic_load(&s->keys_fetched_tick);
	if (*app->settings->jwks_url == '\0')
		return NO_KEYS_SET;
	if (atomic_load(&s->keys_generation) == 0)
		return failed ? KEYS_AWAY : NO_KEYS_YET;
	return failed && age > app->settings->jwks_cache_s * 1000000 ? KEYS_OLD : FINE;
}

static enum reason consumer_reason(const struct bana_app *app)
{
	struct bana_consumers c = bana_consumers_look(app->pool);
	return c.living == 0          ? NO_CONSUMER
	       : c.away > 0           ? KAFKA_AWAY
	       : c.settled < c.living ? NOT_SETTLED
				      : FINE;
}

static int reason_of(const struct bana_app *app, enum health_check check)
{
	if (check == HEALTH_POOL)
		return (int)pool_reason(app->pool);
	if (app->pool->shared == NULL)
		return (int)NOT_LOOKED_AT;
	if (check == HEALTH_CONSUMER)
		return (int)consumer_reason(app);
	return check == HEALTH_JWKS ? (int)jwks_reason(app)
				    : found(&app->pool->shared->checks, check);
}

void health_look(struct bana_ctx *ctx, struct health *health)
{
	struct bana_pool *pool = ctx->app->pool;
	*health = (struct health){.ready = true,
		.count = ctx->app->service->topic == NULL ? HEALTH_CONSUMER : HEALTH_CHECKS};
	if (pool->shared != NULL)
		ask(ctx, pool);
	for (size_t i = 0; i < health->count; i++) {
		int reason = reason_of(ctx->app, (enum health_check)i);
		health->rows[i] = (struct health_row){checks[i].name, checks[i].required,
			reasons[reason].fine, reasons[reason].text};
		health->ready = health->ready && (health->rows[i].fine || !checks[i].required);
	}
}

/* ---- the probes ------------------------------------------------------------------------------ */

static const char *write_checks(struct bana_ctx *ctx, const struct health *health)
{
	struct bana_buf json;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	for (size_t i = 0; i < health->count; i++) {
		const struct health_row *row = &health->rows[i];
		bana_buf_json_name(&json, row->name);
		bana_buf_text(&json, "{");
		bana_buf_json_member(&json, "status", row->fine ? "ok" : "failed");
		bana_buf_json_name(&json, "required");
		bana_buf_text(&json, row->required ? "true" : "false");
		bana_buf_json_member(&json, "reason", row->reason);
		bana_buf_text(&json, "}");
	}
	bana_buf_text(&json, "}");
	return json.at;
}

static BANA_RES reply(struct bana_req *q, bool good, const char *message, const char *json)
{
	if (good)
		return bana_reply_text(q, 200, NULL,
			bana_str_of(bana_join(
				q->ctx.arena, "{\"status\":\"ok\",\"checks\":", json, "}", NULL)));
	q->ctx.failure.checks = json;
	return bana_fail_later(&q->ctx, message, NULL);
}

/* Does any worker live? Nothing is asked of anybody, so it is answered whatever else is down. */
static BANA_RES live(struct bana_req *q)
{
	const struct bana_pool *pool = q->ctx.app->pool;
	bool lives = bana_pool_lives(pool);
	return reply(q, lives, reasons[NO_WORKER].text,
		bana_print(q->ctx.arena,
			"{\"pool\":{\"status\":\"%s\",\"required\":true,\"reason\":\"%s\"}}",
			lives ? "ok" : "failed", reasons[lives ? FINE : NO_WORKER].text));
}

static BANA_RES ready(struct bana_req *q)
{
	struct health health;
	health_look(&q->ctx, &health);
	const char *first = NULL;
	for (size_t i = 0; i < health.count && first == NULL; i++)
		first = health.rows[i].required && !health.rows[i].fine ? health.rows[i].reason
									: NULL;
	return reply(q, health.ready, first, write_checks(&q->ctx, &health));
}

/* clang-format off */
#define SCHEMA "{\"type\":\"object\",\"required\":[\"status\",\"checks\"],\"additionalProperties\":false,\"properties\":{" \
	"\"status\":{\"type\":\"string\",\"const\":\"ok\"},\"checks\":{\"$ref\":\"#/components/schemas/Checks\"}}}"
const struct bana_call bana_health_live = {
	.handle = live, .name = "healthz", .status = 200, .gives = BANA_GIVES_PLAIN, .schema = SCHEMA,
};
const struct bana_call bana_health_ready = {
	.handle = ready, .name = "readyz", .status = 200, .gives = BANA_GIVES_PLAIN, .schema = SCHEMA,
};
/* clang-format on */
