/*
 * What a pool counts, in its shared memory: one truth however many workers there are, kept when one
 * is restarted, from zero when the pool is. run/exposition.c writes it out.
 */
#ifndef BANA_METRIC_H
#define BANA_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct bana_pool;

enum bana_metric {
#define METRIC(id, name, labels, per, help) BANA_METRIC_##id,
#include "bana/metric.def"
#undef METRIC
	BANA_METRIC_COUNT
};

enum {
	BANA_ROUTES_MAX = 64,     /* of a service */
	BANA_TIMED_STATUSES = 20, /* at most so many are told apart */
	BANA_TIMED_BUCKETS = 14,  /* besides the one for what took longer */
};

struct bana_histogram {
	_Atomic uint64_t buckets[BANA_TIMED_BUCKETS + 1]; /* each only what is in no lower one */
	_Atomic uint64_t us;                              /* in all */
};

struct bana_metrics {
	_Atomic uint64_t counters[BANA_METRIC_COUNT];
	_Atomic int64_t lead_tick; /* when a bridge of this host last led; 0: never */
	/* by the place of the route among the service's; the first is for requests without one */
	struct bana_histogram requests[BANA_ROUTES_MAX + 1][BANA_TIMED_STATUSES];
};

/* Upper bounds of the buckets in microseconds, and the statuses that are told apart; the last is 0,
 * for all others. */
extern const int64_t bana_timed_bounds_us[BANA_TIMED_BUCKETS];
extern const short bana_timed_statuses[BANA_TIMED_STATUSES];

/* Nothing happens in either when there is no pool. */
void bana_count(const struct bana_pool *pool, enum bana_metric metric, uint64_t more);

/* A request was answered. `route`: 0, or its place + 1. */
void bana_time_request(const struct bana_pool *pool, size_t route, int status, int64_t us);

#endif
