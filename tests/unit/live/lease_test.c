#include "unit/redis.h"

#include "bana/bridge.h"
#include "bana/redis.h"

/* Spans in ms: of a lease, of the margin before its end, of what a loaded host may add. */
enum { LENGTH = 400, MARGIN = 100, SLACK = 50, TIMEOUT = 100 };

struct rival {
	struct bana_redis *redis;
	struct bana_lease lease;
};

static struct rival rivals[2];

static int begin(void **state)
{
	for (int i = 0; i < 2; i++) {
		rivals[i].redis = bana_redis_new(store.url, "unit-lease", TIMEOUT);
		rivals[i].lease = (struct bana_lease){.key = "unit:bridge", .length_ms = LENGTH};
		snprintf(rivals[i].lease.id, sizeof rivals[i].lease.id, "host:%d:aa", i);
	}
	store_told(&store, "FLUSHALL");
	return unit_open(state);
}

static int end(void **state)
{
	for (int i = 0; i < 2; i++)
		bana_redis_free(rivals[i].redis);
	return unit_close(state);
}

static bana_res step(struct unit *u, int rival, bool wanted)
{
	return bana_lease_step(fresh(u), rivals[rival].redis, &rivals[rival].lease, wanted);
}

static bool held(int rival)
{
	return bana_lease_held(&rivals[rival].lease);
}

static void assert_holder(const char *id)
{
	char text[128];
	assert_string_equal(id, store_says(&store, text, "GET unit:bridge"));
}

/* Until the tick is reached; nothing is expected to happen meanwhile. */
static void wait_until(int64_t tick)
{
	for (int64_t left; (left = tick - bana_tick_us()) > 0;)
		poll(NULL, 0, (int)(left / 1000) + 1);
}

static void one_of_two_takes_it(void **state)
{
	struct unit *u = *state;
	int64_t before = bana_tick_us();
	assert_ok(step(u, 0, true));
	assert_true(held(0));
	assert_ok(step(u, 1, true));
	assert_false(held(1));
	assert_holder("host:0:aa");
	assert_in_range(store_number(&store, "PTTL unit:bridge"), LENGTH - SLACK, LENGTH);
	assert_in_range(rivals[0].lease.held_until_tick, before + (LENGTH - MARGIN) * 1000,
		before + (LENGTH - MARGIN + SLACK) * 1000);
	assert_in_range(rivals[0].lease.known_tick, before, before + SLACK * 1000);
	assert_int_equal(0, rivals[1].lease.held_until_tick);
}

static void nobody_takes_what_is_not_wanted(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, false));
	assert_false(held(0));
	assert_holder("(nil)");
	assert_int_equal(0, rivals[0].lease.known_tick); /* nobody was ever known to hold it */
}

static void it_is_kept_by_steps_wanted_or_not(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	for (int wanted = 0; wanted < 2; wanted++) {
		assert_int_equal(1, store_number(&store, "PEXPIRE unit:bridge 200"));
		int64_t before = bana_tick_us();
		assert_ok(step(u, 0, wanted == 1));
		assert_true(held(0));
		assert_true(rivals[0].lease.known_tick >= before);
		assert_true(rivals[0].lease.held_until_tick >= before + (LENGTH - MARGIN) * 1000);
		assert_in_range(store_number(&store, "PTTL unit:bridge"), LENGTH - SLACK, LENGTH);
		assert_holder("host:0:aa");
	}
}

static void who_watches_knows_when_it_was_last_kept(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	for (int i = 0; i < 3; i++) {
		int64_t kept_tick = rivals[0].lease.known_tick;
		wait_until(kept_tick + 80000);
		for (int wanted = 0; wanted < 2; wanted++) {
			assert_ok(step(u, 1, wanted == 1));
			assert_in_range(rivals[1].lease.known_tick, kept_tick - SLACK * 1000,
				kept_tick + SLACK * 1000);
		}
		assert_ok(step(u, 0, true));
	}
	int64_t known = rivals[1].lease.known_tick;
	store_says(&store, (char[128]){""}, "DEL unit:bridge");
	assert_ok(step(u, 1, false)); /* nobody holds it now: that tells nothing of before */
	assert_int_equal(known, rivals[1].lease.known_tick);
}

static void it_lapses_before_another_may_begin(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	int64_t taken_tick = rivals[0].lease.known_tick, stopped_tick = 0;
	while (!held(1)) {
		if (stopped_tick == 0 && !held(0))
			stopped_tick = bana_tick_us();
		assert_ok(step(u, 1, true));
		assert_false(held(0) && held(1));
		assert_true(bana_tick_us() < taken_tick + 4 * LENGTH * 1000);
	}
	assert_in_range(stopped_tick, taken_tick + (LENGTH - MARGIN) * 1000,
		taken_tick + (LENGTH - MARGIN + SLACK) * 1000);
	assert_in_range(rivals[1].lease.known_tick, taken_tick + (LENGTH - 5) * 1000,
		taken_tick + (LENGTH + SLACK) * 1000);
	assert_ok(step(u, 0, true)); /* too late */
	assert_false(held(0));
	assert_int_equal(0, rivals[0].lease.held_until_tick);
	assert_holder("host:1:aa");
}

/* After the margin began it is still its holder's, if he comes in time. */
static void who_is_late_but_in_time_keeps_it(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	wait_until(rivals[0].lease.held_until_tick);
	assert_false(held(0));
	assert_ok(step(u, 0, false));
	assert_true(held(0));
	assert_holder("host:0:aa");
}

