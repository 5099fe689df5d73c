/*
 * A request and the answer in the making. Made by run/api.c (or a test), lives as long as the
 * context in it.
 */
#ifndef BANA_REQ_H
#define BANA_REQ_H

#include "bana/buf.h"
#include "bana/ctx.h"

struct bana_entity;
struct bana_req;
struct bana_row;

enum { BANA_ARGS_MAX = 4 };

enum {
	BANA_FORM = 1,        /* application/x-www-form-urlencoded is taken beside JSON */
	BANA_AT_ROOT = 2,     /* answers at the root of the host too (probes) */
	BANA_QUERY_TOKEN = 4, /* the token may come as access_token: never show the query */
};

struct bana_route {
	const char *verb;
	const char *path; /* "/inquiries/{id}" */
	BANA_RES (*handle)(struct bana_req *q);
	const char *permission; /* Casbin object; NULL: public */
	const char *action;     /* Casbin action */
	unsigned flags;
	const char *says; /* one line for people */
};

struct bana_req {
	struct bana_ctx ctx;

	/* in */
	const char *(*param)(void *source, const char *name); /* FastCGI parameters */
	void *source;
	bana_str method;
	bana_str target;      /* the path asked for, undecoded, without the query */
	bana_str path, query; /* path without the base path */
	bana_str body;
	bana_res body_fault;            /* TOO_LARGE or MALFORMED: `body` is not there */
	const struct bana_route *route; /* NULL until found */
	bana_str args[BANA_ARGS_MAX];   /* {…} of the path, decoded, in order */

	/* out */
	int status;
	const char *media; /* Content-Type; NULL: application/json */
	struct bana_buf headers, reply;
};

/* A request header by its FastCGI name ("HTTP_ORIGIN"); NULL when absent or empty. */
const char *bana_req_header(const struct bana_req *q, const char *name);

/* Find the route: sets route and args. NOT_FOUND; NO_METHOD with what is allowed. */
BANA_RES bana_route_find(struct bana_req *q, const struct bana_route *routes, size_t count);

/* Comma-separated verbs of the routes that share this request's path; NULL: unknown path. */
const char *bana_route_verbs(struct bana_req *q, const struct bana_route *routes, size_t count);

/* Read the body (JSON, or a form where the route takes one) into `row`; only fields carrying `who`
 * are taken. MALFORMED, MEDIA, INVALID: every reason is in the failure. */
BANA_RES bana_req_row(
	struct bana_req *q, const struct bana_entity *entity, unsigned who, struct bana_row *row);

void bana_reply_header(struct bana_req *q, const char *name, const char *value);

/* {"count":1,"data":<json>}; bare <json> when the client asks so (ignis: x-request-count). */
BANA_RES bana_reply_one(struct bana_req *q, int status, bana_str json);

/* Anything else; `media` is static text. */
BANA_RES bana_reply_text(struct bana_req *q, int status, const char *media, bana_str text);

/* application/problem+json (RFC 9457 with the members of ignis) from the failure in the context. */
void bana_reply_problem(struct bana_req *q, bana_res result);

/* Head and body as CGI text: Status, headers (with CORS where the origin is allowed), body. */
void bana_reply_render(struct bana_req *q, struct bana_buf *out);

#endif
