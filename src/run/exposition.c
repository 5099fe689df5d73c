/*
 * GET /metrics: all that the pool's memory, nchan and the checks say, as Prometheus' text format
 * 0.0.4. Rows of tables; what is not known now has no sample.
 */
#include "run/health.h"

#include "bana/app.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/entity.h"
#include "bana/http.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/run.h"

#include <math.h>

/* What nchan says of itself at /status, "words: number", with K for 1024 behind bytes. */
/* clang-format off */
static const struct rooms_row {
	const char *words, *name, *type, *help;
} rooms_rows[] = {
	{"subscribers", "bana_rooms_sockets", "gauge", "Rooms that open sockets are in, as nchan counts its subscribers: each socket in several."},
	{"channels", "bana_rooms_channels", "gauge", "Rooms that nchan knows."},
	{"total published messages", "bana_rooms_published_total", "counter", "Messages that were published to this nginx."},
	{"shared memory used", "bana_rooms_memory_bytes", "gauge", "Shared memory of nchan in use."},
	{"shared memory limit", "bana_rooms_memory_limit_bytes", "gauge", "Shared memory that nchan has (ROOMS_MEMORY)."},
	{"redis pending commands", "bana_rooms_redis_pending_commands", "gauge", "Commands of nchan that Redis has not answered yet."},
	{"redis connected servers", "bana_rooms_redis_connected_servers", "gauge", "Redis servers that nchan is connected to."},
	{"redis unhealthy upstreams", "bana_rooms_redis_unhealthy_upstreams", "gauge", "1: nchan cannot use its Redis."},
	{"total redis commands sent", "bana_rooms_redis_commands_total", "counter", "Commands that nchan has sent to Redis."},
};
/* clang-format on */
enum { ROOMS_ROWS = sizeof rooms_rows / sizeof *rooms_rows };

struct scrape {
	const struct bana_app *app;
	const struct bana_pool_shared *shared;
	struct bana_workers workers;
	struct health health;
	double rooms[ROOMS_ROWS]; /* NAN: nchan did not say */
	bool rooms_up;
};

/* ---- what is read at the moment of the scrape ------------------------------------------------ */

static double workers(const struct scrape *s, int which)
{
	const unsigned counts[] = {[BANA_WORKER_IDLE] = s->workers.idle,
		[BANA_WORKER_BUSY] = s->workers.busy,
		[BANA_WORKER_DORMANT] = s->workers.dormant};
	return counts[which];
}
static double resident(const struct scrape *s, int which)
{
	return (double)(which ? s->workers.resident_bytes_max : s->workers.resident_bytes);
}
static double breaker_open(const struct scrape *s, int which)
{
	const struct bana_breaker *const list[] = {
		&s->shared->nchan, &s->shared->bus, &s->shared->admission};
	return atomic_load(&list[which]->closed_until_tick) != 0;
}
static double keys_age(const struct scrape *s, int which)
{
	(void)which;
	if (atomic_load(&s->shared->keys_generation) == 0)
		return NAN;
	return (double)(bana_tick_us() - atomic_load(&s->shared->keys_fetched_tick)) / 1e6;
}
static double leads(const struct scrape *s, int which)
{
	enum { LEADS_US = 3000000 };
	int64_t led = atomic_load(&s->shared->metrics.lead_tick);
	(void)which;
	return led != 0 && bana_tick_us() - led < LEADS_US;
}
static double check_ok(const struct scrape *s, int which)
{
	return (size_t)which < s->health.count ? s->health.rows[which].fine : NAN;
}
static double ready(const struct scrape *s, int which)
{
	(void)which;
	return s->health.ready;
}
static double draining(const struct scrape *s, int which)
{
	(void)which;
	return atomic_load(&s->shared->draining);
}
static double migrations(const struct scrape *s, int which)
{
	const struct bana_checks *c = &s->shared->checks;
	return (double)atomic_load(which ? &c->migrations_ahead : &c->migrations_missing);
}
static double consumers(const struct scrape *s, int which)
{
	const struct bana_consumers c = bana_consumers_look(s->app->pool);
	if (s->app->service->topic == NULL)
		return NAN;
	return which == 0 ? c.living : which == 1 ? c.partitions : (double)c.lag;
}
static double commit_age(const struct scrape *s, int which)
{
	int64_t tick = bana_consumers_look(s->app->pool).committed_tick;
	(void)which;
	return tick == 0 ? NAN : (double)(bana_tick_us() - tick) / 1e6;
}
static double webhooks(const struct scrape *s, int which)
{
	enum { STALE_US = 30000000 };
	const struct bana_backlog_state *b = &s->shared->webhooks;
	int64_t tick = atomic_load(&b->looked_tick);
	if (tick == 0 || bana_tick_us() - tick > STALE_US)
		return NAN;
	return (double)atomic_load(which ? &b->oldest_s : &b->waiting);
}
static double rooms_up(const struct scrape *s, int which)
{
	(void)which;
	return s->app->settings->ws_nchan ? s->rooms_up : NAN;
}