static void what_is_resigned_is_free_at_once(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	bana_lease_resign(fresh(u), rivals[0].redis, &rivals[0].lease);
	assert_false(held(0));
	assert_holder("(nil)");
	assert_ok(step(u, 1, true));
	assert_true(held(1));
	bana_lease_resign(fresh(u), rivals[0].redis, &rivals[0].lease); /* once more: not his */
	assert_ok(step(u, 0, true));
	assert_false(held(0));
	assert_holder("host:1:aa");
}

static void what_is_anothers_is_never_deleted_or_prolonged(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	store_told(&store, "SET unit:bridge stranger PX 5000");
	for (int wanted = 0; wanted < 2; wanted++) {
		rivals[0].lease.held_until_tick = bana_tick_us() + 1000000; /* as it believes */
		assert_ok(step(u, 0, wanted == 1));
		assert_false(held(0));
		assert_holder("stranger");
		assert_in_range(store_number(&store, "PTTL unit:bridge"), 4000, 5000);
	}
	rivals[0].lease.held_until_tick = bana_tick_us() + 1000000;
	bana_lease_resign(fresh(u), rivals[0].redis, &rivals[0].lease);
	assert_false(held(0));
	assert_holder("stranger");
	store_told(&store, "SET unit:bridge forever"); /* by hand, without an end */
	int64_t known = rivals[0].lease.known_tick;
	assert_ok(step(u, 0, true));
	assert_false(held(0));
	assert_int_equal(-1, store_number(&store, "PTTL unit:bridge"));
	assert_int_equal(known, rivals[0].lease.known_tick);
}

/* Nobody else can take it meanwhile, so who held it goes on, but not for longer. */
static void assert_held_to_its_end(struct unit *u, int64_t least_ms, int64_t most_ms)
{
	int64_t until = rivals[0].lease.held_until_tick;
	while (held(0)) {
		int64_t begun = bana_tick_us();
		assert_fault(UNAVAILABLE, step(u, 0, true));
		assert_in_range((bana_tick_us() - begun) / 1000, least_ms, most_ms);
		assert_int_equal(until, rivals[0].lease.held_until_tick);
		assert_non_null(u->ctx.failure.why);
	}
	assert_true(bana_tick_us() >= until);
	assert_false(held(0));
	assert_fault(UNAVAILABLE, step(u, 1, true));
	assert_false(held(1));
}

static void while_redis_is_away_it_is_held_to_its_end_only(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	store_kill(&store);
	assert_held_to_its_end(u, 0, TIMEOUT);
	int64_t begun = bana_tick_us();
	bana_lease_resign(fresh(u), rivals[0].redis, &rivals[0].lease);
	assert_true(bana_tick_us() - begun < TIMEOUT * 1000);
	assert_int_equal(0, rivals[0].lease.held_until_tick);
	store_start(&store);
	assert_ok(step(u, 1, true)); /* and is anybody's then */
	assert_true(held(1));
}

static void while_redis_is_frozen_it_is_held_to_its_end_only(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	assert_ok(step(u, 1, true));
	kill(store.pid, SIGSTOP);
	assert_held_to_its_end(u, TIMEOUT - 10, 3 * TIMEOUT - 10);
	kill(store.pid, SIGCONT);
	/* one of those that were asked in vain may have taken it late, and does not know */
	int64_t begun = bana_tick_us();
	while (!held(0)) {
		assert_ok(step(u, 0, true));
		assert_true(bana_tick_us() - begun < (LENGTH + 4 * SLACK) * 1000);
	}
}

static void a_full_redis_lets_it_be_kept_and_resigned(void **state)
{
	struct unit *u = *state;
	assert_ok(step(u, 0, true));
	store_told(&store, "CONFIG SET maxmemory-policy noeviction");
	store_told(&store, "CONFIG SET maxmemory 1");
	assert_int_equal(1, store_number(&store, "PEXPIRE unit:bridge 200"));
	assert_ok(step(u, 0, true));
	assert_true(held(0));
	assert_in_range(store_number(&store, "PTTL unit:bridge"), LENGTH - SLACK, LENGTH);
	assert_fault(UNAVAILABLE, step(u, 1, true)); /* SET is refused before it is looked at */
	assert_non_null(strstr(u->ctx.failure.why, "OOM"));
	assert_false(held(1));
	assert_ok(step(u, 1, false));
	assert_in_range(rivals[1].lease.known_tick, rivals[0].lease.known_tick - SLACK * 1000,
		rivals[0].lease.known_tick + SLACK * 1000);
	bana_lease_resign(fresh(u), rivals[0].redis, &rivals[0].lease);
	assert_holder("(nil)");
	store_told(&store, "CONFIG SET maxmemory 0");
	assert_ok(step(u, 1, true));
	assert_true(held(1));
}

#define lease_case(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lease_case(one_of_two_takes_it),
		lease_case(nobody_takes_what_is_not_wanted),
		lease_case(it_is_kept_by_steps_wanted_or_not),
		lease_case(who_watches_knows_when_it_was_last_kept),
		lease_case(it_lapses_before_another_may_begin),
		lease_case(who_is_late_but_in_time_keeps_it),
		lease_case(what_is_resigned_is_free_at_once),
		lease_case(what_is_anothers_is_never_deleted_or_prolonged),
		lease_case(while_redis_is_away_it_is_held_to_its_end_only),
		lease_case(while_redis_is_frozen_it_is_held_to_its_end_only),
		lease_case(a_full_redis_lets_it_be_kept_and_resigned),
	};
	return cmocka_run_group_tests(tests, store_setup, store_teardown);
}
