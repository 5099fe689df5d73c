/*
 * A request without a server: its parameters are rows.
 */
#ifndef TEST_REQ_H
#define TEST_REQ_H

#include "unit/support.h"

#include "bana/req.h"

struct param {
	const char *name, *value;
};

static inline const char *find_param(void *source, const char *name)
{
	for (const struct param *p = source; p != NULL && p->name != NULL; p++) {
		if (strcmp(p->name, name) == 0)
			return p->value;
	}
	return NULL;
}

/* `target` is path and query; `params` is closed by {NULL, NULL}; the context is the unit's. */
static inline void req_init(struct bana_req *q, struct unit *u, const char *method,
	const char *target, const struct param *params)
{
	*q = (struct bana_req){.param = find_param, .source = (void *)(uintptr_t)params};
	bana_ctx_init(&q->ctx, u->ctx.arena, &u->app);
	q->ctx.db = u->ctx.db;
	q->ctx.request_id = "req-1";
	q->method = bana_str_of(method);
	q->target = bana_str_cut(bana_str_of(target), '?', &q->query);
	q->path = q->target;
	bana_buf_init(&q->headers, u->ctx.arena);
	bana_buf_init(&q->reply, u->ctx.arena);
}

#endif
