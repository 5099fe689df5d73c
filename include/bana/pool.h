/*
 * What the worker processes of one pool share: a small file in the state folder, mapped by each.
 * Everything in it is atomic or guarded by bana_pool_lock; it is as good after kill -9 as before.
 * Only the last id survives a restart of the pool, the rest begins anew.
 */
#ifndef BANA_POOL_H
#define BANA_POOL_H

#include "bana/metric.h"
#include "bana/result.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { BANA_POOL_KEYS_BYTES = 64 * 1024 };

/* A way out that is skipped for a while after it failed; shared, so one worker probes for all. */
struct bana_breaker {
	_Atomic int64_t closed_until_tick; /* 0: open for use */
	_Atomic int64_t backoff_us;
};

/* The first three members stay where they are in every version: the last id outlives an upgrade. */
struct bana_pool_shared {
	uint64_t magic;
	uint64_t listener;       /* inode of the socket that every worker of the pool accepts on */
	_Atomic int64_t last_id; /* Snowflake */
	struct bana_breaker nchan, bus, admission;
	_Atomic int64_t rooms_answered_tick; /* when nchan last had an answer of its Redis for us */
	_Atomic uint64_t keys_generation;    /* 0: no key set was ever fetched */
	_Atomic int64_t keys_fetched_tick, keys_next_fetch_tick;
	struct bana_metrics metrics;
	uint32_t keys_bytes; /* under the lock, like the text */
	char keys[BANA_POOL_KEYS_BYTES];
};

struct bana_pool {
	struct bana_pool_shared *shared;
	int fd;
	unsigned node_id;
};

/*
 * Map <dir>/node-<node_id>, made when missing (mode 0600). `listener` names the pool; 0 for tools.
 * CONFLICT: another pool of this host lives on this node id. UNAVAILABLE: the file cannot be used.
 * `why` (of `why_bytes`) says so in words; empty on success.
 */
BANA_RES bana_pool_open(struct bana_pool *pool, const char *dir, unsigned node_id,
	uint64_t listener, char *why, size_t why_bytes);
void bana_pool_close(struct bana_pool *pool);

/* Map the same file for another process of the host, which counts there and does nothing else.
 * False: there is none of this version (yet). */
_Bool bana_pool_watch(struct bana_pool *pool, const char *dir, unsigned node_id);

/* Exclusive among the processes of the pool; freed by the kernel when the holder dies. Never waits:
 * false when another process holds it. */
_Bool bana_pool_try_lock(struct bana_pool *pool);
void bana_pool_unlock(struct bana_pool *pool);

/*
 * The next Snowflake: (ms since 2025-01-01) << 22 | node << 12 | sequence, as ignis makes them.
 * Never the same twice in a pool: it is the clock, or the last one plus one when the clock stands
 * or has stepped back.
 */
int64_t bana_snowflake(struct bana_pool *pool);

/* May this way out be tried now? After a failure one caller of the pool is let through as a probe
 * each time the back-off has run out. */
_Bool bana_breaker_try(struct bana_breaker *breaker, int64_t probe_us);
void bana_breaker_ok(struct bana_breaker *breaker);
void bana_breaker_failed(struct bana_breaker *breaker);

#endif
