/*
 * What the worker processes of one pool share: two small files in the state folder, mapped by each.
 * Everything in them is atomic or guarded by a lock of the kernel's; it is as good after kill -9 as
 * before. node-<id> holds the last id, survives everything and looks the same in every version;
 * node-<id>.<layout> holds the rest, begins anew with the pool (that is, with its socket; not when
 * all its workers are replaced), and is one for each version of its layout: so workers of two
 * versions can serve side by side while a new one is rolled out.
 */
#ifndef BANA_POOL_H
#define BANA_POOL_H

#include "bana/breaker.h"
#include "bana/metric.h"
#include "bana/result.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BANA_POOL_KEYS_BYTES = 64 * 1024,
	BANA_WORKERS_MAX = 1024,
	BANA_CONSUMERS_MAX = 16,
	BANA_CHECKS_MAX = 8,
	BANA_BOOT_BYTES = 40,
	BANA_BUCKET_PLACES = 32768,
};

/* Of node-<id>. */
struct bana_pool_ids {
	uint64_t magic;
	uint64_t listener;       /* inode of the socket that every worker of the pool accepts on */
	_Atomic int64_t last_id; /* Snowflake */
};

enum bana_worker_state { BANA_WORKER_IDLE, BANA_WORKER_BUSY, BANA_WORKER_DORMANT };

/* A worker's own place; alone on its cache line, for it is written twice a request. */
struct bana_worker {
	_Alignas(64) _Atomic int state;
	_Atomic int64_t resident_bytes;
};

/* A consumer of Kafka says how far it is; see struct bana_consumers. */
struct bana_consumer {
	_Alignas(64) _Atomic int partitions;
	_Atomic int64_t lag;
	_Atomic int64_t committed_tick; /* 0: not yet */
	_Atomic int away;               /* the brokers do not answer */
	_Atomic int settled;            /* it has the partitions that the group gave it */
};

/* A token bucket of this host (bana/bucket.h). A key may lose its place when more than fit are in
 * use, the one first that is full again first: then nothing is known of it. */
struct bana_bucket_place {
	_Atomic uint64_t key;
	_Atomic int64_t state; /* when it is full again, ms of the tick; shifted: was Redis told? */
};

/* What was last found out about the parts the pool stands on (run/health.c). */
struct bana_checks {
	_Atomic int64_t done_tick; /* 0: nobody has looked yet */
	_Atomic int reasons[BANA_CHECKS_MAX];
	_Atomic int64_t migrations_missing, migrations_ahead;
};

/* What waits to be sent by `work`, as its sender last saw it: of the whole database. */
struct bana_backlog_state {
	_Atomic int64_t looked_tick; /* 0: never */
	_Atomic int64_t waiting, oldest_s;
};

/* Of node-<id>.<layout>. */
struct bana_pool_shared {
	uint64_t layout;
	uint64_t listener;          /* whose pool this was, and of which boot: */
	char boot[BANA_BOOT_BYTES]; /* another one begins anew */
	struct bana_breaker nchan, bus, admission, buckets;
	_Atomic int64_t rooms_answered_tick; /* when nchan last had an answer of its Redis for us */
	_Atomic uint64_t keys_generation;    /* 0: no key set was ever fetched */
	_Atomic int64_t keys_fetched_tick, keys_next_fetch_tick;
	_Atomic int keys_failed; /* the last fetch */
	_Atomic int draining;    /* told to look unready, though it serves */
	struct bana_checks checks;
	struct bana_backlog_state webhooks;
	struct bana_metrics metrics;
	struct bana_bucket_place buckets_here[BANA_BUCKET_PLACES];
	unsigned places; /* how many of workers[] were ever taken; under the lock of a start */
	struct bana_worker workers[BANA_WORKERS_MAX];
	struct bana_consumer consumers[BANA_CONSUMERS_MAX];
	uint32_t keys_bytes; /* under the lock, like the text */
	char keys[BANA_POOL_KEYS_BYTES];
};

struct bana_pool {
	struct bana_pool_shared *shared; /* NULL: closed, or there is none to watch */
	struct bana_pool_ids *ids;       /* NULL but in who gives ids: a worker, a consumer */
	int fd, ids_fd;
	unsigned node_id;
	_Bool worker;
	unsigned place; /* the lowest free one when it came; among workers[] or consumers[] */
};

/*
 * As a worker: map <dir>/node-<node_id> and its companion, made when missing (mode 0600), and take
 * a place. `listener` names the pool; 0 for tools.
 * CONFLICT: another pool of this host lives on this node id, or no place is left. UNAVAILABLE: a
 * file cannot be used. `why` (of `why_bytes`) says so in words; empty on success.
 */
BANA_RES bana_pool_open(struct bana_pool *pool, const char *dir, unsigned node_id,
	uint64_t listener, char *why, size_t why_bytes);
void bana_pool_close(struct bana_pool *pool);

/* As a consumer, beside the workers of that node id, or before there are any: it gives ids of the
 * same row and counts into the same memory, which begins anew when they do. Faults as above. */
BANA_RES bana_pool_join(
	struct bana_pool *pool, const char *dir, unsigned node_id, char *why, size_t why_bytes);

/* Map what there is for another process of the host, which counts and looks, and gives no ids.
 * False: there is none of this layout (yet); whether workers of another live can be asked all the
 * same. To be closed in any case. */
_Bool bana_pool_watch(struct bana_pool *pool, const char *dir, unsigned node_id);

enum bana_pool_lock {
	BANA_LOCK_KEYS = 2,   /* of the key set and its fetch */
	BANA_LOCK_CHECKS = 3, /* of who looks at the parts */
};

/* Exclusive among the processes of the pool; freed by the kernel when the holder dies. Never waits:
 * false when another process holds it. */
_Bool bana_pool_try_lock(struct bana_pool *pool, enum bana_pool_lock which);
void bana_pool_unlock(struct bana_pool *pool, enum bana_pool_lock which);

/* A worker says what it is at. Nothing happens when it is none. */
void bana_worker_is(const struct bana_pool *pool, enum bana_worker_state state);

/* And how much memory it holds; nothing but a number for others to read. */
void bana_worker_weighs(const struct bana_pool *pool, int64_t resident_bytes);

/* The same, of all workers that live: a worker that was killed does not count. */
struct bana_workers {
	unsigned idle, busy, dormant;
	int64_t resident_bytes, resident_bytes_max; /* as they last said */
};
struct bana_workers bana_workers_look(const struct bana_pool *pool);

/* Of a consumer itself; NULL in any other process. */
struct bana_consumer *bana_consumer_self(const struct bana_pool *pool);

/* What all consumers of this host that live say. */
struct bana_consumers {
	unsigned living, away, settled, partitions;
	int64_t lag;            /* messages that wait in their partitions */
	int64_t committed_tick; /* the last commit of any; 0: none yet */
};
struct bana_consumers bana_consumers_look(const struct bana_pool *pool);

/* Does any worker live, of whatever version? Quick. */
_Bool bana_pool_lives(const struct bana_pool *pool);

/*
 * The next Snowflake: (ms since 2025-01-01) << 22 | node << 12 | sequence, as ignis makes them.
 * Never the same twice in a pool: it is the clock, or the last one plus one when the clock stands
 * or has stepped back.
 */
int64_t bana_snowflake(struct bana_pool *pool);

#endif
