#include "unit/pool.h"
#include "unit/support.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "bana/clock.h"
#include "bana/metric.h"
#include "bana/pool.h"

struct stage {
	struct unit *u;
	struct bana_pool pool, mate; /* two handles of one file */
	char dir[32];
};

static struct stage stage;

static int begin(void **state)
{
	char why[256];
	struct stage *s = &stage;
	strcpy(s->dir, "/tmp/bana-metric-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_ok(bana_pool_open(&s->pool, s->dir, 1, 7, why, sizeof why));
	assert_ok(bana_pool_open(&s->mate, s->dir, 1, 7, why, sizeof why));
	int rc = unit_open(state);
	s->u = *state;
	return rc;
}

static int end(void **state)
{
	bana_pool_close(&stage.pool);
	bana_pool_close(&stage.mate);
	pool_files_remove(stage.dir);
	rmdir(stage.dir);
	return unit_close(state);
}

static uint64_t counted(const struct bana_pool *pool, enum bana_metric metric)
{
	return atomic_load(&pool->shared->metrics.counters[metric]);
}

static void a_request_is_in_one_bucket(void **state)
{
	/* clang-format off */
	static const struct { int64_t us; size_t bucket; } rows[] = {
		{-5, 0}, {0, 0}, {499, 0}, {500, 0}, {501, 1}, {1000, 1}, {10000, 4}, {10001, 5},
		{10000000, 13}, {10000001, 14}, {INT64_MAX / 2, 14},
	};
	static const struct { int status; size_t place; } statuses[] = {
		{200, 0}, {201, 1}, {422, 15}, {503, 18}, {418, 19}, {0, 19}, {-1, 19},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		bana_time_request(&stage.pool, 3, 200, rows[i].us);
	struct bana_histogram *h = &stage.pool.shared->metrics.requests[3][0];
	for (size_t b = 0; b <= BANA_TIMED_BUCKETS; b++) {
		uint64_t wanted = 0;
		for (size_t i = 0; i < COUNT(rows); i++)
			wanted += rows[i].bucket == b;
		assert_row(atomic_load(&h->buckets[b]) == wanted, "bucket %zu", b);
	}
	for (size_t i = 0; i < COUNT(statuses); i++)
		bana_time_request(&stage.mate, 0, statuses[i].status, 700);
	for (size_t s = 0; s < BANA_TIMED_STATUSES; s++) {
		uint64_t wanted = 0;
		for (size_t i = 0; i < COUNT(statuses); i++)
			wanted += statuses[i].place == s;
		h = &stage.pool.shared->metrics.requests[0][s];
		assert_row(atomic_load(&h->buckets[1]) == wanted &&
				   atomic_load(&h->us) == wanted * 700,
			"status %d", bana_timed_statuses[s]);
	}
	bana_time_request(&stage.pool, BANA_ROUTES_MAX, 200, 1); /* the last that fits */
	bana_time_request(&stage.pool, BANA_ROUTES_MAX + 1, 200, 1);
	bana_time_request(NULL, 0, 200, 1);
}

/* All that is counted for one request (ten counters are more than any has) in less than 2 us. */
static void counting_costs_nothing(void **state)
{
	enum { ROUNDS = 20000, TRIES = 5 };
	int64_t best_us = INT64_MAX;
	(void)state;
	for (int try = 0; try < TRIES; try++) {
		int64_t begun = bana_tick_us();
		for (int i = 0; i < ROUNDS; i++) {
			for (int c = 0; c < 10; c++)
				bana_count(&stage.pool, (enum bana_metric)c, 1);
			bana_time_request(&stage.pool, (size_t)(i % 40), 201, i);
		}
		int64_t took = bana_tick_us() - begun;
		best_us = took < best_us ? took : best_us;
	}
	print_message("%.3f us a request\n", (double)best_us / ROUNDS);
	assert_row(best_us < ROUNDS * 2, "%.3f us a request", (double)best_us / ROUNDS);
}

static void one_truth_for_all_processes(void **state)
{
	struct bana_pool watcher;
	(void)state;
	assert_true(bana_pool_watch(&watcher, stage.dir, 1));
	bana_count(&stage.pool, BANA_METRIC_ADMITTED, 1);
	bana_count(&stage.mate, BANA_METRIC_ADMITTED, 10);
	bana_count(&watcher, BANA_METRIC_ADMITTED, 100);
	pid_t pids[4];
	for (size_t w = 0; w < COUNT(pids); w++) {
		pids[w] = fork();
		if (pids[w] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 50000; i++)
			bana_count(w % 2 == 0 ? &stage.mate : &watcher, BANA_METRIC_ADMITTED, 1);
		_exit(0);
	}
	for (size_t w = 0; w < COUNT(pids); w++)
		waitpid(pids[w], NULL, 0);
	assert_int_equal(200111, counted(&stage.pool, BANA_METRIC_ADMITTED));
	assert_int_equal(200111, counted(&stage.mate, BANA_METRIC_ADMITTED));
	assert_int_equal(200111, counted(&watcher, BANA_METRIC_ADMITTED));
	bana_pool_close(&watcher);
	bana_count(&watcher, BANA_METRIC_ADMITTED, 1); /* closed: nothing happens */
	bana_count(NULL, BANA_METRIC_ADMITTED, 1);
	assert_int_equal(200111, counted(&stage.pool, BANA_METRIC_ADMITTED));
}

/* Kept when a worker is restarted, from zero when the pool is. */
static void counts_live_as_long_as_the_pool(void **state)
{
	char why[256];
	(void)state;
	bana_count(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS, 5);
	bana_time_request(&stage.pool, 1, 200, 1);
	bana_pool_close(&stage.pool);
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 7, why, sizeof why));
	assert_int_equal(5, counted(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS));
	assert_int_equal(1, atomic_load(&stage.pool.shared->metrics.requests[1][0].buckets[0]));
	bana_pool_close(&stage.pool);
	bana_pool_close(&stage.mate); /* all workers died, but the socket is the same */
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 7, why, sizeof why));
	assert_int_equal(5, counted(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS));
	memcpy(stage.pool.shared->boot, "another", sizeof "another");
	bana_pool_close(&stage.pool);
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 7, why, sizeof why));
	assert_int_equal(0, counted(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS));
	bana_count(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS, 5);
	bana_time_request(&stage.pool, 1, 200, 1);
	bana_pool_close(&stage.pool);
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 8, why, sizeof why));
	assert_int_equal(0, counted(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS));
	assert_int_equal(0, atomic_load(&stage.pool.shared->metrics.requests[1][0].buckets[0]));
}

#define metric_case(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		metric_case(a_request_is_in_one_bucket),
		metric_case(counting_costs_nothing),
		metric_case(one_truth_for_all_processes),
		metric_case(counts_live_as_long_as_the_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
