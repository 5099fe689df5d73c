/*
 * The sender: what is due goes out, some at a time, and what came of it is written down.
 *
 * A delivery is claimed with a lease: its next attempt is put off until the lease is over, so what
 * a killed sender had in hand is due again, with the same webhook-id. Each endpoint has its own
 * share of the places, and one that fails has one place only: who is dead holds up nobody else.
 */
#include "outreach/webhook.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/http.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/stop.h"
#include "bana/work.h"
#include "outreach/outreach.h"

enum {
	SLOTS = 32,
	WAIT_MS = 50,      /* for an answer; the time a stop or a new event may have to wait */
	GRACE_MS = 5000,   /* from the end of an attempt to the end of its lease */
	LOOK_US = 2000000, /* between two looks at the backlog */
	SWEEP_US = 600000000,
	PIECE_ROWS = 1000,
	GONE = 410,
};

struct slot {
	struct bana_arena *arena; /* of what is under way */
	struct bana_parcel parcel;
	struct bana_networks networks;
	const char *headers[6];
	const char *id, *lease, *webhook_id;
	int64_t attempts; /* this one included */
	enum { FREE, UNDER_WAY, DONE } state;
};

struct sender {
	struct bana_http *http;
	struct bana_arena *arena;
	struct slot slots[SLOTS];
	int64_t claim_tick, look_tick, sweep_tick; /* not before */
};

