#include "bana/metric.h"

#include "bana/pool.h"

/* Finer around 10 ms, where answers are; the longest statement has 4 s. */
const int64_t bana_timed_bounds_us[BANA_TIMED_BUCKETS] = {500, 1000, 2500, 5000, 10000, 25000,
	50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

const short bana_timed_statuses[BANA_TIMED_STATUSES] = {200, 201, 204, 206, 302, 304, 400, 401, 403,
	404, 405, 409, 412, 413, 415, 422, 429, 500, 503, 0};

static void add(_Atomic uint64_t *to, uint64_t more)
{
	atomic_fetch_add_explicit(to, more, memory_order_relaxed);
}

void bana_count(const struct bana_pool *pool, enum bana_metric metric, uint64_t more)
{
	if (pool != NULL && pool->shared != NULL)
		add(&pool->shared->metrics.counters[metric], more);
}

void bana_time_request(const struct bana_pool *pool, size_t route, int status, int64_t us)
{
	size_t s = 0, bucket = 0;
	if (pool == NULL || pool->shared == NULL || route > BANA_ROUTES_MAX)
		return;
	while (bana_timed_statuses[s] != status && bana_timed_statuses[s] != 0)
		s++;
	while (bucket < BANA_TIMED_BUCKETS && us > bana_timed_bounds_us[bucket])
		bucket++;
	struct bana_histogram *h = &pool->shared->metrics.requests[route][s];
	add(&h->buckets[bucket], 1);
	add(&h->us, us > 0 ? (uint64_t)us : 0);
}
