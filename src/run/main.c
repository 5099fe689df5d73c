#include "bana/clock.h"
#include "bana/consume.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/redis.h"
#include "bana/run.h"
#include "bana/stop.h"
#include "bana/token.h"
#include "bana/work.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "run/reload.h"

struct program {
	struct bana_settings settings;
	struct bana_app app;
	struct bana_pool pool;
	struct bana_pg *db;
	struct reload *reload;
	struct bana_kafka_settings kafka;
	int64_t seconds; /* of the command line */
};

static struct bana_pg *database(const struct program *p, const char *url)
{
	const struct bana_settings *s = &p->settings;
	return bana_pg_new(&(struct bana_pg_options){
		.url = url,
		.name = p->app.service->name,
		.connect_ms = s->database_connect_ms,
		.statement_ms = s->database_statement_ms,
		.lock_ms = s->database_lock_ms,
		.allow_unsafe = s->database_allow_unsafe,
		.pool = &p->pool,
	});
}

/* The socket all workers of a pool accept on is what makes them one pool. */
static uint64_t listener_inode(void)
{
	struct stat st;
	return fstat(0, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Is there a socket to accept on? */
static bool started_well(const char *program, const char *command)
{
	struct stat st;
	if (fstat(0, &st) == 0 && S_ISSOCK(st.st_mode))
		return true;
	fprintf(stderr,
		"descriptor 0 is no socket: start it with spawn-fcgi -s SOCKET -n -- multiwatch -f "
		"N"
		" -- bana-%s %s\n",
		program, command);
	return false;
}

/* What both kinds of pools do with a request: the whole service, or the probes only. */
static int answer_requests(struct program *p, const char *what)
{
	const struct bana_settings *s = &p->settings;
	struct bana_app *app = &p->app;
	app->pool = &p->pool;
	app->redis = bana_redis_new(s->redis_url,
		app->probes_only ? "bana-status" : app->service->redis_name, s->redis_timeout_ms);
	app->bucket_redis = bana_redis_new(s->redis_url, "bana-buckets", s->buckets_timeout_ms);
	app->jwks = bana_jwks_new(s, &p->pool);
	app->tokens = bana_token_cache_new();
	app->policy = bana_policy_new(app->service->name);
	app->outbox = bana_outbox_new(app);
	p->db = database(p, s->database_url);
	bana_log(NULL, BANA_INFO, "worker started", "what", what, "version", BANA_VERSION, NULL);
	int status = bana_run_api(app, p->db, p->reload);
	bana_log(NULL, BANA_INFO, "worker stopped", "what", what, NULL);
	bana_log_flush();
	bana_pg_free(p->db);
	bana_outbox_free(app->outbox);
	bana_policy_free(app->policy);
	bana_token_cache_free(app->tokens);
	bana_jwks_free(app->jwks);
	bana_redis_free(app->bucket_redis);
	bana_redis_free(app->redis);
	bana_pool_close(&p->pool);
	return status;
}

static int run_api(struct program *p)
{
	const struct bana_settings *s = &p->settings;
	char why[512];
	if (!started_well(p->app.service->name, "api"))
		return 2;
	if (bana_pool_open(
		    &p->pool, s->state_dir, (unsigned)s->node_id, listener_inode(), why, sizeof why)
			.fault != BANA_OK) {
		bana_log(NULL, BANA_ERROR, "cannot start", "why", why, NULL);
		return 1;
	}
	if (p->app.service->begin != NULL)
		p->app.service->begin();
	return answer_requests(p, "requests");
}

/* Beside the pool, so that no probe and no scrape waits behind its requests, or for a database that
 * hangs longer than it must. */
static int run_status(struct program *p)
{
	enum { PATIENCE_MS = 1000 };
	struct bana_settings *s = &p->settings;
	if (!started_well(p->app.service->name, "status"))
		return 2;
	if (s->database_connect_ms > PATIENCE_MS)
		s->database_connect_ms = PATIENCE_MS;
	if (s->database_statement_ms > PATIENCE_MS)
		s->database_statement_ms = PATIENCE_MS;
	p->app.probes_only = true;
	return answer_requests(p, "probes");
}

/* Beside the pool, with its node id and in its memory. */
static bool join_pool(struct program *p)
{
	const struct bana_settings *s = &p->settings;
	char why[512];
	p->app.pool = &p->pool;
	if (bana_pool_join(&p->pool, s->state_dir, (unsigned)s->node_id, why, sizeof why).fault ==
		BANA_OK)
		return true;
	bana_log(NULL, BANA_ERROR, "cannot start", "why", why, NULL);
	return false;
}

static int consume(struct program *p, struct bana_kafka *kafka)
{
	const struct bana_settings *s = &p->settings;
	struct bana_app *app = &p->app;
	if (!join_pool(p))
		return 1;
	app->redis = bana_redis_new(s->redis_url, app->service->redis_name, s->redis_timeout_ms);
	app->outbox = bana_outbox_new(app);
	p->db = database(p, s->database_url);
	bana_log(NULL, BANA_INFO, "consumer started", "topic", app->service->topic->name, "group",
		p->kafka.group_id, "version", BANA_VERSION, NULL);
	int status = bana_run_consume(app, p->db, kafka, p->reload);
	bana_log(NULL, BANA_INFO, "consumer stopped", NULL);
	bana_log_flush();
	bana_pg_free(p->db);
	bana_outbox_free(app->outbox);
	bana_redis_free(app->redis);
	return status;
}

static int run_consume(struct program *p)
{
	enum { PATIENCE_MS = 30000 }; /* nobody waits for it but the next batch */
	char why[512] = "APP_ENV_KAFKA_BROKERS is not set";
	if (p->settings.database_statement_ms < PATIENCE_MS)
		p->settings.database_statement_ms = PATIENCE_MS;
	struct bana_kafka *kafka = NULL;
	if (*p->kafka.brokers != '\0')
		kafka = bana_kafka_new(&(struct bana_kafka_options){.brokers = p->kafka.brokers,
					       .client_id = p->kafka.client_id,
					       .group_id = p->kafka.group_id,
					       .topic = p->app.service->topic->name,
					       .properties = p->kafka.properties},
			why, sizeof why);
	if (kafka == NULL) {
		fprintf(stderr, "APP_ENV_KAFKA_...: %s\n", why);
		return 2;
	}
	int status = consume(p, kafka);
	bana_kafka_free(kafka);
	bana_pool_close(&p->pool);
	return status;
}

static int run_work(struct program *p)
{
	const struct bana_work *work = p->app.service->work;
	if (!join_pool(p))
		return 1;
	p->db = database(p, p->settings.database_url);
	bana_log(
		NULL, BANA_INFO, "work started", "what", work->name, "version", BANA_VERSION, NULL);
	int status = bana_run_work(&p->app, p->db, p->reload);
	bana_log(NULL, BANA_INFO, "work stopped", "what", work->name, NULL);
	bana_log_flush();
	bana_pg_free(p->db);
	bana_pool_close(&p->pool);
	return status;
}

static int set_draining(struct program *p, int draining)
{
	const struct bana_settings *s = &p->settings;
	if (!bana_pool_watch(&p->pool, s->state_dir, (unsigned)s->node_id) ||
		!bana_pool_lives(&p->pool)) {
		fprintf(stderr, "no pool of this version runs with node id %lld in %s\n",
			(long long)s->node_id, s->state_dir);
		return 1;
	}
	atomic_store(&p->pool.shared->draining, draining);
	bana_pool_close(&p->pool);
	return 0;
}

static int run_drain(struct program *p)
{
	int status = set_draining(p, 1);
	if (status == 0)
		nanosleep(&(struct timespec){.tv_sec = p->seconds}, NULL);
	return status;
}

static int run_resume(struct program *p)
{
	return set_draining(p, 0);
}

static int run_once(struct program *p, BANA_RES (*job)(struct bana_ctx *ctx))
{
	const struct bana_settings *s = &p->settings;
	p->settings.database_statement_ms = 600000; /* a migration may take its time */
	p->settings.database_lock_ms = 60000;
	struct bana_arena *arena = bana_arena_new();
	struct bana_ctx ctx;
	bana_ctx_init(&ctx, arena, &p->app);
	p->db = database(
		p, *s->database_owner_url != '\0' ? s->database_owner_url : s->database_url);
	ctx.db = p->db;
	bana_res result = job(&ctx);
	bana_pg_rollback(&ctx);
	if (result.fault != BANA_OK)
		fprintf(stderr, "failed: %s%s%s%s%s\n",
			ctx.failure.detail == NULL ? "" : ctx.failure.detail,
			ctx.failure.detail == NULL ? "" : ": ",
			ctx.failure.message == NULL ? "" : ctx.failure.message,
			ctx.failure.why == NULL ? "" : ": ",
			ctx.failure.why == NULL ? "" : ctx.failure.why);
	bana_pg_free(p->db);
	bana_arena_free(arena);
	return result.fault == BANA_OK ? 0 : 1;
}

static int run_migrate(struct program *p)
{
	return run_once(p, bana_run_migrate);
}

static int run_seed(struct program *p)
{
	return run_once(p, bana_run_seed);
}

static int run_check(struct program *p)
{
	(void)p;
	puts("settings are fine");
	return 0;
}

static bool consumes(const struct bana_service *service)
{
	return service->topic != NULL;
}

static bool works(const struct bana_service *service)
{
	return service->work != NULL;
}

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(struct program *p);
	bool seconds; /* takes an argument */
	bool (*of)(const struct bana_service *service); /* which services have it; NULL: all */
	const char *says;
} commands[] = {
	{"api",     run_api,     false, NULL,     "answer FastCGI requests on descriptor 0 (the default)"},
	{"status",  run_status,  false, NULL,     "answer /healthz, /readyz and /metrics on descriptor 0, for the pool of this host"},
	{"consume", run_consume, false, consumes, "take events from Kafka, until told to stop"},
	{"work",    run_work,    false, works,    "do what the service does by itself (send webhooks), until told to stop"},
	{"drain",   run_drain,   true,  NULL,     "let /readyz of this host's pool say 503 while it serves on; then wait SECONDS (0)"},
	{"resume",  run_resume,  false, NULL,     "take that back"},
	{"migrate", run_migrate, false, NULL,     "bring the database up to date, then seed"},
	{"seed",    run_seed,    false, NULL,     "seed only"},
	{"check",   run_check,   false, NULL,     "check the settings and exit"},
};
/* clang-format on */

static bool offers(const struct bana_service *service, const struct command *c)
{
	return c->of == NULL || c->of(service);
}

static int usage(const struct bana_service *service, FILE *out)
{
	fprintf(out, "usage: bana-%s [COMMAND]\n", service->name);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (offers(service, &commands[i]))
			fprintf(out, "  %-7s%-10s  %s\n", commands[i].name,
				commands[i].seconds ? " [SECONDS]" : "", commands[i].says);
	}
	fprintf(out, "  --print-settings   every setting as a Markdown table\n"
		     "  --version, --help\n");
	return out == stdout ? 0 : 2;
}