/* clang-format off */
static const struct gauge {
	const char *name, *labels;
	double (*read)(const struct scrape *s, int which);
	int which;
	const char *help; /* of the first row of a name */
} gauges[] = {
	{"bana_http_requests_in_flight", "", workers, BANA_WORKER_BUSY, "Requests that workers are at, those that wait in nginx not counted."},
	{"bana_workers", "state=\"idle\"", workers, BANA_WORKER_IDLE, "Living workers by what they do; dormant: more were started than APP_ENV_WORKERS says."},
	{"bana_workers", "state=\"busy\"", workers, BANA_WORKER_BUSY, ""},
	{"bana_workers", "state=\"dormant\"", workers, BANA_WORKER_DORMANT, ""},
	{"bana_workers_resident_bytes", "", resident, 0, "Resident memory of all workers, shared pages counted in each; said once a second by those that work."},
	{"bana_worker_resident_bytes_max", "", resident, 1, "Resident memory of the largest worker."},
	{"bana_breaker_open", "way=\"nchan\"", breaker_open, 0, "1: the last try of a way out failed; it is skipped but for probes."},
	{"bana_breaker_open", "way=\"bus\"", breaker_open, 1, ""},
	{"bana_breaker_open", "way=\"admission\"", breaker_open, 2, ""},
	{"bana_jwks_age_seconds", "", keys_age, 0, "Time since the key set was last fetched; absent: never."},
	{"bana_bridge_leads", "", leads, 0, "1: the bridge that leads runs on this host."},
	{"bana_check_ok", "check=\"database\"", check_ok, HEALTH_DATABASE, "1: the part is fine, by the checks of /readyz."},
	{"bana_check_ok", "check=\"schema\"", check_ok, HEALTH_SCHEMA, ""},
	{"bana_check_ok", "check=\"pool\"", check_ok, HEALTH_POOL, ""},
	{"bana_check_ok", "check=\"nchan\"", check_ok, HEALTH_NCHAN, ""},
	{"bana_check_ok", "check=\"redis\"", check_ok, HEALTH_REDIS, ""},
	{"bana_check_ok", "check=\"jwks\"", check_ok, HEALTH_JWKS, ""},
	{"bana_check_ok", "check=\"consumer\"", check_ok, HEALTH_CONSUMER, ""},
	{"bana_ready", "", ready, 0, "1: /readyz answers 200."},
	{"bana_draining", "", draining, 0, "1: told to look unready (bana-outreach drain)."},
	{"bana_migrations_missing", "", migrations, 0, "1: the newest migration of this version is not applied."},
	{"bana_migrations_ahead", "", migrations, 1, "Applied migrations that are newer than this version."},
	{"bana_consumers", "", consumers, 0, "Living consumers of Kafka on this host."},
	{"bana_consumer_partitions", "", consumers, 1, "Partitions that they are assigned."},
	{"bana_consumer_lag", "", consumers, 2, "Messages that wait in those partitions, as far as they know."},
	{"bana_consumer_commit_age_seconds", "", commit_age, 0, "Time since one of them last committed; absent: not yet."},
	{"bana_webhook_backlog", "", webhooks, 0, "Deliveries of webhooks that wait, by a sender of this host that looked in the last 30 s; absent: none did."},
	{"bana_webhook_oldest_seconds", "", webhooks, 1, "Age of the oldest of them."},
	{"bana_rooms_up", "", rooms_up, 0, "1: nchan answered this scrape; absent: it is turned off."},
};
/* clang-format on */

