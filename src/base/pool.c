#include "bana/pool.h"

#include "bana/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of node-<id>: "bana", and a version that the last id does not care for. */
static const uint64_t family = 0x62616e61, magic = 0x62616e6100000004;

/* Raise it with any change of struct bana_pool_shared. */
enum { LAYOUT = 6 };

/* Bytes of the files that serve as locks (open file description locks: each open is an owner).
 * START is of node-<id> only, those of enum bana_pool_lock and the places are of its companion. */
enum {
	LOCK_START = 0,
	LOCK_ALIVE = 1,
	LOCK_PLACES = 16,
	LOCK_CONSUMERS = LOCK_PLACES + BANA_WORKERS_MAX
};

static int lock(int fd, int command, short type, off_t byte)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int rc;
	do
		rc = fcntl(fd, command, &l);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* Does a process that lives hold any of these? */
static _Bool held(int fd, off_t first, off_t count)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* LOCK_ALIVE is held shared by every living worker, so whoever gets it alone is the first; going
 * from exclusive to shared is atomic. */
static _Bool first(int fd)
{
	return lock(fd, F_OFD_SETLK, F_WRLCK, LOCK_ALIVE) == 0;
}

/* Made when missing, never made shorter: others may have it mapped. With all its blocks, for a hole
 * that a full disk cannot fill would kill whoever writes there. NULL: errno says why. */
static void *map_file(const char *path, size_t bytes, int *fd)
{
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return NULL;
	errno = posix_fallocate(*fd, 0, (off_t)bytes);
	if (errno != 0)
		return NULL;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

/* node-<id>, or with a layout its companion. */
static const char *path_of(char path[4096], const char *dir, unsigned node_id, int layout)
{
	snprintf(path, 4096, layout == 0 ? "%s/node-%u" : "%s/node-%u.%d", dir, node_id, layout);
	return path;
}

static BANA_RES unusable(struct bana_pool *pool, const char *path, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "%s: %s (see APP_ENV_STATE_DIR)", path, strerror(errno));
	bana_pool_close(pool);
	return BANA_IS(UNAVAILABLE);
}

static BANA_RES conflict(struct bana_pool *pool, const char *what, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "node id %u %s", pool->node_id, what);
	bana_pool_close(pool);
	return BANA_IS(CONFLICT);
}

/* The last id is never touched: being killed here must not lose it. */
static _Bool join_ids(struct bana_pool_ids *ids, int fd, uint64_t listener)
{
	if (first(fd)) {
		if (ids->magic >> 32 != family)
			atomic_store(&ids->last_id, 0);
		ids->listener = listener;
		ids->magic = magic;
	}
	return ids->magic >> 32 == family && ids->listener == listener &&
	       lock(fd, F_OFD_SETLK, F_RDLCK, LOCK_ALIVE) == 0;
}

/* Ticks are of this boot only. */
static void read_boot(char boot[BANA_BOOT_BYTES])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, boot, BANA_BOOT_BYTES - 1);
	boot[len > 0 ? len : 0] = '\0'; /* not told: always another one */
	if (fd >= 0)
		close(fd);
}

static _Bool is_of_boot(const struct bana_pool_shared *shared, const char *boot)
{
	return *boot != '\0' && strcmp(boot, shared->boot) == 0;
}

static void join_shared(struct bana_pool_shared *shared, int fd, uint64_t listener)
{
	char boot[BANA_BOOT_BYTES];
	read_boot(boot);
	if (first(fd) && (shared->layout != LAYOUT || shared->listener != listener ||
				 !is_of_boot(shared, boot))) {
		memset(shared, 0, sizeof *shared);
		memcpy(shared->boot, boot, sizeof boot);
		shared->listener = listener;
		shared->layout = LAYOUT;
	}
	lock(fd, F_OFD_SETLK, F_RDLCK, LOCK_ALIVE);
}

/* A consumer holds no LOCK_ALIVE: the pool may begin anew beneath it. */
static void join_beside(struct bana_pool *pool)
{
	char boot[BANA_BOOT_BYTES];
	read_boot(boot);
	if (pool->ids->magic >> 32 != family) {
		atomic_store(&pool->ids->last_id, 0);
		pool->ids->magic = magic;
	}
	if (first(pool->fd) &&
		(pool->shared->layout != LAYOUT || !is_of_boot(pool->shared, boot))) {
		memset(pool->shared, 0, sizeof *pool->shared);
		memcpy(pool->shared->boot, boot, sizeof boot);
		pool->shared->layout = LAYOUT;
	}
	lock(pool->fd, F_OFD_SETLK, F_UNLCK, LOCK_ALIVE);
}

