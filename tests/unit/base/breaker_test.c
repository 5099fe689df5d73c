#include "unit/support.h"

#include "bana/breaker.h"
#include "bana/clock.h"

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
		cmocka_unit_test(a_breaker_lets_one_probe_through_at_a_time),
		cmocka_unit_test(the_back_off_doubles_to_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
