/*
 * The frames: what a process does from start to end.
 */
#ifndef BANA_RUN_H
#define BANA_RUN_H

#include "bana/app.h"
#include "bana/result.h"

struct bana_buf;
struct bana_call;
struct bana_ctx;
struct bana_pg;
struct bana_req;
struct bana_sink;
struct reload;

/* The whole program of a service: settings, command line, one frame. Returns the exit status:
 * 0 done, 1 failed (why is on stderr or in the log), 2 wrong use or settings. */
int bana_main(const struct bana_service *service, int argc, char **argv);

/* The bridge from the bus of ignis servers to the rooms: settings, command line, loop. Exit status
 * as above. */
int bana_bridge_main(int argc, char **argv);
extern const struct bana_setting bana_bridge_setting_rows[];
extern const size_t bana_bridge_setting_count;

/* What the table of settings cannot say: whether addresses can be used (those that were not loaded
 * are left out), and the node, which becomes the sum of its two settings. Every reason is a line on
 * `errors`; no address is shown, for it may hold a password. */
bool bana_settings_settle(struct bana_settings *settings, FILE *errors);

/* Log as the settings say, under this name; NULL: the name it has. */
void bana_log_begin(const char *name, const struct bana_settings *settings);

/* Accept and answer requests until told to stop. `db` is the worker's connection; what `reload`
 * reads again takes effect between two requests. */
int bana_run_api(const struct bana_app *app, struct bana_pg *db, struct reload *reload);

/* One request, already taken in: find, guard, handle, render. Used by the loop and by tests. */
void bana_run_request(struct bana_req *q, struct bana_buf *out);

/* After its head: the body of an answer that is written piece by piece; nothing for any other.
 * False: the client must not take it for whole. */
bool bana_run_stream(struct bana_req *q, struct bana_sink *sink);

/* Apply what is missing of <migrations_dir>/<service>/NNNN_*.sql, then of .../platform/, which is
 * for every service and says {service} for its schema; each in its transaction (or, if its first
 * line is "-- without transaction", statement by statement: then each must bear being run
 * again), one process at a time; then the seeds. CONFLICT: an applied file has changed since. */
BANA_RES bana_run_migrate(struct bana_ctx *ctx);

/* seed/NN_*.sql of both folders, the platform's first; every one every time, each in its
 * transaction. */
BANA_RES bana_run_seed(struct bana_ctx *ctx);

/* Probes; rows of a service's route table. */
extern const struct bana_call bana_health_live, bana_health_ready;

/* All that can be counted; a row with BANA_INSIDE. */
extern const struct bana_call bana_metrics;

/* GET /permissions/me; a row with BANA_SIGNED_IN. */
extern const struct bana_call bana_permissions_me;

#endif
