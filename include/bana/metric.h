/*
 * Counters of a pool, in its shared memory: one truth however many workers there are, kept when one
 * is restarted, from zero when the pool is.
 */
#ifndef BANA_METRIC_H
#define BANA_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

struct bana_buf;
struct bana_pool;

enum bana_metric {
#define METRIC(id, name, labels, help) BANA_METRIC_##id,
#include "bana/metric.def"
#undef METRIC
	BANA_METRIC_COUNT
};

struct bana_metrics {
	_Atomic uint64_t counters[BANA_METRIC_COUNT];
	_Atomic int64_t lead_tick; /* when a bridge of this host last led; 0: never */
};

/* Nothing happens when `pool` is NULL. */
void bana_count(const struct bana_pool *pool, enum bana_metric metric, uint64_t more);

/* All of them in Prometheus' text format 0.0.4. */
void bana_metrics_write(const struct bana_pool *pool, struct bana_buf *out);

#endif
