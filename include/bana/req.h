/*
 * A request and the answer in the making. Made by run/api.c (or a test), lives as long as the
 * context in it.
 */
#ifndef BANA_REQ_H
#define BANA_REQ_H

#include "bana/buf.h"
#include "bana/ctx.h"

struct bana_entity;
struct bana_json;
struct bana_req;
struct bana_row;
struct bana_sink;

enum { BANA_ARGS_MAX = 4 };

enum {
	BANA_FORM = 1,        /* application/x-www-form-urlencoded is taken beside JSON */
	BANA_AT_ROOT = 2,     /* answers at the root of the host too (probes) */
	BANA_QUERY_TOKEN = 4, /* the token may come as access_token: never show the query */
	BANA_MASKS = 8, /* MASKED fields are shown in part to who lacks <Entity>.readPersonal */
	BANA_SIGNED_IN = 16, /* without a permission, but with a token */
	BANA_INSIDE = 32,    /* at the root only, which the edge does not route; in no document */
};

/* What a call takes, besides what its path says. */
enum {
	BANA_TAKES_FILTER = 1, /* filter: where, order, fields, limit, skip */
	BANA_TAKES_WHERE = 2,
	BANA_TAKES_CURSOR = 4,
	BANA_TAKES_MATCH = 8,  /* If-Match */
	BANA_TAKES_COUNT = 16, /* Prefer: count=none|exact */
};

/* What the body of a success holds. */
enum bana_gives {
	BANA_GIVES_ROW,    /* one row of the entity, in the envelope */
	BANA_GIVES_ROWS,   /* a list of them */
	BANA_GIVES_OTHER,  /* `schema`, in the envelope */
	BANA_GIVES_OTHERS, /* a list of `schema` */
	BANA_GIVES_PLAIN,  /* `schema` as it is */
	BANA_GIVES_TEXT,   /* `media` */
};

/* A kind of call: its handler, and what the OpenAPI document says of it. Tables only. */
struct bana_call {
	BANA_RES (*handle)(struct bana_req *q);
	const char *name;       /* operationId is this, with the entity's name behind it */
	unsigned takes;         /* BANA_TAKES_* */
	const char *parameters; /* further ones: JSON of Parameter Objects, comma-separated */
	unsigned body; /* who sets the fields of the body: BANA_PUBLIC, BANA_STAFF; 0: no body */
	const struct bana_entity *takes_entity; /* whose fields; NULL: the route's */
	const char *
		body_schema; /* of a body that is no entity: JSON Schema, @ for the entity's name */
	int status;          /* of success */
	enum bana_gives gives;
	const char *schema;  /* JSON Schema of what is given, as JSON text */
	const char *media;   /* BANA_GIVES_TEXT, or a page that some get instead */
	const char *faults;  /* further statuses, comma-separated: "404,409" */
	const char *headers; /* of a success, comma-separated: "ETag,Location" */
	/* After the handler, and after the answer was kept for its Idempotency-Key, or whatever
	 * failed before: may put a page (`media`) in its place. NULL: nothing does. */
	void (*page)(struct bana_req *q);
};

struct bana_route {
	const char *verb;
	const char *path; /* "/inquiries/{id}" */
	const struct bana_call *call;
	const struct bana_entity *entity; /* NULL: of none */
	const char *permission;           /* Casbin object; NULL: public, or BANA_SIGNED_IN */
	const char *action;               /* Casbin action */
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
	bool masked;                    /* set by the guard: see BANA_MASKS */

	/* out */
	int status;
	const char *media; /* Content-Type; NULL: application/json */
	struct bana_buf headers, reply;
	/* After the head, instead of `reply`: write the body piece by piece. False: it is not
	 * whole, and the client must learn so. NULL: `reply` is the body. */
	bool (*stream)(struct bana_req *q, struct bana_sink *sink);
	void *streamed; /* what `stream` works on, in the arena */
};

/* Where a streamed body goes. */
struct bana_sink {
	bool (*write)(struct bana_sink *sink, bana_str bytes); /* false: nobody takes it any more */
	void *to;
};

/* A request header by its FastCGI name ("HTTP_ORIGIN"); NULL when absent or empty. */
const char *bana_req_header(const struct bana_req *q, const char *name);

/* Would the client rather have the media type than the other one? Of two that it wants as much, the
 * one that it names more exactly. False where it does not say. */
bool bana_req_prefers(const struct bana_req *q, const char *type, const char *other);

/* Is the body said to be application/x-www-form-urlencoded? */
bool bana_req_is_form(const struct bana_req *q);

/* Find the route: sets route and args. NOT_FOUND; NO_METHOD with what is allowed. */
BANA_RES bana_route_find(struct bana_req *q, const struct bana_route *routes, size_t count);

/* Comma-separated verbs of the routes that share this request's path; NULL: unknown path. */
const char *bana_route_verbs(struct bana_req *q, const struct bana_route *routes, size_t count);

/* Read the body (JSON, or a form where the route takes one) into `row`; only fields carrying `who`
 * are taken. MALFORMED, MEDIA, INVALID: every reason is in the failure. */
BANA_RES bana_req_row(
	struct bana_req *q, const struct bana_entity *entity, unsigned who, struct bana_row *row);

/* The same body as JSON, whatever is in it. */
BANA_RES bana_req_json(struct bana_req *q, const struct bana_json **json);

void bana_reply_header(struct bana_req *q, const char *name, const char *value);

/* {"count":1,"data":<json>}; bare <json> when the client asks so (ignis: x-request-count). */
BANA_RES bana_reply_one(struct bana_req *q, int status, bana_str json);

/* A list of `count` items: {"count":<count>,"data":<json>}, or bare. */
BANA_RES bana_reply_list(struct bana_req *q, int status, bana_str json, size_t count);

/* Anything else; `media` is static text. */
BANA_RES bana_reply_text(struct bana_req *q, int status, const char *media, bana_str text);

/* application/problem+json (RFC 9457 with the members of ignis) from the failure in the context. */
void bana_reply_problem(struct bana_req *q, bana_res result);

/* Head and body as CGI text: Status, headers (with CORS where the origin is allowed), body. */
void bana_reply_render(struct bana_req *q, struct bana_buf *out);

#endif