static size_t count(const struct sender *s, int state)
{
	size_t n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		n += (int)s->slots[i].state == state;
	return n;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* One sender at a time: it has to see what the one before it has claimed, or both would count the
 * same places as free. */
static const char turn_sql[] =
	"SELECT pg_advisory_xact_lock(hashtextextended('outreach webhooks claim', 0))";

/* $1 how many, $2 lease in ms. Four at a time for an endpoint that takes them, one for one that
 * does not; over all senders. */
static const char claim_sql[] =
	"WITH due AS (SELECT d.id FROM outreach.\"Webhook\" w CROSS JOIN LATERAL ("
	"SELECT p.id, p.next_attempt_at FROM outreach.\"WebhookDelivery\" p"
	" JOIN outreach.\"WebhookEvent\" v ON v.id = p.event_id AND v.payload IS NOT NULL"
	" WHERE p.webhook_id = w.id AND p.status = '100_PENDING' AND p.next_attempt_at <= now()"
	" ORDER BY p.next_attempt_at, p.id LIMIT greatest(0,"
	" CASE WHEN w.failing_since IS NULL THEN 4 ELSE 1 END"
	" - (SELECT count(*) FROM outreach.\"WebhookDelivery\" l WHERE l.webhook_id = w.id"
	" AND l.leased_until > now())) FOR UPDATE OF p SKIP LOCKED) AS d"
	" WHERE w.enabled AND w.deleted_at IS NULL ORDER BY d.next_attempt_at LIMIT $1)"
	" UPDATE outreach.\"WebhookDelivery\" d SET attempts = d.attempts + 1,"
	" leased_until = now() + $2::int * interval '1 millisecond',"
	" next_attempt_at = now() + $2::int * interval '1 millisecond'"
	" FROM due, outreach.\"WebhookEvent\" e, outreach.\"Webhook\" w"
	" WHERE d.id = due.id AND e.id = d.event_id AND w.id = d.webhook_id"
	" RETURNING d.id, d.leased_until, d.webhook_id, d.attempts, e.id, e.payload, w.url,"
	" w.secret, CASE WHEN w.previous_secret_until > now() THEN w.previous_secret END";

enum { ID, LEASE, WEBHOOK_ID, ATTEMPTS, EVENT_ID, PAYLOAD, URL, SECRET, PREVIOUS };

static struct slot *free_slot(struct sender *s)
{
	struct slot *slot = s->slots;
	while (slot->state != FREE)
		slot++;
	return slot;
}

static void set_headers(
	struct bana_ctx *ctx, struct slot *slot, const char *const secrets[2], const char *event_id)
{
	const char *id = event_id;
	const char *timestamp =
		bana_print(ctx->arena, "%lld", (long long)(bana_now_us() / 1000000));
	size_t n = 0;
	slot->headers[n++] = "Content-Type: application/json";
	slot->headers[n++] = "User-Agent: BANA-Outreach/" BANA_VERSION;
	slot->headers[n++] = bana_join(ctx->arena, "webhook-id: ", id, NULL);
	slot->headers[n++] = bana_join(ctx->arena, "webhook-timestamp: ", timestamp, NULL);
	slot->headers[n++] = bana_join(ctx->arena, "webhook-signature: ",
		outreach_webhook_sign(ctx, secrets, id, timestamp, slot->parcel.body), NULL);
	slot->headers[n] = NULL;
}

/* The result's texts go with the turn: what is sent needs its own. */
static void fill(
	const struct bana_ctx *turn, struct slot *slot, const struct bana_rows *rows, size_t row)
{
	struct bana_ctx ctx;
	const char *texts[PREVIOUS + 1];
	bana_arena_reset(slot->arena);
	bana_ctx_init(&ctx, slot->arena, turn->app);
	for (size_t i = 0; i <= PREVIOUS; i++) {
		const char *text = bana_rows_text(rows, row, i);
		texts[i] = text == NULL ? NULL : bana_copy(slot->arena, text, strlen(text));
	}
	slot->id = texts[ID];
	slot->lease = texts[LEASE];
	slot->webhook_id = texts[WEBHOOK_ID];
	bana_ignore(bana_parse_int(bana_str_of(texts[ATTEMPTS]), 1, INT32_MAX, &slot->attempts),
		"it is a count");
	bana_ignore(outreach_webhook_networks(&ctx, &slot->networks), "then none is allowed");
	slot->parcel = (struct bana_parcel){.url = texts[URL],
		.headers = slot->headers,
		.body = bana_str_of(texts[PAYLOAD]),
		.timeout_ms = outreach_settings.webhook_timeout_ms,
		.plain = outreach_settings.webhook_http,
		.networks = &slot->networks};
	const char *const secrets[2] = {texts[SECRET], texts[PREVIOUS]};
	set_headers(&ctx, slot, secrets, texts[EVENT_ID]);
}

static BANA_RES claim(struct bana_ctx *ctx, struct sender *s)
{
	const int64_t lease_ms = outreach_settings.webhook_timeout_ms + GRACE_MS;
	const char *values[] = {bana_print(ctx->arena, "%zu", count(s, FREE)),
		bana_print(ctx->arena, "%lld", (long long)lease_ms)};
	struct bana_step steps[] = {{.sql = turn_sql}, {claim_sql, 2, values, NULL}};
	if (count(s, FREE) == 0 || bana_tick_us() < s->claim_tick)
		return BANA_DONE;
	TRY(bana_pg_batch(ctx, steps, 2));
	const struct bana_rows *rows = steps[1].rows;
	for (size_t i = 0; i < bana_rows_count(rows); i++) {
		struct slot *slot = free_slot(s);
		fill(ctx, slot, rows, i);
		slot->state = UNDER_WAY;
		bana_http_post(s->http, &slot->parcel);
	}
	if (bana_rows_count(rows) == 0)
		s->claim_tick = bana_tick_us() + outreach_settings.webhook_poll_ms * 1000;
	return BANA_DONE;
}

/* ---- back ------------------------------------------------------------------------------------ */

/* $1 id, $2 lease, $3 status, $4 pause in ms or null, $5 status code, $6 error. Who has no lease
 * any more writes nothing: the delivery is another's now. */
static const char settle_sql[] =
	"WITH d AS (UPDATE outreach.\"WebhookDelivery\" SET status = $3, leased_until = NULL,"
	" next_attempt_at = now() + $4::bigint * interval '1 millisecond',"
	" last_attempt_at = now(), last_status_code = $5::int, last_error = $6,"
	" delivered_at = CASE WHEN $3 = '200_DELIVERED' THEN now() END"
	" WHERE id = $1 AND leased_until = $2::timestamptz RETURNING webhook_id),"
	" told AS (UPDATE outreach.\"Webhook\" w SET"
	" failing_since = CASE WHEN $6 IS NULL THEN NULL ELSE coalesce(w.failing_since, now()) END"
	" FROM d WHERE w.id = d.webhook_id AND (w.failing_since IS NULL) <> ($6 IS NULL))"
	" SELECT FROM d";

enum outcome { DELIVERED, RETRIED, FAILED };

static enum outcome judge(const struct slot *slot, int64_t *pause_s)
{
	if (slot->parcel.status / 100 == 2)
		return DELIVERED;
	if (slot->parcel.status == GONE)
		return FAILED;
	return outreach_webhook_pause(outreach_settings.webhook_schedule, slot->attempts, pause_s)
		       ? RETRIED
		       : FAILED;
}

/* Nine tenths to eleven of it, so that those who failed together do not come back together. */
static const char *spread(struct bana_ctx *ctx, int64_t pause_s)
{
	uint64_t tenth_ms = (uint64_t)pause_s * 100;
	uint64_t pause_ms = 9 * tenth_ms + bana_random_word() % (2 * tenth_ms + 1);
	return bana_print(ctx->arena, "%llu", (unsigned long long)pause_ms);
}

/* A sender that is killed before it did this hears 410 again from what comes next. */
static BANA_RES disable(struct bana_ctx *ctx, const struct slot *slot)
{
	bana_res done =
		outreach_webhook_disable(ctx, slot->webhook_id, "the endpoint answered 410 Gone");
	if (done.fault != BANA_NOT_FOUND)
		return done;
	bana_failure_clear(ctx); /* it was deleted meanwhile */
	return BANA_DONE;
}

static BANA_RES settle(struct bana_ctx *ctx, struct slot *slot)
{
	static const char *const statuses[] = {
		[DELIVERED] = "200_DELIVERED", [RETRIED] = "100_PENDING", [FAILED] = "505_FAILED"};
	static const enum bana_metric metrics[] = {[DELIVERED] = BANA_METRIC_WEBHOOKS_DELIVERED,
		[RETRIED] = BANA_METRIC_WEBHOOKS_RETRIED,
		[FAILED] = BANA_METRIC_WEBHOOKS_FAILED};
	const struct bana_parcel *p = &slot->parcel;
	const struct bana_rows *rows;
	int64_t pause_s = 0;
	enum outcome outcome = judge(slot, &pause_s);
	const char *code = p->status == 0 ? NULL : bana_print(ctx->arena, "%d", p->status);
	const char *why = outcome == DELIVERED ? NULL
			  : code == NULL       ? p->why
					       : bana_join(ctx->arena, "answered ", code, NULL);
	const char *values[] = {slot->id, slot->lease, statuses[outcome],
		outcome == RETRIED ? spread(ctx, pause_s) : NULL, code, why};
	TRY(bana_pg_exec(ctx, settle_sql, 6, values, &rows));
	slot->state = FREE;
	if (p->status == GONE && bana_rows_count(rows) > 0)
		TRY(disable(ctx, slot));
	bana_count(ctx->app->pool, metrics[outcome], 1);
	if (outcome != DELIVERED)
		bana_log(ctx, outcome == FAILED ? BANA_WARN : BANA_INFO,
			outcome == FAILED ? "webhook given up" : "webhook put off", "deliveryId",
			slot->id, "webhookId", slot->webhook_id, "why", why, NULL);
	return BANA_DONE;
}

/* All that is done, and waits for the database if it must. */
static BANA_RES settle_all(struct bana_ctx *ctx, struct sender *s)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (s->slots[i].state != DONE)
			continue;
		TRY(settle(ctx, &s->slots[i]));
		s->claim_tick = 0; /* its endpoint has a place again */
	}
	return BANA_DONE;
}

