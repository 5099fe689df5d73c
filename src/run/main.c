#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/redis.h"
#include "bana/run.h"
#include "bana/token.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct program {
	struct bana_settings settings;
	struct bana_app app;
	struct bana_pool pool;
	struct bana_pg *db;
};

static enum bana_level level_of(const char *name)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	size_t i = 0;
	while (strcmp(names[i], name) != 0)
		i++;
	return (enum bana_level)i;
}

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
	});
}

/* The socket all workers of a pool accept on is what makes them one pool. */
static uint64_t listener_inode(void)
{
	struct stat st;
	return fstat(0, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static int run_api(struct program *p)
{
	const struct bana_settings *s = &p->settings;
	struct bana_app *app = &p->app;
	struct stat st;
	char why[512];
	if (fstat(0, &st) != 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr,
			"descriptor 0 is no socket: start workers with spawn-fcgi -s SOCKET -n --"
			" multiwatch -f N -- bana-%s\n",
			app->service->name);
		return 2;
	}
	if (bana_pool_open(
		    &p->pool, s->state_dir, (unsigned)s->node_id, listener_inode(), why, sizeof why)
			.fault != BANA_OK) {
		bana_log(NULL, BANA_ERROR, "cannot start", "why", why, NULL);
		return 1;
	}
	app->pool = &p->pool;
	app->redis = bana_redis_new(s->redis_url, app->service->redis_name, s->redis_timeout_ms);
	app->jwks = bana_jwks_new(s, &p->pool);
	app->tokens = bana_token_cache_new();
	app->policy = bana_policy_new(app->service->name);
	app->outbox = bana_outbox_new(app);
	p->db = database(p, s->database_url);
	bana_log(NULL, BANA_INFO, "worker started", "version", BANA_VERSION, NULL);
	int status = bana_run_api(app, p->db);
	bana_log(NULL, BANA_INFO, "worker stopped", NULL);
	bana_log_flush();
	bana_pg_free(p->db);
	bana_outbox_free(app->outbox);
	bana_policy_free(app->policy);
	bana_token_cache_free(app->tokens);
	bana_jwks_free(app->jwks);
	bana_redis_free(app->redis);
	bana_pool_close(&p->pool);
	return status;
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

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(struct program *p);
	const char *says;
} commands[] = {
	{"api",     run_api,     "answer FastCGI requests on descriptor 0 (the default)"},
	{"migrate", run_migrate, "bring the database up to date, then seed"},
	{"seed",    run_seed,    "seed only"},
	{"check",   run_check,   "check the settings and exit"},
};
/* clang-format on */

static int usage(const struct bana_service *service, FILE *out)
{
	fprintf(out, "usage: bana-%s [COMMAND]\n", service->name);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(out, "  %-16s  %s\n", commands[i].name, commands[i].says);
	fprintf(out, "  --print-settings  every setting as a Markdown table\n"
		     "  --version, --help\n");
	return out == stdout ? 0 : 2;
}

static int print_settings(const struct bana_setting_group *groups, size_t count)
{
	printf("# Settings\n\nFrom the environment only. A wrong or missing one stops the start, "
	       "with every reason at once.\nThis page is printed by `--print-settings`.\n");
	bana_settings_print(groups, count, stdout);
	return 0;
}

static bool publish_url_valid(const char *url)
{
	struct bana_publisher *publisher = bana_publisher_new(url, 1);
	bana_publisher_free(publisher);
	return publisher != NULL;
}

static bool jwks_url_valid(const char *url)
{
	return *url == '\0' || strncmp(url, "https://", 8) == 0 ||
	       strncmp(url, "http://", 7) == 0 || strncmp(url, "file://", 7) == 0;
}

static bool owner_url_valid(const char *url)
{
	return *url == '\0' || bana_pg_url_valid(url);
}

static bool path_valid(const char *path)
{
	return *path == '\0' || (*path == '/' && path[strlen(path) - 1] != '/');
}

/* What the table of settings cannot say of an address. Every wrong one is reported, none is shown:
 * it may hold a password. */
static bool addresses_valid(const struct bana_settings *s)
{
	const struct {
		const char *name, *value;
		bool (*valid)(const char *value);
		const char *expected;
	} rows[] = {
		{"APP_ENV_DATABASE_URL", s->database_url, bana_pg_url_valid,
			"a libpq URI or key=value text"},
		{"APP_ENV_DATABASE_OWNER_URL", s->database_owner_url, owner_url_valid,
			"a libpq URI or key=value text"},
		{"APP_ENV_WEBSOCKET_REDIS_URL", s->redis_url, bana_redis_urls_valid,
			"redis://host[:port] or unix:///path, comma-separated"},
		{"APP_ENV_NCHAN_PUBLISH_URL", s->publish_url, publish_url_valid,
			"http://host:port/path/ or http://unix:/socket:/path/"},
		{"APP_ENV_JWKS_URL", s->jwks_url, jwks_url_valid, "https://, http:// or file://"},
		{"APP_ENV_SERVER_BASE_PATH", s->base_path, path_valid,
			"a path that begins with / and does not end in one"},
	};
	bool good = true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].valid(rows[i].value))
			continue;
		fprintf(stderr, "%s: %s is expected\n", rows[i].name, rows[i].expected);
		good = false;
	}
	return good;
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
	keep_memory();
	struct program p = {.app = {.service = service, .settings = &p.settings}};
	const struct bana_setting_group groups[] = {
		{"Platform", bana_setting_rows, bana_setting_count, &p.settings},
		service->settings};
	const size_t group_count = sizeof groups / sizeof *groups;
	const char *name = argc > 1 ? argv[1] : "api";
	if (argc > 2)
		return usage(service, stderr);
	if (strcmp(name, "--help") == 0)
		return usage(service, stdout);
	if (strcmp(name, "--version") == 0)
		return printf("bana-%s %s\n", service->name, BANA_VERSION) > 0 ? 0 : 1;
	if (strcmp(name, "--print-settings") == 0)
		return print_settings(groups, group_count);
	const struct command *command = NULL;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, name) == 0)
			command = &commands[i];
	}
	if (command == NULL)
		return usage(service, stderr);
	if (!bana_settings_load(groups, group_count, stderr) || !addresses_valid(&p.settings))
		return 2;
	p.app.publisher = bana_publisher_new(p.settings.publish_url, p.settings.publish_timeout_ms);
	char base_path[256];
	snprintf(base_path, sizeof base_path, "/v1/api/%s", service->name);
	p.app.base_path = *p.settings.base_path == '\0' ? base_path : p.settings.base_path;
	bana_log_init(service->name, level_of(p.settings.log_level));
	int status = command->run(&p);
	bana_publisher_free(p.app.publisher);
	return status;
}
