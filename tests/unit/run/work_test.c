/*
 * The frame of the work that a service does by itself: what it does when the work fails.
 */
#include "unit/support.h"

#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/work.h"
#include "run/reload.h"

#include <signal.h>

enum { BUSY_US = 600000 };

static struct {
	int turns, meanwhile;
	int64_t until_tick;
} seen;

static BANA_RES begin(struct bana_ctx *ctx, void **state)
{
	(void)ctx;
	*state = &seen;
	seen.until_tick = bana_tick_us() + BUSY_US;
	return BANA_DONE;
}

static BANA_RES turn(struct bana_ctx *ctx, void *state, int *rest_ms)
{
	(void)state;
	(void)rest_ms;
	if (seen.turns++ == 0)
		raise(SIGTERM); /* blocked until the frame rests */
	return bana_fail_later(ctx, "The database is away", "as said");
}

static bool busy(const void *state)
{
	(void)state;
	return bana_tick_us() < seen.until_tick;
}

static void meanwhile(void *state)
{
	(void)state;
	seen.meanwhile++;
}

static void end(void *state)
{
	(void)state;
}

static void what_fails_while_it_stops_is_not_tried_without_a_rest(void **state)
{
	static const struct bana_work work = {.name = "work",
		.begin = begin,
		.turn = turn,
		.busy = busy,
		.meanwhile = meanwhile,
		.end = end};
	static const struct bana_service service = {.work = &work};
	struct unit *u = *state;
	u->app.service = &service;
	struct reload *reload = reload_new(NULL, 0, &u->settings, NULL);
	assert_int_equal(0, bana_run_work(&u->app, NULL, reload));
	reload_free(reload);
	assert_row(seen.turns >= 3 && seen.turns <= 8, "%d turns", seen.turns);
	assert_row(seen.meanwhile >= 3, "driven %d times", seen.meanwhile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(what_fails_while_it_stops_is_not_tried_without_a_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
