#include "unit/support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bana/clock.h"
#include "bana/pool.h"

/* The wall clock of this program: 0 is the real one. */
static int64_t frozen_us;
int64_t __real_bana_now_us(void);
int64_t __wrap_bana_now_us(void);
int64_t __wrap_bana_now_us(void)
{
	return frozen_us != 0 ? frozen_us : __real_bana_now_us();
}

static char dir[] = "/tmp/bana-pool-XXXXXX";
static const int64_t epoch_ms = 1735689600000;

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
	(void)state;
	for (unsigned node = 0; node < 1024; node++) {
		char path[64];
		snprintf(path, sizeof path, "%s/node-%u", dir, node);
		unlink(path);
	}
	return rmdir(dir);
}

static bana_res join(struct bana_pool *pool, unsigned node, uint64_t listener)
{
	char why[256];
	bana_res r = bana_pool_open(pool, dir, node, listener, why, sizeof why);
	assert_int_equal(r.fault == BANA_OK, *why == '\0');
	return r;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

enum { WORKERS = 8, IDS = 100000 };

static void make_ids(unsigned node, int64_t *ids)
{
	struct bana_pool pool;
	char why[256];
	if (bana_pool_open(&pool, dir, node, 77, why, sizeof why).fault != BANA_OK)
		_exit(1);
	for (size_t i = 0; i < IDS; i++)
		ids[i] = bana_snowflake(&pool);
	_exit(0);
}

static void eight_workers_never_make_an_id_twice(void **state)
{
	struct bana_pool pool; /* keeps the pool alive while the workers come and go */
	(void)state;
	assert_ok(join(&pool, 1, 77));
	size_t bytes = sizeof(int64_t) * WORKERS * IDS;
	int64_t *ids = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(ids != MAP_FAILED);
	pid_t pids[WORKERS];
	for (size_t w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (pids[w] == 0)
			make_ids(1, ids + w * IDS);
	}
	for (size_t w = 0; w < WORKERS; w++) {
		int status;
		waitpid(pids[w], &status, 0);
		assert_int_equal(0, status);
	}
	for (size_t i = 1; i < IDS; i++)
		assert_true(ids[i] > ids[i - 1]); /* each worker's own rise */
	qsort(ids, (size_t)WORKERS * IDS, sizeof *ids, by_value);
	for (size_t i = 0; i < (size_t)WORKERS * IDS; i++) {
		assert_true(i == 0 || ids[i] > ids[i - 1]);
		assert_int_equal(1, ids[i] >> 12 & 1023);
	}
	munmap(ids, bytes);
	bana_pool_close(&pool);
}

static void an_id_is_time_node_and_sequence(void **state)
{
	struct bana_pool pool;
	(void)state;
	assert_ok(join(&pool, 1023, 1));
	frozen_us = (epoch_ms + 5) * 1000 + 999;
	assert_int_equal(5LL << 22 | 1023 << 12 | 0, bana_snowflake(&pool));
	assert_int_equal(5LL << 22 | 1023 << 12 | 1, bana_snowflake(&pool));
	frozen_us += 1;
	assert_int_equal(6LL << 22 | 1023 << 12 | 0, bana_snowflake(&pool));
	frozen_us = 0;
	bana_pool_close(&pool);
}

static void a_spent_sequence_goes_on_in_the_next_millisecond(void **state)
{
	struct bana_pool pool;
	(void)state;
	assert_ok(join(&pool, 2, 1));
	frozen_us = (epoch_ms + 7) * 1000;
	int64_t last = 0;
	for (int64_t i = 0; i < 3 * 4096 + 1; i++) {
		int64_t id = bana_snowflake(&pool);
		assert_int_equal((7 + i / 4096) << 22 | 2 << 12 | i % 4096, id);
		assert_true(id > last);
		last = id;
	}
	frozen_us = 0;
	bana_pool_close(&pool);
}

static void a_clock_that_steps_repeats_no_id(void **state)
{
	static const int64_t steps_ms[] = {0, -1000, -3000, 500, 3600000, -3600000, -1, 1,
		-86400000, -1735689600000 * 2 /* before 1970 */, 2, 100000};
	struct bana_pool pool;
	int64_t last = 0, now_us = (epoch_ms + 50000000000) * 1000;
	(void)state;
	assert_ok(join(&pool, 3, 1));
	for (size_t s = 0; s < COUNT(steps_ms); s++) {
		now_us += steps_ms[s] * 1000;
		for (int i = 0; i < 5000; i++) {
			frozen_us = now_us + i * 10;
			int64_t id = bana_snowflake(&pool);
			assert_row(id > last, "step %zu: %lld after %lld", s, (long long)id,
				(long long)last);
			assert_int_equal(3, id >> 12 & 1023);
			last = id;
		}
	}
	frozen_us = 0;
	bana_pool_close(&pool);
}

static void the_last_id_outlives_the_pool(void **state)
{
	struct bana_pool pool;
	(void)state;
	assert_ok(join(&pool, 4, 1));
	frozen_us = (epoch_ms + 60000000000) * 1000;
	int64_t last = bana_snowflake(&pool);
	atomic_store(&pool.shared->keys_generation, 9);
	bana_breaker_failed(&pool.shared->nchan);
	bana_pool_close(&pool);
	frozen_us -= 5000000; /* the clock was set back while the pool was away */
	assert_ok(join(&pool, 4, 2));
	assert_true(bana_snowflake(&pool) > last);
	assert_int_equal(0, atomic_load(&pool.shared->keys_generation)); /* the rest begins anew */
	assert_int_equal(0, atomic_load(&pool.shared->nchan.closed_until_tick));
	frozen_us = 0;
	bana_pool_close(&pool);
}

static void a_second_pool_on_a_node_is_refused_while_the_first_lives(void **state)
{
	struct bana_pool first, mate, second, other;
	(void)state;
	assert_ok(join(&first, 5, 100));
	assert_ok(join(&mate, 5, 100));
	assert_fault(CONFLICT, join(&second, 5, 200));
	assert_ok(join(&other, 6, 200)); /* another node id is free */
	bana_pool_close(&other);
	bana_pool_close(&first);
	assert_fault(CONFLICT, join(&second, 5, 200)); /* a mate of the first still lives */
	bana_pool_close(&mate);
	assert_ok(join(&second, 5, 200));
	assert_fault(CONFLICT, join(&first, 5, 100));
	bana_pool_close(&second);
}

static void a_killed_worker_frees_its_place(void **state)
{
	int ready[2];
	char byte;
	(void)state;
	assert_int_equal(0, pipe(ready));
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive a test that crashed */
		struct bana_pool pool;
		char why[256];
		if (bana_pool_open(&pool, dir, 7, 1, why, sizeof why).fault != BANA_OK)
			_exit(1);
		if (bana_pool_try_lock(&pool) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	struct bana_pool pool;
	assert_fault(CONFLICT, join(&pool, 7, 2));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_ok(join(&pool, 7, 2));
	assert_true(bana_pool_try_lock(&pool)); /* went with its holder */
	bana_pool_unlock(&pool);
	bana_pool_close(&pool);
	close(ready[0]);
	close(ready[1]);
}

static void the_lock_is_exclusive(void **state)
{
	struct bana_pool pool;
	int *counter = mmap(
		NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)state;
	assert_ok(join(&pool, 8, 1));
	pid_t pids[4];
	for (size_t w = 0; w < COUNT(pids); w++) {
		pids[w] = fork();
		if (pids[w] != 0)
			continue;
		struct bana_pool mine;
		char why[256];
		if (bana_pool_open(&mine, dir, 8, 1, why, sizeof why).fault != BANA_OK)
			_exit(1);
		for (int i = 0; i < 2000; i++) {
			while (!bana_pool_try_lock(&mine))
				usleep(10);
			int seen = *(volatile int *)counter;
			if (i % 100 == 0)
				usleep(1);
			*(volatile int *)counter = seen + 1;
			bana_pool_unlock(&mine);
		}
		_exit(0);
	}
	for (size_t w = 0; w < COUNT(pids); w++)
		waitpid(pids[w], NULL, 0);
	assert_int_equal(COUNT(pids) * 2000, *counter);
	munmap(counter, sizeof *counter);
	bana_pool_close(&pool);
}

static void an_unusable_folder_is_told(void **state)
{
	struct bana_pool pool;
	char why[256];
	(void)state;
	assert_fault(
		UNAVAILABLE, bana_pool_open(&pool, "/nonexistent/folder", 1, 1, why, sizeof why));
	assert_non_null(strstr(why, "/nonexistent/folder/node-1"));
	assert_non_null(strstr(why, "APP_ENV_STATE_DIR"));
}

static void the_file_is_for_the_owner_only(void **state)
{
	struct bana_pool pool;
	struct stat st;
	char path[64];
	(void)state;
	assert_ok(join(&pool, 9, 1));
	snprintf(path, sizeof path, "%s/node-9", dir);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	bana_pool_close(&pool);
}

static void a_file_of_another_make_is_begun_anew(void **state)
{
	char path[64], junk[5000];
	(void)state;
	snprintf(path, sizeof path, "%s/node-11", dir);
	memset(junk, 0xA5, sizeof junk);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(sizeof junk, write(fd, junk, sizeof junk));
	close(fd);
	struct bana_pool pool;
	assert_ok(join(&pool, 11, 1));
	int64_t now = bana_now_us() / 1000 - epoch_ms;
	assert_true((bana_snowflake(&pool) >> 22) - now < 1000);
	assert_int_equal(0, pool.shared->keys_bytes);
	bana_pool_close(&pool);
}

static size_t open_files(void)
{
	int fd = dup(0);
	close(fd);
	return (size_t)fd;
}

static void only_a_pool_of_this_make_is_watched(void **state)
{
	struct bana_pool pool, watcher;
	char path[64];
	(void)state;
	snprintf(path, sizeof path, "%s/node-12", dir);
	size_t open_before = open_files();
	assert_false(bana_pool_watch(&watcher, dir, 12)); /* there is none, and none is made */
	assert_int_equal(-1, access(path, F_OK));
	assert_null(watcher.shared);
	assert_false(bana_pool_watch(&watcher, "/nonexistent/folder", 12));
	assert_int_equal(0, close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	assert_false(bana_pool_watch(&watcher, dir, 12)); /* empty: being made */
	assert_int_equal(0, truncate(path, sizeof(struct bana_pool_shared) - 1));
	assert_false(bana_pool_watch(&watcher, dir, 12));
	assert_int_equal(0, truncate(path, sizeof(struct bana_pool_shared)));
	assert_false(bana_pool_watch(&watcher, dir, 12)); /* long enough, but nobody's yet */
	assert_ok(join(&pool, 12, 1));
	assert_true(bana_pool_watch(&watcher, dir, 12));
	bana_pool_close(&watcher);
	pool.shared->magic--; /* of the version before */
	assert_false(bana_pool_watch(&watcher, dir, 12));
	assert_null(watcher.shared);
	assert_int_equal(-1, watcher.fd);
	bana_pool_close(&watcher); /* nothing happens */
	bana_pool_close(&pool);
	assert_int_equal(open_before, open_files());
}

static void a_watcher_counts_and_is_no_worker(void **state)
{
	struct bana_pool pool, watcher, next;
	(void)state;
	assert_ok(join(&pool, 13, 100));
	assert_true(bana_pool_watch(&watcher, dir, 13));
	bana_count(&watcher, BANA_METRIC_BRIDGED, 3);
	bana_count(&pool, BANA_METRIC_BRIDGED, 4);
	assert_int_equal(7, atomic_load(&pool.shared->metrics.counters[BANA_METRIC_BRIDGED]));
	assert_int_equal(7, atomic_load(&watcher.shared->metrics.counters[BANA_METRIC_BRIDGED]));
	bana_pool_close(&pool);
	assert_ok(join(&next, 13, 200));              /* no place of the pool is taken by it */
	bana_count(&watcher, BANA_METRIC_BRIDGED, 1); /* it counts on in the next one */
	assert_int_equal(1, atomic_load(&next.shared->metrics.counters[BANA_METRIC_BRIDGED]));
	bana_pool_close(&watcher);
	assert_fault(CONFLICT, join(&pool, 13, 100)); /* and takes no lock along */
	bana_pool_close(&next);
}

static void a_breaker_lets_one_probe_through_at_a_time(void **state)
{
	struct bana_breaker b = {0, 0};
	(void)state;
	assert_true(bana_breaker_try(&b, 1000));
	assert_true(bana_breaker_try(&b, 1000)); /* in health everybody */
	bana_breaker_failed(&b);
	assert_false(bana_breaker_try(&b, 1000));
	atomic_store(&b.closed_until_tick, bana_tick_us() - 1); /* the back-off has run out */
	assert_true(bana_breaker_try(&b, 50000));
	assert_false(bana_breaker_try(&b, 50000)); /* while that one probes */
	int64_t until = atomic_load(&b.closed_until_tick) - bana_tick_us();
	assert_in_range(until, 50000, 100000); /* the probe may die: another comes after it */
	bana_breaker_ok(&b);
	assert_true(bana_breaker_try(&b, 1000));
	assert_true(bana_breaker_try(&b, 1000));
	assert_int_equal(0, atomic_load(&b.backoff_us));
}

static void the_back_off_doubles_to_a_second(void **state)
{
	static const int64_t expected_us[] = {100000, 200000, 400000, 800000, 1000000, 1000000};
	struct bana_breaker b = {0, 0};
	(void)state;
	for (size_t i = 0; i < COUNT(expected_us); i++) {
		int64_t tick = bana_tick_us();
		bana_breaker_failed(&b);
		assert_int_equal(expected_us[i], atomic_load(&b.backoff_us));
		assert_true(atomic_load(&b.closed_until_tick) >= tick + expected_us[i]);
	}
	bana_breaker_ok(&b);
	bana_breaker_failed(&b);
	assert_int_equal(100000, atomic_load(&b.backoff_us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_workers_never_make_an_id_twice),
		cmocka_unit_test(an_id_is_time_node_and_sequence),
		cmocka_unit_test(a_spent_sequence_goes_on_in_the_next_millisecond),
		cmocka_unit_test(a_clock_that_steps_repeats_no_id),
		cmocka_unit_test(the_last_id_outlives_the_pool),
		cmocka_unit_test(a_second_pool_on_a_node_is_refused_while_the_first_lives),
		cmocka_unit_test(a_killed_worker_frees_its_place),
		cmocka_unit_test(the_lock_is_exclusive),
		cmocka_unit_test(an_unusable_folder_is_told),
		cmocka_unit_test(the_file_is_for_the_owner_only),
		cmocka_unit_test(a_file_of_another_make_is_begun_anew),
		cmocka_unit_test(only_a_pool_of_this_make_is_watched),
		cmocka_unit_test(a_watcher_counts_and_is_no_worker),
		cmocka_unit_test(a_breaker_lets_one_probe_through_at_a_time),
		cmocka_unit_test(the_back_off_doubles_to_a_second),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