/* The lowest that no living worker holds. */
static _Bool take_place(struct bana_pool *pool)
{
	for (unsigned i = 0; i < BANA_WORKERS_MAX; i++) {
		if (lock(pool->fd, F_OFD_SETLK, F_WRLCK, LOCK_PLACES + (off_t)i) < 0)
			continue;
		pool->place = i;
		pool->worker = 1;
		if (pool->shared->places <= i)
			pool->shared->places = i + 1;
		atomic_store(&pool->shared->workers[i].resident_bytes, 0);
		bana_worker_is(pool, BANA_WORKER_IDLE);
		bana_count(pool, BANA_METRIC_WORKER_STARTS, 1);
		return 1;
	}
	return 0;
}

BANA_RES bana_pool_open(struct bana_pool *pool, const char *dir, unsigned node_id,
	uint64_t listener, char *why, size_t why_bytes)
{
	char path[4096];
	snprintf(why, why_bytes, "%s", "");
	*pool = (struct bana_pool){.node_id = node_id};
	pool->ids = map_file(path_of(path, dir, node_id, 0), sizeof *pool->ids, &pool->ids_fd);
	if (pool->ids == NULL)
		return unusable(pool, path, why, why_bytes);
	lock(pool->ids_fd, F_OFD_SETLKW, F_WRLCK, LOCK_START);
	if (!join_ids(pool->ids, pool->ids_fd, listener))
		return conflict(pool,
			"is in use by another pool of this host; give each its own APP_ENV_NODE_ID",
			why, why_bytes);
	pool->shared =
		map_file(path_of(path, dir, node_id, LAYOUT), sizeof *pool->shared, &pool->fd);
	if (pool->shared == NULL)
		return unusable(pool, path, why, why_bytes);
	join_shared(pool->shared, pool->fd, listener);
	if (!take_place(pool))
		return conflict(pool, "has no place for one more worker", why, why_bytes);
	lock(pool->ids_fd, F_OFD_SETLK, F_UNLCK, LOCK_START);
	return BANA_DONE;
}

BANA_RES bana_pool_join(
	struct bana_pool *pool, const char *dir, unsigned node_id, char *why, size_t why_bytes)
{
	char path[4096];
	snprintf(why, why_bytes, "%s", "");
	*pool = (struct bana_pool){.node_id = node_id};
	pool->ids = map_file(path_of(path, dir, node_id, 0), sizeof *pool->ids, &pool->ids_fd);
	if (pool->ids != NULL)
		pool->shared = map_file(
			path_of(path, dir, node_id, LAYOUT), sizeof *pool->shared, &pool->fd);
	if (pool->ids == NULL || pool->shared == NULL)
		return unusable(pool, path, why, why_bytes);
	lock(pool->ids_fd, F_OFD_SETLKW, F_WRLCK, LOCK_START);
	join_beside(pool);
	while (pool->place < BANA_CONSUMERS_MAX &&
		lock(pool->fd, F_OFD_SETLK, F_WRLCK, LOCK_CONSUMERS + (off_t)pool->place) < 0)
		pool->place++;
	lock(pool->ids_fd, F_OFD_SETLK, F_UNLCK, LOCK_START);
	if (pool->place == BANA_CONSUMERS_MAX)
		return conflict(pool, "has no place for one more consumer", why, why_bytes);
	*bana_consumer_self(pool) = (struct bana_consumer){.partitions = 0};
	return BANA_DONE;
}

struct bana_consumer *bana_consumer_self(const struct bana_pool *pool)
{
	return pool->ids == NULL || pool->worker ? NULL : &pool->shared->consumers[pool->place];
}

struct bana_consumers bana_consumers_look(const struct bana_pool *pool)
{
	struct bana_consumers sum = {0};
	for (unsigned i = 0; pool->shared != NULL && i < BANA_CONSUMERS_MAX; i++) {
		const struct bana_consumer *c = &pool->shared->consumers[i];
		if (!held(pool->fd, LOCK_CONSUMERS + (off_t)i, 1))
			continue;
		int64_t tick = atomic_load(&c->committed_tick);
		sum.living++;
		sum.away += atomic_load(&c->away) != 0;
		sum.settled += atomic_load(&c->settled) != 0;
		sum.partitions += (unsigned)atomic_load(&c->partitions);
		sum.lag += atomic_load(&c->lag);
		sum.committed_tick = tick > sum.committed_tick ? tick : sum.committed_tick;
	}
	return sum;
}

