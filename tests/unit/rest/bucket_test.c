#include "unit/redis.h"

#include "bana/bucket.h"
#include "bana/pool.h"
#include "bana/redis.h"

/* Time of the pool; that of Redis is its own. */
static int64_t later_us;
int64_t __real_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void)
{
	return __real_bana_tick_us() + later_us;
}

enum { HOUR_MS = 3600 * 1000, SHORT_MS = 40 };

/* Two hosts with one Redis. */
static struct host {
	struct bana_pool pool;
	struct bana_pool_shared shared;
	struct bana_app app;
} hosts[2];

static int begin(void **state)
{
	if (unit_open(state) != 0)
		return 1;
	struct unit *u = *state;
	later_us = 0;
	u->settings.buckets_timeout_ms = 1000;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		memset(&hosts[i], 0, sizeof hosts[i]);
		hosts[i].pool.shared = &hosts[i].shared;
		hosts[i].app = u->app;
		hosts[i].app.pool = &hosts[i].pool;
		hosts[i].app.bucket_redis =
			bana_redis_new(store.url, "unit-buckets", u->settings.buckets_timeout_ms);
	}
	if (store.pid < 0)
		store_start(&store);
	store_told(&store, "FLUSHALL");
	return 0;
}

static int end(void **state)
{
	for (size_t i = 0; i < COUNT(hosts); i++)
		bana_redis_free(hosts[i].app.bucket_redis);
	return unit_close(state);
}

static void take(struct unit *u, struct host *host, struct bana_bucket *buckets, size_t count)
{
	fresh(u)->app = &host->app;
	bana_buckets_take(&u->ctx, buckets, count);
}

static bool had(struct unit *u, struct host *host, const char *key, int64_t burst, int64_t every_ms)
{
	struct bana_bucket b = {.key = key, .burst = burst, .every_ms = every_ms};
	take(u, host, &b, 1);
	return !b.empty;
}

static uint64_t asked(const struct host *host, enum bana_metric metric)
{
	return atomic_load(&host->shared.metrics.counters[metric]);
}

/* What holds wherever they are. */
static void holds(struct unit *u, struct host *host)
{
	for (int i = 0; i < 3; i++)
		assert_true(had(u, host, "a", 3, HOUR_MS));
	for (int i = 0; i < 3; i++)
		assert_false(had(u, host, "a", 3, HOUR_MS));
	assert_true(had(u, host, "b", 3, HOUR_MS));
	for (int i = 0; i < 100; i++)
		assert_true(had(u, host, "c", 0, HOUR_MS)); /* no limit */
	struct bana_bucket look = {.key = "d", .burst = 1, .every_ms = HOUR_MS, .look = true};
	for (int i = 0; i < 3; i++) {
		take(u, host, &look, 1);
		assert_false(look.empty);
	}
	struct bana_bucket some[] = {{.key = "a", .burst = 3, .every_ms = HOUR_MS},
		{.key = "free", .burst = 0, .every_ms = 1},
		{.key = "d", .burst = 1, .every_ms = HOUR_MS},
		{.key = "a", .burst = 100, .every_ms = HOUR_MS, .look = true}};
	take(u, host, some, COUNT(some)); /* an empty one does not keep the others */
	assert_true(some[0].empty);
	assert_false(some[1].empty || some[2].empty || some[3].empty);
	take(u, host, &look, 1);
	assert_true(look.empty);
}

static void in_redis_it_holds_what_it_says(void **state)
{
	holds(*state, &hosts[0]);
	assert_true(asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED) > 0);
	assert_int_equal(0, asked(&hosts[0], BANA_METRIC_BUCKETS_HERE));
	assert_in_range(
		store_number(&store, "PTTL {bana:bucket}:a"), 3 * HOUR_MS - 60000, 3 * HOUR_MS);
	assert_int_equal(1, store_number(&store, "DBSIZE")); /* the others came once */
}

static void on_a_host_it_holds_what_it_says(void **state)
{
	store_kill(&store);
	holds(*state, &hosts[0]);
	assert_int_equal(0, asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED));
	assert_true(asked(&hosts[0], BANA_METRIC_BUCKETS_HERE) > 0);
}

static void hosts_share_what_is_in_redis(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_true(had(*state, &hosts[i % 2], "shared", 4, HOUR_MS));
	assert_false(had(*state, &hosts[0], "shared", 4, HOUR_MS));
	assert_false(had(*state, &hosts[1], "shared", 4, HOUR_MS));
}

