/*
 * Whole requests through the service's own tables, against the database; no nginx, no FastCGI.
 */
#ifndef TEST_DB_REQUESTS_H
#define TEST_DB_REQUESTS_H

#include "db/support.h"
#include "unit/pool.h"
#include "unit/req.h"

#include "bana/live.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/run.h"
#include "bana/token.h"
#include "outreach/outreach.h"

struct desk {
	struct db db;
	struct bana_pool pool;
	char dir[32];
};

static inline void desk_open(struct desk *d, void **state)
{
	char why[256];
	db_open(&d->db, state);
	strcpy(d->dir, "/tmp/bana-desk-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	assert_ok(bana_pool_open(&d->pool, d->dir, 1, 1, why, sizeof why));
	struct bana_app *app = &d->db.u->app;
	d->db.u->settings.ws_nchan = d->db.u->settings.ws_bus = false; /* nothing is there */
	app->service = &outreach_service;
	app->pool = &d->pool;
	app->jwks = bana_jwks_new(&d->db.u->settings, &d->pool);
	app->tokens = bana_token_cache_new();
	app->policy = bana_policy_new("outreach");
	assert_true(bana_settings_load(&outreach_service.settings, 1, stderr)); /* the defaults */
	outreach_settings.secret = "0123456789abcdef0123456789abcdef";
	outreach_settings.gate = false; /* there is no Redis here */
}

static inline void desk_close(struct desk *d)
{
	struct bana_app *app = &d->db.u->app;
	bana_policy_free(app->policy);
	bana_token_cache_free(app->tokens);
	bana_jwks_free(app->jwks);
	bana_pool_close(&d->pool);
	pool_files_remove(d->dir);
	rmdir(d->dir);
	db_close(&d->db);
}

/* The status; the whole answer as CGI text in `text` (in the arena until the next call). */
static inline int send(struct desk *d, const char *method, const char *path, const char *type,
	const char *body, const char **text)
{
	struct unit *u = d->db.u;
	db_fresh(&d->db);
	const struct param params[] = {
		{"REQUEST_URI", bana_print(u->ctx.arena, "/v1/api/outreach%s", path)},
		{"CONTENT_TYPE", type}, {"REMOTE_ADDR", "192.0.2.7"},
		{"HTTP_USER_AGENT", "unit \xc3\xa4"}, {NULL, NULL}};
	struct bana_req q;
	req_init(&q, u, method, path, params);
	q.path = q.target = q.query = (bana_str){"", 0}; /* the frame's to find */
	q.body = bana_str_of(body);
	struct bana_buf out;
	bana_buf_init(&out, u->ctx.arena);
	bana_run_request(&q, &out);
	if (text != NULL)
		*text = out.at;
	return q.status;
}

#endif
