/*
 * Token buckets: so many at once, and one more every so often. All hosts share them through Redis;
 * while it is away each host has its own, in the memory of its pool, and nobody waits for it.
 *
 * A bucket is the time at which it will be full again (GCRA, ITU-T I.371): one number. It is
 * forgotten when it is full, so nothing has to be cleaned up.
 *
 * A host tells Redis of a key with the second token that it takes, of both then. So whoever comes
 * once costs no round trip, and each further host may let one more through than fit.
 */
#ifndef BANA_BUCKET_H
#define BANA_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bana_ctx;

struct bana_bucket {
	const char *key;  /* what is counted and whose; no personal data, for Redis keeps it */
	int64_t burst;    /* tokens that fit in it; 0: no limit, never empty */
	int64_t every_ms; /* one more token each */
	bool look;        /* take none */
	bool empty;       /* out: there was none */
};

enum { BANA_BUCKETS_MAX = 8 };

/* Take one token of each, at most BANA_BUCKETS_MAX, in at most one round trip of at most
 * APP_ENV_BUCKETS_TIMEOUT_MS. An empty bucket stays as it is, and does not keep the others. */
void bana_buckets_take(struct bana_ctx *ctx, struct bana_bucket *buckets, size_t count);

#endif