_Bool bana_pool_watch(struct bana_pool *pool, const char *dir, unsigned node_id)
{
	char path[4096];
	struct stat st;
	int fd = open(path_of(path, dir, node_id, LAYOUT), O_RDWR | O_CLOEXEC);
	void *map = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *pool->shared)
		map = mmap(NULL, sizeof *pool->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*pool = (struct bana_pool){
		.shared = map == MAP_FAILED ? NULL : map, .fd = fd, .node_id = node_id};
	pool->ids_fd = open(path_of(path, dir, node_id, 0), O_RDONLY | O_CLOEXEC);
	if (pool->shared != NULL && pool->shared->layout == LAYOUT)
		return 1;
	if (pool->shared != NULL)
		munmap(pool->shared, sizeof *pool->shared);
	pool->shared = NULL;
	return 0;
}

void bana_pool_close(struct bana_pool *pool)
{
	if (pool->shared != NULL)
		munmap(pool->shared, sizeof *pool->shared);
	if (pool->ids != NULL)
		munmap(pool->ids, sizeof *pool->ids);
	if (pool->fd > 0) /* 0 is the listener */
		close(pool->fd);
	if (pool->ids_fd > 0)
		close(pool->ids_fd);
	*pool = (struct bana_pool){.shared = NULL};
}

void bana_worker_is(const struct bana_pool *pool, enum bana_worker_state state)
{
	if (pool->worker)
		atomic_store_explicit(&pool->shared->workers[pool->place].state, (int)state,
			memory_order_relaxed);
}

void bana_worker_weighs(const struct bana_pool *pool, int64_t resident_bytes)
{
	if (pool->worker)
		atomic_store_explicit(&pool->shared->workers[pool->place].resident_bytes,
			resident_bytes, memory_order_relaxed);
}

/* What a process holds itself is no lock to it. */
static _Bool place_lives(const struct bana_pool *pool, unsigned place)
{
	return (pool->worker && place == pool->place) ||
	       held(pool->fd, LOCK_PLACES + (off_t)place, 1);
}

_Bool bana_pool_lives(const struct bana_pool *pool)
{
	return pool->worker || (pool->ids_fd > 0 && held(pool->ids_fd, LOCK_ALIVE, 1));
}

static void add_worker(struct bana_workers *sum, const struct bana_worker *w)
{
	unsigned *const counts[] = {&sum->idle, &sum->busy, &sum->dormant};
	int64_t bytes = atomic_load(&w->resident_bytes);
	++*counts[atomic_load(&w->state)];
	sum->resident_bytes += bytes;
	if (bytes > sum->resident_bytes_max)
		sum->resident_bytes_max = bytes;
}

struct bana_workers bana_workers_look(const struct bana_pool *pool)
{
	struct bana_workers sum = {0};
	for (unsigned i = 0; pool->shared != NULL && i < pool->shared->places; i++) {
		if (place_lives(pool, i))
			add_worker(&sum, &pool->shared->workers[i]);
	}
	return sum;
}

_Bool bana_pool_try_lock(struct bana_pool *pool, enum bana_pool_lock which)
{
	return lock(pool->fd, F_OFD_SETLK, F_WRLCK, (off_t)which) == 0;
}

void bana_pool_unlock(struct bana_pool *pool, enum bana_pool_lock which)
{
	lock(pool->fd, F_OFD_SETLK, F_UNLCK, (off_t)which);
}

int64_t bana_snowflake(struct bana_pool *pool)
{
	enum { SEQUENCE_BITS = 12, NODE_BITS = 10 };
	const int64_t epoch_ms = 1735689600000; /* 2025-01-01T00:00:00Z */
	const int64_t node = (int64_t)pool->node_id << SEQUENCE_BITS;
	int64_t ms = bana_now_us() / 1000 - epoch_ms;
	int64_t fresh = (ms < 0 ? 0 : ms) << (SEQUENCE_BITS + NODE_BITS) | node;
	int64_t last = atomic_load(&pool->ids->last_id);
	int64_t next;
	do {
		next = fresh;
		if (last >= fresh) { /* same millisecond, or the clock stepped back */
			next = last + 1;
			if ((next & ((1 << SEQUENCE_BITS) - 1)) == 0) /* sequence spent: next ms */
				next = (((last >> (SEQUENCE_BITS + NODE_BITS)) + 1)
					       << (SEQUENCE_BITS + NODE_BITS)) |
				       node;
		}
	} while (!atomic_compare_exchange_weak(&pool->ids->last_id, &last, next));
	bana_count(pool, BANA_METRIC_IDS, 1);
	return next;
}