static struct slot *slot_of(struct sender *s, const struct bana_parcel *parcel)
{
	struct slot *slot = s->slots;
	while (&slot->parcel != parcel)
		slot++;
	return slot;
}

static void collect(struct sender *s, int wait_ms)
{
	for (struct bana_parcel *p; (p = bana_http_done(s->http, wait_ms)) != NULL; wait_ms = 0)
		slot_of(s, p)->state = DONE;
}

/* ---- now and then ---------------------------------------------------------------------------- */

static int64_t number(const struct bana_rows *rows, size_t column)
{
	int64_t value = 0;
	bana_ignore(
		bana_parse_int(bana_str_of(bana_rows_text(rows, 0, column)), 0, INT64_MAX, &value),
		"it is a count");
	return value;
}

static BANA_RES look(struct bana_ctx *ctx, struct sender *s)
{
	struct bana_backlog_state *to = &ctx->app->pool->shared->webhooks;
	const struct bana_rows *rows;
	if (bana_tick_us() < s->look_tick)
		return BANA_DONE;
	TRY(bana_pg_exec(ctx,
		"SELECT count(*), coalesce(greatest(0,"
		" extract(epoch FROM now() - min(d.created_at)))::bigint, 0)"
		" FROM outreach.\"WebhookDelivery\" d JOIN outreach.\"Webhook\" w"
		" ON w.id = d.webhook_id AND w.enabled AND w.deleted_at IS NULL"
		" WHERE d.status = '100_PENDING'",
		0, NULL, &rows));
	atomic_store(&to->waiting, number(rows, 0));
	atomic_store(&to->oldest_s, number(rows, 1));
	atomic_store(&to->looked_tick, bana_tick_us());
	s->look_tick = bana_tick_us() + LOOK_US;
	return BANA_DONE;
}

