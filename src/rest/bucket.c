#include "bana/bucket.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/metric.h"
#include "bana/pool.h"
#include "bana/redis.h"

#include <assert.h>

/* ARGV of a key: one more each (ms), how many fit, how many to take. The answer has a bit for each
 * that was empty. The time is Redis', so hosts need not agree on it. */
static const char script[] =
	"local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local empty = 0\n"
	"for i, key in ipairs(KEYS) do\n"
	" local every, burst, take = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), "
	"tonumber(ARGV[3 * i])\n"
	" local full = math.max(tonumber(redis.call('GET', key) or 0), now)\n"
	" if full - now > (burst - 1) * every then empty = empty + 2 ^ (i - 1)\n"
	" elseif take > 0 then\n"
	"  full = full + every\n"
	"  redis.call('SET', key, string.format('%.0f', full), 'PX', string.format('%.0f', full - "
	"now))\n"
	" end\n"
	"end\n"
	"return empty\n";

static BANA_RES ask_redis(struct bana_ctx *ctx, struct bana_bucket *buckets, size_t count)
{
	enum { WORDS_BEFORE = 3, WORDS_EACH = 4 };
	const char *words[WORDS_BEFORE + WORDS_EACH * BANA_BUCKETS_MAX + 1];
	size_t n = 0;
	int64_t bits;
	bana_str reply;
	words[n++] = "EVAL";
	words[n++] = script;
	words[n++] = bana_print(ctx->arena, "%zu", count);
	for (size_t i = 0; i < count; i++) /* in a cluster all of them have to be of one slot */
		words[n++] = bana_join(ctx->arena, "{bana:bucket}:", buckets[i].key, NULL);
	for (size_t i = 0; i < count; i++) {
		words[n++] = bana_print(ctx->arena, "%lld", (long long)buckets[i].every_ms);
		words[n++] = bana_print(ctx->arena, "%lld", (long long)buckets[i].burst);
		words[n++] = buckets[i].look ? "0" : "1";
	}
	words[n] = NULL;
	TRY(bana_redis_ask(ctx, ctx->app->bucket_redis, words, &reply));
	TRY(bana_parse_int(reply, 0, (1 << BANA_BUCKETS_MAX) - 1, &bits));
	for (size_t i = 0; i < count; i++)
		buckets[i].empty = (bits >> i & 1) != 0;
	return BANA_DONE;
}

/* The key's own place, or one nearby that is full again, or the one that will be first. */
static struct bana_bucket_place *place_of(
	struct bana_bucket_place *places, uint64_t key, int64_t now)
{
	enum { NEAR = 8 };
	struct bana_bucket_place *best = NULL;
	for (uint64_t i = 0; i < NEAR; i++) {
		struct bana_bucket_place *p = &places[(key + i) % BANA_BUCKET_PLACES];
		if (atomic_load(&p->key) == key)
			return p;
		if (best == NULL || atomic_load(&p->full_at) < atomic_load(&best->full_at))
			best = p;
	}
	if (atomic_load(&best->full_at) > now)
		atomic_store(&best->full_at, now);
	atomic_store(&best->key, key);
	return best;
}

static void take_here(struct bana_pool_shared *shared, struct bana_bucket *bucket, int64_t now)
{
	unsigned char digest[BANA_SHA256_BYTES];
	uint64_t key;
	bana_sha256(bana_str_of(bucket->key), digest);
	memcpy(&key, digest, sizeof key);
	struct bana_bucket_place *p = place_of(shared->buckets_here, key, now);
	int64_t was = atomic_load(&p->full_at), full;
	do {
		full = was > now ? was : now;
		bucket->empty = full - now > (bucket->burst - 1) * bucket->every_ms;
		if (bucket->empty || bucket->look)
			return;
	} while (!atomic_compare_exchange_weak(&p->full_at, &was, full + bucket->every_ms));
}

/* Those without a limit are not asked about. */
static size_t limited(
	const struct bana_bucket *all, size_t count, struct bana_bucket *some, size_t *places)
{
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (all[i].burst == 0)
			continue;
		places[n] = i;
		some[n++] = all[i];
	}
	return n;
}

static void take(struct bana_ctx *ctx, struct bana_bucket *buckets, size_t count)
{
	const struct bana_app *app = ctx->app;
	struct bana_pool_shared *shared = app->pool->shared;
	if (bana_breaker_try(&shared->buckets, app->settings->buckets_timeout_ms * 1000)) {
		if (ask_redis(ctx, buckets, count).fault == BANA_OK) {
			bana_breaker_ok(&shared->buckets);
			bana_count(app->pool, BANA_METRIC_BUCKETS_SHARED, 1);
			return;
		}
		bana_breaker_failed(&shared->buckets);
		bana_failure_clear(ctx);
	}
	bana_count(app->pool, BANA_METRIC_BUCKETS_HERE, 1);
	for (size_t i = 0; i < count; i++)
		take_here(shared, &buckets[i], bana_tick_us() / 1000);
}

void bana_buckets_take(struct bana_ctx *ctx, struct bana_bucket *buckets, size_t count)
{
	struct bana_bucket some[BANA_BUCKETS_MAX];
	size_t places[BANA_BUCKETS_MAX];
	assert(count <= BANA_BUCKETS_MAX);
	size_t n = limited(buckets, count, some, places);
	for (size_t i = 0; i < count; i++)
		buckets[i].empty = false;
	if (n == 0)
		return;
	take(ctx, some, n);
	for (size_t i = 0; i < n; i++)
		buckets[places[i]].empty = some[i].empty;
}
