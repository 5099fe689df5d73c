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
		{"Platform", bana_setting_rows, bana_setting_count, &p.settings, 0},
		service->settings,
		/* of another program that is started with the same environment */
		{"Bridge", bana_bridge_setting_rows, bana_bridge_setting_count, NULL, 0}};
	const size_t own_count = 2;
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
	if (!bana_settings_load(groups, own_count, stderr) ||
		!bana_addresses_valid(&p.settings, stderr))
		return 2;
	bana_settings_tell_unknown(groups, group_count, stderr);
	p.app.publisher = bana_publisher_new(p.settings.publish_url, p.settings.publish_timeout_ms);
	char base_path[256];
	snprintf(base_path, sizeof base_path, "/v1/api/%s", service->name);
	p.app.base_path = *p.settings.base_path == '\0' ? base_path : p.settings.base_path;
	bana_log_begin(service->name, &p.settings);
	int status = command->run(&p);
	bana_publisher_free(p.app.publisher);
	return status;
}
