/*
 * What must answer before nchan may meet a new room. nchan 1.3.6 crashes when a node hangs while a
 * room is being subscribed there, and which node that is, only its hash slot says. So in a cluster
 * every master is asked.
 */
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/redis.h"

#include <stdlib.h>

enum { MASTERS_MAX = 64, KNOWN_US = 1000000 };

struct bana_nodes {
	const struct bana_app *app;
	struct bana_arena *arena; /* of the URLs, until the cluster has others */
	const char *urls[MASTERS_MAX];
	struct bana_redis *masters[MASTERS_MAX];
	size_t count;
	int64_t known_tick; /* when they were last asked for; 0: never */
};

struct bana_nodes *bana_nodes_new(const struct bana_app *app)
{
	struct bana_nodes *nodes = calloc(1, sizeof *nodes);
	if (nodes == NULL)
		abort();
	nodes->app = app;
	nodes->arena = bana_arena_new();
	return nodes;
}

static void forget(struct bana_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		bana_redis_free(nodes->masters[i]);
	nodes->count = 0;
	nodes->known_tick = 0;
	bana_arena_reset(nodes->arena);
}

void bana_nodes_free(struct bana_nodes *nodes)
{
	if (nodes == NULL)
		return;
	forget(nodes);
	bana_arena_free(nodes->arena);
	free(nodes);
}

static bool has(bana_str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

bool bana_cluster_master(bana_str line, bana_str *address, bool *failing)
{
	bana_str rest = line, flags;
	bana_str_cut(rest, ' ', &rest); /* id */
	*address = bana_str_cut(bana_str_cut(rest, ' ', &rest), '@', &(bana_str){0});
	flags = bana_str_cut(rest, ' ', &rest);
	for (int i = 0; i < 5; i++) /* master, ping, pong, epoch, link */
		bana_str_cut(rest, ' ', &rest);
	*failing = has(flags, "fail");
	return has(flags, "master") && rest.len > 0; /* slots */
}

static void add(struct bana_ctx *ctx, struct bana_nodes *nodes, bana_str address)
{
	const struct bana_settings *s = nodes->app->settings;
	const char *url = bana_redis_sibling_url(ctx, nodes->app->redis, address);
	size_t i = nodes->count++;
	nodes->urls[i] = bana_copy(nodes->arena, url, strlen(url));
	nodes->masters[i] = bana_redis_new(
		nodes->urls[i], nodes->app->service->redis_name, s->redis_timeout_ms);
}

/* The masters that hold slots, from any node that answers; connections to those that stay are kept
 * when nothing has changed. */
static BANA_RES learn(struct bana_ctx *ctx, struct bana_nodes *nodes)
{
	static const char *const info[] = {"CLUSTER", "INFO", NULL};
	static const char *const list[] = {"CLUSTER", "NODES", NULL};
	bana_str state, lines, address;
	bana_str found[MASTERS_MAX];
	size_t count = 0;
	TRY(bana_redis_ask(ctx, nodes->app->redis, info, &state));
	if (!has(state, "cluster_state:ok"))
		return bana_fail_later(ctx, "Redis does not answer", "cluster_state is not ok");
	TRY(bana_redis_ask(ctx, nodes->app->redis, list, &lines));
	while (lines.len > 0) {
		bool failing;
		bana_str line = bana_str_cut(lines, '\n', &lines);
		if (!bana_cluster_master(line, &address, &failing))
			continue;
		if (failing)
			return bana_fail_later(ctx, "Redis does not answer",
				bana_print(ctx->arena, "master %.*s is failing", (int)address.len,
					address.at));
		if (address.len > 0 && address.at[0] != ':' && count < MASTERS_MAX)
			found[count++] = address;
	}
	bool same = count == nodes->count;
	for (size_t i = 0; same && i < count; i++)
		same = strcmp(nodes->urls[i],
			       bana_redis_sibling_url(ctx, nodes->app->redis, found[i])) == 0;
	if (!same) {
		forget(nodes);
		for (size_t i = 0; i < count; i++)
			add(ctx, nodes, found[i]);
	}
	nodes->known_tick = bana_tick_us();
	return BANA_DONE;
}

BANA_RES bana_nodes_answer(struct bana_ctx *ctx, struct bana_nodes *nodes)
{
	if (strcmp(nodes->app->settings->redis_mode, "cluster") != 0)
		return bana_redis_ping(ctx, nodes->app->redis);
	if (nodes->known_tick == 0 || bana_tick_us() - nodes->known_tick > KNOWN_US)
		TRY(learn(ctx, nodes));
	for (size_t i = 0; i < nodes->count; i++) {
		bana_res answered = bana_redis_ping(ctx, nodes->masters[i]);
		if (answered.fault == BANA_OK)
			continue;
		nodes->known_tick = 0; /* ask anew: another may have taken its place */
		return answered;
	}
	return BANA_DONE;
}