/* NULL: no such command, or not with that argument. */
static const struct command *command_of(
	const struct bana_service *service, int argc, char **argv, int64_t *seconds)
{
	enum { SECONDS_MAX = 3600 };
	const char *name = argc > 1 ? argv[1] : "api";
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const struct command *c = &commands[i];
		if (strcmp(c->name, name) == 0 && offers(service, c) &&
			(argc <= 2 || (argc == 3 && c->seconds &&
					      bana_parse_int(
						      bana_str_of(argv[2]), 0, SECONDS_MAX, seconds)
							      .fault == BANA_OK)))
			return c;
	}
	return NULL;
}

/* clang-format off */
static const struct bana_setting kafka_rows[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(struct bana_kafka_settings, member)},
#include "bana/setting_kafka.def"
#undef SETTING
};
/* clang-format on */

static int print_settings(const struct bana_setting_group *groups, size_t count)
{
	printf("# Settings\n\nFrom the environment only. A wrong or missing one stops the start, "
	       "with every reason at once.\nThis page is printed by `--print-settings`.\n");
	bana_settings_print(groups, count, stdout);
	return 0;
}

/* glibc gives the top of the heap back when 128 KiB of it are free, and asks for it again in the
 * next request: on lists a quarter of a worker's time. What a large answer took is still given
 * back. */
