#include "unit/pool.h"
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
	pool_files_remove(dir);
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
		if (bana_pool_try_lock(&pool, BANA_LOCK_KEYS) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	struct bana_pool pool;
	assert_fault(CONFLICT, join(&pool, 7, 2));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_ok(join(&pool, 7, 2));
	assert_true(bana_pool_try_lock(&pool, BANA_LOCK_KEYS)); /* went with its holder */
	bana_pool_unlock(&pool, BANA_LOCK_KEYS);
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
			while (!bana_pool_try_lock(&mine, BANA_LOCK_KEYS))
				usleep(10);
			int seen = *(volatile int *)counter;
			if (i % 100 == 0)
				usleep(1);
			*(volatile int *)counter = seen + 1;
			bana_pool_unlock(&mine, BANA_LOCK_KEYS);
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

/* node-<id>.<layout>, whatever the layout is now. */
static void companion(char path[64], unsigned node)
{
	struct bana_pool pool;
	glob_t found;
	assert_ok(join(&pool, node, 1));
	bana_pool_close(&pool);
	snprintf(path, 64, "%s/node-%u.*", dir, node);
	assert_int_equal(0, glob(path, 0, NULL, &found));
	assert_int_equal(1, found.gl_pathc);
	snprintf(path, 64, "%s", found.gl_pathv[0]);
	globfree(&found);
}

static bool watched(struct bana_pool *watcher, const char *folder, unsigned node)
{
	bool there = bana_pool_watch(watcher, folder, node);
	if (!there)
		bana_pool_close(watcher);
	return there;
}

static void only_a_pool_of_this_make_is_watched(void **state)
{
	struct bana_pool pool, watcher;
	char path[64];
	(void)state;
	size_t open_before = open_files();
	assert_false(watched(&watcher, dir, 12)); /* there is none, and none is made */
	companion(path, 12);
	unlink(path);
	assert_false(watched(&watcher, dir, 12));
	assert_int_equal(-1, access(path, F_OK));
	assert_null(watcher.shared);
	assert_false(watched(&watcher, "/nonexistent/folder", 12));
	assert_int_equal(0, close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
	assert_false(watched(&watcher, dir, 12)); /* empty: being made */
	assert_int_equal(0, truncate(path, sizeof(struct bana_pool_shared) - 1));
	assert_false(watched(&watcher, dir, 12));
	assert_int_equal(0, truncate(path, sizeof(struct bana_pool_shared)));
	assert_false(watched(&watcher, dir, 12)); /* long enough, but nobody's yet */
	assert_ok(join(&pool, 12, 1));
	assert_true(bana_pool_watch(&watcher, dir, 12));
	bana_pool_close(&watcher);
	pool.shared->layout--; /* of the version before */
	assert_false(bana_pool_watch(&watcher, dir, 12));
	assert_null(watcher.shared);
	assert_true(bana_pool_lives(&watcher)); /* which is all that can be said of it */
	bana_pool_close(&watcher);
	bana_pool_close(&watcher); /* nothing happens */
	bana_pool_close(&pool);
	assert_int_equal(open_before, open_files());
}

/* A worker of a version that kept everything in one file, and of one whose companion is another's:
 * for both all that counts is the head of node-<id>. */
static void workers_of_two_versions_share_the_ids(void **state)
{
	struct {
		uint64_t magic, listener;
		int64_t last_id;
		char rest[1000];
	} old = {0x62616e6100000003, 100, 0, "breakers, keys, counters"};
	struct bana_pool pool, other;
	char path[64];
	(void)state;
	old.last_id = INT64_C(1) << 61; /* far ahead: the clock would never come there */
	snprintf(path, sizeof path, "%s/node-14", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(sizeof old, write(fd, &old, sizeof old));
	struct flock alive = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &alive)); /* it lives */
	assert_fault(CONFLICT, join(&other, 14, 200));
	assert_ok(join(&pool, 14, 100));
	assert_int_equal(old.last_id + 1, bana_snowflake(&pool));
	assert_int_equal(sizeof old, pread(fd, &old, sizeof old, 0));
	assert_int_equal((INT64_C(1) << 61) + 1, old.last_id);
	assert_int_equal(0x62616e6100000003, old.magic); /* it would not know another */
	assert_string_equal("breakers, keys, counters", old.rest);
	bana_pool_close(&pool);
	close(fd);
}

static void wait_byte(int fd)
{
	char byte;
	assert_int_equal(1, read(fd, &byte, 1));
}

/* A worker in a process of its own, which says when it stands there; it ends by being killed. */
static pid_t worker(unsigned node, enum bana_worker_state is, int64_t bytes)
{
	int ready[2];
	assert_int_equal(0, pipe(ready));
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct bana_pool pool;
		char why[256];
		if (bana_pool_open(&pool, dir, node, 1, why, sizeof why).fault != BANA_OK)
			_exit(1);
		bana_worker_is(&pool, is);
		bana_worker_weighs(&pool, bytes);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	wait_byte(ready[0]);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void assert_workers(const struct bana_pool *pool, struct bana_workers wanted)
{
	struct bana_workers w = bana_workers_look(pool);
	assert_int_equal(wanted.idle, w.idle);
	assert_int_equal(wanted.busy, w.busy);
	assert_int_equal(wanted.dormant, w.dormant);
	assert_int_equal(wanted.resident_bytes, w.resident_bytes);
	assert_int_equal(wanted.resident_bytes_max, w.resident_bytes_max);
}

static void only_the_living_are_counted(void **state)
{
	struct bana_pool watcher, mine;
	(void)state;
	assert_false(bana_pool_watch(&watcher, dir, 15));
	assert_false(bana_pool_lives(&watcher));
	assert_workers(&watcher, (struct bana_workers){0});
	bana_pool_close(&watcher);
	pid_t idle = worker(15, BANA_WORKER_IDLE, 10), busy = worker(15, BANA_WORKER_BUSY, 300),
	      dormant = worker(15, BANA_WORKER_DORMANT, 20);
	assert_true(bana_pool_watch(&watcher, dir, 15));
	assert_true(bana_pool_lives(&watcher));
	assert_workers(&watcher, (struct bana_workers){1, 1, 1, 330, 300});
	end(busy);
	assert_workers(&watcher, (struct bana_workers){1, 0, 1, 30, 20});
	assert_ok(join(&mine, 15, 1));
	assert_int_equal(1, mine.place); /* that of the one who died */
	bana_worker_is(&mine, BANA_WORKER_BUSY);
	assert_workers(&mine, (struct bana_workers){1, 1, 1, 30, 20}); /* and counts itself */
	assert_workers(&watcher, (struct bana_workers){1, 1, 1, 30, 20});
	assert_int_equal(4, atomic_load(&mine.shared->metrics.counters[BANA_METRIC_WORKER_STARTS]));
	bana_pool_close(&mine);
	end(idle);
	end(dormant);
	assert_false(bana_pool_lives(&watcher));
	assert_workers(&watcher, (struct bana_workers){0});
	bana_worker_is(&watcher, BANA_WORKER_BUSY); /* no worker: nothing happens */
	bana_worker_weighs(&watcher, 5);
	bana_pool_close(&watcher);
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
		cmocka_unit_test(workers_of_two_versions_share_the_ids),
		cmocka_unit_test(only_the_living_are_counted),
		cmocka_unit_test(a_watcher_counts_and_is_no_worker),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
