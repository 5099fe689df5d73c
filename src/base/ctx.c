#include "bana/ctx.h"

enum { ISSUES_MAX = 100 };

void bana_failure_clear(struct bana_ctx *ctx)
{
	ctx->failure = (struct bana_failure){.end = NULL};
	ctx->failure.end = &ctx->failure.issues;
}

void bana_ctx_init(struct bana_ctx *ctx, struct bana_arena *arena, const struct bana_app *app)
{
	*ctx = (struct bana_ctx){.arena = arena, .app = app, .request_id = "-"};
	bana_failure_clear(ctx);
	ctx->after_end = &ctx->after;
}

void bana_fail_note(struct bana_ctx *ctx, const char *message, const char *why)
{
	if (ctx->failure.message == NULL)
		ctx->failure.message = message;
	if (ctx->failure.why == NULL)
		ctx->failure.why = why;
}

void bana_issue_add(struct bana_ctx *ctx, const char *path, const char *code, const char *expected,
	const char *message)
{
	if (ctx->failure.issue_count++ >= ISSUES_MAX)
		return;
	struct bana_issue *issue = bana_alloc(ctx->arena, sizeof *issue);
	*issue = (struct bana_issue){NULL, path, message, code, expected};
	*ctx->failure.end = issue;
	ctx->failure.end = &issue->next;
}

BANA_RES bana_issues_close(struct bana_ctx *ctx)
{
	if (ctx->failure.issue_count == 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_INVALID, "ValidationError", NULL);
}

void bana_after_add(
	struct bana_ctx *ctx, void (*call)(struct bana_ctx *ctx, void *what), void *what)
{
	struct bana_after *after = bana_alloc(ctx->arena, sizeof *after);
	*after = (struct bana_after){NULL, call, what};
	*ctx->after_end = after;
	ctx->after_end = &after->next;
}

void bana_after_clear(struct bana_ctx *ctx)
{
	ctx->after = NULL;
	ctx->after_end = &ctx->after;
}

void bana_after_run(struct bana_ctx *ctx)
{
	for (struct bana_after *after = ctx->after; after != NULL; after = after->next)
		after->call(ctx, after->what);
}
