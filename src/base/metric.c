#include "bana/metric.h"

#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/pool.h"

static const struct row {
	const char *name, *labels, *help;
} rows[] = {
#define METRIC(id, name, labels, help) {name, labels, help},
#include "bana/metric.def"
#undef METRIC
};

void bana_count(const struct bana_pool *pool, enum bana_metric metric, uint64_t more)
{
	if (pool != NULL && pool->shared != NULL)
		atomic_fetch_add_explicit(
			&pool->shared->metrics.counters[metric], more, memory_order_relaxed);
}

static void head(struct bana_buf *out, const char *name, const char *help, const char *type)
{
	bana_buf_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void bana_metrics_write(const struct bana_pool *pool, struct bana_buf *out)
{
	enum { LEADS_US = 3000000 };
	struct bana_metrics *m = &pool->shared->metrics;
	for (size_t i = 0; i < BANA_METRIC_COUNT; i++) {
		const struct row *row = &rows[i];
		bool labelled = *row->labels != '\0';
		if (i == 0 || strcmp(rows[i - 1].name, row->name) != 0)
			head(out, row->name, row->help, "counter");
		bana_buf_print(out, "%s%s%s%s %llu\n", row->name, labelled ? "{" : "", row->labels,
			labelled ? "}" : "", (unsigned long long)atomic_load(&m->counters[i]));
	}
	int64_t led = atomic_load(&m->lead_tick);
	head(out, "bana_bridge_leads", "1: the bridge that leads runs on this host.", "gauge");
	bana_buf_print(out, "bana_bridge_leads %d\n", led != 0 && bana_tick_us() - led < LEADS_US);
}
