/*
 * The context of one unit of work: use cases take it and never know who called them. It carries
 * the arena, who acts, the correlation id, the database, and what went wrong in detail.
 */
#ifndef BANA_CTX_H
#define BANA_CTX_H

#include "bana/arena.h"
#include "bana/result.h"
#include "bana/text.h"
#include "bana/trace.h"

struct bana_actor;
struct bana_app;
struct bana_ctx;
struct bana_pg;

/* One reason, addressed: `path` is dot-joined from the root of what was sent. */
struct bana_issue {
	struct bana_issue *next;
	const char *path;
	const char *message;
	const char *code;     /* zod 4 code, so that old clients find what they know */
	const char *expected; /* NULL but for invalid_type */
};

struct bana_failure {
	const char *message; /* for the body; NULL: the title of the fault */
	const char *detail;  /* more for the body; NULL: the message again */
	const char *why;     /* for the log only */
	struct bana_issue *issues, **end;
	unsigned issue_count;
	unsigned retry_after_s; /* 0: no header */
	const char *allow;      /* 405 only */
	const char *allowed;    /* 409 only: a JSON list of what would be; NULL: no such list */
	const char *checks;     /* a JSON object for the body's details; NULL: none */
};

/* Work put off until the reply is on its way. `call` logs its own failures. */
struct bana_after {
	struct bana_after *next;
	void (*call)(struct bana_ctx *ctx, void *what);
	void *what;
};

struct bana_ctx {
	struct bana_arena *arena;
	const struct bana_app *app; /* process lifetime: settings, tables, connections */
	struct bana_pg *db;
	const char *request_id;         /* never NULL once the work began */
	const struct bana_trace *trace; /* NULL: the caller has begun none */
	const struct bana_actor *actor; /* NULL: nobody is signed in */
	struct bana_failure failure;
	struct bana_after *after, **after_end;
};

/* In place; begins a unit of work on an empty arena. */
void bana_ctx_init(struct bana_ctx *ctx, struct bana_arena *arena, const struct bana_app *app);

/* Set the detail once: the first caller, the lowest function, wins. */
void bana_fail_note(struct bana_ctx *ctx, const char *message, const char *why);

/* Set the detail and return the fault. `message` goes to the client, `why` to the log; both must
 * outlive the work or be in the arena. Inline, so that compilers see that it is no OK. */
static inline BANA_RES bana_fail(
	struct bana_ctx *ctx, enum bana_fault fault, const char *message, const char *why)
{
	bana_fail_note(ctx, message, why);
	return (bana_res){fault};
}

/* UNAVAILABLE with Retry-After. */
static inline BANA_RES bana_fail_later(struct bana_ctx *ctx, const char *message, const char *why)
{
	if (ctx->failure.retry_after_s == 0)
		ctx->failure.retry_after_s = 1;
	return bana_fail(ctx, BANA_UNAVAILABLE, message, why);
}

/* Forget what went wrong, to try something else in the same unit of work. */
void bana_failure_clear(struct bana_ctx *ctx);

/* Add one reason; at most 100 are kept. Return value of bana_fail follows from the caller. */
void bana_issue_add(struct bana_ctx *ctx, const char *path, const char *code, const char *expected,
	const char *message);

/* INVALID "ValidationError" when there is any issue, else OK. */
BANA_RES bana_issues_close(struct bana_ctx *ctx);

/* Put `call(ctx, what)` off until the reply has been handed over; `what` lives in the arena. */
void bana_after_add(
	struct bana_ctx *ctx, void (*call)(struct bana_ctx *ctx, void *what), void *what);

/* What was put off is not to be: the work failed. */
void bana_after_clear(struct bana_ctx *ctx);

/* Run what was put off, in order. */
void bana_after_run(struct bana_ctx *ctx);

#endif
