/*
 * The frame of what a service does by itself, apart from requests: turn after turn, until told to
 * stop.
 */
#ifndef BANA_WORK_H
#define BANA_WORK_H

#include "bana/result.h"

#include <stdbool.h>

struct bana_app;
struct bana_ctx;
struct bana_pg;
struct reload;

struct bana_work {
	const char *name; /* for the log */

	/* Once. *state lives until `end`. MALFORMED: a setting that cannot be used. */
	BANA_RES (*begin)(struct bana_ctx *ctx, void **state);

	/* Do some of what is due; what takes long goes on beside the next turns. *rest_ms: how long
	 * nothing is to be done, as far as known; 0 for none. Once a stop was asked for nothing new
	 * is begun. A fault: it is tried again, a little later. */
	BANA_RES (*turn)(struct bana_ctx *ctx, void *state, int *rest_ms);

	/* Is anything under way that a stop should wait for? */
	bool (*busy)(const void *state);

	/* During a rest, every 50 ms while busy: let what is under way go on; without the database,
	 * without waiting. NULL: it goes on by itself. */
	void (*meanwhile)(void *state);

	void (*end)(void *state);
};

/* Until told to stop; then what is under way has 12 s to end. Exit status as of bana_main. */
int bana_run_work(const struct bana_app *app, struct bana_pg *db, struct reload *reload);

#endif
