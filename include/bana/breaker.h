/*
 * A way out that is skipped for a while after it failed; shared by the workers of a pool, so one of
 * them probes for all.
 */
#ifndef BANA_BREAKER_H
#define BANA_BREAKER_H

#include <stdatomic.h>
#include <stdint.h>

struct bana_breaker {
	_Atomic int64_t closed_until_tick; /* 0: open for use */
	_Atomic int64_t backoff_us;
};

/* May this way out be tried now? After a failure one caller of the pool is let through as a probe
 * each time the back-off has run out. */
_Bool bana_breaker_try(struct bana_breaker *breaker, int64_t probe_us);
void bana_breaker_ok(struct bana_breaker *breaker);
void bana_breaker_failed(struct bana_breaker *breaker);

#endif