/* Deliveries go with their event. What was written before webhooks were turned off is no less
 * personal, so this goes on; between two sweeps no connection is kept then. */
static BANA_RES sweep(struct bana_ctx *ctx, struct sender *s)
{
	const char *days =
		bana_print(ctx->arena, "%lld", (long long)outreach_settings.webhook_days);
	const char *values[] = {days, bana_print(ctx->arena, "%d", PIECE_ROWS)};
	const struct bana_rows *rows;
	if (bana_tick_us() < s->sweep_tick)
		return BANA_DONE;
	TRY(bana_pg_exec(ctx,
		"WITH gone AS (DELETE FROM outreach.\"WebhookEvent\" WHERE id IN (SELECT id"
		" FROM outreach.\"WebhookEvent\""
		" WHERE created_at < now() - $1::int * interval '1 day' LIMIT $2::int) RETURNING 1)"
		" SELECT count(*) FROM gone",
		2, values, &rows));
	if (number(rows, 0) < PIECE_ROWS)
		s->sweep_tick = bana_tick_us() + SWEEP_US;
	if (!outreach_settings.webhooks)
		bana_pg_leave(ctx->db);
	return BANA_DONE;
}

/* ---- the frame's ----------------------------------------------------------------------------- */

static BANA_RES begin(struct bana_ctx *ctx, void **state)
{
	struct bana_networks networks;
	if (outreach_webhook_networks(ctx, &networks).fault != BANA_OK)
		return bana_fail(ctx, BANA_MALFORMED,
			"APP_ENV_OUTREACH_WEBHOOK_NETWORKS: networks like 10.1.0.0/16 are expected",
			NULL);
	if (outreach_webhook_schedule_check(outreach_settings.webhook_schedule).fault != BANA_OK)
		return bana_fail(ctx, BANA_MALFORMED,
			"APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: seconds from 1 to 604800 are expected",
			NULL);
	struct bana_arena *arena = bana_arena_new();
	struct sender *s = bana_alloc(arena, sizeof *s);
	s->arena = arena;
	s->http = bana_http_new();
	for (size_t i = 0; i < SLOTS; i++)
		s->slots[i].arena = bana_arena_new();
	*state = s;
	return BANA_DONE;
}

static BANA_RES turn(struct bana_ctx *ctx, void *state, int *rest_ms)
{
	struct sender *s = state;
	collect(s, count(s, UNDER_WAY) > 0 ? WAIT_MS : 0);
	TRY(settle_all(ctx, s));
	if (outreach_settings.webhooks && !bana_stopping()) {
		TRY(claim(ctx, s));
		TRY(look(ctx, s));
	}
	if (!bana_stopping())
		TRY(sweep(ctx, s));
	if (count(s, FREE) == SLOTS)
		*rest_ms = (int)outreach_settings.webhook_poll_ms;
	return BANA_DONE;
}

static bool busy(const void *state)
{
	return count(state, FREE) < SLOTS;
}

static void meanwhile(void *state)
{
	collect(state, 0);
}

static void end(void *state)
{
	struct sender *s = state;
	bana_http_free(s->http);
	for (size_t i = 0; i < SLOTS; i++)
		bana_arena_free(s->slots[i].arena);
	bana_arena_free(s->arena);
}

const struct bana_work outreach_webhook_work = {
	.name = "webhooks",
	.begin = begin,
	.turn = turn,
	.busy = busy,
	.meanwhile = meanwhile,
	.end = end,
};