/* ---- the text -------------------------------------------------------------------------------- */

static void head(struct bana_buf *out, const char *name, const char *help, const char *type)
{
	bana_buf_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct bana_buf *out, const char *name, const char *labels, double value)
{
	bool labelled = *labels != '\0';
	bana_buf_print(out, "%s%s%s%s %.16g\n", name, labelled ? "{" : "", labels,
		labelled ? "}" : "", value);
}

static void write_counters(const struct scrape *s, struct bana_buf *out)
{
	/* clang-format off */
	static const struct { const char *name, *labels; double per; const char *help; } rows[] = {
#define METRIC(id, name, labels, per, help) {name, labels, per, help},
#include "bana/metric.def"
#undef METRIC
	};
	/* clang-format on */
	for (size_t i = 0; i < BANA_METRIC_COUNT; i++) {
		if (i == 0 || strcmp(rows[i - 1].name, rows[i].name) != 0)
			head(out, rows[i].name, rows[i].help, "counter");
		sample(out, rows[i].name, rows[i].labels,
			(double)atomic_load(&s->shared->metrics.counters[i]) / rows[i].per);
	}
}

static void write_gauges(const struct scrape *s, struct bana_buf *out)
{
	for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
		const struct gauge *g = &gauges[i];
		double value = g->read(s, g->which);
		if (*g->help != '\0')
			head(out, g->name, g->help, "gauge");
		if (!isnan(value))
			sample(out, g->name, g->labels, value);
	}
}

static void write_rooms(const struct scrape *s, struct bana_buf *out)
{
	for (size_t i = 0; i < ROOMS_ROWS; i++) {
		if (isnan(s->rooms[i]))
			continue;
		head(out, rooms_rows[i].name, rooms_rows[i].help, rooms_rows[i].type);
		sample(out, rooms_rows[i].name, "", s->rooms[i]);
	}
}

static uint64_t total(const struct bana_histogram *h)
{
	uint64_t sum = 0;
	for (size_t b = 0; b <= BANA_TIMED_BUCKETS; b++)
		sum += atomic_load(&h->buckets[b]);
	return sum;
}

/* The buckets are read once, so that they and the count are of one moment. */
static void write_histogram(
	const struct bana_histogram *h, const char *labels, struct bana_buf *out)
{
	static const char name[] = "bana_http_request_duration_seconds";
	uint64_t sum = 0;
	if (total(h) == 0)
		return;
	for (size_t b = 0; b < BANA_TIMED_BUCKETS; b++) {
		sum += atomic_load(&h->buckets[b]);
		bana_buf_print(out, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels,
			(double)bana_timed_bounds_us[b] / 1e6, (unsigned long long)sum);
	}
	sum += atomic_load(&h->buckets[BANA_TIMED_BUCKETS]);
	bana_buf_print(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.16g\n%s_count{%s} %llu\n",
		name, labels, (unsigned long long)sum, name, labels,
		(double)atomic_load(&h->us) / 1e6, name, labels, (unsigned long long)sum);
}

static void write_requests(struct bana_ctx *ctx, const struct scrape *s, struct bana_buf *out)
{
	const struct bana_service *service = s->app->service;
	head(out, "bana_http_request_duration_seconds",
		"From the acceptance of a request to its answer, by route and status; \"-\": no "
		"route.",
		"histogram");
	for (size_t r = 0; r <= service->route_count; r++) {
		const struct bana_route *route = r == 0 ? NULL : &service->routes[r - 1];
		for (size_t c = 0; c < BANA_TIMED_STATUSES; c++) {
			const char *labels =
				bana_print(ctx->arena, "method=\"%s\",route=\"%s\",status=\"%d\"",
					route == NULL ? "-" : route->verb,
					route == NULL ? "-" : route->path, bana_timed_statuses[c]);
			write_histogram(&s->shared->metrics.requests[r][c], labels, out);
		}
	}
}

/* Of the histogram again, in the words of who watches submits: the routes that anybody may write
 * by. */