static void a_token_comes_back_after_its_time(void **state)
{
	assert_true(had(*state, &hosts[0], "slow", 1, SHORT_MS));
	int64_t until = bana_tick_us() + SHORT_MS * 1000;
	while (!had(*state, &hosts[0], "slow", 1, SHORT_MS))
		assert_true(bana_tick_us() < until + 5000000);
	assert_true(bana_tick_us() >= until - 2000); /* Redis counts whole milliseconds */
	store_kill(&store);
	assert_true(had(*state, &hosts[0], "later", 2, HOUR_MS));
	assert_true(had(*state, &hosts[0], "later", 2, HOUR_MS));
	assert_false(had(*state, &hosts[0], "later", 2, HOUR_MS));
	later_us += (HOUR_MS - 1000) * 1000LL;
	assert_false(had(*state, &hosts[0], "later", 2, HOUR_MS));
	later_us += 1000 * 1000LL;
	assert_true(had(*state, &hosts[0], "later", 2, HOUR_MS));
	assert_false(had(*state, &hosts[0], "later", 2, HOUR_MS));
}

/* They are told of with the second. */
static void whoever_comes_once_costs_no_round_trip(void **state)
{
	assert_true(had(*state, &hosts[0], "once", 4, HOUR_MS));
	assert_int_equal(0, asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED));
	assert_true(had(*state, &hosts[1], "once", 4, HOUR_MS));
	assert_int_equal(0, store_number(&store, "DBSIZE"));
	assert_true(had(*state, &hosts[0], "once", 4, HOUR_MS));
	assert_int_equal(1, asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED));
	assert_in_range(
		store_number(&store, "PTTL {bana:bucket}:once"), 2 * HOUR_MS - 60000, 2 * HOUR_MS);
}

/* And one that is empty here is empty everywhere. */
static void a_flood_of_one_host_asks_no_more_than_its_tokens(void **state)
{
	for (int i = 0; i < 1000; i++)
		assert_true(had(*state, &hosts[0], "flood", 5, HOUR_MS) == (i < 5));
	assert_int_equal(4, asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED));
}

static void redis_is_used_again_once_it_is_back(void **state)
{
	for (int i = 0; i < 2; i++)
		assert_true(had(*state, &hosts[0], "again", 9, HOUR_MS));
	store_kill(&store);
	assert_true(had(*state, &hosts[0], "again", 9, HOUR_MS));
	assert_int_equal(1, asked(&hosts[0], BANA_METRIC_BUCKETS_HERE));
	store_start(&store);
	assert_true(had(*state, &hosts[0], "again", 9, HOUR_MS)); /* not yet tried */
	assert_int_equal(2, asked(&hosts[0], BANA_METRIC_BUCKETS_HERE));
	later_us += 1000000;
	assert_true(had(*state, &hosts[0], "again", 9, HOUR_MS));
	assert_int_equal(2, asked(&hosts[0], BANA_METRIC_BUCKETS_HERE));
	assert_int_equal(2, asked(&hosts[0], BANA_METRIC_BUCKETS_SHARED));
}

static void a_redis_that_refuses_is_as_good_as_away(void **state)
{
	store_told(&store, "CONFIG SET maxmemory 1");
	for (int i = 0; i < 4; i++)
		assert_true(had(*state, &hosts[0], "full", 3, HOUR_MS) == (i < 3));
	store_told(&store, "CONFIG SET maxmemory 0");
	assert_int_equal(2, asked(&hosts[0], BANA_METRIC_BUCKETS_HERE));
}

/* More keys than places: some are full again too early, but a place never does for none. */
static void more_keys_than_places_do_no_harm(void **state)
{
	struct unit *u = *state;
	size_t held = 0;
	char key[32];
	store_kill(&store);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2 * BANA_BUCKET_PLACES; i++) {
			snprintf(key, sizeof key, "key %d", i);
			held += !had(u, &hosts[0], key, 1, HOUR_MS);
		}
	}
	assert_true(held < 2 * BANA_BUCKET_PLACES);
	assert_true(had(u, &hosts[0], "last", 1, HOUR_MS));
	assert_false(had(u, &hosts[0], "last", 1, HOUR_MS));
}

#define bucket_case(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bucket_case(in_redis_it_holds_what_it_says),
		bucket_case(on_a_host_it_holds_what_it_says),
		bucket_case(hosts_share_what_is_in_redis),
		bucket_case(a_token_comes_back_after_its_time),
		bucket_case(whoever_comes_once_costs_no_round_trip),
		bucket_case(a_flood_of_one_host_asks_no_more_than_its_tokens),
		bucket_case(redis_is_used_again_once_it_is_back),
		bucket_case(a_redis_that_refuses_is_as_good_as_away),
		bucket_case(more_keys_than_places_do_no_harm),
	};
	return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
