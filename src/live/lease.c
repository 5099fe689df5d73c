#include "bana/bridge.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/redis.h"

enum { MARGIN_US = 100000 }; /* we stop this much before Redis lets another begin */

bool bana_lease_held(const struct bana_lease *lease)
{
	return lease->held_until_tick != 0 && bana_tick_us() < lease->held_until_tick;
}

static BANA_RES ask_int(
	struct bana_ctx *ctx, struct bana_redis *redis, const char *const *words, int64_t *value)
{
	bana_str reply;
	TRY(bana_redis_ask(ctx, redis, words, &reply));
	return bana_parse_int(reply, INT64_MIN, INT64_MAX, value);
}

/* By a script, for it may have lapsed and be another's; PEXPIRE works even when Redis is full. */
static BANA_RES keep(struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease,
	const char *length, bool *kept)
{
	static const char script[] = "return redis.call('GET',KEYS[1])==ARGV[1] and "
				     "redis.call('PEXPIRE',KEYS[1],ARGV[2]) or 0";
	const char *const words[] = {"EVAL", script, "1", lease->key, lease->id, length, NULL};
	int64_t one;
	TRY(ask_int(ctx, redis, words, &one));
	*kept = one == 1;
	return BANA_DONE;
}

static BANA_RES take(struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease,
	const char *length, bool *taken)
{
	const char *const words[] = {"SET", lease->key, lease->id, "NX", "PX", length, NULL};
	bana_str reply;
	TRY(bana_redis_ask(ctx, redis, words, &reply));
	*taken = reply.at != NULL;
	return BANA_DONE;
}

/* What is left of another's tells when it was last kept. */
static BANA_RES watch(struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease)
{
	const char *const words[] = {"PTTL", lease->key, NULL};
	int64_t left_ms, tick = bana_tick_us();
	TRY(ask_int(ctx, redis, words, &left_ms));
	if (left_ms >= 0)
		lease->known_tick = tick - (lease->length_ms - left_ms) * 1000;
	return BANA_DONE;
}

BANA_RES bana_lease_step(
	struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease, bool wanted)
{
	const char *length = bana_print(ctx->arena, "%lld", (long long)lease->length_ms);
	int64_t asked_tick = bana_tick_us();
	bool mine = false;
	bana_res taken = BANA_DONE;
	if (lease->held_until_tick != 0)
		TRY(keep(ctx, redis, lease, length, &mine));
	if (!mine && wanted)
		taken = take(
			ctx, redis, lease, length, &mine); /* refused by a Redis that is full */
	lease->held_until_tick = mine ? asked_tick + lease->length_ms * 1000 - MARGIN_US : 0;
	if (mine)
		lease->known_tick = asked_tick;
	else
		TRY(watch(ctx, redis, lease));
	return taken;
}

void bana_lease_resign(struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease)
{
	static const char script[] =
		"return redis.call('GET',KEYS[1])==ARGV[1] and redis.call('DEL',KEYS[1]) or 0";
	const char *const words[] = {"EVAL", script, "1", lease->key, lease->id, NULL};
	bana_str reply;
	if (lease->held_until_tick != 0)
		bana_ignore(bana_redis_ask(ctx, redis, words, &reply), "else it lapses by itself");
	lease->held_until_tick = 0;
}
