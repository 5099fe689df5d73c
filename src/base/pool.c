#include "bana/pool.h"

#include "bana/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* "bana", then a version: raise it with any change of struct bana_pool_shared. */
static const uint64_t magic = 0x62616e6100000003;

/* Bytes of the file that serve as locks (open file description locks: each open is an owner). */
enum { LOCK_START = 0, LOCK_ALIVE = 1, LOCK_KEYS = 2 };

static int lock(int fd, int command, short type, off_t byte)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int rc;
	do
		rc = fcntl(fd, command, &l);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* First of the pool: keep the last id, forget the rest. The id is never touched: being killed here
 * must not lose it. */
static void begin(struct bana_pool_shared *s, uint64_t listener)
{
	const size_t after = offsetof(struct bana_pool_shared, last_id) + sizeof s->last_id;
	if (s->magic >> 32 != magic >> 32)
		atomic_store(&s->last_id, 0);
	memset((char *)s + after, 0, sizeof *s - after);
	s->listener = listener;
	s->magic = magic;
}

/* Under LOCK_START. LOCK_ALIVE is held shared by every living worker, so whoever gets it alone is
 * the first; going from exclusive to shared is atomic. */
static BANA_RES join(struct bana_pool *pool, uint64_t listener, char *why, size_t why_bytes)
{
	if (lock(pool->fd, F_OFD_SETLK, F_WRLCK, LOCK_ALIVE) == 0)
		begin(pool->shared, listener);
	else if (pool->shared->magic != magic || pool->shared->listener != listener) {
		snprintf(why, why_bytes,
			"node id %u is in use by another pool of this host; give each its own "
			"APP_ENV_NODE_ID",
			pool->node_id);
		return BANA_IS(CONFLICT);
	}
	if (lock(pool->fd, F_OFD_SETLK, F_RDLCK, LOCK_ALIVE) < 0)
		return BANA_IS(UNAVAILABLE);
	return BANA_DONE;
}

static BANA_RES unusable(struct bana_pool *pool, const char *path, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "%s: %s (see APP_ENV_STATE_DIR)", path, strerror(errno));
	if (pool->fd >= 0)
		close(pool->fd);
	pool->fd = -1;
	return BANA_IS(UNAVAILABLE);
}

BANA_RES bana_pool_open(struct bana_pool *pool, const char *dir, unsigned node_id,
	uint64_t listener, char *why, size_t why_bytes)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/node-%u", dir, node_id);
	snprintf(why, why_bytes, "%s", "");
	pool->node_id = node_id;
	pool->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (pool->fd < 0)
		return unusable(pool, path, why, why_bytes);
	lock(pool->fd, F_OFD_SETLKW, F_WRLCK, LOCK_START);
	struct stat st; /* never made shorter: others may have it mapped */
	if (fstat(pool->fd, &st) < 0 || (st.st_size < (off_t)sizeof *pool->shared &&
						ftruncate(pool->fd, sizeof *pool->shared) < 0))
		return unusable(pool, path, why, why_bytes);
	void *map =
		mmap(NULL, sizeof *pool->shared, PROT_READ | PROT_WRITE, MAP_SHARED, pool->fd, 0);
	if (map == MAP_FAILED)
		return unusable(pool, path, why, why_bytes);
	pool->shared = map;
	bana_res joined = join(pool, listener, why, why_bytes);
	lock(pool->fd, F_OFD_SETLK, F_UNLCK, LOCK_START);
	if (joined.fault != BANA_OK)
		bana_pool_close(pool);
	return joined;
}

_Bool bana_pool_watch(struct bana_pool *pool, const char *dir, unsigned node_id)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof path, "%s/node-%u", dir, node_id);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *map = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *pool->shared)
		map = mmap(NULL, sizeof *pool->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*pool = (struct bana_pool){map == MAP_FAILED ? NULL : map, fd, node_id};
	if (map != MAP_FAILED && pool->shared->magic == magic)
		return 1;
	if (map != MAP_FAILED)
		bana_pool_close(pool);
	else if (fd >= 0)
		close(fd);
	*pool = (struct bana_pool){.fd = -1};
	return 0;
}

void bana_pool_close(struct bana_pool *pool)
{
	if (pool->shared == NULL)
		return;
	munmap(pool->shared, sizeof *pool->shared);
	close(pool->fd);
	*pool = (struct bana_pool){.fd = -1};
}

_Bool bana_pool_try_lock(struct bana_pool *pool)
{
	return lock(pool->fd, F_OFD_SETLK, F_WRLCK, LOCK_KEYS) == 0;
}

void bana_pool_unlock(struct bana_pool *pool)
{
	lock(pool->fd, F_OFD_SETLK, F_UNLCK, LOCK_KEYS);
}

int64_t bana_snowflake(struct bana_pool *pool)
{
	enum { SEQUENCE_BITS = 12, NODE_BITS = 10 };
	const int64_t epoch_ms = 1735689600000; /* 2025-01-01T00:00:00Z */
	const int64_t node = (int64_t)pool->node_id << SEQUENCE_BITS;
	int64_t ms = bana_now_us() / 1000 - epoch_ms;
	int64_t fresh = (ms < 0 ? 0 : ms) << (SEQUENCE_BITS + NODE_BITS) | node;
	int64_t last = atomic_load(&pool->shared->last_id);
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
	} while (!atomic_compare_exchange_weak(&pool->shared->last_id, &last, next));
	return next;
}

_Bool bana_breaker_try(struct bana_breaker *breaker, int64_t probe_us)
{
	int64_t until = atomic_load(&breaker->closed_until_tick);
	int64_t tick = bana_tick_us();
	if (until == 0)
		return 1;
	if (tick < until)
		return 0;
	return atomic_compare_exchange_strong(
		&breaker->closed_until_tick, &until, tick + 2 * probe_us);
}

void bana_breaker_ok(struct bana_breaker *breaker)
{
	if (atomic_load(&breaker->closed_until_tick) == 0)
		return;
	atomic_store(&breaker->backoff_us, 0);
	atomic_store(&breaker->closed_until_tick, 0);
}

void bana_breaker_failed(struct bana_breaker *breaker)
{
	enum { FIRST_US = 100000, MOST_US = 1000000 };
	int64_t backoff = atomic_load(&breaker->backoff_us) * 2;
	backoff = backoff < FIRST_US ? FIRST_US : backoff > MOST_US ? MOST_US : backoff;
	atomic_store(&breaker->backoff_us, backoff);
	atomic_store(&breaker->closed_until_tick, bana_tick_us() + backoff);
}
