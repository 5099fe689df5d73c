#include "bana/bucket.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/metric.h"
#include "bana/pool.h"
#include "bana/redis.h"

#include <assert.h>

/* ARGV of a key: one more each (ms), how many fit, how many are wanted, and whether to take them.
 * The answer has a bit for each that had too few. The time is Redis', so hosts need not agree on
 * it.
 */
static const char script[] =
	"local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
	"local empty = 0\n"
	"for i, key in ipairs(KEYS) do\n"
	" local every, burst = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])\n"
	" local wanted, take = tonumber(ARGV[4 * i - 1]), ARGV[4 * i] == '1'\n"
	" local full = math.max(tonumber(redis.call('GET', key) or 0), now)\n"
	" if full - now > (burst - wanted) * every then empty = empty + 2 ^ (i - 1)\n"
	" elseif take then\n"
	"  full = full + wanted * every\n"
	"  redis.call('SET', key, string.format('%.0f', full), 'PX', string.format('%.0f', full - "
	"now))\n"
	" end\n"
	"end\n"
	"return empty\n";

/* Buckets that Redis is asked about. */
struct question {
	struct bana_bucket *buckets[BANA_BUCKETS_MAX];
	int wanted[BANA_BUCKETS_MAX];
	size_t count;
};

static BANA_RES ask_redis(struct bana_ctx *ctx, const struct question *question)
{
	enum { WORDS_BEFORE = 3, WORDS_EACH = 5 };
	const char *words[WORDS_BEFORE + WORDS_EACH * BANA_BUCKETS_MAX + 1];
	size_t n = 0;
	int64_t bits;
	bana_str reply;
	words[n++] = "EVAL";
	words[n++] = script;
	words[n++] = bana_print(ctx->arena, "%zu", question->count);
	for (size_t i = 0; i < question->count; i++) /* in a cluster all have to be of one slot */
		words[n++] =
			bana_join(ctx->arena, "{bana:bucket}:", question->buckets[i]->key, NULL);
	for (size_t i = 0; i < question->count; i++) {
		const struct bana_bucket *b = question->buckets[i];
		words[n++] = bana_print(ctx->arena, "%lld", (long long)b->every_ms);
		words[n++] = bana_print(ctx->arena, "%lld", (long long)b->burst);
		words[n++] = question->wanted[i] == 2 ? "2" : "1";
		words[n++] = b->look ? "0" : "1";
	}
	words[n] = NULL;
	TRY(bana_redis_ask(ctx, ctx->app->bucket_redis, words, &reply));
	TRY(bana_parse_int(reply, 0, (1 << BANA_BUCKETS_MAX) - 1, &bits));
	for (size_t i = 0; i < question->count; i++)
		question->buckets[i]->empty = (bits >> i & 1) != 0;
	return BANA_DONE;
}

/* The key's place; NULL for a `look` at a key that has none. A new one gets the place nearby that
 * will be full first. */
static struct bana_bucket_place *place_of(
	struct bana_bucket_place *places, const struct bana_bucket *bucket)
{
	enum { NEAR = 8 };
	unsigned char digest[BANA_SHA256_BYTES];
	struct bana_bucket_place *best = NULL;
	uint64_t key;
	bana_sha256(bana_str_of(bucket->key), digest);
	memcpy(&key, digest, sizeof key);
	for (uint64_t i = 0; i < NEAR; i++) {
		struct bana_bucket_place *p = &places[(key + i) % BANA_BUCKET_PLACES];
		if (atomic_load(&p->key) == key)
			return p;
		if (best == NULL || atomic_load(&p->state) < atomic_load(&best->state))
			best = p;
	}
	if (bucket->look)
		return NULL;
	atomic_store(&best->state, 0);
	atomic_store(&best->key, key);
	return best;
}

/* On this host. 0: that is enough, for it is empty here and so everywhere, or it is the first that
 * this host hears of the key; else as many as Redis has to have: that first one is told then. */
static int take_here(struct bana_pool_shared *shared, struct bana_bucket *bucket, int64_t now)
{
	struct bana_bucket_place *p = place_of(shared->buckets_here, bucket);
	int64_t was, full;
	bool known;
	bucket->empty = false;
	if (p == NULL)
		return 0;
	was = atomic_load(&p->state);
	do {
		known = was >> 1 > now;
		full = known ? was >> 1 : now;
		bucket->empty = full - now > (bucket->burst - 1) * bucket->every_ms;
		if (bucket->empty || bucket->look)
			break;
	} while (!atomic_compare_exchange_weak(
		&p->state, &was, (full + bucket->every_ms) << 1 | known));
	if (bucket->empty || !known)
		return 0;
	return was & 1 ? 1 : 2;
}

void bana_buckets_take(struct bana_ctx *ctx, struct bana_bucket *buckets, size_t count)
{
	const struct bana_app *app = ctx->app;
	struct bana_pool_shared *shared = app->pool->shared;
	struct question question = {.count = 0};
	const int64_t now = bana_tick_us() / 1000;
	assert(count <= BANA_BUCKETS_MAX);
	for (size_t i = 0; i < count; i++) {
		buckets[i].empty = false;
		if (buckets[i].burst == 0)
			continue;
		int wanted = take_here(shared, &buckets[i], now);
		if (wanted == 0)
			continue;
		question.buckets[question.count] = &buckets[i];
		question.wanted[question.count++] = wanted;
	}
	if (question.count == 0)
		return;
	if (bana_breaker_try(&shared->buckets, app->settings->buckets_timeout_ms * 1000)) {
		if (ask_redis(ctx, &question).fault == BANA_OK) {
			bana_breaker_ok(&shared->buckets);
			bana_count(app->pool, BANA_METRIC_BUCKETS_SHARED, 1);
			return;
		}
		bana_breaker_failed(&shared->buckets);
		bana_failure_clear(ctx);
	}
	bana_count(app->pool, BANA_METRIC_BUCKETS_HERE, 1);
}
