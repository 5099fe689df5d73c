#include "bana/breaker.h"

#include "bana/clock.h"

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