static void keep_memory(void)
{
	enum { TRIM_BYTES = 4 << 20, PAD_BYTES = 256 << 10 };
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	mallopt(M_TOP_PAD, PAD_BYTES);
}

int bana_main(const struct bana_service *service, int argc, char **argv)
{
	bana_reload_hold();
	keep_memory();
	struct program p = {.app = {.service = service, .settings = &p.settings}};
	const struct bana_setting_group groups[] = {
		{"Platform", bana_setting_rows, bana_setting_count, &p.settings, 0},
		service->settings,
		{"Kafka", kafka_rows,
			service->topic == NULL ? 0 : sizeof kafka_rows / sizeof *kafka_rows,
			&p.kafka, 0},
		/* of another program that is started with the same environment */
		{"Bridge", bana_bridge_setting_rows, bana_bridge_setting_count, NULL, 0}};
	const size_t own_count = 3;
	const size_t group_count = sizeof groups / sizeof *groups;
	const char *word = argc == 2 ? argv[1] : "";
	if (strcmp(word, "--help") == 0)
		return usage(service, stdout);
	if (strcmp(word, "--version") == 0)
		return printf("bana-%s %s\n", service->name, BANA_VERSION) > 0 ? 0 : 1;
	if (strcmp(word, "--print-settings") == 0)
		return print_settings(groups, group_count);
	const struct command *command = command_of(service, argc, argv, &p.seconds);
	if (command == NULL)
		return usage(service, stderr);
	bool good = bana_settings_load(groups, own_count, stderr);
	good = bana_settings_settle(&p.settings, stderr) && good;
	good = (service->settle == NULL || service->settle(stderr)) && good;
	if (!good)
		return 2;
	p.reload = reload_new(groups, own_count, &p.settings, service->settle);
	if (!reload_begin(p.reload, stderr)) {
		reload_free(p.reload);
		return 2;
	}
	bana_settings_tell_unknown(groups, group_count, stderr);
	p.app.publisher = bana_publisher_new(p.settings.publish_url, p.settings.publish_timeout_ms);
	char base_path[256];
	snprintf(base_path, sizeof base_path, "/v1/api/%s", service->name);
	p.app.base_path = *p.settings.base_path == '\0' ? base_path : p.settings.base_path;
	bana_log_begin(service->name, &p.settings);
	int status = command->run(&p);
	reload_free(p.reload);
	bana_publisher_free(p.app.publisher);
	return status;
}