static void write_submits(struct bana_ctx *ctx, const struct scrape *s, struct bana_buf *out)
{
	/* clang-format off */
	static const struct { const char *outcome; int from, to; } outcomes[] = {
		{"accepted", 200, 399}, {"refused", 400, 499}, {"unavailable", 503, 503}, {"failed", 500, 500},
	};
	/* clang-format on */
	const struct bana_service *service = s->app->service;
	head(out, "bana_submits_total", "What anybody may write, by route and outcome.", "counter");
	for (size_t r = 0; r < service->route_count; r++) {
		const struct bana_route *route = &service->routes[r];
		if (!(route->call->body & BANA_PUBLIC))
			continue;
		for (size_t o = 0; o < sizeof outcomes / sizeof *outcomes; o++) {
			uint64_t sum = 0;
			for (size_t c = 0; c < BANA_TIMED_STATUSES; c++)
				if (bana_timed_statuses[c] >= outcomes[o].from &&
					bana_timed_statuses[c] <= outcomes[o].to)
					sum += total(&s->shared->metrics.requests[r + 1][c]);
			sample(out, "bana_submits_total",
				bana_print(ctx->arena, "route=\"%s\",outcome=\"%s\"", route->path,
					outcomes[o].outcome),
				(double)sum);
		}
	}
}

/* ---- nchan ----------------------------------------------------------------------------------- */

/* The publisher's address with another path: http://host:port/status, http://unix:/socket:/status.
 */
static const char *status_url(struct bana_ctx *ctx)
{
	static const char local[] = "http://unix:", http[] = "http://";
	const char *url = ctx->app->settings->publish_url;
	size_t scheme = strncmp(url, local, strlen(local)) == 0 ? strlen(local) : strlen(http);
	size_t host = strcspn(url + scheme, scheme == strlen(local) ? ":" : "/");
	return bana_print(ctx->arena, "%.*s%s/status", (int)(scheme + host), url,
		scheme == strlen(local) ? ":" : "");
}

static void take_line(struct scrape *s, bana_str line)
{
	bana_str value, words = bana_str_cut(line, ':', &value);
	int64_t number;
	value = bana_utf8_trim(value);
	bool kilo = value.len > 0 && value.at[value.len - 1] == 'K';
	value.len -= kilo;
	for (size_t i = 0; i < ROOMS_ROWS; i++) {
		if (bana_str_is(words, rooms_rows[i].words) &&
			bana_parse_int(value, 0, INT64_MAX / 1024, &number).fault == BANA_OK)
			s->rooms[i] = (double)number * (kilo ? 1024 : 1);
	}
}

static void ask_rooms(struct bana_ctx *ctx, struct scrape *s)
{
	enum { ANSWER_BYTES = 16 * 1024 };
	bana_str text = {"", 0};
	for (size_t i = 0; i < ROOMS_ROWS; i++)
		s->rooms[i] = NAN;
	if (!ctx->app->settings->ws_nchan)
		return;
	s->rooms_up = bana_http_get(ctx, status_url(ctx), ctx->app->settings->publish_timeout_ms,
			      ANSWER_BYTES, &text)
			      .fault == BANA_OK;
	bana_failure_clear(ctx);
	while (text.len > 0)
		take_line(s, bana_str_cut(text, '\n', &text));
}

static BANA_RES metrics(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct scrape s = {.app = ctx->app, .shared = ctx->app->pool->shared};
	struct bana_buf out;
	bana_buf_init(&out, ctx->arena);
	head(&out, "bana_build_info", "1, with the program's version.", "gauge");
	sample(&out, "bana_build_info",
		bana_join(ctx->arena, "service=\"", s.app->service->name,
			"\",version=\"" BANA_VERSION "\"", NULL),
		1);
	if (s.shared != NULL) {
		s.workers = bana_workers_look(ctx->app->pool);
		health_look(ctx, &s.health);
		ask_rooms(ctx, &s);
		write_requests(ctx, &s, &out);
		write_submits(ctx, &s, &out);
		write_counters(&s, &out);
		write_gauges(&s, &out);
		write_rooms(&s, &out);
	}
	return bana_reply_text(
		q, 200, "text/plain; version=0.0.4; charset=utf-8", bana_buf_str(&out));
}

/* clang-format off */
const struct bana_call bana_metrics = {
	.handle = metrics, .name = "metrics", .status = 200, .gives = BANA_GIVES_TEXT, .media = "text/plain",
};
/* clang-format on */
